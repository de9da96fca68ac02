//! A group for a person, in 80 columns: first what is missing.

use super::{Checked, Found, Kind, Line};
use crate::sentence::Wrong;
use crate::words::labelled;

/// What is missing, with its reason and what to do; what nobody knows; what is there.
pub fn lines(checked: &Checked) -> Vec<String> {
    let mut lines = vec![heading(checked)];
    let of = |found: Found| checked.lines.iter().filter(move |line| line.verdict == found);
    for line in of(Found::Missing) {
        lines.push(String::new());
        let label = match line.kind {
            Kind::Needed => "missing",
            Kind::Advised => "advised",
        };
        lines.extend(labelled(label, line.needs));
        if let Some(Wrong { what, remedy }) = &line.missing {
            lines.extend(labelled("is", what));
            lines.extend(labelled("because", line.reason));
            lines.extend(labelled("do", remedy));
        }
    }
    if of(Found::Unknown).next().is_some() {
        lines.push(String::new());
    }
    for line in of(Found::Unknown) {
        let why = line.unknown.as_deref().unwrap_or_default();
        lines.extend(labelled("not known", &format!("{} ({why})", line.needs)));
    }
    lines.push(String::new());
    lines.extend(of(Found::Present).flat_map(|line| labelled("there", line.needs)));
    lines
}

fn heading(checked: &Checked) -> String {
    let is_missing = |line: &&Line| line.verdict == Found::Missing && line.kind == Kind::Needed;
    let count = checked.lines.iter().filter(is_missing).count();
    let unknown = checked.lines.iter().filter(|line| line.verdict == Found::Unknown).count();
    let missing = match count {
        0 => "lacks nothing that a node needs".to_owned(),
        count => format!("lacks {count} of the {} things that a node needs", checked.needed()),
    };
    let unknown = if unknown == 0 { String::new() } else { format!("; {unknown} are not known") };
    format!("{} in {} {missing}{unknown}", checked.group, checked.region)
}

impl Checked {
    fn needed(&self) -> usize {
        self.lines.iter().filter(|line| line.kind == Kind::Needed).count()
    }
}
