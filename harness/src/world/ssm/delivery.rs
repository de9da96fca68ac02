//! How a command reaches its instance, runs there, and ends.

use std::time::Duration;

use serde_json::json;

use super::Ssm;
use super::SsmChange;
use super::{Command, CommandInvocation, InvocationStatus, Output, SsmEffect, World};
use crate::world::ec2::{InstanceState, instance_arn};
use crate::world::guest::{Answer, Outcome};

/// The steps in the life of a command's invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvocationStep {
    /// It is handed to the agent, if that answers.
    Deliver,
    /// It should have reached the agent by now.
    DeliveryTimeout,
    /// The document should have ended by now.
    ExecutionTimeout,
    /// The agent is asked to stop.
    Cancel,
    /// Nothing more is expected of it.
    Expiry,
}

/// The exit code of what the agent kills: 128 and the signal, 9. Recorded with an execution timeout.
const KILLED: i32 = 137;

/// The parameter of the documents that names the volume.
const VOLUME_PARAMETER: &str = "VolumeId";

impl Ssm {
    fn the_command(&self, id: &str) -> &Command {
        self.command(id).expect("no command is forgotten")
    }

    fn invocation_status(&self, command: &str, instance: &str) -> InvocationStatus {
        self.the_command(command).invocation(instance).expect("the command was sent to the instance").status
    }

    fn the_invocation_mut(&mut self, command: &str, instance: &str) -> &mut CommandInvocation {
        let command = self.commands.iter_mut().find(|it| it.id == command).expect("no command is forgotten");
        let mut invocations = command.invocations.iter_mut();
        invocations.find(|it| it.instance == instance).expect("the command was sent to the instance")
    }
}

impl World {
    pub(super) fn carry_out_step(&mut self, command: &str, instance: &str, step: InvocationStep) {
        match step {
            InvocationStep::Deliver => self.deliver_command(command, instance),
            InvocationStep::DeliveryTimeout => self.on_delivery_timeout(command, instance),
            InvocationStep::ExecutionTimeout => self.kill_document(instance, command, Outcome::TimedOut),
            InvocationStep::Cancel => self.cancel_at_agent(command, instance),
            InvocationStep::Expiry => self.on_expiry(command, instance),
        }
    }

    fn deliver_command(&mut self, command: &str, instance: &str) {
        let status = self.ssm.invocation_status(command, instance);
        // It may have been delivered, or cancelled, meanwhile.
        if !status.is_undelivered() {
            return;
        }
        if self.agent_answers(instance) {
            self.set_invocation(command, instance, InvocationStatus::InProgress);
            let sent = self.ssm.the_command(command);
            let (timeout, document) = (sent.execution_timeout, sent.document.clone());
            self.schedule_step(timeout, command, instance, InvocationStep::ExecutionTimeout);
            self.run_document(instance, command, &document);
        } else if status == InvocationStatus::Pending {
            self.set_invocation(command, instance, InvocationStatus::Delayed);
        }
    }

    /// The volume that a command is about. One that names none means whatever is there.
    pub(in crate::world) fn volume_of_command(&self, command: &str) -> Option<String> {
        let volume = self.ssm.the_command(command).parameters.get(VOLUME_PARAMETER)?.first()?;
        Some(volume.clone()).filter(|volume| !volume.is_empty())
    }

    /// What durin-node writes when it comes to its end.
    pub(in crate::world) fn answer(&mut self, instance: &str, command: &str, mut answer: Answer) {
        let boots = self.ec2.the_instance(instance).guest.boots;
        answer.facts.boot = format!("{instance}/{boots}");
        self.ssm.the_invocation_mut(command, instance).answer = Some(answer);
    }

    /// What a machine has written for the command.
    pub(in crate::world) fn write_output(&mut self, command: &str, instance: &str, output: Option<Output>) {
        self.ssm.the_invocation_mut(command, instance).output = output;
    }

    pub(in crate::world) fn has_answered(&self, instance: &str, command: &str) -> bool {
        let sent = self.ssm.the_command(command).invocation(instance);
        sent.is_some_and(|invocation| invocation.answer.is_some())
    }

