//! Whether the volume's owner agrees that it is this node's: a tag on the volume says so.
//!
//! The tag of a group names any volume that its author likes, so it proves nothing. An attachment proves more: only someone
//! with the right to attach the volume can have made it. So a volume that a member of the group holds stays this node's,
//! tagged or not, unless its tag names another node; a free one is this node's only by its tag. One without the tag of a
//! data volume is never moved, because the functions' roles would not let them.
//!
//! ```text
//! its tag names    free        held by a member
//! this node        attached    moved
//! another node     blocked     left where it is, until EC2 or the group ends the holder
//! no node          blocked     moved, with a warning
//! ```

use std::time::SystemTime;

use super::taken::is_taken;
use crate::ids::InstanceId;
use crate::node::observed::{Lifecycle, Observed};
use crate::node::step::Blocked;

/// Why the free volume must not be attached, if its owner does not agree.
pub(super) fn blocks_attaching(observed: &Observed) -> Option<Blocked> {
    let volume = observed.volume.as_ref()?;
    match volume.node {
        _ if !volume.is_data => lacks_tag(observed),
        Some(_) => blocks_moving(observed),
        // This run has seen it come free: refusing it to its node because a tag is missing would be an outage.
        None if observed.has_held => None,
        None => {
            let (group, volume) = (observed.declaration.group.clone(), observed.declaration.volume.clone());
            Some(Blocked::VolumeOfNoNode { group, volume })
        }
    }
}

/// Why the volume could not be moved, no matter which instance has it.
pub(super) fn lacks_tag(observed: &Observed) -> Option<Blocked> {
    let volume = observed.volume.as_ref().filter(|volume| !volume.is_data);
    let declaration = &observed.declaration;
    volume.map(|_| Blocked::NotTaggedAsData { group: declaration.group.clone(), volume: declaration.volume.clone() })
}

/// Why the volume stays where it is: no successor would get it.
pub(super) fn blocks_moving(observed: &Observed) -> Option<Blocked> {
    lacks_tag(observed).or_else(|| names_another(observed))
}

/// Whose the volume is instead, if its tag says so.
pub(super) fn names_another(observed: &Observed) -> Option<Blocked> {
    let node = observed.volume.as_ref()?.node.as_ref().filter(|node| *node != observed.declaration.group.as_str())?;
    let (group, volume) = (observed.declaration.group.clone(), observed.declaration.volume.clone());
    Some(Blocked::VolumeOfAnotherNode { group, volume, node: node.clone() })
}

/// The same for a living holder, unless it is ended anyway: then it leaves the volume clean, and free.
pub(super) fn blocks_leaving(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Option<Blocked> {
    let is_taken = observed.instances.get(holder).is_some_and(|instance| is_taken(instance, now));
    let is_ending = matches!(observed.group.members.get(holder), Some(Lifecycle::Terminating { .. }));
    if is_ending || is_taken { None } else { blocks_moving(observed) }
}
