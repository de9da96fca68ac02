//! Which instance should hold the volume.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::obstacles::unfit;
use super::patience::SILENCE;
use super::{in_vain, spare, taken};
use crate::ids::InstanceId;
use crate::node::observed::{AttachmentState, InstanceState, Lifecycle, Observed};
use crate::node::step::{Done, Step, WaitFor};
use crate::risk::RiskReason;

/// The instance that should hold the volume, and whether it can take it yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Successor {
    Running(InstanceId),
    /// It does not run yet, or EC2 does not list it yet.
    Booting(InstanceId),
    /// The group has no instance for it: it launches a replacement unasked, or wants none.
    None,
}

impl Successor {
    pub(super) fn id(&self) -> Option<&InstanceId> {
        match self {
            Successor::Running(id) | Successor::Booting(id) => Some(id),
            Successor::None => None,
        }
    }

    pub(super) fn is(&self, instance: &InstanceId) -> bool {
        self.id() == Some(instance)
    }

    /// Waiting is only worth it for a successor; the group's next launch comes with an event of its own.
    pub(super) fn wait_or_done(&self, wait: WaitFor) -> Step {
        match self {
            Successor::Running(_) | Successor::Booting(_) => Step::Wait(wait),
            Successor::None => Step::Done(Done::NoSuccessor),
        }
    }

    /// Waits for the successor to run, if there is one. One that never does is given up.
    pub(super) fn wait_until_it_runs(&self, observed: &Observed, now: SystemTime) -> Step {
        let (Successor::Running(successor) | Successor::Booting(successor)) = self else {
            return Step::Done(Done::NoSuccessor);
        };
        let launched = observed.instances.get(successor).and_then(|instance| instance.launched);
        let given_up = launched
            .filter(|launched| matches!(self, Successor::Booting(_)) && *launched + SILENCE < now)
            .and_then(|_| spare::give_newcomer_up(observed, successor, now));
        given_up.unwrap_or_else(|| Step::Wait(WaitFor::Running { successor: successor.clone() }))
    }
}

/// Whether there is an instance for the volume, so that it matters how soon it is free.
pub fn has_successor(observed: &Observed, now: SystemTime) -> bool {
    of(observed, now).id().is_some()
}

/// The instance that the group is launching, and that has booted first; else the holder, if it is in service; else the
/// newest in service.
///
/// An instance that is being launched beside one in service is a replacement that the group waits for (Capacity
/// Rebalancing, instance refresh, a change of zones). Two instances in service are not: the group is about to end one of
/// them, and until it says which, the holder stays. If two were asked for, the group ends none: then a holder that has to
/// go makes way for the other, and one that does not have to stays, whatever is launched beside it. A newcomer that will
/// be interrupted before it has taken over does not count: the next one arrives before it would have to go.
///
/// A free volume does not wait for a newcomer to boot after another has failed ([`waits_for_newcomer`]).
///
/// Of two newcomers one takes over, and stays: a second hand-off would be outage for nothing. The other waits until the
/// first is in service, in case that dies on the way, and is then given up (see [`is_twin`]).
pub(super) fn of(observed: &Observed, now: SystemTime) -> Successor {
    let held = observed.volume.as_ref().and_then(|volume| volume.attachments.first());
    let holder = held.map(|held| &held.instance);
    let is = |id: &InstanceId, wanted: fn(&Lifecycle) -> bool| {
        observed.group.members.get(id).is_some_and(wanted) && is_eligible(observed, id)
    };
    let two = observed.group.desired_capacity > 1;
    let spare = || newest(observed, |id| !goes(observed, id, now));
    let serving = holder.filter(|id| is(id, |state| *state == Lifecycle::InService));
    let has_taken_over = holder.filter(|id| is(id, is_launching));
    let chosen = serving
        .filter(|id| two && !goes(observed, id, now))
        // Not for a mere recommendation: two newcomers that both should be left would take the volume from each other.
        .or_else(|| has_taken_over.filter(|id| !is_doomed(observed, id, now)))
        .or_else(|| waits_for_newcomer(observed, now))
        .or_else(|| first_newcomer(observed, now))
        .or(has_taken_over)
        .or_else(|| serving.filter(|id| !(two && goes(observed, id, now) && spare().is_some())))
        .or_else(spare)
        .or_else(|| newest(observed, |id| !is_doomed(observed, id, now)));
    match chosen.cloned() {
        None => Successor::None,
        Some(id) => match observed.instances.get(&id).map(|instance| instance.state) {
            Some(InstanceState::Running) => Successor::Running(id),
            // None of the last three is eligible.
            None
            | Some(InstanceState::Pending)
            | Some(InstanceState::Stopping | InstanceState::Stopped | InstanceState::Dead) => Successor::Booting(id),
        },
    }
}

/// An instance in service for a volume that is free, because a newcomer has failed and the next has not booted: it serves
/// until the next has, and then makes way like any other holder.
fn waits_for_newcomer(observed: &Observed, now: SystemTime) -> Option<&InstanceId> {
    let is_free = observed.volume.as_ref().is_some_and(|volume| volume.attachments.is_empty());
    let newcomer = first_newcomer(observed, now).filter(|newcomer| is_free && !observed.has_booted(newcomer))?;
    let runs =
        |id: &InstanceId| observed.instances.get(id).is_some_and(|instance| instance.state == InstanceState::Running);
    let waits = |id: &InstanceId| runs(id) && !is_doomed(observed, id, now) && !is_out_of_place(observed, id);
    newest(observed, waits).filter(|id| *id != newcomer && in_vain::any_ended(observed, id, now))
}

