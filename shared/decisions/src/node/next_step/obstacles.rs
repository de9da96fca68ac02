//! What keeps a node from moving until a person puts it right: a mistake in the set-up, or one that somebody made since.

use std::time::SystemTime;

use super::successor::Successor;
use super::taken;
use crate::declaration::TagError;
use crate::ids::InstanceId;
use crate::node::observed::{Instance, InstanceState, Lifecycle, Observed, Volume, VolumeState};
use crate::node::step::Blocked;
use crate::node::word::{Question, Word};

/// The volume, unless a mistake in the set-up makes it unwise to touch anything.
pub(super) fn usable_volume(observed: &Observed) -> Result<&Volume, Blocked> {
    let declaration = &observed.declaration;
    let group = declaration.group.clone();
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

/// The group is asked for more instances than ever follow one another. No instance is ended for that, and no holder that
/// may stay makes way; but one of them is the node, and gets what it needs for that.
pub(super) fn too_many(observed: &Observed) -> Option<Blocked> {
    let (group, desired) = (observed.declaration.group.clone(), observed.group.desired_capacity);
    (desired > 2).then_some(Blocked::DesiredCapacity { group, desired })
}

/// Why EC2 would never attach the volume to the successor, as far as that can be seen.
pub(super) fn cannot_take_over(observed: &Observed, volume: &Volume, successor: &Successor) -> Option<Blocked> {
    let id = successor.id()?;
    let instance = observed.instances.get(id)?;
    let (group, node_volume) = (observed.declaration.group.clone(), observed.declaration.volume.clone());
    if instance.zone != volume.zone {
        return Some(Blocked::ZoneMismatch {
            group,
            volume: node_volume,
            volume_zone: volume.zone.clone(),
            successor: id.clone(),
            successor_zone: instance.zone.clone(),
        });
    }
    if let Some(blocked) = unusable_key(observed) {
        return Some(blocked);
    }
    if !instance.is_declared {
        return Some(Blocked::NotDeclared { group, volume: node_volume, successor: id.clone() });
    }
    let by = instance.device_taken_by.clone()?;
    Some(Blocked::DeviceTaken { volume: node_volume, successor: id.clone(), by })
}

/// What the newcomer itself says against it, or that it cannot say anything where its predecessor can. If the volume is
/// free, the newcomer still gets it: it may serve yet, and no other instance does.
pub(super) fn unfit(observed: &Observed, newcomer: &InstanceId, now: SystemTime) -> Option<Blocked> {
    let (group, newcomer) = (observed.declaration.group.clone(), newcomer.clone());
    match observed.words.of(&newcomer, Question::Prepared) {
        Word::No { why } => Some(Blocked::Unfit { group, newcomer: newcomer.clone(), why: why.clone() }),
        Word::Absent { why } => {
            holder_that_answers(observed, now).filter(|holder| **holder != newcomer).map(|holder| {
                Blocked::CannotAnswer { group, newcomer: newcomer.clone(), holder: holder.clone(), why: why.clone() }
            })
        }
        Word::NotAsked | Word::Asked { .. } | Word::Yes | Word::NotYet { .. } => None,
    }
}

/// A living holder that can be asked, and has no deadline: it loses nothing by waiting for one that can also be asked.
fn holder_that_answers(observed: &Observed, now: SystemTime) -> Option<&InstanceId> {
    let holder = &observed.volume.as_ref()?.attachments.first()?.instance;
    let instance = observed.instances.get(holder)?;
    let is_alive = matches!(instance.state, InstanceState::Pending | InstanceState::Running);
    let is_ending = matches!(observed.group.members.get(holder), Some(Lifecycle::Terminating { .. }));
    let loses_nothing = is_alive && !is_ending && !taken::is_doomed(instance, now);
    (loses_nothing && observed.have_answered.contains(holder)).then_some(holder)
}

/// Once detached, the volume could not be attached again to any instance.
pub(super) fn unusable_key(observed: &Observed) -> Option<Blocked> {
    let volume = observed.declaration.volume.clone();
    let key = observed.key.as_ref()?;
    Some(Blocked::KeyUnusable { volume, key: key.arn.clone(), problem: key.problem })
}

/// Two groups that write one record would do so forever.
pub(super) fn shared_record(observed: &Observed) -> Option<Blocked> {
    let declaration = &observed.declaration;
    observed.record_shared_with.clone().map(|other| Blocked::SharedRecord {
        group: declaration.group.clone(),
        other,
        name: declaration.record.clone(),
        zone: declaration.zone.clone(),
    })
}

/// Two groups that take one volume from each other would do so forever.
pub(super) fn shared_volume(observed: &Observed) -> Option<Blocked> {
    let declaration = &observed.declaration;
    observed.volume_shared_with.clone().map(|other| Blocked::SharedVolume {
        group: declaration.group.clone(),
        other,
        volume: declaration.volume.clone(),
    })
}

pub(super) fn zone_elsewhere(observed: &Observed) -> Option<Blocked> {
    let (group, volume_zone) = (&observed.group, observed.volume.as_ref()?.zone.clone());
    group.zones.iter().find(|zone| **zone != volume_zone).map(|zone| Blocked::ZoneElsewhere {
        group: observed.declaration.group.clone(),
        zone: zone.clone(),
        volume: observed.declaration.volume.clone(),
        volume_zone: volume_zone.clone(),
    })
}

/// What is wrong with a tag of the group, so that its next launch would fail or be useless.
pub(super) fn mistaken_tag(observed: &Observed) -> Option<TagError> {
    let group = observed.declaration.group.clone();
    let key = observed.group.tag_not_propagated.clone().filter(|_| !launches_tagged(observed));
    key.map(|key| TagError::NotPropagated { group, key }).or_else(|| tag_that_is_refused(observed))
}

/// Whether the instances have the tags of a node although the group does not propagate them: a launch template can tag
/// them too.
fn launches_tagged(observed: &Observed) -> bool {
    let is_ours = |(id, it): &(&InstanceId, &Instance)| it.of_group || observed.group.members.contains_key(*id);
    let ours = observed.instances.iter().filter(is_ours).map(|(_, instance)| instance);
    let mut living = ours.filter(|instance| instance.state != InstanceState::Dead).peekable();
    living.peek().is_some() && living.all(|instance| instance.is_declared)
}

/// The group's next launch will be like its present instances in whether metadata shows tags. Without any, it is taken
/// to: the instances of a node read there which volume to mount.
fn tag_that_is_refused(observed: &Observed) -> Option<TagError> {
    if observed.instances.values().any(Instance::hides_tags) {
        return None;
    }
    let (group, key) = (observed.declaration.group.clone(), observed.group.tag_not_for_metadata.clone()?);
    Some(TagError::NotForMetadata { group, key })
}
