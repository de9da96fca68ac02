//! States of an attachment that EC2 may never leave, and the way out: the end of the instance.

use std::time::SystemTime;

use super::hook::{complete, waits};
use super::patience::{SILENCE, STUCK_AFTER};
use super::spare::give_newcomer_up;
use super::successor::Successor;
use super::{agreement, take_back};
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::node::observed::{Attachment, AttachmentState, Lifecycle, Observed, ReleaseState};
use crate::node::step::{ActionResult, Blocked, Step, WaitFor};

impl Attachment {
    /// Whether EC2 has had more time to attach than it ever needs.
    pub(super) fn is_stuck(&self, observed: &Observed, now: SystemTime) -> bool {
        let is_old = self.since.is_some_and(|since| since + STUCK_AFTER < now);
        self.state == AttachmentState::Attaching && (is_old || observed.stands_for(STUCK_AFTER, now))
    }
}

/// Whether a volume that its holder has let go of has had more time to leave than it ever needs. A release of another
/// hand-off says nothing about that: a person may have asked EC2 a moment ago.
pub(super) fn leaves_too_long(observed: &Observed, now: SystemTime) -> bool {
    let release = observed.release.as_ref().map(|release| release.state);
    let is_old = matches!(release, Some(ReleaseState::Released { at }) if at + STUCK_AFTER < now && now < at + SILENCE);
    is_old || observed.stands_for(STUCK_AFTER, now)
}

/// A volume that is leaving the only instance that could have it: we, or a person, asked EC2 to detach it.
pub(super) fn of_leaving_volume(observed: &Observed, attachment: &Attachment, now: SystemTime) -> Step {
    let holder = attachment.instance.clone();
    if !leaves_too_long(observed, now) {
        return Step::Wait(WaitFor::Detached { holder });
    }
    match observed.release.as_ref().map(|release| release.state) {
        // As far as is known it serves, and EC2 waits for it to unmount. We detach nothing that is mounted.
        None | Some(ReleaseState::NotStarted | ReleaseState::Undelivered { .. } | ReleaseState::Unanswered { .. }) => {
            Step::Blocked(Blocked::DetachedWhileMounted { volume: observed.declaration.volume.clone(), holder })
        }
        Some(
            ReleaseState::Marked
            | ReleaseState::Running { .. }
            | ReleaseState::Released { .. }
            | ReleaseState::Failed { .. }
            | ReleaseState::Resuming { .. }
            | ReleaseState::StillResuming { .. }
            | ReleaseState::ResumeFailed { .. },
        ) => of_stuck_volume(observed, &holder, now),
    }
}

/// A volume that neither arrives nor leaves: ending the instance frees it, and another follows.
pub(super) fn of_stuck_volume(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Step {
    match observed.group.members.get(holder) {
        Some(Lifecycle::Launching { .. }) => give_newcomer_up(observed, holder, now),
        Some(_) | None => None,
    }
    .unwrap_or_else(|| take_back::replace(observed, holder))
}

/// Ends a holder whose volume nothing else frees, once another instance can take it over.
pub(super) fn end(observed: &Observed, holder: InstanceId, successor: &Successor, now: SystemTime) -> Step {
    if waits(observed, &holder, Transition::Terminating, now) {
        return complete(&holder, Transition::Terminating, ActionResult::Continue);
    }
    match successor {
        Successor::Running(_) => agreement::blocks_moving(observed).map_or(Step::Terminate { holder }, Step::Blocked),
        Successor::Booting(_) | Successor::None => successor.wait_until_it_runs(observed, now),
    }
}