/// The newcomers of which it matters whether they have booted, although the volume is free: until one is known to, an instance
/// in service has it.
pub fn boots_matter(observed: &Observed, now: SystemTime) -> BTreeSet<InstanceId> {
    if waits_for_newcomer(observed, now).is_none() {
        return BTreeSet::new();
    }
    let runs =
        |id: &InstanceId| observed.instances.get(id).is_some_and(|instance| instance.state == InstanceState::Running);
    let newcomers = observed.group.members.iter().filter(|(id, state)| is_launching(state) && runs(id));
    newcomers.map(|(id, _)| id.clone()).collect()
}

/// The newcomer that can take over first: one that has booted, or at least runs; of two such, one that will not have to
/// be left soon, or else the older, so that every run chooses the same. One that could never take over hides no other.
fn first_newcomer(observed: &Observed, now: SystemTime) -> Option<&InstanceId> {
    let holder = observed.volume.as_ref().and_then(|volume| volume.attachments.first()).map(|held| &held.instance);
    let newcomers = observed.group.members.iter().filter(|(_, state)| is_launching(state)).map(|(id, _)| id);
    let can_take_over = |id: &&InstanceId| {
        holder != Some(*id) && is_eligible(observed, id) && !is_doomed(observed, id, now) && !is_twin(observed, id, now)
    };
    newcomers.filter(can_take_over).min_by_key(|id| {
        let listed = observed.instances.get(*id);
        let runs = listed.is_some_and(|instance| instance.state == InstanceState::Running);
        let launched = listed.and_then(|instance| instance.launched);
        let is_marked = goes(observed, id, now);
        let is_unfit = unfit(observed, id, now).is_some();
        (
            is_out_of_place(observed, id),
            is_unfit,
            !observed.has_booted(id),
            !runs,
            is_marked,
            listed.is_none(),
            launched,
            *id,
        )
    })
}

/// Whether EC2 would never attach the volume to it, because of what it is.
pub(super) fn is_out_of_place(observed: &Observed, id: &InstanceId) -> bool {
    observed.volume.as_ref().zip(observed.instances.get(id)).is_some_and(|(volume, instance)| {
        instance.zone != volume.zone || instance.device_taken_by.is_some() || !instance.is_declared
    })
}

/// Whether a newcomer was launched together with the holder, and not to replace it: both shortly before the holder, which is
/// in service and stays, was given the volume. The group launches a replacement only for an instance in service.
///
/// An instance from a warm pool may have been launched at any time. Should it look like a twin by chance, the group
/// launches another, which does not.
pub(super) fn is_twin(observed: &Observed, newcomer: &InstanceId, now: SystemTime) -> bool {
    let Some(held) = observed.volume.as_ref().and_then(|volume| volume.attachments.first()) else { return false };
    let Some(since) = held.since else { return false };
    let is_of_then = |id: &InstanceId| {
        let launched = observed.instances.get(id).and_then(|instance| instance.launched);
        launched.is_some_and(|launched| launched < since && since <= launched + SILENCE)
    };
    let is_in_service = observed.group.members.get(&held.instance) == Some(&Lifecycle::InService)
        && is_eligible(observed, &held.instance)
        && held.state == AttachmentState::Attached;
    let are_two = *newcomer != held.instance && is_of_then(newcomer) && is_of_then(&held.instance);
    are_two && is_in_service && !goes(observed, &held.instance, now)
}

fn is_launching(state: &Lifecycle) -> bool {
    matches!(state, Lifecycle::Launching { .. })
}

/// The newest in service.
fn newest(observed: &Observed, wanted: impl Fn(&InstanceId) -> bool) -> Option<&InstanceId> {
    let in_service = observed.group.members.iter().filter(|(_, state)| **state == Lifecycle::InService);
    in_service
        .map(|(id, _)| id)
        .filter(|id| wanted(id) && is_eligible(observed, id))
        // One that EC2 does not list yet is the newest of all; one whose launch time it does not say, the oldest.
        .max_by_key(|id| {
            let listed = observed.instances.get(*id);
            (listed.is_none(), listed.and_then(|instance| instance.launched), *id)
        })
}

/// Whether EC2 is about to take it away.
pub(super) fn is_doomed(observed: &Observed, id: &InstanceId, now: SystemTime) -> bool {
    observed.instances.get(id).is_some_and(|instance| taken::is_doomed(instance, now))
}

/// Whether there is a reason to move away from an instance: it is doomed, its host retires, or EC2 recommends leaving it.
fn goes(observed: &Observed, id: &InstanceId, now: SystemTime) -> bool {
    observed.instances.get(id).is_some_and(|instance| {
        taken::retires(instance)
            || taken::is_doomed(instance, now)
            || instance.risk.is_some_and(|risk| risk.reason == RiskReason::Rebalance)
    })
}

/// Not dead and not stopped, as far as EC2 knows. An instance that it does not list may be too new for a stale read.
fn is_eligible(observed: &Observed, id: &InstanceId) -> bool {
    match observed.instances.get(id).map(|instance| instance.state) {
        None | Some(InstanceState::Pending | InstanceState::Running) => true,
        Some(InstanceState::Stopping | InstanceState::Stopped | InstanceState::Dead) => false,
    }
}
