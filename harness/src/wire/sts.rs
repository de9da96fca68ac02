//! Security Token Service, of which there is the question that every script asks first.

use serde_json::{Value, json};

use super::operation::{Operation, reads_for};
use super::query::Params;
use crate::account::{ACCOUNT, PARTITION, REGION};
use crate::iam::Caller;
use crate::world::World;
use crate::world::error::ApiResult;

pub(super) const TABLES: &[&[Operation]] = &[OPERATIONS];

const OPERATIONS: &[Operation] = &[Operation::sts("GetCallerIdentity", &[], reads_for(get_caller_identity))];

/// A person is a user of that name; a function has a session of its role, with its own name. (IAM User Guide, "IAM
/// identifiers": unique ids begin with AIDA for users and with AROA for roles.)
fn get_caller_identity(_: &World, caller: &Caller, _: &Params) -> ApiResult<Value> {
    let (arn, user_id) = match caller {
        Caller::Operator => {
            (format!("arn:{PARTITION}:iam::{ACCOUNT}:user/operator"), "AIDAOPERATOROFTHELOCALAWS".to_owned())
        }
        Caller::Function(name) => (
            format!("arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{name}-{REGION}/{name}"),
            format!("AROAFUNCTIONOFTHELOCALAWS:{name}"),
        ),
    };
    Ok(json!({ "UserId": user_id, "Account": ACCOUNT, "Arn": arn }))
}
