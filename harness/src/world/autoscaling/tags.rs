//! Tags of groups.

use super::AutoScalingChange;
use super::{GroupTag, World};
use crate::world::error::ApiResult;

impl World {
    /// CreateOrUpdateTags: each tag with the name of its group.
    pub fn create_or_update_tags(&mut self, tags: Vec<(String, GroupTag)>) -> ApiResult<()> {
        for (group, _) in &tags {
            self.autoscaling.known_group(group)?;
        }
        for (group, tag) in tags {
            self.note_change(&group, AutoScalingChange::Tagged { key: tag.key.clone(), value: tag.value.clone() });
            let group = self.autoscaling.known_group_mut(&group)?;
            match group.tags.iter_mut().find(|existing| existing.key == tag.key) {
                Some(existing) => *existing = tag,
                None => group.tags.push(tag),
            }
        }
        Ok(())
    }

    /// DeleteTags: keys with the name of their group; a tag that is not there is no error.
    pub fn delete_group_tags(&mut self, tags: Vec<(String, String)>) -> ApiResult<()> {
        for (group, _) in &tags {
            self.autoscaling.known_group(group)?;
        }
        for (group, key) in tags {
            self.note_change(&group, AutoScalingChange::Untagged { key: key.clone() });
            self.autoscaling.known_group_mut(&group)?.tags.retain(|tag| tag.key != key);
        }
        Ok(())
    }
}
