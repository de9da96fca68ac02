//! Texts with `*` for any characters, and how many of them EventBridge takes.

use std::collections::BTreeSet;

/// The characters of a wildcard between quotation marks, as EventBridge has every text; `None` is a `*`.
#[derive(Clone, Debug)]
pub(super) struct Wildcard(Vec<Option<char>>);

/// How far into which wildcard a text has come: with a `*`, several places at once.
type Places = BTreeSet<(usize, usize)>;

impl Wildcard {
    /// `\*` is a star and `\\` a backslash. (aws/event-ruler, "Wildcard matching".)
    ///
    /// # Errors
    /// When two `*` follow each other, or a `\` something else.
    pub(super) fn parse(text: &str) -> Result<Wildcard, String> {
        let mut parts = vec![Some('"')];
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '*' if parts.last() == Some(&None) => return Err("`**` is not a wildcard: write one `*`".to_owned()),
                '*' => None,
                '\\' => match characters.next() {
                    Some(escaped @ ('*' | '\\')) => Some(escaped),
                    _ => return Err(r"a `\` escapes only `*` and `\`: write `\\` for a backslash".to_owned()),
                },
                plain => Some(plain),
            });
        }
        parts.push(Some('"'));
        Ok(Wildcard(parts))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let quoted = format!("\"{text}\"");
        let places = quoted.chars().fold(begin(&[self]), |places, character| advance(&[self], &places, character));
        places.contains(&(0, self.0.len()))
    }
}

/// How many places in these wildcards a text can have reached at the same time: exactly, if it is at most `most`.
pub(super) fn places_at_once(wildcards: &[&Wildcard], most: usize) -> usize {
    let alphabet: BTreeSet<char> = wildcards.iter().flat_map(|wildcard| wildcard.0.iter().flatten()).copied().collect();
    let (mut seen, mut pending, mut largest) = (BTreeSet::new(), vec![begin(wildcards)], 0);
    // It ends: the sets of so few places are not many, and none is looked at twice.
    while let Some(places) = pending.pop() {
        largest = largest.max(places.len());
        if largest > most {
            break;
        }
        if seen.insert(places.clone()) {
            pending.extend(alphabet.iter().map(|character| advance(wildcards, &places, *character)));
        }
    }
    largest
}

fn begin(wildcards: &[&Wildcard]) -> Places {
    (0..wildcards.len()).map(|index| (index, 0)).collect()
}

fn advance(wildcards: &[&Wildcard], places: &Places, character: char) -> Places {
    let mut next = Places::new();
    for &(index, at) in places {
        let parts = &wildcards[index].0;
        if at > 0 && parts[at - 1].is_none() {
            next.insert((index, at));
        }
        if parts.get(at) == Some(&Some(character)) {
            next.insert((index, at + 1));
            // A `*` may also stand for nothing.
            if parts.get(at + 1) == Some(&None) {
                next.insert((index, at + 2));
            }
        }
    }
    next
}
