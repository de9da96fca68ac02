//! The metadata service's notice of an interruption, in case its event is lost.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

/// `spot/instance-action`. (EC2 User Guide, "Spot Instance interruption notices")
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Notice {
    pub action: String,
    pub time: String,
}

/// The functions begin a release 40 seconds before the end. This is later, so that it is for them if they can: they
/// know whether a successor is there.
const LAST_MOMENT: Duration = Duration::from_secs(30);
/// A notice comes two minutes before the end.
const NOTICE: Duration = Duration::from_secs(120);

/// When to let go of the volume unasked. By the notice's time, but not later than by the time that has passed since the
/// notice was first seen: the clock that both are read from may be wrong.
pub fn last_moment(notice: &Notice, now: SystemTime, first_seen: SystemTime) -> SystemTime {
    let by_sight = first_seen + NOTICE - LAST_MOMENT;
    match humantime::parse_rfc3339(&notice.time) {
        // In the past: the clock is wrong, or we have been late.
        Ok(end) if end + NOTICE < now => by_sight,
        Ok(end) => by_sight.min(end.checked_sub(LAST_MOMENT).unwrap_or(end)),
        Err(_) => by_sight,
    }
}

/// When an instance that had to let go then is gone, or goes on in spite of its notice.
pub fn gone(last_moment: SystemTime) -> SystemTime {
    last_moment + LAST_MOMENT + NOTICE
}
