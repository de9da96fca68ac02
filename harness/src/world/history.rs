//! Everything that happened, in order: the demo shows it, and invariants are checked against it.

use std::fmt;

use serde_json::Value;

use super::World;
use super::autoscaling::AutoScalingChange;
use super::bakes::BakeChange;
use super::ec2::Ec2Change;
use super::guest::GuestFact;
use super::route53::Route53Change;
use super::ssm::SsmChange;
use super::violation::Violation;
use crate::iam::Caller;
use crate::time::Time;

/// What happened in a world so far.
#[derive(Debug, Default)]
pub struct History {
    /// In order.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub at: Time,
    pub fact: Fact,
}

/// The kinds of things that happen.
#[derive(Clone, Debug)]
pub enum Fact {
    /// An event was emitted.
    Emitted(Value),
    Invoked {
        function: String,
        /// From 1; higher for Lambda's own retries.
        attempt: u32,
    },
    /// An invocation ended.
    Answered {
        function: String,
        /// Its answer, or its error's type and message.
        outcome: Result<String, String>,
    },
    /// An API call was answered.
    Called {
        caller: Caller,
        /// For example `ec2:AttachVolume`.
        operation: String,
        /// As the service's protocol has them: flags are texts in a form, lists are lists.
        parameters: Value,
        /// The error code, if it failed.
        error: Option<String>,
    },
    Changed {
        /// The id or name of what changed.
        subject: String,
        change: Change,
    },
    /// Something happened inside an instance.
    Guest {
        instance: String,
        fact: GuestFact,
    },
    Violated(Violation),
}

impl Fact {
    /// The operation of an API call, for example `ec2:AttachVolume`.
    pub fn operation(&self) -> Option<&str> {
        match self {
            Fact::Called { operation, .. } => Some(operation),
            Fact::Emitted(_)
            | Fact::Invoked { .. }
            | Fact::Answered { .. }
            | Fact::Changed { .. }
            | Fact::Guest { .. }
            | Fact::Violated(_) => None,
        }
    }

    /// The invariant that was broken, if one was.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Fact::Violated(violation) => Some(violation),
            Fact::Emitted(_)
            | Fact::Invoked { .. }
            | Fact::Answered { .. }
            | Fact::Called { .. }
            | Fact::Changed { .. }
            | Fact::Guest { .. } => None,
        }
    }

    /// The type and message of the error with which an invocation ended.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Fact::Answered { outcome, .. } => outcome.as_ref().err().map(String::as_str),
            Fact::Emitted(_)
            | Fact::Invoked { .. }
            | Fact::Called { .. }
            | Fact::Changed { .. }
            | Fact::Guest { .. }
            | Fact::Violated(_) => None,
        }
    }
}

/// What changed, by the service that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Ec2(Ec2Change),
    AutoScaling(AutoScalingChange),
    Ssm(SsmChange),
    Route53(Route53Change),
    Bake(BakeChange),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Ec2(change) => change.fmt(f),
            Change::AutoScaling(change) => change.fmt(f),
            Change::Ssm(change) => change.fmt(f),
            Change::Route53(change) => change.fmt(f),
            Change::Bake(change) => change.fmt(f),
        }
    }
}

impl From<Ec2Change> for Change {
    fn from(change: Ec2Change) -> Change {
        Change::Ec2(change)
    }
}

impl From<AutoScalingChange> for Change {
    fn from(change: AutoScalingChange) -> Change {
        Change::AutoScaling(change)
    }
}

impl From<SsmChange> for Change {
    fn from(change: SsmChange) -> Change {
        Change::Ssm(change)
    }
}

impl From<Route53Change> for Change {
    fn from(change: Route53Change) -> Change {
        Change::Route53(change)
    }
}

impl From<BakeChange> for Change {
    fn from(change: BakeChange) -> Change {
        Change::Bake(change)
    }
}

impl World {
    /// Everything that happened, in order.
    pub fn history(&self) -> &[Entry] {
        &self.history.entries
    }

    /// Writes a present fact into the history.
    pub(crate) fn note(&mut self, fact: Fact) {
        let at = self.now;
        self.history.entries.push(Entry { at, fact });
    }

    pub(in crate::world) fn note_change(&mut self, subject: &str, change: impl Into<Change>) {
        self.note(Fact::Changed { subject: subject.to_owned(), change: change.into() });
    }

    pub(in crate::world) fn note_guest(&mut self, instance: &str, fact: GuestFact) {
        self.note(Fact::Guest { instance: instance.to_owned(), fact });
    }

    pub(in crate::world) fn note_violation(&mut self, violation: Violation) {
        self.note(Fact::Violated(violation));
    }
}
