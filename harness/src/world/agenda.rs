//! Everything that is going to happen, and when.

use std::collections::BTreeMap;

use crate::time::Time;

/// Effects by due time; effects due at the same time keep the order in which they were scheduled.
pub(super) struct Agenda<E> {
    effects: BTreeMap<(Time, u64), E>,
    scheduled: u64,
}

impl<E> Agenda<E> {
    pub(super) fn new() -> Agenda<E> {
        Agenda { effects: BTreeMap::new(), scheduled: 0 }
    }

    pub(super) fn schedule(&mut self, due: Time, effect: E) {
        self.effects.insert((due, self.scheduled), effect);
        self.scheduled += 1;
    }

    pub(super) fn next_due(&self) -> Option<Time> {
        self.effects.first_key_value().map(|((due, _), _)| *due)
    }

    pub(super) fn pop_due(&mut self, until: Time) -> Option<(Time, E)> {
        let entry = self.effects.first_entry().filter(|entry| entry.key().0 <= until)?;
        let ((due, _), effect) = entry.remove_entry();
        Some((due, effect))
    }
}
