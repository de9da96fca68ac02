//! How a command answers: a line for each step as it ends; the reason for a no on standard error, in one line; and the
//! last line on standard output, in JSON, for the functions.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::decide::protocol::PROTOCOL;
use crate::world::World;

/// What became of a command.
pub struct Answer {
    /// The exit status.
    pub status: u8,
    /// One of a closed set for each command, such as `released`.
    pub word: &'static str,
    /// For standard error, if it is a no.
    pub why: Option<String>,
    /// What else there is to know.
    pub facts: Map<String, Value>,
}

/// The last line.
#[derive(Serialize)]
struct Line<'a> {
    protocol: u32,
    version: &'static str,
    command: &'a str,
    answer: &'a str,
    boot: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    seconds: &'a Map<String, Value>,
    #[serde(flatten)]
    facts: &'a Map<String, Value>,
}

impl Answer {
    pub fn yes(word: &'static str) -> Answer {
        Answer { status: 0, word, why: None, facts: Map::new() }
    }

    /// With the reason, which becomes one line whatever it quotes.
    pub fn no(word: &'static str, why: &str) -> Answer {
        let why = why.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        Answer { status: 1, word, why: Some(why), facts: Map::new() }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Serialize) -> Answer {
        // A value that is no JSON is left out.
        self.facts.insert(key.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    pub fn print(&self, world: &World, command: &str, steps: &Steps) -> ExitCode {
        if let Some(why) = &self.why {
            complain(&format!("{}: {why}", self.word));
        }
        let line = Line {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION"),
            command,
            answer: self.word,
            boot: world.boot(),
            why: self.why.as_deref(),
            seconds: &steps.seconds,
            facts: &self.facts,
        };
        match serde_json::to_string(&line) {
            Ok(line) => say(&line),
            Err(error) => complain(&format!("{}: {error}", self.word)),
        }
        ExitCode::from(self.status)
    }
}

/// The steps of a command, and the seconds that each took.
#[derive(Default)]
pub struct Steps {
    seconds: Map<String, Value>,
}

impl Steps {
    /// Says how a step that began then has ended.
    pub fn report(&mut self, step: &str, begun: Instant, outcome: &str) {
        let took = begun.elapsed();
        say(&format!("{step}: {outcome} ({:.2} s)", took.as_secs_f64()));
        self.seconds.insert(step.to_owned(), hundredths(took).into());
    }

    pub fn seconds(&self) -> &Map<String, Value> {
        &self.seconds
    }
}

/// A line on standard output. Whether anybody reads it is no matter: the agent that runs us may go, and a release has
/// to be completed.
pub fn say(line: &str) {
    _ = writeln!(io::stdout(), "{line}");
}

/// The same on standard error.
pub fn complain(line: &str) {
    _ = writeln!(io::stderr(), "{line}");
}

/// Seconds, with two places.
pub fn hundredths(span: Duration) -> f64 {
    (span.as_secs_f64() * 100.0).round() / 100.0
}
