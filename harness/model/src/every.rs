//! Every state within bounds is looked at: no invariant is broken on the way there, and from there a node serves in the end
//! if nothing fails any more.

use std::collections::BTreeMap;
use std::time::Instant;

use durin_decisions::node::Blocked;

use crate::fair::{self, End};
use crate::faults::Fault;
use crate::moves::{Bounds, Move};
use crate::runs::DURIN;
use crate::search::search;
use crate::story::{named, tell};
use crate::world::World;

/// Searches, and goes on from one state of so many.
fn check(name: &str, first: &[World], bounds: Bounds, go_on_from_one_of: usize) {
    let begun = Instant::now();
    let (mut number, mut tried, mut longest) = (0_usize, 0_usize, 0);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let found = search(first, &bounds, &DURIN, |world| {
        number += 1;
        if !number.is_multiple_of(go_on_from_one_of) {
            return;
        }
        tried += 1;
        assert!(world.somebody_leads(), "nobody leads\n{world:?}");
        match fair::go_on(world, &DURIN) {
            End::Serves { after_s } => longest = longest.max(after_s),
            End::Told(blocked) => *told.entry(what_is_told(&blocked)).or_default() += 1,
            End::RunsOut(moves) => {
                panic!("a lifecycle action runs out\n{world:?}\n{}", tell(world, &moves[..moves.len().min(60)], &DURIN))
            }
            End::Never(moves) => {
                panic!("nobody serves\n{world:?}\n{}", tell(world, &moves[..moves.len().min(60)], &DURIN))
            }
            End::Broken(broken, moves) => panic!("{}\n{world:?}\n{}", broken.0, tell(world, &moves, &DURIN)),
        }
    });
    if let Some((broken, history)) = found.broken {
        let first = first[history.first].clone().with_faults(bounds.faults);
        panic!("{}\n{first:?}\n{}", broken.0, tell(&first, &history.moves, &DURIN));
    }
    let Bounds { runs, faults, moves } = bounds;
    println!(
        "{name}: {} states by {} moves, from {} first ones; {runs} functions at once, {faults} faults, histories of {} moves{}; \
         {:.1?}\n  from {tried} of them it goes on: at most {longest} s later a node serves",
        found.states,
        found.moves,
        first.len(),
        moves.min(found.depth),
        if found.is_all { ", and there are no longer ones" } else { "" },
        begun.elapsed(),
    );
    told.iter().for_each(|(what, times)| println!("  or in {times} of them a person is told: {what}"));
}

/// Without what to do about it.
fn what_is_told(blocked: &Blocked) -> String {
    let message = named(&blocked.to_string());
    message.split_once([':', ',']).map_or(message.clone(), |(what, _)| what.to_owned())
}

/// The states of the usual histories after one fault each.
fn usual() -> Vec<World> {
    let faults = [
        Fault::IsWarned(0),
        Fault::Dies(0),
        Fault::Retires(0),
        Fault::PersonRefreshes,
        Fault::PersonEnds(0),
        Fault::PersonAsksForTwo,
    ];
    let mut states = Vec::new();
    for (rebalances, fault) in [false, true].iter().flat_map(|rebalances| faults.map(|fault| (*rebalances, fault))) {
        let mut world = World::serving(rebalances).with_faults(1);
        world.group_is_kept = true;
        world.make(Move::Fault(fault), &DURIN).expect("a fault breaks nothing");
        let (_, usual) = fair::usual(&world, &DURIN, |_| false);
        for it in usual {
            states.push(world.clone());
            world.make(it, &DURIN).expect("as before");
        }
    }
    states
}

fn serving() -> [World; 2] {
    [false, true].map(World::serving)
}

/// One instance is wanted, or two that are launched at once.
fn empty() -> [World; 2] {
    [1, 2].map(World::empty)
}

/// The holder cannot be marked, and for an hour there is no capacity for another.
fn unmarkable() -> [World; 2] {
    serving().map(|mut world| {
        world.instances[0].takes_no_mark = true;
        world.group.no_capacity_for = 3600;
        world
    })
}

fn bounds(runs: usize, faults: u8, moves: usize) -> Bounds {
    Bounds { runs, faults, moves }
}

/// Minutes, and gigabytes.
pub(crate) fn deeper() {
    check("one function, one fault", &serving(), bounds(1, 1, 26), 20);
    check("two functions, one fault", &serving(), bounds(2, 1, 20), 20);
    check("one function, two faults", &serving(), bounds(1, 2, 16), 20);
    check("two functions, one fault, from nothing", &empty(), bounds(2, 1, 15), 20);
    check("two functions, one fault, a holder that cannot be marked", &unmarkable(), bounds(2, 1, 12), 5);
    check("one function, three more faults around the usual histories", &usual(), bounds(1, 3, 4), 20);
    check("two functions, two more faults around the usual histories", &usual(), bounds(2, 2, 4), 20);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_function_and_one_fault() {
        check("one function, one fault", &serving(), bounds(1, 1, 17), 20);
    }

    #[test]
    fn two_functions_and_one_fault() {
        check("two functions, one fault", &serving(), bounds(2, 1, 13), 20);
    }

    #[test]
    fn two_functions_and_one_fault_from_nothing() {
        check("two functions, one fault, from nothing", &empty(), bounds(2, 1, 10), 20);
    }

    #[test]
    fn two_functions_and_one_fault_and_a_holder_that_cannot_be_marked() {
        check("two functions, one fault, a holder that cannot be marked", &unmarkable(), bounds(2, 1, 12), 5);
    }

    #[test]
    fn one_function_and_two_faults() {
        check("one function, two faults", &serving(), bounds(1, 2, 9), 20);
    }

    #[test]
    fn two_functions_and_one_more_fault_around_the_usual_histories() {
        check("two functions, one more fault around the usual histories", &usual(), bounds(2, 1, 3), 20);
    }
}
