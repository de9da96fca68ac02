//! A world's history as a timeline that a person reads: the demo's, `invoke`'s, and that of a world that is served.

mod row;

use std::collections::BTreeMap;
use std::time::Duration;

use durin_harness::Told;
use durin_harness::time::Time;
use durin_harness::wire::{self, Kind};
use durin_harness::world::history::Entry;
use serde_json::{Value, json};

use crate::print::is_coloured;
use row::Row;

/// No line is longer, in columns.
pub(crate) const WIDTH: usize = 80;
/// Where a row's text begins.
const MARGIN: usize = 18;

/// How to print a history.
pub struct Timeline {
    clock: Clock,
    /// Names for ids, such as `the old instance` for `i-…`.
    names: BTreeMap<String, String>,
    /// What is not in the history, and stands between its entries.
    marks: Vec<(Time, String)>,
    /// Every call and every step, even those that only read, or that say again what another row has said.
    all: bool,
    colours: bool,
}

/// What stands before each row.
enum Clock {
    /// The time that has passed since then; what was before is left out.
    Since(Time),
    /// The world's time of day.
    OfDay,
}

impl Timeline {
    /// A timeline from `begin` on, in colours if a terminal shows it.
    pub fn new(begin: Time, names: BTreeMap<String, String>, all: bool) -> Timeline {
        Timeline { clock: Clock::Since(begin), names, marks: Vec::new(), all, colours: is_coloured() }
    }

    /// A timeline by the world's time of day, for a world that goes on.
    pub fn by_the_clock(all: bool) -> Timeline {
        let names = BTreeMap::new();
        Timeline { clock: Clock::OfDay, names, marks: Vec::new(), all, colours: is_coloured() }
    }

    /// The same without colours, wherever it goes.
    pub fn uncoloured(self) -> Timeline {
        Timeline { colours: false, ..self }
    }

    /// The same, with these rows between those of the history.
    pub fn marked(self, marks: Vec<(Time, String)>) -> Timeline {
        Timeline { marks, ..self }
    }

    /// The lines of a history.
    pub fn tell(&self, history: &[Entry]) -> Vec<String> {
        self.rows(history).iter().flat_map(|(at, row)| self.print(*at, row)).collect()
    }

    /// The same for programs: an object for each row, with its time, and the seconds from the beginning.
    pub fn objects(&self, history: &[Entry]) -> Vec<Value> {
        let object = |(at, row): (Time, Row)| {
            let since = match self.clock {
                Clock::Since(begin) => begin,
                Clock::OfDay => Time(0),
            };
            let after_s = at.since(since).as_secs_f64();
            json!({"at": at.iso_millis(), "after_s": after_s, "kind": row.kind, "text": self.named(&row.text), "failed": row.is_failure})
        };
        self.rows(history).into_iter().map(object).collect()
    }

    fn rows(&self, history: &[Entry]) -> Vec<(Time, Row)> {
        let shown = history.iter().filter(|entry| self.is_shown(entry));
        let mut rows: Vec<(Time, Row)> = shown.map(|entry| (entry.at, Row::of(&entry.fact))).collect();
        rows.extend(self.marks.iter().map(|(at, text)| (*at, Row::mark(text))));
        // The history has a call behind what it changed at once.
        rows.sort_by_key(|(at, row)| (*at, !row.is_cause));
        rows
    }

    /// With names for ids.
    fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    fn is_shown(&self, entry: &Entry) -> bool {
        let has_begun = match self.clock {
            Clock::Since(begin) => entry.at >= begin,
            Clock::OfDay => true,
        };
        has_begun && (self.all || !row::is_noise(&entry.fact))
    }

    fn print(&self, at: Time, row: &Row) -> Vec<String> {
        let clock = match self.clock {
            Clock::Since(begin) => passed(at.since(begin)),
            Clock::OfDay => at.iso_seconds().get(11..19).unwrap_or_default().to_owned(),
        };
        let (on, off) = match self.colours {
            true => (row.style.render().to_string(), row.style.render_reset().to_string()),
            false => Default::default(),
        };
        let mut lines = wrapped(&self.named(&row.text), MARGIN).into_iter();
        let first = format!("{clock:>8}  {on}{:<7}{off} {}", row.kind, lines.next().unwrap_or_default());
        let further = lines.map(|line| format!("{:MARGIN$}  {line}", ""));
        [first].into_iter().chain(further).collect()
    }
}

/// A fact in a row's words, for a page.
pub fn told(entry: &Entry) -> Told {
    let Row { kind, text, is_failure, .. } = Row::of(&entry.fact);
    Told { kind, text, is_noise: row::is_noise(&entry.fact), is_failure }
}

/// Whether an operation, such as `ec2:DescribeVolumes`, changes nothing.
pub fn is_read(action: &str) -> bool {
    wire::operation(action).is_some_and(|operation| operation.kind == Kind::Read)
}

/// How many API calls are in a history, and how many of them only read.
pub fn count<'a>(history: impl IntoIterator<Item = &'a Entry>) -> (usize, usize) {
    let operations = history.into_iter().filter_map(|entry| entry.fact.operation());
    operations.fold((0, 0), |(all, reads), operation| (all + 1, reads + usize::from(is_read(operation))))
}

/// Minutes, seconds and tenths: `2:05.3`; from an hour on days, hours and minutes: `1d 02:05`.
pub fn passed(span: Duration) -> String {
    const HOUR_S: u64 = 3600;
    match span.as_secs() {
        seconds @ HOUR_S.. => format!("{}d {:02}:{:02}", seconds / 86_400, seconds / HOUR_S % 24, seconds / 60 % 60),
        seconds => format!("{}:{:02}.{}", seconds / 60, seconds % 60, span.subsec_millis() / 100),
    }
}

/// The text in lines that fit behind a margin; a word that is longer than a line stays whole. Further lines have room for an
/// indent of two.
pub(crate) fn wrapped(text: &str, margin: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let room = WIDTH - margin - if lines.len() > 1 { 2 } else { 0 };
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use durin_harness::world::history::Fact;

    use super::*;

    #[test]
    fn a_long_row_goes_on_below_and_loses_nothing() {
        let text = ["word"; 60].join(" ");
        let timeline = Timeline::new(Time(0), BTreeMap::new(), false).marked(vec![(Time(0), text.clone())]);
        let lines = timeline.tell(&[]);
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= WIDTH), "{lines:#?}");
        let words: Vec<_> = lines.iter().flat_map(|line| line.split_whitespace()).filter(|it| *it == "word").collect();
        assert_eq!(words.join(" "), text);
    }

    #[test]
    fn marks_stand_where_they_belong() {
        let entry = |at| Entry { at: Time(at), fact: Fact::Invoked { function: "f".to_owned(), attempt: 1 } };
        let timeline = Timeline::new(Time(0), BTreeMap::new(), false).marked(vec![(Time(2000), "between".to_owned())]);
        let lines = timeline.tell(&[entry(1000), entry(3000)]);
        assert_eq!(lines, ["  0:01.0  invoke  f", "  0:02.0  ====    between", "  0:03.0  invoke  f"]);
    }
}
