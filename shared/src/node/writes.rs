//! What this invocation has written, and reads may not show yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use durin_decisions::node::{Instance, ReleaseState};

use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::risk::Risk;

#[derive(Debug, Default)]
pub(super) struct Writes {
    release_sent: Option<SystemTime>,
    release_refused: bool,
    marks: BTreeMap<InstanceId, Risk>,
    completed: BTreeSet<(InstanceId, Transition)>,
}

impl Writes {
    /// Systems Manager may not list a release for a second or two.
    pub(super) fn note_release_sent(&mut self, now: SystemTime) {
        self.release_sent = Some(now);
    }

    /// Systems Manager has refused to send a release: from now on it counts as failed.
    pub(super) fn note_release_refused(&mut self) {
        self.release_refused = true;
    }

    pub(super) fn note_mark(&mut self, instance: InstanceId, risk: Risk) {
        self.marks.insert(instance, risk);
    }

    /// The group may show a completed action for a while yet.
    pub(super) fn note_completed(&mut self, instance: InstanceId, transition: Transition) {
        self.completed.insert((instance, transition));
    }

    pub(super) fn completed(&self) -> &BTreeSet<(InstanceId, Transition)> {
        &self.completed
    }

    /// What was read, with our marks on it.
    pub(super) fn marked(&self, read: &BTreeMap<InstanceId, Instance>) -> BTreeMap<InstanceId, Instance> {
        let mut instances = read.clone();
        for (id, risk) in &self.marks {
            if let Some(instance) = instances.get_mut(id).filter(|instance| risk.adds_to(instance.risk)) {
                instance.risk = Some(*risk);
            }
        }
        instances
    }

    /// How far the release is, if a read does not show yet that we have sent one.
    pub(super) fn release_state(&self, read: ReleaseState) -> ReleaseState {
        match (read, self.release_sent) {
            (ReleaseState::NotStarted, _) if self.release_refused => ReleaseState::Failed,
            (ReleaseState::NotStarted, Some(since)) => ReleaseState::Running { since },
            (ReleaseState::NotStarted, None) => ReleaseState::NotStarted,
            (known @ (ReleaseState::Running { .. } | ReleaseState::Succeeded | ReleaseState::Failed), _) => known,
        }
    }
}
