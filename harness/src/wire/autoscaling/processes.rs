//! Suspended processes.

use serde_json::{Value, json};

use super::answers::done;
use super::resources::group;
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{Group, Process, SuspendedProcess};
use crate::world::error::ApiResult;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::autoscaling("DescribeScalingProcessTypes", &[], reads(describe_types)),
    Operation::autoscaling("ResumeProcesses", PARAMETERS, writes(resume).on(group)),
    Operation::autoscaling("SuspendProcesses", PARAMETERS, writes(suspend).on(group)),
];

const PARAMETERS: &[&str] = &["AutoScalingGroupName", "ScalingProcesses"];

fn suspend(world: &mut World, params: &Params) -> ApiResult<Value> {
    let processes = Process::named(&params.list("ScalingProcesses"))?;
    world.suspend_processes(params.required("AutoScalingGroupName")?, &processes)?;
    Ok(done())
}

fn resume(world: &mut World, params: &Params) -> ApiResult<Value> {
    let processes = Process::named(&params.list("ScalingProcesses"))?;
    world.resume_processes(params.required("AutoScalingGroupName")?, &processes)?;
    Ok(done())
}

/// DescribeScalingProcessTypes.
fn describe_types(_: &World, _: &Params) -> ApiResult<Value> {
    let types: Value = Process::ALL.iter().map(|process| json!({"ProcessName": process.name()})).collect();
    Ok(json!({"Processes": types}))
}

pub(super) fn suspended_processes(group: &Group) -> Value {
    let item = |it: &SuspendedProcess| json!({"ProcessName": it.process.name(), "SuspensionReason": it.reason});
    group.suspended.iter().map(item).collect()
}
