//! Encrypted volumes whose key cannot be used: it is disabled or is going to be deleted.

use serde_json::json;

use super::Volume;
use crate::world::error::{ApiError, ApiResult};
use crate::world::kms::{Key, KeyState};
use crate::world::{ACCOUNT, REGION, World};

impl World {
    /// AttachVolume is refused, or is answered as always and fails some time later. coreos/kube-aws#393 has the text.
    pub(super) fn check_key(&self, volume: &Volume) -> ApiResult<()> {
        if self.unusable_key(volume).is_none_or(|key| key.fails_late) {
            return Ok(());
        }
        let text = format!(
            "Volume {} cannot be attached. The encrypted volume was unable to access the KMS master key.",
            volume.id
        );
        Err(ApiError::new("CustomerKeyHasBeenRevoked", text))
    }

    /// A volume that is attached stays so: EC2 keeps its data key until it is detached. (EBS User Guide, "How Amazon EBS
    /// encryption works".)
    pub(super) fn unusable_key(&self, volume: &Volume) -> Option<&Key> {
        let key = self.kms.key(volume.key.as_ref()?).ok()?;
        (key.state != KeyState::Enabled).then_some(key)
    }

    /// Amazon EBS User Guide (EventBridge events): `attachVolume` is reported only when it fails.
    pub(super) fn fail_attaching(&mut self, volume: &str) {
        let key = self.ec2.the_volume(volume).key.clone().unwrap_or_default();
        self.free_volume(volume);
        let detail = json!({
            "event": "attachVolume",
            "result": "failed",
            "cause": format!("{key} is disabled."),
            "request-id": "",
        });
        let resources = vec![format!("arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{volume}"), key];
        self.emit("aws.ec2", "EBS Volume Notification", resources, detail);
    }
}
