//! How a function fails: once, with the whole chain of causes and a type that stays the same.
//!
//! Nothing here knows the parts that fail. A node, an image or an event declares its own causes, and turns them into a
//! failure by a `From` that stands beside them.

use std::error::Error;
use std::fmt;

use lambda_runtime::Diagnostic;

/// A cause, of any type.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why an invocation failed. Lambda tries it again after one and after two more minutes, and then puts the event into
/// the dead-letter queue, whose alarm calls a person.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The payload is not an event, or not a whole one. No API call was made.
    #[error(transparent)]
    InvalidEvent(Cause),
    /// This function does not act on such events. No API call was made.
    #[error(transparent)]
    NotForThisFunction(Cause),
    /// A mistake in the set-up that only a person can fix, with the cure. Everything was left as it was.
    #[error(transparent)]
    Blocked(Cause),
    /// The volume is where it belongs; Route 53 has not answered, or has failed.
    #[error("{problem}")]
    RecordNotUpdated { problem: String },
    /// The successor has the volume and has gone into service, by its own word in vain. The next hand-off is up to a person.
    #[error("{problem}")]
    DoesNotServe { problem: String },
    /// It names the holder again. Whoever else writes it will do so again.
    #[error("{problem}")]
    RecordOverwritten { problem: String },
    /// The successor has the volume. The kernel of the old instance could not write all of what it had taken in.
    #[error("{problem}")]
    WritesLost { problem: String },
    /// We cannot be certain which images are in use, so none was touched.
    #[error(
        "nothing was removed, because this could not be read: {}; give the function's role the permission it lacks, or \
         wait for the next run", .unread.join("; ")
    )]
    ReferencesUnread { unread: Vec<String> },
    /// The others were made.
    #[error(
        "{} {} failed, and the next run will try again: {}",
        .failures.len(), if .failures.len() == 1 { "removal" } else { "removals" }, .failures.join("; ")
    )]
    RemovalsFailed { failures: Vec<String> },
    /// The deadline came first. Nothing is lost: the next run resumes from what exists.
    #[error("out of time: {waiting_for}")]
    OutOfTime { waiting_for: String },
    /// There was time, but round after round led nowhere.
    #[error("gave up after {rounds} rounds: {problem}")]
    NoProgress { rounds: usize, problem: String },
    /// An API call failed for good, the SDK's own retries included.
    #[error("{operation} failed")]
    Aws {
        /// For example `ec2:AttachVolume`.
        operation: &'static str,
        /// AWS's error code, if AWS has answered at all.
        code: Option<String>,
        #[source]
        problem: Cause,
    },
    /// Some failed; the others were handled.
    #[error("{} of {total} {subjects} failed: {}", .failures.len(), .failures.join("; "))]
    PartlyFailed { subjects: Subjects, failures: Vec<String>, total: usize },
    /// Of one node or image family, whose name the failure alone does not say.
    #[error("{name}: {failure}")]
    Of {
        name: String,
        #[source]
        failure: Box<Failure>,
    },
}

/// The things that one invocation looks after several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subjects {
    Nodes,
    ImageFamilies,
}

impl fmt::Display for Subjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Subjects::Nodes => "nodes",
            Subjects::ImageFamilies => "image families",
        })
    }
}

impl Failure {
    /// A name that does not change, for alarms and log queries.
    pub fn error_type(&self) -> &'static str {
        match self {
            Failure::InvalidEvent(_) => "Durin.InvalidEvent",
            Failure::NotForThisFunction(_) => "Durin.NotForThisFunction",
            Failure::Blocked(_) => "Durin.Blocked",
            Failure::RecordNotUpdated { .. } => "Durin.RecordNotUpdated",
            Failure::DoesNotServe { .. } => "Durin.DoesNotServe",
            Failure::RecordOverwritten { .. } => "Durin.RecordOverwritten",
            Failure::WritesLost { .. } => "Durin.WritesLost",
            Failure::ReferencesUnread { .. } => "Durin.ReferencesUnread",
            Failure::RemovalsFailed { .. } => "Durin.SomeRemovalsFailed",
            Failure::OutOfTime { .. } => "Durin.OutOfTime",
            Failure::NoProgress { .. } => "Durin.NoProgress",
            Failure::Aws { .. } => "Durin.AwsError",
            Failure::PartlyFailed { subjects: Subjects::Nodes, .. } => "Durin.SomeNodesFailed",
            Failure::PartlyFailed { subjects: Subjects::ImageFamilies, .. } => "Durin.SomeFamiliesFailed",
            Failure::Of { failure, .. } => failure.error_type(),
        }
    }

    /// The same, with the name of the node or family that it is about. A mistake in the set-up names the group itself.
    #[must_use]
    pub(crate) fn of(self, name: &str) -> Failure {
        let is_named = match &self {
            Failure::Of { .. } => true,
            failure => failure.to_string().contains("Auto Scaling group"),
        };
        if is_named { self } else { Failure::Of { name: name.to_owned(), failure: Box::new(self) } }
    }

    /// A holder that does not serve, and what else there is to tell of its node.
    #[must_use]
    pub(crate) fn beside(self, other: Option<Failure>) -> Failure {
        match (self, other) {
            (Failure::DoesNotServe { problem }, Some(other)) => {
                Failure::DoesNotServe { problem: format!("{problem}. Also: {}", other.chain()) }
            }
            (failure, _) => failure,
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
