//! Breadth first over all states, so that the first history that breaks an invariant is a shortest.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::invariants::Broken;
use crate::moves::{Bounds, Move};
use crate::runs::Rules;
use crate::world::World;

/// What a search has come to.
pub(crate) struct Found {
    pub(crate) states: usize,
    pub(crate) moves: usize,
    pub(crate) depth: usize,
    /// Whether no state is left out: from the deepest nothing new is reached.
    pub(crate) is_all: bool,
    pub(crate) broken: Option<(Broken, History)>,
}

/// The way to a state.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// Which of the states that the search has begun with.
    pub(crate) first: usize,
    pub(crate) moves: Vec<Move>,
}

/// A state by the one that it was reached from first, and the move; none for one that the search has begun with.
struct Known(Option<(u32, Move)>);

/// Looks at each state once that can be reached from the first ones.
pub(crate) fn search(first: &[World], bounds: &Bounds, rules: &Rules, mut each: impl FnMut(&World)) -> Found {
    let mut seen = HashSet::new();
    let mut known = Vec::new();
    let mut layer = Vec::new();
    for world in first {
        let world = world.clone().with_faults(bounds.faults);
        if seen.insert(print_of(&world)) {
            layer.push((number(known.len()), world));
        }
        known.push(Known(None));
    }
    let mut found = Found { states: layer.len(), moves: 0, depth: 0, is_all: true, broken: None };
    loop {
        layer.iter().for_each(|(_, world)| each(world));
        if found.depth == bounds.moves {
            found.is_all = layer.is_empty();
            return found;
        }
        let mut next = Vec::new();
        for (parent, world) in layer {
            for by in world.moves(bounds, rules) {
                found.moves += 1;
                let mut then = world.clone();
                let made = then.make(by, rules);
                if made.is_ok() && !seen.insert(print_of(&then)) {
                    continue;
                }
                let reached = number(known.len());
                known.push(Known(Some((parent, by))));
                if let Err(broken) = made {
                    found.broken = Some((broken, history(&known, reached)));
                    return found;
                }
                next.push((reached, then));
            }
        }
        if next.is_empty() {
            return found;
        }
        found.depth += 1;
        found.states += next.len();
        layer = next;
    }
}

fn print_of(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("less than four billion states")
}

fn history(known: &[Known], last: u32) -> History {
    let mut moves = Vec::new();
    let mut place = usize::try_from(last).expect("a place");
    while let Known(Some((parent, by))) = known[place] {
        moves.push(by);
        place = usize::try_from(parent).expect("a place");
    }
    moves.reverse();
    History { first: place, moves }
}
