//! Commands: sent, listed, cancelled.

use serde_json::{Value, json};

use super::answers::paged;
use super::filters::{CommandFilter, parse};
use super::resources::{text, texts};
use crate::iam::Check;
use crate::wire::fields::{self, Fields};
use crate::wire::operation::{Operation, reads, writes};
use crate::wire::resources::{arn, of_ec2};
use crate::world::error::ApiResult;
use crate::world::ssm::{Command, CommandInvocation, InvocationStatus, SendCommand};
use crate::world::{REGION, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ssm("CancelCommand", &["CommandId", "InstanceIds"], writes(cancel)),
    Operation::ssm("ListCommands", &["CommandId", "Filters", "InstanceId", "MaxResults", "NextToken"], reads(list)),
    Operation::ssm("SendCommand", SEND_PARAMETERS, writes(send).on(document_and_instances)),
];

/// Targets, rate controls, and output to S3 or CloudWatch are not here.
const SEND_PARAMETERS: &[&str] = &[
    "Comment",
    "DocumentHash",
    "DocumentHashType",
    "DocumentName",
    "DocumentVersion",
    "InstanceIds",
    "Parameters",
    "TimeoutSeconds",
];

fn send(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    let comment = fields.owned("Comment")?.unwrap_or_default();
    if comment.chars().count() > 100 {
        return Err(fields::invalid("comment", &comment));
    }
    // SHA-1 is deprecated.
    if let Some(other) = fields.text("DocumentHashType")?.filter(|given| *given != "Sha256") {
        return Err(fields::invalid("documentHashType", other));
    }
    let command = world.send_command(SendCommand {
        document: fields.required("DocumentName")?.to_owned(),
        document_version: fields.owned("DocumentVersion")?,
        document_hash: fields.owned("DocumentHash")?,
        instances: fields.texts("InstanceIds")?.into_iter().map(str::to_owned).collect(),
        parameters: fields.lists_by_name("Parameters")?,
        delivery_timeout_s: fields.number("TimeoutSeconds")?,
        comment,
    })?;
    Ok(json!({"Command": item(command)}))
}

fn document_and_instances(world: &World, fields: &Fields, action: &str) -> Vec<Check> {
    let document = Check::new(action, document_arn(text(fields, "DocumentName")));
    let instances = texts(fields, "InstanceIds").into_iter().map(|id| of_ec2(world, action, id));
    std::iter::once(document).chain(instances).collect()
}

/// AWS's own documents belong to no account.
fn document_arn(name: &str) -> String {
    match name.starts_with("AWS-") {
        true => format!("arn:aws:ssm:{REGION}::document/{name}"),
        false => arn("ssm", &format!("document/{name}")),
    }
}

/// ListCommands: newest first; with an instance, those that have reached it.
fn list(world: &World, fields: &Fields) -> ApiResult<Value> {
    let filters = parse(fields, CommandFilter::of_commands)?;
    let (id, instance) = (command_id(fields)?, fields.text("InstanceId")?);
    let items = world
        .visible_commands()
        .filter(|command| id.is_none_or(|id| command.id == id))
        .filter(|command| {
            instance.is_none_or(|instance| command.invocations.iter().any(|it| has_reached(it, instance)))
        })
        .filter(|command| filters.iter().all(|filter| filter.matches(command, command.status())))
        .map(|command| (command.id.clone(), item(command)))
        .collect();
    paged(fields, "Commands", 1..=50, items)
}

/// Systems Manager API Reference (ListCommands, InstanceId): what is pending has not reached the instance yet, and is not
/// found by it.
pub(super) fn has_reached(invocation: &CommandInvocation, instance: &str) -> bool {
    invocation.instance == instance && invocation.status != InvocationStatus::Pending
}

fn cancel(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    let instances: Vec<_> = fields.texts("InstanceIds")?.into_iter().map(str::to_owned).collect();
    fields.required("CommandId")?;
    world.cancel_command(command_id(fields)?.unwrap_or_default(), &instances)?;
    Ok(json!({}))
}

/// The command that the request names, if it names one.
pub(super) fn command_id(fields: &Fields) -> ApiResult<Option<&str>> {
    match fields.text("CommandId")? {
        Some(other) if other.len() != 36 => Err(fields::invalid("commandId", other)),
        id => Ok(id),
    }
}

/// How a command is shown whose output goes nowhere else.
pub(super) fn no_cloud_watch() -> Value {
    json!({"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": false})
}

fn item(command: &Command) -> Value {
    let count = |of: fn(InvocationStatus) -> bool| command.invocations.iter().filter(|it| of(it.status)).count();
    let status = command.status();
    json!({
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": command.document_version,
        "Comment": command.comment,
        "ExpiresAfter": command.expires_after().epoch_seconds(),
        "Parameters": command.parameters,
        "InstanceIds": command.invocations.iter().map(|it| it.instance.as_str()).collect::<Vec<_>>(),
        "Targets": [],
        "RequestedDateTime": command.requested.epoch_seconds(),
        "Status": status.name(),
        "StatusDetails": status.details(),
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "TargetCount": command.invocations.len(),
        "CompletedCount": count(InvocationStatus::is_final),
        "ErrorCount": count(|it| matches!(it, InvocationStatus::Failed | InvocationStatus::ExecutionTimedOut)),
        "DeliveryTimedOutCount": count(|it| it == InvocationStatus::DeliveryTimedOut),
        "TimeoutSeconds": command.delivery_timeout.as_secs(),
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "ServiceRole": "",
        "NotificationConfig": {"NotificationArn": "", "NotificationEvents": [], "NotificationType": ""},
        "CloudWatchOutputConfig": no_cloud_watch(),
    })
}
