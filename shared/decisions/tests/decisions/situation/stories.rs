//! The situations that most others begin with.

use durin_decisions::node::{AttachmentState, InstanceState, Lifecycle, ReleaseState};
use durin_decisions::risk::RiskReason;

use super::{NEW, OLD, PENDING_WAIT, Situation, TERMINATING_WAIT, in_s};

/// The old instance serves and all is well.
pub(crate) fn healthy() -> Situation {
    Situation::default()
        .instance(OLD, Lifecycle::InService, InstanceState::Running)
        .held_by(OLD, AttachmentState::Attached)
        .record_names(OLD)
}

/// The old instance is dead in EC2, the group is ending it, and a replacement waits in its launch hook.
pub(crate) fn replaced() -> Situation {
    Situation::default()
        .instance(OLD, TERMINATING_WAIT, InstanceState::Dead)
        .instance(NEW, PENDING_WAIT, InstanceState::Running)
        .held_by(OLD, AttachmentState::Attached)
        .record_names(OLD)
}

/// A replacement was launched before the old instance ends: Capacity Rebalancing, instance refresh, a change of zones.
pub(crate) fn rebalanced() -> Situation {
    healthy().instance(NEW, PENDING_WAIT, InstanceState::Running).release(&[OLD, NEW], ReleaseState::NotStarted)
}

/// EC2 takes the old instance's capacity back in so many seconds, and every function knows.
pub(crate) fn interrupted(seconds: u64) -> Situation {
    healthy().at_risk(OLD, RiskReason::Interruption, Some(in_s(seconds))).release(&[OLD], ReleaseState::NotStarted)
}

/// The host of the old instance retires some day, and every function knows.
pub(crate) fn retired() -> Situation {
    healthy().at_risk(OLD, RiskReason::Retirement, None).release(&[OLD], ReleaseState::NotStarted)
}

/// The group holds the interrupted instance in its terminate hook and has launched a replacement.
pub(crate) fn replaced_early(seconds: u64) -> Situation {
    interrupted(seconds)
        .lifecycle(OLD, TERMINATING_WAIT)
        .instance(NEW, PENDING_WAIT, InstanceState::Running)
        .release(&[OLD, NEW], ReleaseState::NotStarted)
}

/// The successor has the volume; nothing else has happened yet.
pub(crate) fn taken_over() -> Situation {
    replaced().without(OLD).held_by(NEW, AttachmentState::Attached)
}
