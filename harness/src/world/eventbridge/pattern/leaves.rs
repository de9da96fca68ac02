//! An event as EventBridge sees it: plain values, each under its path.

use std::collections::BTreeMap;

use serde_json::Value;

/// The values of an event by the keys that lead to them, joined by dots: a key with a dot is the same as two levels,
/// and an array is not a level. An object, and an empty array, are no values.
#[derive(Default)]
pub(super) struct Leaves<'event> {
    by_path: BTreeMap<String, Vec<Leaf<'event>>>,
    arrays: usize,
}

pub(super) struct Leaf<'event> {
    pub(super) value: &'event Value,
    pub(super) place: Place,
}

/// Inside which element of which array something is: fields of two elements are never one match.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(BTreeMap<usize, usize>);

impl<'event> Leaves<'event> {
    pub(super) fn of(event: &'event Value) -> Leaves<'event> {
        let mut leaves = Leaves::default();
        leaves.add(event, "", &Place::default());
        leaves
    }

    /// The values at a path that can be in one match with what was found at `place`, each with the place of both.
    pub(super) fn at(&self, path: &str, place: &Place) -> Vec<Leaf<'event>> {
        let leaves = self.by_path.get(path).into_iter().flatten();
        leaves.filter_map(|leaf| Some(Leaf { value: leaf.value, place: place.and(&leaf.place)? })).collect()
    }

    fn add(&mut self, value: &'event Value, path: &str, place: &Place) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, inner)| self.add(inner, &join(path, key), place)),
            Value::Array(elements) => {
                let array = self.arrays;
                self.arrays += 1;
                for (index, element) in elements.iter().enumerate() {
                    let is_plain = !element.is_object() && !element.is_array();
                    let inside = if is_plain { place.clone() } else { place.within(array, index) };
                    self.add(element, path, &inside);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.by_path.entry(path.to_owned()).or_default().push(Leaf { value, place: place.clone() });
            }
        }
    }
}

impl Place {
    fn within(&self, array: usize, index: usize) -> Place {
        let mut inside = self.clone();
        inside.0.insert(array, index);
        inside
    }

    fn and(&self, other: &Place) -> Option<Place> {
        let mut both = self.clone();
        other.0.iter().all(|(array, index)| both.0.entry(*array).or_insert(*index) == index).then_some(both)
    }
}

/// A path with one more key.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
