//! Newcomers that have ended without taking over, while their predecessor goes on.
//!
//! The next is likely to be like the last, and each may cost an outage. No record of them is kept: EC2 lists an instance
//! for about an hour after its end. One that was given up for its silence, or for not being fit, was there for ten
//! minutes; one that is gone sooner was taken by EC2, unless the volume has come back since it was launched: then it had
//! it, and did not serve, or the volume never arrived.
//!
//! ```text
//!    0     the holder was launched
//!  1000    new is launched
//!  1060    the holder lets go, and the volume is attached to new. It does not arrive
//!  1180    new is given up
//!  1220    the holder is given the volume again, and serves: new was in vain
//! ```

use std::time::SystemTime;

use super::patience::{LAUNCHES_FIRST_AGAIN_AFTER, SILENCE};
use crate::ids::InstanceId;
use crate::node::observed::{InstanceState, Lifecycle, Observed};
use crate::node::step::Blocked;

/// One that is so recent that no other is launched first yet; or one of too many, whatever has become of them.
pub(super) fn lately<'a>(observed: &'a Observed, holder: &InstanceId, now: SystemTime) -> Option<&'a InstanceId> {
    let given_up = all(observed, holder, now).find(|(_, launched)| is_late(*launched, now)).map(|(id, _)| id);
    given_up.or_else(|| one_of_too_many(observed, holder, now))
}

fn is_late(launched: SystemTime, now: SystemTime) -> bool {
    now < launched + LAUNCHES_FIRST_AGAIN_AFTER
}

/// Those that EC2 still lists, and when each was launched.
pub(super) fn all<'a>(
    observed: &'a Observed,
    holder: &InstanceId,
    now: SystemTime,
) -> impl Iterator<Item = (&'a InstanceId, SystemTime)> {
    let held = observed.volume.as_ref().and_then(|volume| volume.attachments.first());
    let since = held.filter(|held| held.instance == *holder).and_then(|held| held.since);
    let was_given_up = move |launched: SystemTime| launched + SILENCE <= now;
    let had_it = move |launched: SystemTime| since.is_some_and(|since| launched < since);
    ended(observed, holder).filter(move |(_, launched)| was_given_up(*launched) || had_it(*launched))
}

/// Why a holder that may stay lets go for no other for now: within an hour it has been given the volume back after two
/// newcomers.
pub(super) fn holds_back(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Option<Blocked> {
    let held = observed.volume.as_ref().and_then(|volume| volume.attachments.first());
    let since = held.filter(|held| held.instance == *holder).and_then(|held| held.since)?;
    let cost_an_outage = |launched: &SystemTime| *launched < since && is_late(*launched, now);
    let (newcomer, _) = ended(observed, holder).filter(|(_, launched)| cost_an_outage(launched)).nth(1)?;
    let group = observed.declaration.group.clone();
    Some(Blocked::FollowedInVain { group, holder: holder.clone(), newcomer: newcomer.clone() })
}

/// Whether any has been launched after an instance and has ended, within an hour.
pub(super) fn any_ended(observed: &Observed, before: &InstanceId, now: SystemTime) -> bool {
    ended(observed, before).any(|(_, launched)| is_late(launched, now))
}

/// So many within an hour mean an image that dies, or a kind of instance that EC2 takes as soon as it comes. A holder
/// that serves does not miss them.
const TOO_MANY: usize = 3;

/// Whether its group launches one after the other, each of which ends.
pub(super) fn too_often(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Option<Blocked> {
    let newcomer = one_of_too_many(observed, holder, now)?.clone();
    Some(Blocked::FollowedInVain { group: observed.declaration.group.clone(), holder: holder.clone(), newcomer })
}

fn one_of_too_many<'a>(observed: &'a Observed, holder: &InstanceId, now: SystemTime) -> Option<&'a InstanceId> {
    let mut late = ended(observed, holder).filter(|(_, launched)| is_late(*launched, now));
    late.nth(TOO_MANY - 1).map(|(id, _)| id)
}

/// Those that were launched after an instance, and have ended. One that was given up runs on until its terminate action is
/// completed, and the number of instances has fallen by then.
fn ended<'a>(observed: &'a Observed, before: &InstanceId) -> impl Iterator<Item = (&'a InstanceId, SystemTime)> {
    let first = observed.instances.get(before).and_then(|instance| instance.launched);
    observed.instances.iter().filter_map(move |(id, instance)| {
        let is_ending = matches!(observed.group.members.get(id), Some(Lifecycle::Terminating { .. }));
        let ends = instance.of_group && (is_ending || instance.state == InstanceState::Dead);
        let launched = instance.launched.filter(|launched| ends && first.is_some_and(|first| first < *launched))?;
        Some((id, launched))
    })
}
