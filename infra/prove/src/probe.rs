//! A probe, and what comes of it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

pub use crate::answer::Trouble;
use crate::bench::Bench;

/// An assumption about AWS, and the calls that show whether it holds.
#[derive(Clone, Copy)]
pub struct Probe {
    /// In kebab case. Comments in the code that rest on the assumption name it.
    pub name: &'static str,
    pub level: Level,
    /// One sentence. A refuted probe prints what it saw beside it.
    pub assumes: &'static str,
    /// Where the code rests on it: what has to change if AWS answers otherwise.
    pub rests_on: &'static [Rests],
    /// Each operation that it calls, apart from the clean-up.
    pub calls: &'static [&'static str],
    /// The answer that proves it.
    pub expects: &'static str,
    /// What it makes, in words; the clean-up removes it. Nothing if it is empty.
    pub makes: &'static str,
    /// In US cents, as an upper bound.
    pub cents: f64,
    /// How long it usually takes.
    pub seconds: u32,
    pub here: Here,
    pub ask: Ask,
}

/// Asks the account.
pub type Ask = for<'a> fn(&'a Bench) -> Pin<Box<dyn Future<Output = Result<Finding, Trouble>> + Send + 'a>>;

/// A file of this repository, and the rule in it.
#[derive(Clone, Copy, Debug)]
pub struct Rests {
    /// From the repository's root. Its text names the probe.
    pub file: &'static str,
    pub rule: &'static str,
}

/// How much a probe does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It changes nothing: it reads, or asks for what AWS has to refuse.
    Read,
    /// It makes small things that cost cents at most, and no instance.
    Cheap,
    /// It makes a small group with instances and volumes, under a dollar.
    Full,
}

/// Whether the local AWS can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    Answers,
    /// It cannot, for this reason.
    Beyond(&'static str),
}

/// What a probe came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Proved,
    Refuted,
    /// It could not be asked, or the answer says neither.
    Inconclusive,
}

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub verdict: Verdict,
    /// In one sentence; for an inconclusive one, the reason.
    pub saw: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timings: Vec<Timing>,
}

/// How long something took, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// A field of `Latencies` in `harness/src/world/latency.rs`.
    pub latency: String,
    /// When it was last seen not to be over.
    pub at_least_ms: u64,
    /// When it was first seen to be over.
    pub at_most_ms: u64,
}

impl Finding {
    /// Proved if it is as assumed, and refuted otherwise.
    pub fn of(is_as_assumed: bool, saw: impl Into<String>) -> Finding {
        let verdict = if is_as_assumed { Verdict::Proved } else { Verdict::Refuted };
        Finding { verdict, saw: saw.into(), timings: Vec::new() }
    }

    pub fn inconclusive(reason: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Inconclusive, saw: reason.into(), timings: Vec::new() }
    }

    #[must_use]
    pub fn timed(mut self, timings: impl IntoIterator<Item = Timing>) -> Finding {
        self.timings.extend(timings);
        self
    }
}

impl Probe {
    /// Asks; whatever keeps the question from being asked makes the answer inconclusive.
    pub async fn ask(&self, bench: &Bench) -> Finding {
        (self.ask)(bench).await.unwrap_or_else(|trouble| Finding::inconclusive(trouble.to_string()))
    }
}

impl Level {
    pub const ALL: [Level; 3] = [Level::Read, Level::Cheap, Level::Full];

    pub fn name(self) -> &'static str {
        match self {
            Level::Read => "read",
            Level::Cheap => "cheap",
            Level::Full => "full",
        }
    }
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Proved => "proved",
            Verdict::Refuted => "refuted",
            Verdict::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("name", &self.name).finish_non_exhaustive()
    }
}
