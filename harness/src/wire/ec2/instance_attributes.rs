//! The one attribute of an instance that can be asked for and changed here: whether TerminateInstances may end it.

use serde_json::{Value, json};

use super::answers::done;
use super::resources;
use crate::iam::Check;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("DescribeInstanceAttribute", &["Attribute", "InstanceId"], reads(describe).on(instance)),
    Operation::ec2("ModifyInstanceAttribute", &["DisableApiTermination", "InstanceId"], writes(modify).on(instance)),
];

fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let id = params.required("InstanceId")?;
    match params.required("Attribute")? {
        "disableApiTermination" => {
            let instance = world.ec2.known_instance(id)?;
            Ok(json!({"instanceId": id, "disableApiTermination": {"value": instance.is_protected}}))
        }
        other => {
            let text = format!("The local AWS does not have the instance attribute '{other}'.");
            Err(ApiError::new("InvalidParameterValue", text))
        }
    }
}

fn modify(world: &mut World, params: &Params) -> ApiResult<Value> {
    let protected = params.structure("DisableApiTermination").required_flag("Value")?;
    world.protect_instance(params.required("InstanceId")?, protected)?;
    Ok(done())
}

fn instance(world: &World, params: &Params, action: &str) -> Vec<Check> {
    resources::one(world, params, "InstanceId", action)
}
