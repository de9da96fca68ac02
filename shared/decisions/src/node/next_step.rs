//! The decision: what is seen of a node in, the one next step out. Pure, total, and the only place that decides.

mod actions;
mod departure;
mod successor;

use std::time::SystemTime;

use super::observed::{ARecord, Attachment, AttachmentState, InstanceState, Observed, Record, Volume, VolumeState};
use super::step::{ActionResult, Blocked, Done, Step, WaitFor};
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use departure::Departure;
pub use departure::{LONGEST_PERIOD, least_heartbeat, may_have_to_release};
use successor::Successor;

/// What to do next for this node.
///
/// The volume comes first, because its holder is the node; then the record, which follows the attachment; then the
/// launch action, which tells the group that the successor serves. Lifecycle actions that nothing depends on are
/// completed whenever there is nothing more urgent.
pub fn next_step(observed: &Observed, now: SystemTime) -> Step {
    if let Some(step) = actions::that_move_no_node(observed).or_else(|| mark_warned(observed)) {
        return step;
    }
    match hand_off(observed, now) {
        idle @ (Step::Wait(_) | Step::Done(_)) => actions::that_nothing_depends_on(observed, now).unwrap_or(idle),
        step => step,
    }
}

/// A warning reaches one function, and all have to know of it.
fn mark_warned(observed: &Observed) -> Option<Step> {
    let warning = observed.warning.as_ref()?;
    let warned = observed.instances.get(&warning.instance)?;
    let is_news = warned.state != InstanceState::Dead && warning.risk.adds_to(warned.risk);
    is_news.then(|| Step::Mark { instance: warning.instance.clone(), risk: warning.risk })
}

fn hand_off(observed: &Observed, now: SystemTime) -> Step {
    let volume = match usable_volume(observed) {
        Ok(volume) => volume,
        Err(blocked) => return Step::Blocked(blocked),
    };
    let successor = successor::of(observed, now);
    match (volume.attachments.first(), &volume.state) {
        (Some(attachment), _) if successor.is(&attachment.instance) => follow(observed, attachment, now),
        (Some(attachment), _) => free(observed, volume, attachment, &successor, now),
        (None, VolumeState::Available) => attach(observed, volume, &successor),
        (None, VolumeState::Creating | VolumeState::InUse | VolumeState::Unusable(_)) => Step::Wait(WaitFor::Volume),
    }
}

/// The volume, unless a mistake in the set-up makes it unwise to touch anything.
fn usable_volume(observed: &Observed) -> Result<&Volume, Blocked> {
    let declaration = &observed.declaration;
    let group = declaration.group.clone();
    if observed.group.desired_capacity > 1 {
        return Err(Blocked::DesiredCapacity { group, desired: observed.group.desired_capacity });
    }
    if let Record::Foreign(what) = &observed.record {
        let (name, zone) = (declaration.record.clone(), declaration.zone.clone());
        return Err(Blocked::ForeignRecord { name, zone, what: what.clone() });
    }
    let Some(volume) = &observed.volume else {
        return Err(Blocked::NoSuchVolume { group, volume: declaration.volume.clone() });
    };
    if let VolumeState::Unusable(state) = &volume.state {
        return Err(Blocked::UnusableVolume { volume: declaration.volume.clone(), state: state.clone() });
    }
    if volume.attachments.len() > 1 {
        // EBS's one attachment is the fence that everything relies on.
        return Err(Blocked::MultiAttach { volume: declaration.volume.clone() });
    }
    Ok(volume)
}

