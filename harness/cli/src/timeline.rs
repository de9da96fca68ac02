//! A world's history as a timeline that a person reads.

use std::collections::BTreeMap;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use durin_harness::time::Time;
use durin_harness::wire::{self, Kind};
use durin_harness::world::history::{Change, Entry, Fact};
use durin_harness::world::route53::Route53Change;
use serde_json::Value;

/// How to print a history.
pub struct Timeline {
    /// The moment that is printed as 0:00.
    pub begin: Time,
    /// Names for ids, such as `the old instance` for `i-…`.
    pub names: BTreeMap<String, String>,
    /// Every call, even repeated ones.
    pub all: bool,
    colours: bool,
}

/// One line to print.
struct Line {
    at: Time,
    kind: &'static str,
    style: Style,
    text: String,
}

impl Timeline {
    /// A timeline from `begin` on, in colours if a terminal shows it.
    pub fn new(begin: Time, names: BTreeMap<String, String>, all: bool) -> Timeline {
        Timeline { begin, names, all, colours: crate::print::is_coloured() }
    }

    /// The lines of a history.
    pub fn tell(&self, history: &[Entry]) -> Vec<String> {
        let lines = history.iter().filter(|entry| entry.at >= self.begin).filter_map(|entry| self.line(entry));
        let mut told: Vec<Line> = Vec::new();
        let mut reads = 0;
        for line in lines {
            // Reads are most of the functions' calls, and the least interesting ones.
            let is_further_read = line.kind == READS && told.last().is_some_and(|last| last.kind == READS);
            reads = if is_further_read { reads + 1 } else { 1 };
            if line.kind == READS && !self.all {
                let text = format!("{reads} call{} that only read", if reads == 1 { "" } else { "s" });
                match told.last_mut().filter(|_| is_further_read) {
                    Some(last) => last.text = text,
                    None => told.push(Line { text, ..line }),
                }
            } else {
                told.push(line);
            }
        }
        told.iter().map(|line| self.print(line)).collect()
    }

    fn line(&self, entry: &Entry) -> Option<Line> {
        let (kind, colour, text) = match &entry.fact {
            Fact::Emitted(event) => ("event", AnsiColor::Yellow, event_text(event)),
            Fact::Invoked { function, attempt: 1 } => ("invoke", AnsiColor::Magenta, function.clone()),
            Fact::Invoked { function, attempt } => {
                ("invoke", AnsiColor::Magenta, format!("{function}, attempt {attempt}"))
            }
            Fact::Answered { function, outcome: Ok(answer) } => {
                ("answer", AnsiColor::Magenta, answer_text(function, answer))
            }
            Fact::Answered { function, outcome: Err(error) } => {
                ("failed", AnsiColor::Red, format!("{function}: {error}"))
            }
            Fact::Called { caller, operation, parameters, error } => {
                let outcome = error.as_ref().map(|code| format!(" -> {code}")).unwrap_or_default();
                let who = if caller.is_function() { "" } else { "operator " };
                let kind = if is_read(operation) { READS } else { "call" };
                (
                    kind,
                    AnsiColor::Cyan,
                    format!("{who}{operation} {}{outcome}", shortened(&wire::about(operation, parameters))),
                )
            }
            Fact::Changed { subject, change } => ("aws", AnsiColor::Green, format!("{subject} {change}")),
            Fact::Guest { instance, fact } => ("guest", AnsiColor::Blue, format!("{instance} {fact}")),
            Fact::Violated(violation) => ("BROKEN", AnsiColor::Red, violation.to_string()),
        };
        (self.all || !is_noise(&entry.fact)).then(|| Line {
            at: entry.at,
            kind,
            style: colour.on_default(),
            text: self.named(&text),
        })
    }

    fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    fn print(&self, line: &Line) -> String {
        let clock = clock(line.at.since(self.begin));
        if self.colours {
            let (on, off) = (line.style.render(), line.style.render_reset());
            format!("{clock:>8}  {on}{:<7}{off} {}", line.kind, line.text)
        } else {
            format!("{clock:>8}  {:<7} {}", line.kind, line.text)
        }
    }
}

/// State changes are shown once, as changes, and not again as events that no rule waits for.
fn is_noise(what: &Fact) -> bool {
    const TOLD_OTHERWISE: [&str; 4] = ["State-change", "Status-change", "Successful", "Parameter Store Change"];
    match what {
        Fact::Emitted(event) => {
            let kind = event["detail-type"].as_str().unwrap_or_default();
            TOLD_OTHERWISE.iter().any(|part| kind.contains(part))
        }
        Fact::Changed { change, .. } => *change == Change::Route53(Route53Change::InSync),
        Fact::Invoked { .. } | Fact::Answered { .. } | Fact::Called { .. } | Fact::Guest { .. } | Fact::Violated(_) => {
            false
        }
    }
}

/// The name of calls that change nothing.
const READS: &str = "look";

/// Whether an operation, such as `ec2:DescribeVolumes`, changes nothing.
pub fn is_read(action: &str) -> bool {
    wire::operation(action).is_some_and(|operation| operation.kind == Kind::Read)
}

/// The subject of a call, cut to a line's length.
fn shortened(about: &str) -> String {
    const LONGEST: usize = 70;
    match about.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &about[..end]),
        None => about.to_owned(),
    }
}

/// Minutes, seconds and tenths: `2:05.3`; from an hour on days, hours and minutes: `1d 02:05`.
fn clock(span: Duration) -> String {
    const HOUR_S: u64 = 3600;
    match span.as_secs() {
        seconds @ HOUR_S.. => format!("{}d {:02}:{:02}", seconds / 86_400, seconds / HOUR_S % 24, seconds / 60 % 60),
        seconds => format!("{}:{:02}.{}", seconds / 60, seconds % 60, span.subsec_millis() / 100),
    }
}

fn event_text(event: &Value) -> String {
    let detail = &event["detail"];
    let about = ["EC2InstanceId", "instance-id", "ImageId", "image-id", "name"];
    let about = about.into_iter().find_map(|key| detail[key].as_str()).unwrap_or("-");
    let kind = event["detail-type"].as_str().unwrap_or_default();
    match detail["State"].as_str() {
        Some(state) => format!("{kind}: {about} {state}"),
        None => format!("{kind}: {about}"),
    }
}

fn answer_text(function: &str, answer: &str) -> String {
    let mut answer: Value = serde_json::from_str(answer).unwrap_or_default();
    // Of the counts, only those that are not zero.
    if let Some(fields) = answer.as_object_mut() {
        fields.retain(|_, value| *value != 0 && *value != false);
    }
    let is_empty = answer.as_object().is_some_and(serde_json::Map::is_empty);
    format!("{function}: {}", if is_empty { "nothing".to_owned() } else { answer.to_string() })
}
