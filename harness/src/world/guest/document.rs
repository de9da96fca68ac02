//! A document of Systems Manager on an instance, and what comes of it.

use std::time::Duration;

use super::questions::Question;
use crate::world::conventions::PROTOCOL;

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
    /// Whether the guest is so; it waits until it is.
    Question(Question),
    /// Nothing that matters here.
    Other,
}

/// What is written at a document's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// By durin-node, in its last line; by the document itself, if there is no durin-node.
    pub by: Voice,
    /// The command's name.
    pub command: &'static str,
    /// One of a closed set for each command; see `infra/node/src/lib.rs`.
    pub word: &'static str,
    /// The reason, if it is a no.
    pub why: Option<String>,
    /// What else there is to know.
    pub facts: Facts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    Document,
    /// That speaks so high a protocol.
    Program(u32),
}

/// How a guest is when it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Which boot of which instance it is.
    pub boot: String,
    /// The volume that was released in this boot.
    pub released: Option<String>,
    /// How long each step took, by its name.
    pub took: Vec<(&'static str, Duration)>,
    /// How long it took to mount the volume.
    pub mount: Option<Duration>,
    /// And from then until k3s answered.
    pub k3s: Option<Duration>,
    /// And until the workload was up.
    pub workload: Option<Duration>,
    /// The version of its image's k3s, and of the one that has served from the volume that it has mounted.
    pub k3s_version: Option<String>,
    pub served_by: Option<String>,
}

impl Answer {
    pub(super) fn of(command: &'static str, word: &'static str, why: Option<String>) -> Answer {
        Answer { by: Voice::Program(PROTOCOL), command, word, why, facts: Facts::default() }
    }
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

impl Kind {
    /// Documents that move the volume wait for each other.
    pub(super) fn takes_lock(self) -> bool {
        match self {
            Kind::Release | Kind::Resume => true,
            Kind::Question(_) | Kind::Other => false,
        }
    }
}
