//! Command invocations: the copies of a command, one for each instance.

use std::time::Duration;

use serde_json::{Value, json};

use super::answers::paged;
use super::commands::{command_id, has_reached, no_cloud_watch};
use super::filters::{CommandFilter, parse};
use crate::time::Time;
use crate::wire::fields::Fields;
use crate::wire::operation::{Operation, reads};
use crate::world::World;
use crate::world::error::{ApiError, ApiResult};
use crate::world::guest::{Answer, Voice};
use crate::world::ssm::{Command, CommandInvocation, InvocationStatus, Output};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ssm("GetCommandInvocation", &["CommandId", "InstanceId", "PluginName"], reads(get)),
    Operation::ssm(
        "ListCommandInvocations",
        &["CommandId", "Details", "Filters", "InstanceId", "MaxResults", "NextToken"],
        reads(list),
    ),
];

/// ListCommandInvocations: newest first. A command that nobody knows has no invocations; it is no error
/// (Probe: unknown-command-has-no-invocations). With an instance, a
/// command is left out that has not reached it yet: see [`has_reached`].
fn list(world: &World, fields: &Fields) -> ApiResult<Value> {
    let filters = parse(fields, CommandFilter::of_invocations)?;
    let (id, instance) = (command_id(fields)?, fields.text("InstanceId")?);
    let details = fields.flag("Details")?;
    let items = world
        .visible_commands()
        .filter(|command| id.is_none_or(|id| command.id == id))
        .flat_map(|command| command.invocations.iter().map(move |invocation| (command, invocation)))
        .filter(|(_, invocation)| instance.is_none_or(|instance| has_reached(invocation, instance)))
        .filter(|(command, invocation)| filters.iter().all(|filter| filter.matches(command, invocation.status)))
        .map(|(command, invocation)| {
            (format!("{} {}", command.id, invocation.instance), item(command, invocation, details))
        })
        .collect();
    paged(fields, "CommandInvocations", 1..=50, items)
}

fn get(world: &World, fields: &Fields) -> ApiResult<Value> {
    command_id(fields)?;
    let (command, invocation) =
        world.command_invocation(fields.required("CommandId")?, fields.required("InstanceId")?)?;
    if fields.text("PluginName")?.is_some_and(|plugin| plugin != command.plugin) {
        return Err(ApiError::new("InvalidPluginName", ""));
    }
    let ended = invocation.ended.filter(|_| invocation.started.is_some());
    let elapsed = match (invocation.started, ended) {
        (Some(started), Some(ended)) => format!("PT{}S", ended.since(started).as_secs_f64()),
        _ => String::new(),
    };
    let (output, error) = written(invocation);
    Ok(json!({
        "CommandId": command.id,
        "InstanceId": invocation.instance,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "PluginName": command.plugin,
        "ResponseCode": invocation.response_code,
        "ExecutionStartDateTime": invocation.started.map(Time::iso_millis).unwrap_or_default(),
        "ExecutionElapsedTime": elapsed,
        "ExecutionEndDateTime": ended.map(Time::iso_millis).unwrap_or_default(),
        "Status": invocation.status.name(),
        "StatusDetails": invocation.status.details(),
        "StandardOutputContent": output,
        "StandardOutputUrl": "",
        "StandardErrorContent": error,
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": no_cloud_watch(),
    }))
}

fn item(command: &Command, invocation: &CommandInvocation, details: bool) -> Value {
    let plugins = if details { vec![plugin(command, invocation)] } else { Vec::new() };
    json!({
        "CommandId": command.id,
        "InstanceId": invocation.instance,
        "InstanceName": "",
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "RequestedDateTime": command.requested.epoch_seconds(),
        "Status": invocation.status.name(),
        "StatusDetails": invocation.status.details(),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": plugins,
        "ServiceRole": "",
    })
}

fn plugin(command: &Command, invocation: &CommandInvocation) -> Value {
    let (output, error) = written(invocation);
    let mut item = json!({
        "Name": command.plugin,
        "Status": plugin_status(invocation.status).name(),
        "StatusDetails": plugin_status(invocation.status).details(),
        "ResponseCode": invocation.response_code,
        "Output": format!("{output}{error}"),
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
    });
    if let Some(started) = invocation.started {
        item["ResponseStartDateTime"] = started.epoch_seconds().into();
        if let Some(ended) = invocation.ended {
            item["ResponseFinishDateTime"] = ended.epoch_seconds().into();
        }
    }
    item
}

/// A plugin knows neither delay nor cancellation under way. (CommandPluginStatus in the API Reference.)
fn plugin_status(status: InvocationStatus) -> InvocationStatus {
    match status {
        InvocationStatus::Delayed => InvocationStatus::Pending,
        InvocationStatus::Cancelling => InvocationStatus::InProgress,
        InvocationStatus::Pending
        | InvocationStatus::InProgress
        | InvocationStatus::Success
        | InvocationStatus::Failed
        | InvocationStatus::Cancelled
        | InvocationStatus::DeliveryTimedOut
        | InvocationStatus::ExecutionTimedOut
        | InvocationStatus::Undeliverable => status,
    }
}

/// What the document wrote, to standard output and to standard error.
fn written(invocation: &CommandInvocation) -> (String, String) {
    if let Some(Output { output, error }) = &invocation.output {
        let has_failed = invocation.status == InvocationStatus::Failed;
        let status = format!("failed to run commands: exit status {}", invocation.response_code);
        return (output.clone(), if has_failed { format!("{error}{status}") } else { error.clone() });
    }
    let line = |answer: &Answer| match answer.by {
        Voice::Document => String::new(),
        Voice::Program(protocol) => format!("{}\n", last_line(answer, protocol)),
    };
    let complaint = |answer: &Answer| answer.why.as_ref().map(|why| format!("{}: {why}\n", answer.word));
    let answer = invocation.answer.as_ref();
    match invocation.status {
        InvocationStatus::Success => (answer.map_or("done\n".to_owned(), line), String::new()),
        InvocationStatus::Failed => {
            let complaint = answer.and_then(complaint).unwrap_or_default();
            (answer.map(line).unwrap_or_default(), format!("{complaint}failed to run commands: exit status 1"))
        }
        InvocationStatus::Pending
        | InvocationStatus::Delayed
        | InvocationStatus::InProgress
        | InvocationStatus::Cancelling
        | InvocationStatus::Cancelled
        | InvocationStatus::DeliveryTimedOut
        | InvocationStatus::ExecutionTimedOut
        | InvocationStatus::Undeliverable => (String::new(), String::new()),
    }
}

/// As durin-node writes it. (`infra/node/src/answer.rs`)
fn last_line(answer: &Answer, protocol: u32) -> Value {
    let (facts, seconds) = (&answer.facts, |span: Duration| span.as_secs_f64());
    let mut line = json!({
        "protocol": protocol, "command": answer.command, "answer": answer.word, "boot": facts.boot,
    });
    if let Some(why) = &answer.why {
        line["why"] = why.as_str().into();
    }
    for (step, took) in &facts.took {
        line["seconds"][*step] = seconds(*took).into();
    }
    if answer.command == "status" {
        line["released"] = facts.released.as_deref().into();
        line["volume"] = facts.mount.map(|took| json!({ "mount_seconds": seconds(took) })).into();
        let k3s = |api| json!({ "api_seconds": seconds(api), "workloads_seconds": facts.workload.map(seconds) });
        line["k3s"] = facts.k3s.map(k3s).into();
        line["prepared"] = json!({ "k3s": facts.k3s_version });
        line["served_by"] = facts.served_by.as_deref().into();
    }
    line
}
