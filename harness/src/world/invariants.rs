//! The conditions that must hold in every history, in words that show a person the mistake.

#[cfg(test)]
mod tests;

use super::World;
use super::autoscaling::LifecycleState;
use super::conventions::{FAMILY_TAG, PIN_TAG};
use super::steady::NodeNames;
use super::violation::Violation;

/// The conditions that must hold at any moment: at most one guest has a volume mounted, nothing was torn from a guest,
/// no acknowledged write is missing, and the next launch has an image. Empty when all is well.
pub fn check_always(world: &World) -> Vec<String> {
    let mut violations = Vec::new();
    for volume in world.ec2.volumes.values() {
        let id = &volume.id;
        let mounted: Vec<_> = world.mounted_everywhere(id).collect();
        if mounted.len() > 1 {
            violations.push(format!("{id} is mounted on {} at once", mounted.join(" and ")));
        }
        for instance in mounted {
            let held = volume.attachment.as_ref().is_some_and(|attachment| attachment.instance_id == instance);
            if !held {
                violations.push(format!("{instance} has {id} mounted, which is not attached to it"));
            }
        }
        if volume.data.corrupted {
            violations.push(format!("{id} is corrupted: it was torn from a guest, or two guests wrote to it at once"));
        }
        let lost = volume.data.acknowledged.saturating_sub(volume.data.durable);
        if lost > 0 {
            violations.push(format!("{id} has lost {lost} acknowledged writes"));
        }
    }
    violations.extend(check_images(world));
    violations
}

/// The conditions that must hold when nothing is under way: the node is whole. Empty when all is well.
pub fn check_quiet(world: &World, node: &NodeNames) -> Vec<String> {
    let mut violations = Vec::new();
    let Some(group) = world.autoscaling.groups.get(&node.group) else {
        return vec![format!("the group {} does not exist", node.group)];
    };
    for member in &group.members {
        if let Some(action) = &member.action {
            violations.push(format!("{} still waits for {} to be completed", member.instance_id, action.hook));
        }
    }
    let in_service: Vec<_> = group
        .members
        .iter()
        .filter(|member| member.lifecycle == LifecycleState::InService)
        .map(|member| member.instance_id.as_str())
        .collect();
    if in_service.len() != 1 || group.members.len() != 1 {
        let members = group.members.iter().map(|it| format!("{} {}", it.instance_id, it.lifecycle.name()));
        let members: Vec<_> = members.collect();
        violations.push(format!("{} should have one InService instance and has [{}]", node.group, members.join(", ")));
    }
    let Some(volume) = world.ec2.volumes.get(&node.volume) else {
        violations.push(format!("the volume {} does not exist", node.volume));
        return violations;
    };
    let Some(holder) = volume.attachment.as_ref().map(|attachment| attachment.instance_id.as_str()) else {
        violations.push(format!("no instance holds {}", node.volume));
        return violations;
    };
    if !in_service.contains(&holder) {
        violations.push(format!("{holder} holds {} and is not the InService instance of {}", node.volume, node.group));
    }
    if world.serving(&node.volume) != Some(holder) {
        violations.push(format!("k3s does not serve on {holder}, which holds {}", node.volume));
    }
    if volume.data.cordon.is_some() {
        violations
            .push(format!("the node whose datastore is on {} is cordoned: nothing is scheduled on it", node.volume));
    }
    let address = world.ec2.instances.get(holder).map(|instance| instance.private_ip.clone()).unwrap_or_default();
    let record = world.route53.zones.get(&node.zone_id).and_then(|zone| zone.record_set(&node.record_name, "A"));
    let values = record.map(|record| record.values.as_slice()).unwrap_or_default();
    if values != [address.as_str()] {
        violations.push(format!(
            "{} points at [{}], and the holder {holder} has {address}",
            node.record_name,
            values.join(", ")
        ));
    }
    violations
}

impl World {
    /// Checks an image that is about to be deregistered.
    pub(super) fn check_image_is_unreferenced(&mut self, id: &str) {
        let references = self.references_to_image(id);
        if !references.is_empty() {
            self.note_violation(Violation::DeregisteredInUse { image: id.to_owned(), references });
        }
    }

    /// Checks a snapshot that is about to be deleted alone: whether it is the only way back to an image in use.
    pub(super) fn check_way_back_is_unreferenced(&mut self, id: &str) {
        let references: Vec<_> =
            self.ec2.images_from(id).flat_map(|image| self.references_to_image(&image.id)).collect();
        if !references.is_empty() {
            self.note_violation(Violation::DeletedInUse { snapshot: id.to_owned(), references });
        }
    }

    /// Checks a snapshot that is about to be deleted.
    pub(super) fn check_snapshot_is_unreferenced(&mut self, id: &str) {
        let references = self.references_to_snapshot(id);
        if !references.is_empty() {
            self.note_violation(Violation::DeletedInUse { snapshot: id.to_owned(), references });
        }
    }

    /// Checks that a parameter does not come to name an image of another family, or one that is older than the one it
    /// named, unless it is pinned: then a person wants that.
    pub(super) fn check_publication(&mut self, name: &str, image: &str) {
        let new = self.ec2.the_image(image);
        // A new parameter has named nothing before.
        let Some(parameter) = self.ssm.parameter(name) else { return };
        let current = parameter.versions.last().and_then(|version| self.ec2.images.get(&version.value));
        let is_family = current.is_some_and(|current| current.tags.contains_key(FAMILY_TAG));
        if !is_family || parameter.tags.contains_key(PIN_TAG) {
            return;
        }
        if new.tags.get(FAMILY_TAG).map(String::as_str) != Some(name) {
            self.note_violation(Violation::OfAnotherFamily { parameter: name.to_owned(), image: image.to_owned() });
        } else if current.is_some_and(|current| new.created < current.created) {
            self.note_violation(Violation::Older { parameter: name.to_owned(), image: image.to_owned() });
        }
    }
}

/// The parameter of each family names an image that can be launched. Which one is a family's is seen by the image that
/// it names, even if that is gone.
fn check_images(world: &World) -> impl Iterator<Item = String> {
    world.ssm.parameters.values().filter_map(|parameter| {
        let image = world.ec2.images.get(&parameter.versions.last()?.value)?;
        let is_family = image.tags.get(FAMILY_TAG) == Some(&parameter.name);
        let is_broken = is_family && world.check_launchable(&image.id).is_err();
        is_broken.then(|| format!("{} names {}, which cannot be launched", parameter.name, image.id))
    })
}
