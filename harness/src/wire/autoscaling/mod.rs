//! Auto Scaling: a form in, XML out.

mod activities;
mod answers;
mod describe;
mod groups;
mod hooks;
mod instances;
mod launch_configurations;
mod launch_sources;
mod refresh;
mod tags;

use http::Request;
use serde_json::Value;

use super::action::Action;
use super::answer::Answer;
use super::query::{Dialect, Params};
use super::service::AUTO_SCALING_VERSION;
use crate::iam::Caller;
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};

const ACTIONS: &[Action<Params>] = &[
    Action::write("CancelInstanceRefresh", refresh::CANCEL_PARAMETERS, refresh::cancel),
    Action::write("CompleteLifecycleAction", hooks::COMPLETE_PARAMETERS, hooks::complete),
    Action::write("CreateAutoScalingGroup", groups::CREATE_PARAMETERS, groups::create),
    Action::write("CreateLaunchConfiguration", launch_configurations::CREATE_PARAMETERS, launch_configurations::create),
    Action::write("CreateOrUpdateTags", &["Tags"], tags::create_or_update),
    Action::write("DeleteAutoScalingGroup", &["AutoScalingGroupName", "ForceDelete"], groups::delete),
    Action::write("DeleteLaunchConfiguration", &["LaunchConfigurationName"], launch_configurations::delete),
    Action::write("DeleteLifecycleHook", &["AutoScalingGroupName", "LifecycleHookName"], hooks::delete),
    Action::write("DeleteTags", &["Tags"], tags::delete),
    Action::read("DescribeAutoScalingGroups", describe::GROUPS_PARAMETERS, describe::groups),
    Action::read("DescribeAutoScalingInstances", &["InstanceIds", "MaxRecords", "NextToken"], describe::instances),
    Action::read("DescribeInstanceRefreshes", refresh::DESCRIBE_PARAMETERS, refresh::describe),
    Action::read(
        "DescribeLaunchConfigurations",
        &["LaunchConfigurationNames", "MaxRecords", "NextToken"],
        launch_configurations::describe,
    ),
    Action::read("DescribeLifecycleHooks", &["AutoScalingGroupName", "LifecycleHookNames"], hooks::describe),
    Action::read("DescribeScalingActivities", activities::DESCRIBE_PARAMETERS, activities::describe),
    Action::read("DescribeTags", &["Filters", "MaxRecords", "NextToken"], tags::describe),
    Action::write("DetachInstances", instances::LEAVE_PARAMETERS, instances::detach),
    Action::write("EnterStandby", instances::LEAVE_PARAMETERS, instances::enter_standby),
    Action::write("ExitStandby", &["AutoScalingGroupName", "InstanceIds"], instances::exit_standby),
    Action::write("PutLifecycleHook", hooks::PUT_PARAMETERS, hooks::put),
    Action::write("RecordLifecycleActionHeartbeat", hooks::HEARTBEAT_PARAMETERS, hooks::record_heartbeat),
    Action::write(
        "SetDesiredCapacity",
        &["AutoScalingGroupName", "DesiredCapacity", "HonorCooldown"],
        groups::set_desired_capacity,
    ),
    Action::write(
        "SetInstanceHealth",
        &["HealthStatus", "InstanceId", "ShouldRespectGracePeriod"],
        instances::set_health,
    ),
    Action::write("StartInstanceRefresh", refresh::START_PARAMETERS, refresh::start),
    Action::write(
        "TerminateInstanceInAutoScalingGroup",
        &["InstanceId", "ShouldDecrementDesiredCapacity"],
        instances::terminate,
    ),
    Action::write("UpdateAutoScalingGroup", groups::UPDATE_PARAMETERS, groups::update),
];

/// The parameters that say what a call is about.
const SUBJECTS: &[&str] = &[
    "AutoScalingGroupName",
    "AutoScalingGroupNames",
    "LifecycleHookName",
    "LaunchConfigurationName",
    "InstanceId",
    "InstanceIds",
    "LifecycleActionResult",
    "DesiredCapacity",
    "HealthStatus",
];

pub(super) fn is_write(name: &str) -> Option<bool> {
    Action::find(ACTIONS, name).map(Action::is_write)
}

pub(super) fn answer(
    world: &mut World,
    caller: &Caller,
    name: &str,
    request: &Request<Vec<u8>>,
) -> (String, ApiResult<Answer>) {
    let params = Params::parse(Dialect::AutoScaling, request.body());
    (params.about(SUBJECTS), run(world, caller, name, &params).map(Answer::from))
}

fn run(world: &mut World, caller: &Caller, name: &str, params: &Params) -> ApiResult<Value> {
    let action = Action::find(ACTIONS, name).ok_or_else(|| {
        let text = format!(
            "Could not find operation {name} for version {AUTO_SCALING_VERSION}: the local AWS does not have it."
        );
        ApiError::new("InvalidAction", text)
    })?;
    match action.unknown_parameter(params.names()) {
        Some(unknown) => Err(params.unknown(unknown)),
        None => action.run(world, caller, params),
    }
}
