//! A volume that an instance other than the successor has: it comes free without being taken from the living.
//!
//! EC2 may never leave most of these states, so each wait has a bound, after which the instance is ended: that frees the
//! volume. `Force` is never used. When even that does not help, only a person can, and is told:
//!
//! ```text
//!                            attaching                    attached          detaching
//! pending or running         2 min, then ended            (departure.rs)    (departure.rs)
//! stopping                   3 min, then ended            the same          the same
//! stopped                    detached; 2 min, then ended  detached          2 min, then ended
//! stopped, can hibernate     ended                        ended             2 min, then ended
//! dead, or not listed        4 min, then a person         the same          the same
//! ```

use std::time::SystemTime;

use super::departure::Departure;
use super::obstacles::{cannot_take_over, shared_volume, too_many, unfit};
use super::patience::{GONE_WITHIN, HOLD_UNMARKED, SILENCE, STOPS_WITHIN, STUCK_AFTER};
use super::spare::give_newcomer_up;
use super::stuck::end;
use super::successor::Successor;
use super::{agreement, in_vain, take_back, taken};
use crate::ids::InstanceId;
use crate::node::observed::{Attachment, AttachmentState, Instance, InstanceState, Lifecycle, Observed, Volume};
use crate::node::step::{Blocked, Step, WaitFor};

/// The next step towards a free volume.
pub(super) fn next_step(
    observed: &Observed,
    volume: &Volume,
    attachment: &Attachment,
    successor: &Successor,
    now: SystemTime,
) -> Step {
    let holder = attachment.instance.clone();
    let Some(instance) = observed.instances.get(&holder) else {
        // EC2 does not list it, but the volume is still attached to it: wait until EC2 has made up its mind.
        return gone(observed, holder, successor, now);
    };
    let is_member = observed.group.members.contains_key(&holder);
    if !instance.of_group && !is_member && instance.state != InstanceState::Dead {
        return Step::Blocked(foreign(observed, volume, holder));
    }
    // Before anything is done to the holder: evicting it would be pointless if the successor cannot take over. Not when
    // the holder has to go anyway: then at least it lets go cleanly, as late as if there were no successor.
    let useless = cannot_take_over(observed, volume, successor);
    let is_useless = useless.is_some();
    if !taken::is_taken(instance, now)
        && let Some(blocked) = useless.or_else(|| shared_volume(observed).filter(|_| volume.node.is_none()))
    {
        return for_nothing(observed, attachment, instance, blocked, now);
    }
    match instance.state {
        InstanceState::Dead => gone(observed, holder, successor, now),
        InstanceState::Stopping if observed.stands_for(STOPS_WITHIN, now) => end(observed, holder, successor, now),
        InstanceState::Stopping => successor.wait_or_done(WaitFor::HolderGone { holder }),
        InstanceState::Stopped if instance.hibernates => from_hibernated(observed, attachment, successor, now),
        InstanceState::Stopped => from_stopped(observed, attachment, successor, now),
        InstanceState::Pending | InstanceState::Running => {
            if let Some(blocked) = agreement::blocks_leaving(observed, &holder, now) {
                return stays(observed, attachment, blocked, now);
            }
            let too_many = too_many(observed);
            if !taken::is_taken(instance, now)
                && let Some(blocked) = &too_many
            {
                return for_nothing(observed, attachment, instance, blocked.clone(), now);
            }
            let is_ending = matches!(observed.group.members.get(&holder), Some(Lifecycle::Terminating { .. }));
            if !taken::is_taken(instance, now)
                && !is_ending
                && let Some(newcomer) = successor.id()
                && let Some(blocked) = in_vain::holds_back(observed, &holder, now)
            {
                return give_unfit_up(observed, newcomer, now)
                    .unwrap_or_else(|| stays(observed, attachment, blocked, now));
            }
            let unfit = successor.id().and_then(|id| unfit(observed, id, now));
            if !taken::is_taken(instance, now)
                && let (Some(blocked), Some(newcomer)) = (&unfit, successor.id())
            {
                return give_unfit_up(observed, newcomer, now)
                    .unwrap_or_else(|| for_nothing(observed, attachment, instance, blocked.clone(), now));
            }
            let is_nobody = is_useless || unfit.is_some() || too_many.is_some();
            let successor = if is_nobody { &Successor::None } else { successor };
            Departure { observed, attachment, instance, successor, now }.next_step()
        }
    }
}

