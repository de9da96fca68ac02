//! What ListCommands and ListCommandInvocations are narrowed by.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::time::Time;
use crate::wire::fields::{self, Fields};
use crate::world::error::{ApiError, ApiResult};
use crate::world::ssm::{Command, InvocationStatus};

/// One condition.
pub(super) enum CommandFilter {
    InvokedAfter(Time),
    InvokedBefore(Time),
    Status(String),
    DocumentName(String),
    /// Whether it is over.
    Complete(bool),
}

/// The conditions of a request, all of which have to hold.
pub(super) fn parse(fields: &Fields, one: fn(&str, &str) -> ApiResult<CommandFilter>) -> ApiResult<Vec<CommandFilter>> {
    fields.structures("Filters")?.iter().map(|filter| one(filter.required("key")?, filter.required("value")?)).collect()
}

impl CommandFilter {
    pub(super) fn of_commands(key: &str, value: &str) -> ApiResult<CommandFilter> {
        match (key, value) {
            ("ExecutionStage", "Executing") => Ok(CommandFilter::Complete(false)),
            ("ExecutionStage", "Complete") => Ok(CommandFilter::Complete(true)),
            ("ExecutionStage", other) => Err(fields::invalid("value", other)),
            _ => CommandFilter::of_invocations(key, value),
        }
    }

    pub(super) fn of_invocations(key: &str, value: &str) -> ApiResult<CommandFilter> {
        match key {
            "InvokedAfter" => Ok(CommandFilter::InvokedAfter(time(value)?)),
            "InvokedBefore" => Ok(CommandFilter::InvokedBefore(time(value)?)),
            "Status" => Ok(CommandFilter::Status(value.to_owned())),
            "DocumentName" => Ok(CommandFilter::DocumentName(value.to_owned())),
            _ => Err(ApiError::new("InvalidFilterKey", "")),
        }
    }

    /// Whether it holds for the command, or for its invocation, that has that status.
    pub(super) fn matches(&self, command: &Command, status: InvocationStatus) -> bool {
        match self {
            CommandFilter::InvokedAfter(time) => command.requested >= *time,
            CommandFilter::InvokedBefore(time) => command.requested < *time,
            // Systems Manager API Reference (CommandFilter): the status, or the status details.
            CommandFilter::Status(wanted) => [status.name(), status.details()].contains(&wanted.as_str()),
            CommandFilter::DocumentName(name) => command.document == *name,
            CommandFilter::Complete(complete) => status.is_final() == *complete,
        }
    }
}

fn time(text: &str) -> ApiResult<Time> {
    let millis = DateTime::from_str(text, Format::DateTimeWithOffset).ok().and_then(|time| time.to_millis().ok());
    millis.map(Time).ok_or_else(|| fields::invalid("value", text))
}
