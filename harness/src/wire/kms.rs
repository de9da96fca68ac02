//! KMS: JSON in, JSON out.

use serde_json::{Value, json};

use super::fields::Fields;
use super::operation::{Operation, reads};
use crate::iam::Check;
use crate::world::error::ApiResult;
use crate::world::kms::KeyState;
use crate::world::{ACCOUNT, World};

pub(super) const TABLES: &[&[Operation]] = &[OPERATIONS];

const OPERATIONS: &[Operation] = &[Operation::kms("DescribeKey", &["KeyId"], reads(describe).on(key))];

fn describe(world: &World, fields: &Fields) -> ApiResult<Value> {
    let key = world.kms.key(fields.required("KeyId")?)?;
    let mut metadata = json!({
        "AWSAccountId": ACCOUNT,
        "Arn": key.arn(),
        "CreationDate": key.created.epoch_seconds(),
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Description": "",
        "Enabled": key.state == KeyState::Enabled,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "KeyId": key.id,
        "KeyManager": key.manager.name(),
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyState": key.state.name(),
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": false,
        "Origin": "AWS_KMS",
    });
    if let KeyState::PendingDeletion { from } = key.state {
        metadata["DeletionDate"] = from.epoch_seconds().into();
    }
    Ok(json!({"KeyMetadata": metadata}))
}

fn key(world: &World, fields: &Fields, action: &str) -> Vec<Check> {
    let named = fields.text("KeyId").ok().flatten().unwrap_or_default();
    let arn = world.kms.key(named).map_or_else(|_| named.to_owned(), |key| key.arn());
    vec![Check::new(action, &arn)]
}
