//! Encrypted volumes whose key cannot be used: disabled, pending deletion, or closed to the caller.

use serde_json::json;

use super::Volume;
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, REGION, World};

/// How EC2 fares with a volume's key when the volume is attached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyUse {
    #[default]
    Granted,
    /// AttachVolume is refused.
    Refused,
    /// AttachVolume is answered as always, and some time later the volume is `available` again.
    FailsLater,
}

impl Volume {
    /// coreos/kube-aws#393 has the text.
    pub(super) fn check_key(&self) -> ApiResult<()> {
        match self.key_use {
            KeyUse::Granted | KeyUse::FailsLater => Ok(()),
            KeyUse::Refused => {
                let text = format!(
                    "Volume {} cannot be attached. The encrypted volume was unable to access the KMS master key.",
                    self.id
                );
                Err(ApiError::new("CustomerKeyHasBeenRevoked", text))
            }
        }
    }
}

impl World {
    /// Amazon EBS User Guide (EventBridge events): `attachVolume` is reported only when it fails.
    pub(super) fn fail_attaching(&mut self, volume: &str) {
        self.free_volume(volume);
        let key = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/01234567-0123-0123-0123-0123456789ab");
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
