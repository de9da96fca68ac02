//! Instance metadata: what an instance can read of itself. Tags have their keys as parts of a path there.

use std::collections::BTreeMap;

use serde_json::json;

use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

impl World {
    /// What the instance reads at a path below `/latest/meta-data/`; none where EC2 says 404. EC2 User Guide (instance
    /// metadata categories).
    pub fn metadata(&self, instance: &str, path: &str) -> Option<String> {
        let found = self.ec2.instances.get(instance)?;
        match path {
            "instance-id" => Some(found.id.clone()),
            "instance-type" => Some(found.instance_type.clone()),
            "local-ipv4" => Some(found.private_ip.clone()).filter(|address| !address.is_empty()),
            "placement/availability-zone" => Some(found.zone.clone()),
            "spot/instance-action" => found
                .notice
                .map(|(action, at)| json!({ "action": action.name(), "time": at.iso_seconds() }).to_string()),
            other => other
                .strip_prefix("tags/instance/")
                .filter(|_| found.tags_in_metadata)
                .and_then(|key| found.tags.get(key).cloned()),
        }
    }
}

/// EC2 User Guide (view tags using instance metadata): letters, digits and a few signs, and none of three names. The words
/// are in seek-oss/aec#411.
pub(super) fn check_tags(are_shown: bool, tags: &BTreeMap<String, String>) -> ApiResult<()> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+=,.@:".contains(&byte);
    let is_refused = |key: &&String| [".", "..", "_index"].contains(&key.as_str()) || !key.bytes().all(is_allowed);
    match tags.keys().find(is_refused) {
        Some(key) if are_shown => {
            let text = format!(
                "'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\\\-_+=,.@:]{{1,255}}), and must \
                 not be a reserved name ('.', '..', '_index')"
            );
            Err(ApiError::new("InvalidParameterValue", text))
        }
        _ => Ok(()),
    }
}
