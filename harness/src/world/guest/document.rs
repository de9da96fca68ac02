//! A document of Systems Manager on an instance, and what comes of it.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) command: String,
    pub(super) kind: Kind,
}

/// What a document has durin-node do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Release,
    Resume,
    /// Nothing that matters here.
    Other,
}

/// What durin-node says at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command's name.
    pub command: &'static str,
    /// One of a closed set for each command; see `infra/node/src/lib.rs`.
    pub word: &'static str,
    /// The reason, if it is a no.
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With exit code 0.
    Success,
    /// With this exit code.
    Failed(i32),
    /// The agent killed it because it took too long.
    TimedOut,
    /// The agent killed it because it was cancelled.
    Cancelled,
}
