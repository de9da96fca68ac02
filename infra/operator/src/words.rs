//! Times, spans and lines as a person reads them, in 80 columns.

use std::time::{Duration, SystemTime};

use durin::times::timestamp;

/// The columns of a terminal that nobody has made wider.
const WIDTH: usize = 80;

/// Where the text begins beside a label.
const MARGIN: usize = 12;

/// `2026-01-05 06:00`, in UTC.
pub(crate) fn minute(time: SystemTime) -> String {
    timestamp(time).chars().take(16).collect::<String>().replace('T', " ")
}

/// How long ago it was, in one unit; a time to come, by a clock that is ahead of ours, is now.
pub(crate) fn ago(now: SystemTime, then: SystemTime) -> String {
    span(now.duration_since(then).unwrap_or_default())
}

/// In the largest unit of which there are two.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A label and its text, in lines. A command, from `aws ` or `just ` to its end, keeps a line of its own, so that it can be
/// copied.
pub(crate) fn labelled(label: &str, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = format!("  {label:<width$}", width = MARGIN - 2);
    for piece in pieces(text) {
        match piece {
            Piece::Words(words) => {
                for word in words.split_whitespace() {
                    let is_first = line.chars().count() <= MARGIN;
                    if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
                        lines.push(std::mem::replace(&mut line, " ".repeat(MARGIN)));
                    } else if !is_first {
                        line.push(' ');
                    }
                    line.push_str(word);
                }
            }
            Piece::Command(command) => {
                let is_begun = line.trim_end().chars().count() > MARGIN;
                if is_begun && line.chars().count() + 1 + command.chars().count() <= WIDTH {
                    line.push(' ');
                    line.push_str(command);
                    continue;
                }
                if is_begun {
                    lines.push(std::mem::replace(&mut line, " ".repeat(MARGIN)));
                }
                line.push_str(command);
                lines.push(std::mem::replace(&mut line, " ".repeat(MARGIN)));
            }
        }
    }
    if !line.trim().is_empty() {
        lines.push(line);
    }
    lines
}

enum Piece<'a> {
    Words(&'a str),
    Command(&'a str),
}

/// A command begins after a space and ends with the text or before `; ` or `, which `.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let begin = ["aws ", "just "].iter().filter_map(|program| starts(text, program)).min();
    let Some(begin) = begin else { return vec![Piece::Words(text)] };
    let (before, rest) = text.split_at(begin);
    let end = rest.find("; ").unwrap_or(rest.len());
    let (command, after) = rest.split_at(end);
    let mut all = vec![Piece::Words(before), Piece::Command(command)];
    if let Some(after) = after.strip_prefix("; ") {
        all.extend(pieces(after));
    }
    all
}

/// Not in parentheses or quotation marks, and long enough to be more than a program's name.
fn starts(text: &str, program: &str) -> Option<usize> {
    let is_begin = |place: usize| {
        place == 0
            || text[..place].ends_with(": ")
            || text[..place].ends_with("run ")
            || text[..place].ends_with("with ")
            || text[..place].ends_with("then ")
    };
    text.match_indices(program).map(|(place, _)| place).find(|place| is_begin(*place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_largest_unit_of_which_there_are_two() {
        let of = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([of(0), of(119), of(120), of(7_200), of(172_800)], ["0 s", "119 s", "2 min", "2 h", "2 days"]);
    }

    #[test]
    fn a_time_to_come_is_now() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(ago(now, now + Duration::from_secs(60)), "0 s");
    }

    #[test]
    fn words_are_broken_at_eighty_columns_and_commands_are_not() {
        let command = format!("aws autoscaling resume-processes {}", "x".repeat(80));
        let lines = labelled("do", &format!("run {command}; then look again {}", "and again ".repeat(10)));
        assert_eq!(lines[0], "  do        run");
        assert_eq!(lines[1].trim_start(), command);
        assert!(lines[2..].iter().all(|line| line.len() <= 80 && line.starts_with(&" ".repeat(12))), "{lines:#?}");
    }
}
