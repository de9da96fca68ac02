//! The report for a person, in 80 columns.

use super::report::{Holder, Image, LastHandOff, NodeReport, Report, Snapshot};
use super::table;
use crate::sentence::Wrong;
use crate::words::labelled;

/// A block for one node, a table of several, and below it all that is wrong.
pub fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![heading(report)];
    match &report.nodes[..] {
        [] => {}
        [node] => {
            lines.push(String::new());
            lines.extend(block(node));
        }
        several => {
            lines.push(String::new());
            lines.extend(table::rows(several));
            for node in several.iter().filter(|node| !node.wrong.is_empty()) {
                lines.push(String::new());
                lines.push(format!("{} {}", node.node, node.state.in_words()));
                lines.extend(node.wrong.iter().flat_map(|wrong| sentence("wrong", wrong)));
            }
            lines.push(String::new());
            lines.push("All about one of them: just status NODE".to_owned());
        }
    }
    if !report.mistakes.is_empty() {
        lines.push(String::new());
        lines.push("Groups that are not nodes, because their tags are wrong:".to_owned());
        lines.extend(report.mistakes.iter().flat_map(|wrong| sentence("wrong", wrong)));
    }
    lines
}

fn heading(report: &Report) -> String {
    let at = report.at.trim_end_matches('Z').replace('T', " ");
    let needy = report.nodes.iter().filter(|node| !node.wrong.is_empty()).count();
    let nodes = match report.nodes.len() {
        0 => "no node".to_owned(),
        1 => "1 node".to_owned(),
        many => format!("{many} nodes"),
    };
    let wrong = match needy {
        0 if report.mistakes.is_empty() => "nothing is wrong".to_owned(),
        0 => "see below".to_owned(),
        1 => "1 needs you".to_owned(),
        many => format!("{many} need you"),
    };
    format!("{} at {at} UTC: {nodes}, {wrong}", report.region)
}

fn block(node: &NodeReport) -> Vec<String> {
    let mut lines = vec![format!("{} {}", node.node, node.state.in_words())];
    let mut say = |label: &str, text: &str| lines.extend(labelled(label, text));
    if let Some(doing) = &node.doing {
        say("doing", doing);
    }
    match &node.holder {
        Some(it) => {
            say("holder", &holder(it));
            if let (Some(since), Some(seconds)) = (&it.since, it.seconds) {
                say("since", &format!("{} ({}); {}", time(since), in_words(seconds), it.says));
            } else {
                say("since", &format!("not known; {}", it.says));
            }
        }
        None => say("holder", "none"),
    }
    if let Some(it) = &node.image {
        say("image", &image(it));
    }
    if let Some(it) = &node.record {
        say("record", &format!("{}: {}", it.name, it.says));
    }
    if let Some(it) = &node.volume {
        let size = it.gib.zip(it.kind.as_ref()).map_or(String::new(), |(gib, kind)| format!(", {gib} GiB {kind}"));
        let zone = it.zone.as_ref().map_or(String::new(), |zone| format!(", {zone}"));
        say("volume", &format!("{}{size}{zone}, {}", it.id, it.says));
    }
    say("moved", &node.last_hand_off.as_ref().map_or("never, as far as is known".to_owned(), hand_off));
    if let Some(why) = node.last_hand_off.as_ref().and_then(|last| last.why.as_ref()) {
        say("why", why);
    }
    say("moves", &node.moves_in_30_days.map_or("not known".to_owned(), |moves| format!("{moves} in 30 days")));
    say("next", &node.next);
    say("backup", &backup(node));
    for what in &node.unknown {
        say("not known", what);
    }
    for advice in &node.advice {
        lines.extend(sentence("advice", advice));
    }
    if node.wrong.is_empty() {
        lines.extend(labelled("wrong", "nothing"));
    }
    for wrong in &node.wrong {
        lines.extend(sentence("wrong", wrong));
    }
    lines
}

fn sentence(label: &str, Wrong { what, remedy }: &Wrong) -> Vec<String> {
    let mut lines = labelled(label, what);
    lines.extend(labelled("do", remedy));
    lines
}

fn holder(it: &Holder) -> String {
    let parts = [
        Some(it.instance.clone()),
        it.instance_type.clone().map(|kind| match &it.market {
            Some(market) => format!("{kind} {market}"),
            None => kind,
        }),
        it.zone.clone(),
        it.address.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn image(it: &Image) -> String {
    let name = it.name.as_ref().map_or(it.id.clone(), |name| format!("{name} ({})", it.id));
    let age = it.days.map_or(String::new(), |days| format!(", {days} {} old", if days == 1 { "day" } else { "days" }));
    format!("{name}{age}")
}

fn hand_off(it: &LastHandOff) -> String {
    let from = it.from.as_ref().map_or(String::new(), |from| format!(" from {from}"));
    let parts = [
        it.release_seconds.map(|seconds| format!("release {seconds}")),
        it.mount_seconds.map(|seconds| format!("mount {seconds:.0}")),
        it.k3s_seconds.map(|seconds| format!("k3s {seconds:.0}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    let seconds = it.seconds.map_or(String::new(), |seconds| format!(", away for {seconds} s at most{parts}"));
    format!("{}{from}{seconds}", time(&it.at))
}

fn backup(node: &NodeReport) -> String {
    match &node.backup {
        Some(Snapshot { id, started, state, hours }) => {
            let at = started.as_ref().map_or(String::new(), |started| format!("{}, ", time(started)));
            let age = hours.map_or(String::new(), |hours| format!("{hours} h old, "));
            format!("{at}{age}{id}, {state}")
        }
        None if node.is_unknown("the last backup") => "not known".to_owned(),
        None => "none".to_owned(),
    }
}

/// To the second, without the letters between.
fn time(text: &str) -> String {
    text.trim_end_matches('Z').replace('T', " ")
}

fn in_words(seconds: u64) -> String {
    crate::words::span(std::time::Duration::from_secs(seconds))
}
