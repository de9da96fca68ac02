//! How much is kept even if nothing refers to it.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How much to keep, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// This many of the newest images of each family, and of each architecture in it.
    pub keep_newest: usize,
    /// Everything younger than this.
    pub keep_younger: Duration,
    /// How long an image is disabled before it is deregistered: the time in which a person who misses it can say so.
    pub soak: Duration,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { keep_newest: 3, keep_younger: 7 * DAY, soak: 2 * DAY }
    }
}