/// The volume is with the successor, or on its way there: the record follows, then the launch action is completed.
fn follow(observed: &Observed, attachment: &Attachment, now: SystemTime) -> Step {
    let holder = &attachment.instance;
    if let Some(step) = departure::of_warned(observed, holder, now) {
        return step;
    }
    match attachment.state {
        AttachmentState::Detaching => return Step::Wait(WaitFor::Detached { holder: holder.clone() }),
        AttachmentState::Attaching | AttachmentState::Attached => {}
    }
    // Already while it attaches: the fence has closed behind the successor, and the record's TTL is outage.
    match record_step(observed, holder) {
        Some(step) => return step,
        None if attachment.state == AttachmentState::Attaching => {
            return Step::Wait(WaitFor::Attached { successor: holder.clone() });
        }
        None => {}
    }
    if actions::waits(observed, holder, Transition::Launching) {
        return actions::complete(holder, Transition::Launching, ActionResult::Continue);
    }
    Step::Done(Done::Serves { holder: holder.clone() })
}

/// The change that makes the record name the holder, if one is needed.
fn record_step(observed: &Observed, holder: &InstanceId) -> Option<Step> {
    let Some(address) = observed.instances.get(holder).and_then(|instance| instance.private_ip) else {
        return Some(Step::Wait(WaitFor::Address { successor: holder.clone() }));
    };
    let to = ARecord { address: address.to_string(), ttl_s: i64::from(observed.declaration.ttl_s) };
    match &observed.record {
        Record::Simple(from) if *from == to => None,
        Record::Simple(from) => Some(Step::PointRecord { from: Some(from.clone()), to }),
        Record::Absent | Record::Foreign(_) => Some(Step::PointRecord { from: None, to }),
    }
}

/// An instance that is not the successor has the volume: get it free without taking it from the living.
fn free(observed: &Observed, volume: &Volume, attachment: &Attachment, successor: &Successor, now: SystemTime) -> Step {
    let holder = attachment.instance.clone();
    let Some(instance) = observed.instances.get(&holder) else {
        // EC2 does not list it, yet the volume is still its: wait until EC2 has made up its mind.
        return successor.wait_or_done(WaitFor::HolderGone { holder });
    };
    let is_member = observed.group.members.contains_key(&holder);
    if !instance.of_group && !is_member && instance.state != InstanceState::Dead {
        return Step::Blocked(Blocked::ForeignHolder { volume: observed.declaration.volume.clone(), holder });
    }
    // Before anything is done to the holder: an eviction whose successor cannot take over would be for nothing.
    if let Some(step) = blocked_by_zone(observed, volume, successor) {
        return step;
    }
    match instance.state {
        InstanceState::Dead | InstanceState::Stopping => successor.wait_or_done(WaitFor::HolderGone { holder }),
        InstanceState::Stopped | InstanceState::Pending | InstanceState::Running
            if attachment.state == AttachmentState::Detaching =>
        {
            // Also for nobody: it takes seconds, and then the holder's terminate action can be completed.
            Step::Wait(WaitFor::Detached { holder })
        }
        // Its file systems were unmounted when it stopped; nothing runs there that could write.
        InstanceState::Stopped => match successor {
            Successor::Running(_) => Step::Detach { holder },
            Successor::Booting(_) | Successor::None => successor.wait_until_it_runs(),
        },
        InstanceState::Pending | InstanceState::Running => {
            Departure { observed, holder: &holder, instance, successor, now }.next_step()
        }
    }
}

fn attach(observed: &Observed, volume: &Volume, successor: &Successor) -> Step {
    if let Some(step) = blocked_by_zone(observed, volume, successor) {
        return step;
    }
    match successor {
        Successor::Running(successor) => Step::Attach { successor: successor.clone() },
        Successor::Booting(_) | Successor::None => successor.wait_until_it_runs(),
    }
}

fn blocked_by_zone(observed: &Observed, volume: &Volume, successor: &Successor) -> Option<Step> {
    let id = successor.id()?;
    let zone = &observed.instances.get(id)?.zone;
    (*zone != volume.zone).then(|| {
        Step::Blocked(Blocked::ZoneMismatch {
            group: observed.declaration.group.clone(),
            volume: observed.declaration.volume.clone(),
            volume_zone: volume.zone.clone(),
            successor: id.clone(),
            successor_zone: zone.clone(),
        })
    })
}
