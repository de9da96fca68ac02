//! Tags of instances, volumes, images and snapshots.

use std::collections::BTreeMap;

use super::Ec2Change;
use super::World;
use crate::world::error::{ApiError, ApiResult};

/// EC2 API Reference (CreateTags).
const MOST_RESOURCES: usize = 1000;
/// EC2 User Guide (tag restrictions). AWS's own tags do not count.
const MOST_TAGS: usize = 50;

impl World {
    /// CreateTags: overwrites silently. EC2 API Reference: if one id is wrong, nothing is tagged.
    pub fn create_tags(&mut self, ids: &[String], tags: &[(String, String)]) -> ApiResult<()> {
        if let Some((key, _)) = tags.iter().find(|(key, _)| key.starts_with("aws:")) {
            return Err(reserved(key));
        }
        // Before any is tagged: a resource that is full refuses the call for all of them.
        self.check_taggable(ids)?;
        if ids.iter().filter_map(|id| self.tags_of(id)).any(|has| !has_room_for(has, tags)) {
            let text = "The maximum number of Tags for a resource has been reached.";
            return Err(ApiError::new("TagLimitExceeded", text));
        }
        self.for_each_tagged(ids, |world_tags| world_tags.extend(tags.iter().cloned()))?;
        for id in ids {
            self.note_change(id, Ec2Change::Tagged(tags.to_vec()));
        }
        Ok(())
    }

    /// DeleteTags: with a value, only the tag that has it; a tag that is not there is no error.
    pub fn delete_tags(&mut self, ids: &[String], tags: &[(String, Option<String>)]) -> ApiResult<()> {
        self.for_each_tagged(ids, |world_tags| {
            for (key, value) in tags {
                if value.is_none() || value.as_ref() == world_tags.get(key) {
                    world_tags.remove(key);
                }
            }
        })?;
        let keys: Vec<_> = tags.iter().map(|(key, _)| key.clone()).collect();
        for id in ids {
            self.note_change(id, Ec2Change::Untagged(keys.clone()));
        }
        Ok(())
    }

    fn check_taggable(&self, ids: &[String]) -> ApiResult<()> {
        if ids.len() > MOST_RESOURCES {
            let text = format!("At most {MOST_RESOURCES} resources can be tagged in one call.");
            return Err(ApiError::new("InvalidParameterValue", text));
        }
        for id in ids {
            if id.starts_with("vol-") {
                self.ec2.known_volume(id)?;
            } else if id.starts_with("i-") {
                self.ec2.known_instance(id)?;
            } else if id.starts_with("ami-") {
                self.known_image(id)?;
            } else if id.starts_with("snap-") {
                self.ec2.known_snapshot(id)?;
            } else {
                return Err(ApiError::new("InvalidID", format!("The ID '{id}' is not valid")));
            }
        }
        Ok(())
    }

    fn tags_of(&self, id: &str) -> Option<&BTreeMap<String, String>> {
        let (volume, instance) = (self.ec2.volumes.get(id), self.ec2.instances.get(id));
        let (image, snapshot) = (self.ec2.images.get(id), self.ec2.snapshots.get(id));
        let of_machine = volume.map(|volume| &volume.tags).or(instance.map(|instance| &instance.tags));
        of_machine.or(image.map(|image| &image.tags)).or(snapshot.map(|snapshot| &snapshot.tags))
    }

    fn for_each_tagged(
        &mut self,
        ids: &[String],
        mut change: impl FnMut(&mut BTreeMap<String, String>),
    ) -> ApiResult<()> {
        self.check_taggable(ids)?;
        for id in ids {
            if let Some(volume) = self.ec2.volumes.get_mut(id) {
                change(&mut volume.tags);
            } else if let Some(instance) = self.ec2.instances.get_mut(id) {
                change(&mut instance.tags);
            } else if let Some(image) = self.ec2.images.get_mut(id) {
                change(&mut image.tags);
            } else if let Some(snapshot) = self.ec2.snapshots.get_mut(id) {
                change(&mut snapshot.tags);
            } else {
                unreachable!("{id} was looked up");
            }
        }
        Ok(())
    }
}

/// Tags that are there already are overwritten, and need no room.
fn has_room_for(has: &BTreeMap<String, String>, tags: &[(String, String)]) -> bool {
    let own = has.keys().filter(|key| !key.starts_with("aws:")).count();
    let new = tags.iter().filter(|(key, _)| !has.contains_key(key)).count();
    new == 0 || own + new <= MOST_TAGS
}

fn reserved(key: &str) -> ApiError {
    let text = format!("Tag keys starting with 'aws:' are reserved for internal use: '{key}'");
    ApiError::new("InvalidParameterValue", text)
}
