//! Whether a run may die, because another knows what it knows.
//!
//! Lambda invokes a function that has died once more, but only after a minute, which is half of what EC2 gives. Most of a
//! hand-off is known to two runs at least, and the one that follows takes over within seconds. Two things are known to
//! only one run, and a second is started to look after them a little later:
//!
//! ```text
//! a warning     until its run has marked the instance, and asked for a successor
//! a launch      that nothing else has set off: a recommendation, an instance refresh, a person
//! ```

use std::time::SystemTime;

use super::is_news;
use super::taken::reclaimed_at;
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::node::observed::{Group, Instance};
use crate::risk::{RiskReason, Warning};

/// Whether everything that only a warning's own run can do is done: the instance is marked, and, if it is interrupted, a
/// lifecycle action waits whose event has started another run. For any other warning the mark is enough: the instance
/// serves, and the next run does the rest.
pub fn warning_has_company(warning: &Warning, warned: &Instance, group: &Group, now: SystemTime) -> bool {
    let has_run = |(id, transition): (&InstanceId, Transition)| match transition {
        Transition::Launching => true,
        Transition::Terminating => *id == warning.instance,
    };
    let is_member = group.members.contains_key(&warning.instance);
    let can_wait = warning.risk.reason != RiskReason::Interruption;
    !is_news(warning, warned, now) && (can_wait || !is_member || group.waiting().any(has_run))
}

/// Whether the run of a launch is over, or is not the only one that knows. Its group does not report a warning: see
/// [`is_warned`].
pub fn launch_has_company(newcomer: &InstanceId, group: &Group) -> bool {
    let mut waiting = group.waiting();
    let is_over = !group.waiting().any(|action| action == (newcomer, Transition::Launching));
    is_over || waiting.any(|(_, transition)| transition == Transition::Terminating)
}

/// Whether EC2 will take its capacity back at some later time, for which a run was started. Other marks last, and there
/// may be no run for them.
pub fn is_warned(instance: &Instance, now: SystemTime) -> bool {
    reclaimed_at(instance, now).is_some_and(|until| now < until)
}
