//! The second of two instances goes: which one, and what becomes of the number.
//!
//! Nothing may ever ask the group for none: that would look the same as a node that a person has put to rest. Auto
//! Scaling has one call that ends an instance by name and lowers the number with it, and it is relative: called twice for
//! the same instance it lowers the number once, called for two instances, twice. Two functions that take different
//! instances for the spare would take two to none, in a group whose minimum is none. Times in seconds:
//!
//! ```text
//!  0.0  resync     sees old with the volume, and new that nobody needs. It is about to end new, and Lambda's sandbox stalls
//!  1.0  EC2        interrupts old
//! 20.0  spot       has handed the volume over to new, and ends old: two become one
//! 40.0  resync     goes on, and ends new: one becomes none
//! ```
//!
//! So the number falls with a name only where the group's minimum is one: there Auto Scaling itself refuses the call of
//! 40.0, in the same transaction. Where it is none, the number stays when an instance is ended, and is then set to one,
//! which is absolute: the call of 40.0 costs a hand-off, because the group launches another. The group may begin to launch
//! another in the second between the two calls; then it chooses which of the two goes, which costs a hand-off at most
//! (see capacity.rs).
//!
//! Two observers also choose alike: the oldest except the holder, so that one that sees another, newer instance chooses
//! the same. While there are several spares the number stays, or the group would choose among the rest.
//!
//! A newcomer that waits for its launch action is given up by that action, which names it and is never refused. Where the
//! number should fall with it, the group is asked first; it may refuse to end an instance that it is still launching.

use std::time::SystemTime;

use super::hook::{complete, waits};
use super::patience::REFUSES_FOR;
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::node::observed::{Lifecycle, Observed};
use crate::node::step::{ActionResult, Blocked, Number, Step, WaitFor};

/// The spare that goes first.
pub(super) fn first<'a>(observed: &'a Observed, holder: &InstanceId) -> Option<&'a InstanceId> {
    all(observed, Some(holder)).min_by_key(|id| {
        let launched = observed.instances.get(*id).and_then(|instance| instance.launched);
        (launched.is_none(), launched, *id)
    })
}

/// Ends a spare.
pub(super) fn end(observed: &Observed, spare: &InstanceId, now: SystemTime) -> Step {
    let (group, instance) = (observed.declaration.group.clone(), spare.clone());
    let is_launching = matches!(observed.group.members.get(spare), Some(Lifecycle::Launching { .. }));
    if is_launching && observed.completed.contains(&(instance.clone(), Transition::Launching)) {
        return Step::Wait(WaitFor::SpareGone { instance });
    }
    let number = number(observed);
    let is_refused = observed.end_refused.get(spare).is_some_and(|first| *first + REFUSES_FOR <= now);
    let is_given_up = waits(observed, spare, Transition::Launching, now) && (is_refused || number == Number::Stays);
    if is_given_up {
        complete(spare, Transition::Launching, ActionResult::Abandon)
    } else if is_refused {
        Step::Blocked(Blocked::EndRefused { group, instance })
    } else {
        Step::EndSpare { instance, number }
    }
}

/// Gives up a newcomer that cannot take over, so that the group launches another; none if nothing has to be given up.
pub(super) fn give_newcomer_up(observed: &Observed, newcomer: &InstanceId, now: SystemTime) -> Option<Step> {
    if observed.group.desired_capacity > 1 {
        return Some(end(observed, newcomer, now));
    }
    if observed.group.members.get(newcomer) == Some(&Lifecycle::InService) {
        return Some(Step::EndSpare { instance: newcomer.clone(), number: Number::Stays });
    }
    waits(observed, newcomer, Transition::Launching, now)
        .then(|| complete(newcomer, Transition::Launching, ActionResult::Abandon))
}

fn number(observed: &Observed) -> Number {
    let holder = observed.volume.as_ref().and_then(|volume| volume.attachments.first()).map(|held| &held.instance);
    let is_only_spare = all(observed, holder).count() == 1;
    if observed.group.min_size == 1 && is_only_spare { Number::Falls } else { Number::Stays }
}

fn all<'a>(observed: &'a Observed, holder: Option<&InstanceId>) -> impl Iterator<Item = &'a InstanceId> {
    let is_there = |state: &Lifecycle| matches!(state, Lifecycle::InService | Lifecycle::Launching { .. });
    let members = observed.group.members.iter().filter(move |(_, state)| is_there(state));
    members.map(|(id, _)| id).filter(move |id| holder != Some(*id))
}
