//! A holder that has let go of the volume is not the node, although the volume is attached to it. If no instance follows,
//! it has to serve again.

use std::time::SystemTime;

use super::agreement;
use super::patience::{
    GONE_WITHIN, RELEASE_HOLDS, RELEASE_TIMEOUT, RESUME_TIMEOUT, RESUMED_AFTER, RESUMES_AGAIN_AFTER, SILENCE,
};
use crate::ids::InstanceId;
use crate::node::observed::{Agents, Observed, ReleaseState};
use crate::node::step::{Blocked, Step, WaitFor};

/// The next step of a holder that stays, if it has let go of the volume or may have.
pub(super) fn next_step(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Option<Step> {
    let release = observed.release.as_ref()?;
    let wait = |wait: fn(InstanceId) -> WaitFor| Some(Step::Wait(wait(holder.clone())));
    match release.state {
        // Nothing was stopped.
        ReleaseState::NotStarted | ReleaseState::Undelivered { .. } => None,
        ReleaseState::Unanswered { at, .. } if now < at + RELEASE_TIMEOUT => {
            wait(|holder| WaitFor::Released { holder })
        }
        // Had Systems Manager accepted it, it would be listed by now, and over.
        ReleaseState::Unanswered { .. } => None,
        ReleaseState::Running { since } if now < since + RELEASE_TIMEOUT => wait(|holder| WaitFor::Released { holder }),
        // Another function may be about to detach.
        ReleaseState::Released { at } if now < at + RESUMED_AFTER => wait(|holder| WaitFor::Replacement { holder }),
        ReleaseState::Failed { at } if now < at + RELEASE_HOLDS => wait(|holder| WaitFor::Replacement { holder }),
        // However old the release is, the instance may have been rebooted since: asking it shows.
        ReleaseState::Marked => ask(observed, holder, None, now),
        ReleaseState::Running { since: at } | ReleaseState::Released { at } | ReleaseState::Failed { at } => {
            ask(observed, holder, Some(at), now)
        }
        ReleaseState::Resuming { since } if now < since + RESUME_TIMEOUT => wait(|holder| WaitFor::Resumed { holder }),
        ReleaseState::Resuming { since } => ask(observed, holder, Some(since), now),
        ReleaseState::StillResuming { since, at } if now < at + RESUMES_AGAIN_AFTER => {
            Some(wait_or_tell(holder, since, now))
        }
        ReleaseState::ResumeFailed { at, .. } if now < at + RESUMES_AGAIN_AFTER => {
            wait(|holder| WaitFor::Resumed { holder })
        }
        // Ending it would cut the check off, and its successor would start it over.
        ReleaseState::StillResuming { .. } => ask(observed, holder, None, now),
        // Twice in this hand-off: it does not come back.
        ReleaseState::ResumeFailed { at, times: 2.. } if now < at + SILENCE => Some(replace(observed, holder)),
        ReleaseState::ResumeFailed { at, .. } => ask(observed, holder, Some(at), now),
    }
}

/// Waits for a holder that has answered, first at that time, that it cannot serve again yet. A check may take hours; but
/// meanwhile a person has to know.
pub(super) fn wait_or_tell(holder: &InstanceId, since: SystemTime, now: SystemTime) -> Step {
    let holder = holder.clone();
    if since + SILENCE <= now {
        Step::Blocked(Blocked::ServesNotYet { holder })
    } else {
        Step::Wait(WaitFor::Resumed { holder })
    }
}

/// Asks the holder to serve again. One whose agent is gone is replaced, but only on fresh evidence that it does not serve.
fn ask(observed: &Observed, holder: &InstanceId, evidence: Option<SystemTime>, now: SystemTime) -> Option<Step> {
    match observed.release.as_ref().map(|release| &release.agents) {
        Some(agents) if agents.is_online(holder) => Some(Step::Resume { holder: holder.clone() }),
        Some(Agents::Listed { .. }) if evidence.is_some_and(|at| now < at + SILENCE) => Some(replace(observed, holder)),
        // It may have been rebooted long ago and serve without its agent, or not serve at all. There is nothing to wait
        // for.
        Some(Agents::Listed { .. }) if evidence.is_some_and(|at| at + SILENCE + GONE_WITHIN <= now) => {
            Some(Step::Blocked(Blocked::CannotBeAsked { holder: holder.clone() }))
        }
        Some(Agents::Listed { .. } | Agents::Unknown) | None if observed.stands_for(GONE_WITHIN, now) => {
            Some(Step::Blocked(Blocked::CannotBeAsked { holder: holder.clone() }))
        }
        Some(Agents::Listed { .. } | Agents::Unknown) | None => {
            Some(Step::Wait(WaitFor::Resumed { holder: holder.clone() }))
        }
    }
}

/// Has the group replace a holder that does not serve, unless nothing would follow, or it no longer belongs to the group.
pub(super) fn replace(observed: &Observed, holder: &InstanceId) -> Step {
    let holder = holder.clone();
    if !observed.group.members.contains_key(&holder) {
        return Step::Blocked(Blocked::CannotBeAsked { holder });
    }
    if observed.group.launch_suspended {
        return Step::Blocked(Blocked::LaunchSuspended { group: observed.declaration.group.clone(), holder });
    }
    agreement::blocks_moving(observed).map_or(Step::Replace { holder }, Step::Blocked)
}
