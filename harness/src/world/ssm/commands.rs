//! Run Command: send, read, cancel. How a command reaches its instance is in `delivery.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Ssm;
use super::delivery::InvocationStep;
use super::{InvocationStatus, World};
use crate::time::Time;
use crate::world::ACCOUNT;
use crate::world::ec2::InstanceState;
use crate::world::error::{ApiError, ApiResult};
use crate::world::guest::Answer;

/// What SendCommand is asked for.
#[derive(Clone, Debug, Default)]
pub struct SendCommand {
    pub document: String,
    pub document_version: Option<String>,
    /// SHA-256 of the document's content, if it has to be that one.
    pub document_hash: Option<String>,
    /// To which instances, at most 50.
    pub instances: Vec<String>,
    /// For the document.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// How long it may take until the command has reached the instance, from 30.
    pub delivery_timeout_s: Option<u64>,
    pub comment: String,
}

#[derive(Clone, Debug)]
pub struct Command {
    /// A UUID.
    pub id: String,
    pub document: String,
    /// As it was asked for; empty if it was not.
    pub document_version: String,
    /// The name of the document's first step.
    pub plugin: String,
    pub comment: String,
    /// For the document.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// How long it may take until it has reached an instance.
    pub delivery_timeout: Duration,
    /// How long the document may take on an instance.
    pub execution_timeout: Duration,
    pub requested: Time,
    /// From when on it can be read.
    pub visible: Time,
    /// Its copies, one for each instance, in the order in which they were named.
    pub invocations: Vec<CommandInvocation>,
}

/// The copy of a command that is meant for one instance.
#[derive(Clone, Debug)]
pub struct CommandInvocation {
    pub instance: String,
    pub status: InvocationStatus,
    /// -1 until the document has ended.
    pub response_code: i32,
    /// What durin-node has written, if that is what the document runs.
    pub answer: Option<Answer>,
    /// What the document has written, where instances are machines.
    pub output: Option<Output>,
    /// When the document began to run.
    pub started: Option<Time>,
    /// When the status became final.
    pub ended: Option<Time>,
}

/// What a document has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// To standard output.
    pub output: String,
    /// To standard error.
    pub error: String,
}

/// Systems Manager API Reference (SendCommand): the default delivery timeout.
const DELIVERY_TIMEOUT_S: u64 = 3600;
/// Systems Manager API Reference (SendCommand): from 30 seconds to 30 days.
const DELIVERY_TIMEOUTS_S: std::ops::RangeInclusive<u64> = 30..=2_592_000;
/// Systems Manager API Reference (SendCommand): at most that many instances.
const INSTANCES_AT_ONCE: usize = 50;

impl Ssm {
    /// The command of that id.
    pub fn command(&self, id: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.id == id)
    }
}

impl World {
    pub fn send_command(&mut self, request: SendCommand) -> ApiResult<&Command> {
        let timeout_s = request.delivery_timeout_s.unwrap_or(DELIVERY_TIMEOUT_S);
        if !DELIVERY_TIMEOUTS_S.contains(&timeout_s) {
            return Err(refused("timeoutSeconds", &timeout_s.to_string()));
        }
        if !(1..=INSTANCES_AT_ONCE).contains(&request.instances.len()) {
            return Err(refused("instanceIds", &format!("{:?}", request.instances)));
        }
        let document = self.ssm.document(&request.document, request.document_version.as_deref())?;
        document.check_hash(request.document_hash.as_deref())?;
        document.check_parameters(&request.parameters)?;
        let (plugin, execution_timeout) =
            (document.plugin_name().to_owned(), document.execution_timeout(&request.parameters));
        self.check_targets(&request.instances)?;

        let id = self.uuid();
        let visible = self.now + self.draw(self.latency.ssm_invocation_visible);
        let command = Command {
            id: id.clone(),
            document: request.document,
            document_version: request.document_version.unwrap_or_default(),
            plugin,
            comment: request.comment,
            parameters: request.parameters,
            delivery_timeout: Duration::from_secs(timeout_s),
            execution_timeout,
            requested: self.now,
            visible,
            invocations: request.instances.iter().map(|instance| CommandInvocation::pending(instance)).collect(),
        };
        let (delivery_timeout, all) = (command.delivery_timeout, command.total_timeout());
        self.ssm.commands.push(command);
        for instance in &request.instances {
            self.announce_invocation(&id, instance);
            let delay = self.draw(self.latency.ssm_command_start);
            self.schedule_step(delay, &id, instance, InvocationStep::Deliver);
            self.schedule_step(delivery_timeout, &id, instance, InvocationStep::DeliveryTimeout);
            self.schedule_step(all, &id, instance, InvocationStep::Expiry);
        }
        self.ssm.command(&id).ok_or_else(unknown_command)
    }

