//! Our mark on an image or a snapshot that may go: the value of [`crate::tags::STALE_SINCE`].

use std::time::{Duration, SystemTime};

use crate::times::{instant, timestamp};

/// How long after its soaking a mark is believed. A run comes every day, so whatever is still here a week later was out of
/// our sight: in the Recycle Bin, of no family for a while, or in an account whose functions were away.
const BELIEVED_FOR: Duration = Duration::from_secs(7 * 86_400);

/// Separates the times of a mark that a removal has spent.
const SPENT: &str = ", removal begun ";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub since: SystemTime,
    /// Whether a run has begun to remove what it is on. If that is here, it has come back from the Recycle Bin, or the run
    /// has died before it could put the mark back: either way it soaks anew.
    is_spent: bool,
}

impl Mark {
    /// `None` for a text that we have not written.
    pub fn read(text: &str) -> Option<Mark> {
        let (since, is_spent) = match text.split_once(SPENT) {
            Some((since, _)) => (since, true),
            None => (text, false),
        };
        Some(Mark { since: instant(since)?, is_spent })
    }

    /// The mark as it is written right before the removal.
    pub fn spent(self, now: SystemTime) -> String {
        format!("{}{SPENT}{}", timestamp(self.since), timestamp(now))
    }

    /// Until when the soaking that it began lasts. `None` if it has begun none that still counts.
    pub(super) fn soaks_until(self, soak: Duration, now: SystemTime) -> Option<SystemTime> {
        let until = self.since + soak;
        (!self.is_spent && now <= until + BELIEVED_FOR).then_some(until)
    }
}
