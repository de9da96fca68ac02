//! Several nodes, a line each.

use std::time::Duration;

use super::report::{NodeReport, State};
use crate::words::span;

const HEADER: [&str; 7] = ["NODE", "STATE", "HOLDER", "SINCE", "IMAGE", "MOVES", "BACKUP"];

/// A header, and a row for each.
pub(super) fn rows(nodes: &[NodeReport]) -> Vec<String> {
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(nodes.iter().map(cells));
    let widths: Vec<usize> = (0..HEADER.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn cells(node: &NodeReport) -> [String; 7] {
    let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let hours = |hours| span(Duration::from_secs(hours * 3_600));
    let moves = node.moves_in_30_days.map(|moves| moves.to_string());
    let backup = match &node.backup {
        Some(snapshot) => snapshot.hours.map(hours),
        None if node.is_unknown("the last backup") => Some("?".to_owned()),
        None => Some("none".to_owned()),
    };
    [
        node.node.clone(),
        state(node.state).to_owned(),
        or(node.holder.as_ref().map(|holder| holder.instance.clone())),
        or(node.holder.as_ref().and_then(|holder| holder.seconds).map(|seconds| span(Duration::from_secs(seconds)))),
        or(node.image.as_ref().and_then(|image| image.days).map(|days| format!("{days} d"))),
        moves.unwrap_or_else(|| "?".to_owned()),
        or(backup),
    ]
}

fn state(state: State) -> &'static str {
    match state {
        State::Serves => "serves",
        State::Held => "held",
        State::DoesNotServe => "not serving",
        State::Moves => "moving",
        State::Away => "away",
        State::Rests => "at rest",
        State::Unknown => "unknown",
    }
}