    /// An agent is online: what has waited for it is delivered.
    pub(in crate::world) fn deliver_delayed(&mut self, instance: &str) {
        let delayed = |invocation: &CommandInvocation| invocation.status == InvocationStatus::Delayed;
        let waiting: Vec<_> = self
            .ssm
            .commands
            .iter()
            .filter(|command| command.invocation(instance).is_some_and(delayed))
            .map(|command| command.id.clone())
            .collect();
        for command in waiting {
            let delay = self.draw(self.latency.ssm_command_start);
            self.schedule_step(delay, &command, instance, InvocationStep::Deliver);
        }
    }

    fn on_delivery_timeout(&mut self, command: &str, instance: &str) {
        if self.ssm.invocation_status(command, instance).is_undelivered() {
            let end = self.unheard_of(instance);
            self.set_invocation(command, instance, end);
        }
    }

    fn cancel_at_agent(&mut self, command: &str, instance: &str) {
        if self.agent_answers(instance) {
            self.kill_document(instance, command, Outcome::Cancelled);
        }
    }

    /// Systems Manager API Reference (Command, ExpiresAfter): what is in progress then has timed out, too.
    fn on_expiry(&mut self, command: &str, instance: &str) {
        let status = self.ssm.invocation_status(command, instance);
        if status.is_final() {
            return;
        }
        let cancelled = status == InvocationStatus::Cancelling;
        let end = if cancelled { InvocationStatus::Cancelled } else { self.unheard_of(instance) };
        self.set_invocation(command, instance, end);
    }

    /// How an invocation ends of which nothing is heard. Systems Manager API Reference (CommandInvocation,
    /// StatusDetails): undeliverable when the instance might not exist. It was seen, too, for a command that had begun
    /// to run.
    fn unheard_of(&self, instance: &str) -> InvocationStatus {
        match self.ec2.state_of(instance) {
            Some(InstanceState::Running | InstanceState::Pending) => InvocationStatus::DeliveryTimedOut,
            Some(
                InstanceState::ShuttingDown
                | InstanceState::Terminated
                | InstanceState::Stopping
                | InstanceState::Stopped,
            )
            | None => InvocationStatus::Undeliverable,
        }
    }

    /// The agent reports how a document has ended. Systems Manager may have given the invocation up before.
    pub(in crate::world) fn record_outcome(&mut self, command: &str, instance: &str, outcome: Outcome) {
        let (status, response_code) = match outcome {
            Outcome::Success => (InvocationStatus::Success, 0),
            Outcome::Failed(code) => (InvocationStatus::Failed, code),
            Outcome::TimedOut => (InvocationStatus::ExecutionTimedOut, KILLED),
            Outcome::Cancelled => (InvocationStatus::Cancelled, KILLED),
        };
        let invocation = self.ssm.the_invocation_mut(command, instance);
        if !invocation.status.is_final() {
            invocation.response_code = response_code;
            self.set_invocation(command, instance, status);
        }
    }

    pub(super) fn set_invocation(&mut self, command: &str, instance: &str, status: InvocationStatus) {
        let now = self.now;
        let invocation = self.ssm.the_invocation_mut(command, instance);
        invocation.status = status;
        if status == InvocationStatus::InProgress {
            invocation.started = Some(now);
        }
        if status.is_final() {
            invocation.ended = Some(now);
        }
        self.announce_invocation(command, instance);
    }

    /// Reports it to the history and to EventBridge. Systems Manager User Guide: monitoring Run Command with EventBridge.
    pub(super) fn announce_invocation(&mut self, id: &str, instance: &str) {
        let command = self.ssm.the_command(id);
        let status = self.ssm.invocation_status(id, instance);
        let (document, instance_id) = (command.document.clone(), instance.to_owned());
        let change = SsmChange::Invocation { document, instance: instance_id, status };
        let detail = json!({
            "command-id": id,
            "document-name": command.document,
            "instance-id": instance,
            "requested-date-time": command.requested.iso_millis(),
            "status": status.name(),
        });
        self.note_change(id, change);
        let resources = vec![instance_arn(instance)];
        self.emit("aws.ssm", "EC2 Command Invocation Status-change Notification", resources, detail);
    }

    pub(super) fn schedule_step(&mut self, delay: Duration, command: &str, instance: &str, step: InvocationStep) {
        let (command, instance) = (command.to_owned(), instance.to_owned());
        self.schedule(delay, SsmEffect::Invocation { command, instance, step });
    }

    fn agent_answers(&self, instance: &str) -> bool {
        self.ec2.instances.get(instance).is_some_and(|it| it.guest.agent_online_since.is_some())
    }
}
