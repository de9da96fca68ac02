//! How a command answers: a line for each step as it ends; the reason for a no on standard error, in one line; and the
//! last line on standard output, in JSON, for the functions.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::decide::protocol::PROTOCOL;
use crate::world::World;

/// In all, on both outputs: Systems Manager keeps 2,500 characters, and a last line that is cut off says nothing.
const MOST: usize = 2_000;
/// How much is said, from what is enough to what has room in any case: of the reason, of a text among the facts, and of a
/// list among them, in characters and items. Without any of a list, nothing that holds others is said.
const SHORTER_AND_SHORTER: [(usize, usize, usize); 4] = [(600, 400, 10), (600, 120, 5), (600, 40, 2), (200, 40, 0)];

/// What has been said so far, in bytes.
static SAID: AtomicUsize = AtomicUsize::new(0);

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
    why: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    seconds: &'a Map<String, Value>,
    #[serde(flatten)]
    facts: Map<String, Value>,
}

impl Answer {
    pub fn yes(word: &'static str) -> Answer {
        Answer { status: 0, word, why: None, facts: Map::new() }
    }

    /// With the reason, which becomes one line whatever it quotes.
    pub fn no(word: &'static str, why: &str) -> Answer {
        let why = why.lines().map(str::trim).collect::<Vec<_>>().join(" ").replace(char::is_control, " ");
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
            complain(&format!("{}: {}", self.word, cut(why, SHORTER_AND_SHORTER[0].0)));
        }
        let room = MOST.saturating_sub(SAID.load(Ordering::Relaxed));
        let mut lines = SHORTER_AND_SHORTER.iter().map(|(of_why, of_text, of_list)| {
            serde_json::to_string(&Line {
                protocol: PROTOCOL,
                version: env!("CARGO_PKG_VERSION"),
                command,
                answer: self.word,
                boot: world.boot(),
                why: self.why.as_deref().map(|why| cut(why, *of_why)),
                seconds: &steps.seconds,
                facts: shortened(&self.facts, *of_text, *of_list),
            })
        });
        let last = lines.clone().next_back();
        let fitting = lines.find(|line| line.as_ref().is_ok_and(|line| line.len() < room));
        match fitting.or(last) {
            Some(Ok(line)) => say(&line),
            Some(Err(error)) => complain(&format!("{}: {error}", self.word)),
            None => {}
        }
        ExitCode::from(self.status)
    }
}

fn shortened(facts: &Map<String, Value>, of_text: usize, of_list: usize) -> Map<String, Value> {
    let short = |(key, value): (&String, &Value)| Some((key.clone(), shorter(value, of_text, of_list)?));
    facts.iter().filter_map(short).collect()
}

fn shorter(value: &Value, of_text: usize, of_list: usize) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) => Some(cut(text, of_text).into()),
        Value::Array(_) | Value::Object(_) if of_list == 0 => None,
        Value::Object(facts) => Some(shortened(facts, of_text, of_list).into()),
        Value::Array(items) => {
            let more = items.len().saturating_sub(of_list);
            let more = (more > 0).then(|| format!("and {more} more").into());
            let first = items.iter().take(of_list).filter_map(|item| shorter(item, of_text, of_list));
            Some(first.chain(more).collect())
        }
    }
}

/// The beginning of a text, if it is longer.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
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
    SAID.fetch_add(line.len() + 1, Ordering::Relaxed);
    _ = writeln!(io::stdout(), "{line}");
}

/// The same on standard error.
pub fn complain(line: &str) {
    SAID.fetch_add(line.len() + 1, Ordering::Relaxed);
    _ = writeln!(io::stderr(), "{line}");
}

/// Seconds, with two places.
pub fn hundredths(span: Duration) -> f64 {
    (span.as_secs_f64() * 100.0).round() / 100.0
}
