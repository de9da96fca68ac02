//! EventBridge event patterns, with their real semantics: the EventBridge User Guide, "Creating event patterns" and
//! "Comparison operators", and, where it is silent, aws/event-ruler, the engine that AWS has published.

mod addresses;
mod comparison;
mod leaves;
mod parse;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod tests;
mod wildcard;

use std::collections::{BTreeMap, BTreeSet, btree_map};

use serde_json::Value;

use comparison::Comparison;
use leaves::{Leaves, Place};

/// A pattern that was checked: every comparison in it is one that EventBridge knows.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<Alternative>);

/// The comparison for each field, by its path. A pattern with `$or` has one alternative for each combination of
/// branches.
type Alternative = BTreeMap<String, Vec<Comparison>>;

/// A mistake in a pattern, and its place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("event pattern at `{path}`: {problem}")]
pub struct PatternError {
    /// Keys from the root, joined by dots.
    pub path: String,
    /// The part that EventBridge would refuse.
    pub problem: String,
}

impl Pattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// When it is not an object, a leaf is not an array, or EventBridge does not take a comparison.
    pub fn new(pattern: &Value) -> Result<Pattern, PatternError> {
        parse::alternatives(pattern).map(Pattern)
    }

    /// Whether the pattern matches: every field named in it is in the event and has one of the values.
    pub fn matches(&self, event: &Value) -> bool {
        let leaves = Leaves::of(event);
        self.0.iter().any(|alternative| matches_from(alternative.iter(), &leaves, &Place::default()))
    }
}

/// Whether the fields that are left can be found together with what was found at `place`. The order is that of
/// event-ruler: a field is absent when none is inside the array elements in which the fields before it were found.
fn matches_from(mut wanted: btree_map::Iter<'_, String, Vec<Comparison>>, leaves: &Leaves<'_>, place: &Place) -> bool {
    let Some((path, comparisons)) = wanted.next() else { return true };
    let found = leaves.at(path, place);
    if found.is_empty() {
        let may_be_absent = comparisons.iter().any(|comparison| matches!(comparison, Comparison::Absent));
        return may_be_absent && matches_from(wanted, leaves, place);
    }
    let accepted = found.into_iter().filter(|leaf| comparisons.iter().any(|comparison| comparison.accepts(leaf.value)));
    let places: BTreeSet<Place> = accepted.map(|leaf| leaf.place).collect();
    places.iter().any(|place| matches_from(wanted.clone(), leaves, place))
}
