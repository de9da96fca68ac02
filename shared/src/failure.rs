//! How a function says that it failed: once, with the whole chain of causes and a type that stays the same.

use std::error::Error;

use lambda_runtime::Diagnostic;

use crate::ami::publish;
use crate::events::{Event, EventError};
use crate::ids::ParameterName;
use crate::node::Blocked;

/// Why an invocation failed. Lambda tries it again after one and after two more minutes, and then puts the event into
/// the dead-letter queue, whose alarm calls a person.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The payload is no event, or not a whole one. No API call was made.
    #[error(transparent)]
    InvalidEvent(#[from] EventError),
    /// The event is none that this function acts on. No API call was made.
    #[error(
        "{detail_type:?} from {source_name} is not an event that this function acts on: check the rule that sends it"
    )]
    NotForThisFunction {
        /// The event's `source`.
        source_name: String,
        /// The event's `detail-type`.
        detail_type: String,
    },
    /// A mistake in the set-up, which only a person can mend. Everything was left as it was.
    #[error(transparent)]
    Blocked(#[from] Blocked),
    /// The same, for an image or its parameter.
    #[error(transparent)]
    ImageBlocked(#[from] publish::Blocked),
    /// No earlier image of a parameter can be launched.
    #[error(
        "{parameter} names {current}, and none of the images that it named before can be launched: enable one, or put \
         another id into the parameter yourself; it is pinned now"
    )]
    NothingToRollBackTo {
        /// The parameter.
        parameter: ParameterName,
        /// What it names.
        current: String,
    },
    /// Whether images are in use is not known for certain, so none was touched.
    #[error("nothing was removed, because this could not be read: {}", .unread.join("; "))]
    ReferencesUnread {
        /// One line a source.
        unread: Vec<String>,
    },
    /// Some removals failed; the others were made. The next run tries again.
    #[error("{} removal(s) failed: {}", .failures.len(), .failures.join("; "))]
    SomeRemovals {
        /// One line each.
        failures: Vec<String>,
    },
    /// The deadline came first. Nothing is lost: whoever looks next goes on from what is there.
    #[error("out of time: {waiting_for}")]
    OutOfTime {
        /// What was still waited for.
        waiting_for: String,
    },
    /// An API call failed for good, the SDK's own retries included.
    #[error("{operation} failed")]
    Aws {
        /// For example `ec2:AttachVolume`.
        operation: &'static str,
        /// The SDK's error.
        #[source]
        problem: Box<dyn Error + Send + Sync>,
    },
    /// Some failed; the others were looked after.
    #[error("{} of {total} {several} failed: {}", .failures.len(), .failures.join("; "))]
    Some {
        /// Of what.
        several: Several,
        /// One line each.
        failures: Vec<String>,
        /// How many there are.
        total: usize,
    },
}

/// What one invocation looks after several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Several {
    /// Nodes.
    Nodes,
    /// Image families.
    Families,
}

impl std::fmt::Display for Several {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Several::Nodes => "nodes",
            Several::Families => "image families",
        })
    }
}

impl Failure {
    /// The event was understood, but it is not one that this function acts on.
    pub fn not_for_this_function(event: &Event) -> Failure {
        let (source_name, detail_type) = event.kind();
        Failure::NotForThisFunction { source_name, detail_type }
    }

    /// A name that does not change, for alarms and log queries.
    pub fn error_type(&self) -> &'static str {
        match self {
            Failure::InvalidEvent(_) => "Durin.InvalidEvent",
            Failure::NotForThisFunction { .. } => "Durin.NotForThisFunction",
            Failure::Blocked(_) | Failure::ImageBlocked(_) | Failure::NothingToRollBackTo { .. } => "Durin.Blocked",
            Failure::ReferencesUnread { .. } => "Durin.ReferencesUnread",
            Failure::SomeRemovals { .. } => "Durin.SomeRemovalsFailed",
            Failure::OutOfTime { .. } => "Durin.OutOfTime",
            Failure::Aws { .. } => "Durin.AwsError",
            Failure::Some { several: Several::Nodes, .. } => "Durin.SomeNodesFailed",
            Failure::Some { several: Several::Families, .. } => "Durin.SomeFamiliesFailed",
        }
    }

    /// The message and those of all its causes.
    pub fn chain(&self) -> String {
        chain_of(self)
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        Diagnostic { error_type: failure.error_type().to_owned(), error_message: failure.chain() }
    }
}

/// The messages of an error and of all its causes.
pub(crate) fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Some errors end with their cause's text already.
        if !text.ends_with(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
