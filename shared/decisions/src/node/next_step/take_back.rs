//! A holder that has let go of the volume is not the node, although the volume is attached to it. If nobody follows, it has
//! to serve again.

use std::time::{Duration, SystemTime};

use super::agreement;
use super::departure::{RELEASE_HOLDS, RELEASE_TIMEOUT};
use crate::ids::InstanceId;
use crate::node::observed::{Agents, Observed, ReleaseState};
use crate::node::step::{Blocked, Step, WaitFor};

/// How long a holder may take to serve again: it reboots.
pub(super) const RESUME_TIMEOUT: Duration = Duration::from_secs(240);

/// The next step of a holder that stays, if it has let go of the volume or may have.
pub(super) fn next_step(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Option<Step> {
    let release = observed.release.as_ref()?;
    let wait = |wait: fn(InstanceId) -> WaitFor| Some(Step::Wait(wait(holder.clone())));
    match release.state {
        // Nothing was stopped.
        ReleaseState::NotStarted | ReleaseState::Undelivered { .. } => None,
        ReleaseState::Running { since } if now < since + RELEASE_TIMEOUT => wait(|holder| WaitFor::Released { holder }),
        // Another function may be about to detach.
        ReleaseState::Released { last: at, .. } | ReleaseState::Failed { at } if now < at + RELEASE_HOLDS => {
            wait(|holder| WaitFor::Replacement { holder })
        }
        ReleaseState::Marked
        | ReleaseState::Running { .. }
        | ReleaseState::Released { .. }
        | ReleaseState::Failed { .. } => match &release.agents {
            Agents::Online(online) if online.contains(holder) => Some(Step::Resume { holder: holder.clone() }),
            Agents::Online(_) => Some(replace(observed, holder)),
            Agents::Unknown => wait(|holder| WaitFor::Resumed { holder }),
        },
        ReleaseState::Resuming { since } if now < since + RESUME_TIMEOUT => wait(|holder| WaitFor::Resumed { holder }),
        ReleaseState::Resuming { .. } | ReleaseState::ResumeFailed => Some(replace(observed, holder)),
    }
}

/// Has the group replace a holder that does not serve, unless nothing would follow.
pub(super) fn replace(observed: &Observed, holder: &InstanceId) -> Step {
    let holder = holder.clone();
    if observed.group.launch_suspended {
        return Step::Blocked(Blocked::LaunchSuspended { group: observed.declaration.group.clone(), holder });
    }
    agreement::blocks_moving(observed).map_or(Step::Replace { holder }, Step::Blocked)
}
