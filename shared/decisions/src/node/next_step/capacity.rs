//! Launch first: a node of two instances for as long as one of them follows the other.
//!
//! A host that retires leaves days to act. Ending its instance at once would leave no node for as long as the group has
//! no capacity for another, so the group is asked for a second instance instead. When that one holds the volume and is in
//! service, the first is ended by name, and the number goes down:
//!
//! ```text
//!  desired 1   old holds and serves, and its host retires   -> ask for two
//!  desired 2   new is launching                             -> the usual hand-off: new evicts old when it has booted
//!  desired 2   new holds and is in service, old idles       -> end old by name, and ask for one (see spare.rs), once new
//!                                                              says that it serves (see proven.rs)
//! ```
//!
//! The number alone is not lowered while two are there, because then the group would choose which one goes. Nor is it
//! while a second one, which a person or a retirement since called off has asked for, may be about to show; in seconds:
//!
//! ```text
//!  0.0  person  asks for two
//!  1.0  resync  sees two asked for, and only old: it asks for one
//!  1.1  group   shows new, which it has just launched. Two are there and one is wanted, so it ends the oldest, old
//! ```
//!
//! So the second is waited for, and ended by name when it comes. If it has not come after two minutes, the group has no
//! capacity, and the number is lowered without it. Then, and in the second after a spare was ended with the number staying,
//! a launch may still cross the call; nothing that AWS offers rules that out but scale-in protection, which would have to
//! be taken off again, and cannot be told from a person's. What bounds the harm: if the group chooses the holder, its
//! terminate hook keeps it serving until the other has booted, and it hands over in order.
//!
//! A second one that gives no sign of life, or says that it is not fit, is ended after ten minutes, and so would the next
//! be. There are two weeks left, so an hour passes between launches, and a person is told, because on the last day the
//! holder makes way for whatever comes (see in_vain.rs).
//!
//! It does not matter who asked for two, or whether a function died halfway: each line is decided from what is seen. A
//! second instance that nobody needs is ended before it takes anything over. A day before EC2 stops the holder this has
//! gone on for long enough, and the group replaces it (see taken.rs).

use std::time::SystemTime;

use super::obstacles::{too_many, unusable_key};
use super::patience::LAUNCH_SHOWS_WITHIN;
use super::{agreement, departure, in_vain, proven, spare, take_back, taken};
use crate::ids::InstanceId;
use crate::node::observed::{Lifecycle, Observed};
use crate::node::step::{Blocked, Done, Step, WaitFor};

/// What is left to do about the group's size when the holder has the volume and the record, and no action waits for it.
pub(super) fn next_step(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Option<Step> {
    let group = &observed.group;
    if let Some(blocked) = too_many(observed) {
        return Some(Step::Blocked(blocked));
    }
    if group.members.get(holder) != Some(&Lifecycle::InService) {
        return None;
    }
    let instance = observed.instances.get(holder);
    let goes = instance.is_some_and(taken::retires);
    let is_last_day = instance.is_some_and(|instance| taken::has_to_be_replaced(instance, now));
    let spare = spare::first(observed, holder);
    let (name, holder) = (observed.declaration.group.clone(), holder.clone());
    if goes && let Some(blocked) = unusable_key(observed) {
        return Some(Step::Blocked(blocked));
    }
    match (group.desired_capacity, spare, goes) {
        (1 | 2.., _, true) if group.launch_suspended => {
            Some(Step::Blocked(Blocked::LaunchSuspended { group: name, holder }))
        }
        (2.., Some(spare), false) if group.launch_suspended => {
            let spare = spare.clone();
            Some(Step::Blocked(Blocked::SpareWhileLaunchSuspended { group: name, holder, spare }))
        }
        (2.., Some(_), _) | (2.., None, false) if group.min_size > 1 => {
            Some(Step::Blocked(Blocked::MinimumTooLarge { group: name, min: group.min_size }))
        }
        (2.., Some(spare), _) => {
            Some(proven::before_end(observed, &holder, spare, now).unwrap_or_else(|| spare::end(observed, spare, now)))
        }
        // Then it is replaced, and by only one instance.
        (2.., None, true) if is_last_day && group.min_size < 2 => Some(Step::RestoreCapacity { holder }),
        (1 | 2.., _, true) if is_last_day && departure::is_asked(observed, now) => {
            Some(Step::Wait(WaitFor::Replacement { holder }))
        }
        (1 | 2.., _, true) if is_last_day => Some(take_back::replace(observed, &holder)),
        // Where the number could not fall with its name, it would go on by itself.
        (2.., None, true)
            if in_vain::lately(observed, &holder, now).is_some()
                && group.min_size < 2
                && none_is_being_launched(observed, &holder, now) =>
        {
            Some(Step::RestoreCapacity { holder })
        }
        (2.., None, true) if let Some(stop) = instance.and_then(|instance| taken::stops_soon(instance, now)) => {
            if observed.group_stands_for(LAUNCH_SHOWS_WITHIN, now) {
                return Some(Step::Blocked(Blocked::NoCapacity { group: name, holder, stop }));
            }
            // The group may have been asked a moment ago.
            Some(Step::Wait(WaitFor::Replacement { holder }))
        }
        (2.., None, true) => Some(Step::Done(Done::AwaitsCapacity { holder })),
        (2.., None, false) if none_is_being_launched(observed, &holder, now) => Some(Step::RestoreCapacity { holder }),
        (2.., None, false) => Some(Step::Wait(WaitFor::Spare { holder })),
        (1, _, true) if let Some(newcomer) = in_vain::lately(observed, &holder, now) => {
            Some(Step::Blocked(Blocked::FollowedInVain { group: name, holder, newcomer: newcomer.clone() }))
        }
        (1, _, true) if group.max_size < 2 => Some(Step::Blocked(Blocked::MaximumTooSmall { group: name, holder })),
        (1, _, true) => Some(agreement::blocks_moving(observed).map_or(Step::LaunchFirst { holder }, Step::Blocked)),
        (..=1, _, _) => None,
    }
}

/// Whether the number can be lowered without naming an instance, as far as this run can see. If an instance of ours has
/// just been ended for it, it is now or never: the group is about to launch the next.
fn none_is_being_launched(observed: &Observed, holder: &InstanceId, now: SystemTime) -> bool {
    let is_going =
        |(id, state): (&InstanceId, &Lifecycle)| id != holder && matches!(state, Lifecycle::Terminating { .. });
    observed.group.launch_suspended
        || observed.group.members.iter().any(is_going)
        || observed.group_stands_for(LAUNCH_SHOWS_WITHIN, now)
}
