//! Instances: launched, started, rebooted, stopped, terminated.

use serde_json::{Value, json};

use super::answers::done;
use super::describe_instances::{reservation_item, state};
use super::launch_data::{is_spot, tags_in_metadata};
use super::{launch_templates, resources, tags};
use crate::iam::Check;
use crate::wire::operation::{Operation, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::ec2::{InstanceState, RunInstances};
use crate::world::error::{ApiError, ApiResult};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("RebootInstances", &["InstanceId"], writes(reboot).on(instances)),
    Operation::ec2("RunInstances", RUN_PARAMETERS, writes(run)),
    Operation::ec2("StartInstances", &["InstanceId"], writes(start).on(instances)),
    Operation::ec2("StopInstances", &["InstanceId"], writes(stop).on(instances)),
    Operation::ec2("TerminateInstances", &["InstanceId"], writes(terminate).on(instances)),
];

/// `ClientToken` is accepted and not remembered; what an instance is let in by, and what runs inside it, is not part
/// of this world.
const RUN_PARAMETERS: &[&str] = &[
    "ClientToken",
    "DisableApiTermination",
    "IamInstanceProfile",
    "ImageId",
    "InstanceMarketOptions",
    "InstanceType",
    "KeyName",
    "LaunchTemplate",
    "MaxCount",
    "MetadataOptions",
    "MinCount",
    "Placement",
    "SecurityGroup",
    "SecurityGroupId",
    "SubnetId",
    "TagSpecification",
    "UserData",
];

fn run(world: &mut World, params: &Params) -> ApiResult<Value> {
    let least: u32 = params.required_number("MinCount")?;
    let count: u32 = params.required_number("MaxCount")?;
    if least == 0 || least > count {
        let text = "The minimum number of instances must be at least 1 and at most the maximum number.";
        return Err(ApiError::new("InvalidParameterCombination", text));
    }
    let placement = params.structure("Placement");
    placement.only(&["AvailabilityZone", "Tenancy", "GroupName"])?;
    let template = params.structure("LaunchTemplate");
    let launch_template_id = match template.is_empty() {
        true => None,
        false => Some(launch_templates::named(world, &template)?.id.clone()),
    };
    let ids = world.run_instances(RunInstances {
        image_id: params.owned("ImageId"),
        instance_type: params.owned("InstanceType"),
        zone: placement.owned("AvailabilityZone"),
        subnet_id: params.owned("SubnetId"),
        launch_template_id,
        launch_template_version: template.owned("Version"),
        spot: is_spot(params)?,
        tags_in_metadata: tags_in_metadata(params)?,
        protected: params.flag("DisableApiTermination")?.unwrap_or(false),
        tags: tags::of_new(params, "instance", &["network-interface", "spot-instances-request", "volume"])?,
        count,
    })?;
    let instances: Vec<_> = ids.iter().filter_map(|id| world.ec2.instance(id)).collect();
    Ok(reservation_item(world, &instances))
}

fn terminate(world: &mut World, params: &Params) -> ApiResult<Value> {
    let ids = params.required_list("InstanceId")?;
    Ok(state_changes(world.terminate_instances(&ids)?))
}

fn stop(world: &mut World, params: &Params) -> ApiResult<Value> {
    let ids = params.required_list("InstanceId")?;
    Ok(state_changes(world.stop_instances(&ids)?))
}

fn reboot(world: &mut World, params: &Params) -> ApiResult<Value> {
    world.reboot_instances(&params.required_list("InstanceId")?)?;
    Ok(done())
}

fn start(world: &mut World, params: &Params) -> ApiResult<Value> {
    let ids = params.required_list("InstanceId")?;
    Ok(state_changes(world.start_instances(&ids)?))
}

fn instances(world: &World, params: &Params, action: &str) -> Vec<Check> {
    resources::each(world, params, "InstanceId", action)
}

/// Id, state before, state now.
fn state_changes(changes: Vec<(String, InstanceState, InstanceState)>) -> Value {
    let items: Value = changes
        .into_iter()
        .map(|(id, before, now)| json!({"instanceId": id, "currentState": state(now), "previousState": state(before)}))
        .collect();
    json!({"instancesSet": items})
}
