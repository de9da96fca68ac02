//! Systems Manager: Parameter Store, documents, and Run Command.

mod change;
mod commands;
mod delivery;
mod document_parameters;
mod documents;
mod image_parameters;
mod instance_information;
mod invocation_status;
mod labels;
mod parameters;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::ec2::throttles::{Limit, Throttles};
use super::{ACCOUNT, REGION, World};
use crate::time::Time;

pub use change::{Refusal, SsmChange};
pub use commands::{Command, CommandInvocation, Output, SendCommand};
pub use delivery::InvocationStep;
pub use documents::{CreateDocument, Document, DocumentFormat};
pub use image_parameters::{IMAGE_DATA_TYPE, PendingParameter};
pub use instance_information::PingStatus;
pub use invocation_status::InvocationStatus;
pub use parameters::PutParameter;

/// The parameters, documents and commands of the account.
#[derive(Default)]
pub struct Ssm {
    /// By name.
    pub(in crate::world) parameters: BTreeMap<String, Parameter>,
    /// Image parameters that were put and are not validated yet, by name.
    pub(in crate::world) pending_parameters: BTreeMap<String, PendingParameter>,
    /// By name, oldest version first.
    pub(in crate::world) documents: BTreeMap<String, Vec<Document>>,
    /// Oldest first.
    pub(in crate::world) commands: Vec<Command>,
    throttles: Throttles,
}

impl Ssm {
    /// Whether there may be a call of `operation` now; if so, it is counted in the `bucket`.
    pub(crate) fn admit(&mut self, operation: &str, bucket: &str, limit: Limit, now: Time) -> bool {
        self.throttles.admit(operation, bucket, limit, now)
    }

    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name)
    }

    pub fn parameters(&self) -> &BTreeMap<String, Parameter> {
        &self.parameters
    }

    /// Whether a value was put that is not validated yet.
    pub fn is_validating(&self, parameter: &str) -> bool {
        self.pending_parameters.contains_key(parameter)
    }

    /// Oldest first.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }
}

/// A parameter, all its versions.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Full name, with the hierarchy.
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub parameter_type: String,
    /// `text` or `aws:ec2:image`.
    pub data_type: String,
    /// Oldest first, at most 100.
    pub versions: Vec<ParameterVersion>,
    pub tags: BTreeMap<String, String>,
}

/// One version of a parameter.
#[derive(Clone, Debug)]
pub struct ParameterVersion {
    /// From 1.
    pub version: u64,
    /// At most 4 KiB.
    pub value: String,
    pub modified: Time,
    pub description: Option<String>,
    /// At most 10; no two versions have the same one.
    pub labels: Vec<String>,
}

impl Parameter {
    pub fn arn(&self) -> String {
        format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{}", self.name.trim_start_matches('/'))
    }
}

/// What happens in Systems Manager without a call.
#[derive(Clone, Debug)]
pub enum SsmEffect {
    /// The copy of a command for one instance goes on.
    Invocation { command: String, instance: String, step: InvocationStep },
    /// The image that the parameter of this name is to name has been looked at.
    ImageValidated(String),
}

impl World {
    pub(super) fn carry_out_ssm(&mut self, effect: SsmEffect) {
        match effect {
            SsmEffect::Invocation { command, instance, step } => self.carry_out_step(&command, &instance, step),
            SsmEffect::ImageValidated(name) => self.finish_put(&name),
        }
    }
}