    /// Systems Manager API Reference (SendCommand, InvalidInstanceId): the agent has to be registered. Which states of
    /// an instance are good differs from page to page; a command to an instance that is not running is refused here.
    fn check_targets(&self, instances: &[String]) -> ApiResult<()> {
        let mut sorted = instances.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ApiError::new("DuplicateInstanceId", ""));
        }
        let reachable = |id: &&String| {
            let instance = self.ec2.instances.get(*id);
            instance.is_some_and(|it| it.state == InstanceState::Running && it.guest.agent.registered.is_some())
        };
        let invalid: Vec<_> = instances.iter().filter(|id| !reachable(id)).map(String::as_str).collect();
        if invalid.is_empty() {
            return Ok(());
        }
        // gravitational/teleport#24176 has the text.
        let text = format!("Instances [[{}]] not in a valid state for account {ACCOUNT}", invalid.join(", "));
        Err(ApiError::new("InvalidInstanceId", text))
    }

    /// What can be read of the commands by now, newest first. aws/aws-cli#3546: a command that has just been sent is
    /// not listed yet.
    pub fn visible_commands(&self) -> impl Iterator<Item = &Command> {
        self.ssm.commands.iter().rev().filter(|command| command.visible <= self.now)
    }

    pub fn command_invocation(&self, id: &str, instance: &str) -> ApiResult<(&Command, &CommandInvocation)> {
        let command = self.visible_commands().find(|command| command.id == id);
        command
            .and_then(|command| Some((command, command.invocation(instance)?)))
            .ok_or_else(|| ApiError::new("InvocationDoesNotExist", ""))
    }

    /// CancelCommand, for these instances or for all of the command. Systems Manager API Reference: that the document
    /// stops is not guaranteed.
    pub fn cancel_command(&mut self, id: &str, instances: &[String]) -> ApiResult<()> {
        let command = self.ssm.command(id).ok_or_else(unknown_command)?;
        if let Some(stranger) = instances.iter().find(|instance| command.invocation(instance).is_none()) {
            let text = format!("The command {id} was not sent to {stranger}.");
            return Err(ApiError::new("InvalidInstanceId", text));
        }
        let affected =
            |invocation: &&CommandInvocation| instances.is_empty() || instances.contains(&invocation.instance);
        let targets: Vec<_> = command.invocations.iter().filter(affected).cloned().collect();
        for CommandInvocation { instance, status, .. } in targets {
            match status {
                InvocationStatus::Pending | InvocationStatus::Delayed => {
                    self.set_invocation(id, &instance, InvocationStatus::Cancelled);
                }
                InvocationStatus::InProgress => {
                    self.set_invocation(id, &instance, InvocationStatus::Cancelling);
                    let delay = self.draw(self.latency.ssm_command_start);
                    self.schedule_step(delay, id, &instance, InvocationStep::Cancel);
                }
                InvocationStatus::Cancelling
                | InvocationStatus::Success
                | InvocationStatus::Failed
                | InvocationStatus::Cancelled
                | InvocationStatus::DeliveryTimedOut
                | InvocationStatus::ExecutionTimedOut
                | InvocationStatus::Undeliverable => {}
            }
        }
        Ok(())
    }
}

impl Command {
    /// When nothing more is expected of it. Systems Manager API Reference (Command, ExpiresAfter): both timeouts
    /// together.
    pub fn expires_after(&self) -> Time {
        self.requested + self.total_timeout()
    }

    /// The copy for that instance.
    pub fn invocation(&self, instance: &str) -> Option<&CommandInvocation> {
        self.invocations.iter().find(|invocation| invocation.instance == instance)
    }

    /// All its invocations taken together. Systems Manager API Reference (Command, StatusDetails), for a MaxErrors
    /// of 0.
    pub fn status(&self) -> InvocationStatus {
        use InvocationStatus::*;
        // One that is not over comes first, then the worst end.
        const ORDER: [InvocationStatus; 9] = [
            Cancelling,
            InProgress,
            Failed,
            ExecutionTimedOut,
            DeliveryTimedOut,
            Undeliverable,
            Cancelled,
            Success,
            Pending,
        ];
        let all = |status| self.invocations.iter().all(|invocation| invocation.status == status);
        let any = |status| self.invocations.iter().any(|invocation| invocation.status == status);
        let waiting = any(Pending) || any(Delayed);
        if all(Pending) {
            return Pending;
        }
        if waiting && !any(Cancelling) {
            return InProgress;
        }
        ORDER.into_iter().find(|status| any(*status)).unwrap_or(Success)
    }

    fn total_timeout(&self) -> Duration {
        self.delivery_timeout + self.execution_timeout
    }
}

impl CommandInvocation {
    fn pending(instance: &str) -> CommandInvocation {
        CommandInvocation {
            instance: instance.to_owned(),
            status: InvocationStatus::Pending,
            response_code: -1,
            answer: None,
            output: None,
            started: None,
            ended: None,
        }
    }
}

fn refused(member: &str, value: &str) -> ApiError {
    let text = format!("1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint");
    ApiError::new("ValidationException", text)
}

fn unknown_command() -> ApiError {
    ApiError::new("InvalidCommandId", "")
}