/// What a person has to mend if a stranger has the volume. Nobody is told to take another node's from it.
fn foreign(observed: &Observed, volume: &Volume, holder: InstanceId) -> Blocked {
    let is_ours = volume.node.as_deref() == Some(observed.declaration.group.as_str());
    let slip = || shared_volume(observed).or_else(|| agreement::names_another(observed));
    let slip = if is_ours { None } else { slip() };
    slip.unwrap_or_else(|| Blocked::ForeignHolder { volume: observed.declaration.volume.clone(), holder })
}

/// Another launch may get a better image, but not at once: a newcomer that is not fit is given as long as one that is
/// silent, so that the group does not launch and end instances all day.
fn give_unfit_up(observed: &Observed, newcomer: &InstanceId, now: SystemTime) -> Option<Step> {
    let launched = observed.instances.get(newcomer)?.launched?;
    (launched + SILENCE < now).then(|| give_newcomer_up(observed, newcomer, now)).flatten()
}

/// Its successor cannot take over. A holder that its group is ending is still held, and lets go before its hook runs out;
/// any other loses nothing. A person is told at once, unless it lets go while this run lasts: no other run may know of
/// it.
fn for_nothing(
    observed: &Observed,
    attachment: &Attachment,
    instance: &Instance,
    blocked: Blocked,
    now: SystemTime,
) -> Step {
    let is_alive = matches!(instance.state, InstanceState::Pending | InstanceState::Running);
    let is_ending = matches!(observed.group.members.get(&attachment.instance), Some(Lifecycle::Terminating { .. }));
    if !is_alive || !is_ending {
        return stays(observed, attachment, blocked, now);
    }
    let lets_go = instance.risk.and_then(|risk| risk.until).is_some_and(|until| until <= now + HOLD_UNMARKED);
    match (Departure { observed, attachment, instance, successor: &Successor::None, now }).next_step() {
        wait @ Step::Wait(_) if lets_go => wait,
        Step::Wait(_) | Step::Done(_) => Step::Blocked(blocked),
        step => step,
    }
}

/// A holder that is left alone loses nothing, unless it has already let go: then it has to serve again.
fn stays(observed: &Observed, attachment: &Attachment, blocked: Blocked, now: SystemTime) -> Step {
    let has_it = attachment.state == AttachmentState::Attached;
    let taken_back = has_it.then(|| take_back::next_step(observed, &attachment.instance, now)).flatten();
    taken_back.unwrap_or(Step::Blocked(blocked))
}

/// Its file systems were unmounted when it stopped; nothing runs there that could write.
fn from_stopped(observed: &Observed, attachment: &Attachment, successor: &Successor, now: SystemTime) -> Step {
    let holder = attachment.instance.clone();
    match attachment.state {
        AttachmentState::Attaching if attachment.is_stuck(observed, now) => end(observed, holder, successor, now),
        AttachmentState::Detaching if observed.stands_for(STUCK_AFTER, now) => end(observed, holder, successor, now),
        // Even without a successor: it takes seconds, and then the holder's terminate action can be completed.
        AttachmentState::Detaching => Step::Wait(WaitFor::Detached { holder }),
        AttachmentState::Attaching | AttachmentState::Attached => match successor {
            Successor::Running(_) => agreement::blocks_moving(observed).map_or(Step::Detach { holder }, Step::Blocked),
            Successor::Booting(_) | Successor::None => successor.wait_until_it_runs(observed, now),
        },
    }
}

/// It may still have everything mounted, in the memory that it would resume from, and it cannot be asked. Ending it is no
/// worse for the volume than a power cut.
fn from_hibernated(observed: &Observed, attachment: &Attachment, successor: &Successor, now: SystemTime) -> Step {
    let holder = attachment.instance.clone();
    match attachment.state {
        // A person has asked for that. It may yet come true.
        AttachmentState::Detaching if !observed.stands_for(STUCK_AFTER, now) => {
            Step::Wait(WaitFor::Detached { holder })
        }
        AttachmentState::Attaching | AttachmentState::Attached | AttachmentState::Detaching => {
            end(observed, holder, successor, now)
        }
    }
}

/// EC2 frees the volume of an instance that is gone, in seconds or minutes.
fn gone(observed: &Observed, holder: InstanceId, successor: &Successor, now: SystemTime) -> Step {
    match successor {
        Successor::Running(_) | Successor::Booting(_) if observed.stands_for(GONE_WITHIN, now) => {
            Step::Blocked(Blocked::NeverFreed { volume: observed.declaration.volume.clone(), holder })
        }
        Successor::Running(_) | Successor::Booting(_) | Successor::None => {
            successor.wait_or_done(WaitFor::HolderGone { holder })
        }
    }
}
