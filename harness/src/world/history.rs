//! Everything that happened, in order: what the demo tells and what invariants are checked against.

use serde_json::Value;

use super::World;
use crate::iam::Caller;
use crate::time::Time;

/// What happened in a world so far.
#[derive(Debug, Default)]
pub struct History {
    /// In order.
    pub entries: Vec<Entry>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// The kinds of things that happen.
#[derive(Clone, Debug)]
pub enum What {
    /// An event was put on the bus.
    Emitted(Value),
    /// A function was invoked.
    Invoked {
        /// Which function.
        function: String,
        /// From 1; higher for Lambda's own retries.
        attempt: u32,
    },
    /// An invocation ended.
    Answered {
        /// Which function.
        function: String,
        /// Its answer, or its error's type and message.
        outcome: Result<String, String>,
    },
    /// An API call was answered.
    Called {
        /// Who called.
        caller: Caller,
        /// For example `ec2:AttachVolume`.
        operation: String,
        /// As the service's protocol has them: flags are texts in a form, lists are lists.
        parameters: Value,
        /// The error code, if it failed.
        error: Option<String>,
    },
    /// Something in AWS changed.
    Changed {
        /// The id or name of what changed.
        subject: String,
        /// For example `running`, `attached to i-…`, `A 10.0.0.7`.
        text: String,
    },
    /// Something happened inside an instance.
    Guest {
        /// Which instance.
        instance: String,
        /// For example `k3s is up`.
        text: String,
    },
    /// An invariant was violated.
    Violated(String),
}

impl World {
    /// Writes into the history what happened now.
    pub fn note(&mut self, what: What) {
        let at = self.now;
        self.history.entries.push(Entry { at, what });
    }

    pub(crate) fn note_change(&mut self, subject: &str, text: impl Into<String>) {
        self.note(What::Changed { subject: subject.to_owned(), text: text.into() });
    }

    pub(crate) fn note_guest(&mut self, instance: &str, text: impl Into<String>) {
        self.note(What::Guest { instance: instance.to_owned(), text: text.into() });
    }
}
