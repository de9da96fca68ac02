//! What this invocation has written, and reads may not show yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use durin_decisions::node::{Claim, Instance, Question};

use super::commands::Sent;
use super::handed_over::Times;
use super::words::Asked;
use crate::failure::Failure;
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::risk::Risk;

#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) times: Times,
    sent: Option<Sent>,
    asked: BTreeMap<(InstanceId, Question), Asked>,
    has_attached: bool,
    claim_refused: bool,
    marks: BTreeMap<InstanceId, Risk>,
    completed: BTreeSet<(InstanceId, Transition)>,
    denied: BTreeMap<(InstanceId, Transition), SystemTime>,
    end_refused: BTreeMap<InstanceId, SystemTime>,
    replacement_asked: Option<SystemTime>,
    left_out: Option<Failure>,
    told_of: BTreeSet<InstanceId>,
}

impl Writes {
    pub(super) fn note_sent(&mut self, sent: Sent) {
        self.sent = Some(sent);
    }

    pub(super) fn sent(&self) -> Option<&Sent> {
        self.sent.as_ref()
    }

    pub(super) fn note_asked(&mut self, instance: InstanceId, question: Question, asked: Asked) {
        self.asked.insert((instance, question), asked);
    }

    pub(super) fn asked(&self, instance: &InstanceId, question: Question) -> Option<&Asked> {
        self.asked.get(&(instance.clone(), question))
    }

    pub(super) fn note_attached(&mut self) {
        self.has_attached = true;
    }

    /// Whether EC2 has said that it attaches the volume.
    pub(super) fn has_attached(&self) -> bool {
        self.has_attached
    }

    /// Auto Scaling knows no such action: it is over, or has not begun.
    pub(super) fn note_denied(&mut self, instance: InstanceId, transition: Transition, now: SystemTime) {
        self.denied.entry((instance, transition)).or_insert(now);
    }

    pub(super) fn denied(&self) -> &BTreeMap<(InstanceId, Transition), SystemTime> {
        &self.denied
    }

    pub(super) fn note_end_refused(&mut self, instance: InstanceId, now: SystemTime) {
        self.end_refused.entry(instance).or_insert(now);
    }

    pub(super) fn end_refused(&self) -> &BTreeMap<InstanceId, SystemTime> {
        &self.end_refused
    }

    pub(super) fn note_replacement_asked(&mut self, now: SystemTime) {
        self.replacement_asked = Some(now);
    }

    pub(super) fn replacement_asked(&self) -> Option<SystemTime> {
        self.replacement_asked
    }

    /// Something that the hand-off does not wait for has failed. The invocation fails of it at its end.
    pub(super) fn note_left_out(&mut self, failure: Failure) {
        tracing::warn!(reason = failure.chain(), "left out");
        self.left_out.get_or_insert(failure);
    }

    /// False if the owner has heard of this hand-off.
    pub(super) fn begin_to_tell_of(&mut self, successor: &InstanceId) -> bool {
        self.told_of.insert(successor.clone())
    }

    pub(super) fn take_left_out(&mut self) -> Option<Failure> {
        self.left_out.take()
    }

    /// Route 53 has refused to write the claim: the node does without it for now.
    pub(super) fn note_claim_refused(&mut self) {
        self.claim_refused = true;
    }

    /// Whose the node's name is.
    pub(super) fn claim(&self, read: &Claim) -> Claim {
        match read {
            Claim::Absent if self.claim_refused => Claim::Refused,
            known @ (Claim::Absent | Claim::Ours | Claim::Another(_) | Claim::Refused) => known.clone(),
        }
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
    pub(super) fn marked(
        &self,
        read: &BTreeMap<InstanceId, Instance>,
        now: SystemTime,
    ) -> BTreeMap<InstanceId, Instance> {
        let mut instances = read.clone();
        for (id, risk) in &self.marks {
            if let Some(instance) = instances.get_mut(id).filter(|instance| risk.adds_to(instance.risk, now)) {
                instance.risk = Some(*risk);
            }
        }
        instances
    }
}
