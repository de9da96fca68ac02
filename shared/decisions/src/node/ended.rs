//! When an instance has ended what it was asked for: only its own clock says, and that may be wrong.

use std::time::{Duration, SystemTime};

/// How long a release may take: 30 s until it is delivered, 45 s until its document is stopped, and some.
/// (`infra/release.yaml`.)
pub const LONGEST_RELEASE: Duration = Duration::from_secs(80);

/// The same of a resume, whose document is stopped after 180 s: a check of the file system may be under way.
pub const LONGEST_RESUME: Duration = Duration::from_secs(215);

/// The same of an answer, whose document is stopped after 130 s: it waits for a yes.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(165);

/// How long after it was asked an instance begins, as usual. One that begins later is believed to have ended earlier than it
/// has, and is asked again sooner for nothing.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);

/// When a command ended, by Systems Manager's time of the request and the instance's times of the beginning and the end. A
/// clock that is ahead would make a release evidence for longer than a reboot takes; but the span between two of its own
/// times is right, unless it is longer than the command can have taken.
pub fn command_ended(
    requested: SystemTime,
    began: Option<SystemTime>,
    ended: Option<SystemTime>,
    longest: Duration,
) -> SystemTime {
    let took = began.zip(ended).and_then(|(began, ended)| ended.duration_since(began).ok());
    let latest = took.filter(|took| *took <= longest).map_or(requested, |took| requested + took + BEGINS_WITHIN);
    ended.unwrap_or(requested).clamp(requested, latest)
}
