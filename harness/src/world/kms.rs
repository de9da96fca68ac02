//! KMS, as far as volumes depend on it: customer managed keys and what has become of them.

use std::collections::BTreeMap;

use super::error::{ApiError, ApiResult};
use super::{ACCOUNT, REGION, World};
use crate::time::Time;

/// The region's keys, by the id at the end of their ARNs.
#[derive(Debug)]
pub struct Kms {
    keys: BTreeMap<String, Key>,
}

impl Default for Kms {
    fn default() -> Kms {
        let key = Key {
            id: OF_EBS.to_owned(),
            manager: KeyManager::Aws,
            state: KeyState::Enabled,
            created: Time::GENESIS,
            fails_late: false,
        };
        Kms { keys: BTreeMap::from([(key.id.clone(), key)]) }
    }
}

/// The account's `aws/ebs`, which AWS manages: nobody can disable it.
const OF_EBS: &str = "b8f4d2c6-5f0e-4d0a-9a57-3c1e7d90a4b2";

#[derive(Clone, Debug)]
pub struct Key {
    /// A UUID.
    pub id: String,
    pub manager: KeyManager,
    pub state: KeyState,
    pub created: Time,
    /// Whether EC2 learns that it cannot use the key only after it has said that it attaches a volume.
    pub fails_late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyManager {
    Aws,
    Customer,
}

/// AWS KMS Developer Guide, "Key states of AWS KMS keys".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    Enabled,
    Disabled,
    PendingDeletion { from: Time },
}

impl KeyManager {
    /// KMS's name.
    pub fn name(self) -> &'static str {
        match self {
            KeyManager::Aws => "AWS",
            KeyManager::Customer => "CUSTOMER",
        }
    }
}

impl KeyState {
    /// KMS's name.
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion { .. } => "PendingDeletion",
        }
    }
}

impl Key {
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{}", self.id)
    }
}

impl Kms {
    pub(in crate::world) fn aws_managed_key_of_ebs(&self) -> &Key {
        &self.keys[OF_EBS]
    }

    /// DescribeKey, by id or ARN, or by the one alias that every account has.
    pub fn key(&self, id_or_arn: &str) -> ApiResult<&Key> {
        if id_or_arn == "alias/aws/ebs" {
            return Ok(self.aws_managed_key_of_ebs());
        }
        let id = id_or_arn.rsplit('/').next().unwrap_or_default();
        let found = self.keys.get(id).filter(|key| id_or_arn == id || id_or_arn == key.arn());
        found.ok_or_else(|| {
            let arn = format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/{id}");
            ApiError::new("NotFoundException", format!("Key '{arn}' does not exist"))
        })
    }
}

impl World {
    /// CreateKey: the new key's ARN.
    pub fn create_key(&mut self) -> String {
        let key = Key {
            id: self.uuid(),
            manager: KeyManager::Customer,
            state: KeyState::Enabled,
            created: self.now,
            fails_late: false,
        };
        let arn = key.arn();
        self.kms.keys.insert(key.id.clone(), key);
        arn
    }

    /// A person changes a key: EnableKey, DisableKey, ScheduleKeyDeletion.
    ///
    /// # Panics
    /// When there is no such key.
    pub fn change_key(&mut self, arn: &str, change: impl FnOnce(&mut Key)) {
        let id = arn.rsplit('/').next().unwrap_or_default();
        change(self.kms.keys.get_mut(id).expect("a key"));
    }
}
