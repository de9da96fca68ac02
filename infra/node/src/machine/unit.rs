//! k3s's unit, by systemd's word.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::decide::serving::Unit;

use super::programs::{self, Deadline};

const SOON: Duration = Duration::from_secs(3);

pub fn k3s() -> Unit {
    let properties = "--property=ActiveState,InvocationID,MainPID";
    let shown = programs::run("systemctl", &["show", properties, "k3s"], Deadline::after(SOON));
    Unit::read(&shown.output)
}

/// How often systemd has restarted k3s since somebody started it.
pub fn restarts() -> u32 {
    let shown = programs::run("systemctl", &["show", "--property=NRestarts", "--value", "k3s"], Deadline::after(SOON));
    shown.output.trim().parse().unwrap_or(0)
}

/// When k3s was started last, by our clock. systemd counts from the boot, so that nobody's clock or time zone matters.
pub fn last_start() -> Option<SystemTime> {
    let properties = ["show", "--property=ExecMainStartTimestampMonotonic", "--value", "k3s"];
    let shown = programs::run("systemctl", &properties, Deadline::after(SOON));
    // It has none while it has never been started.
    let started = shown.output.trim().parse().ok().filter(|micros| *micros > 0).map(Duration::from_micros)?;
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).ok()?;
    SystemTime::now().checked_sub(now.checked_sub(started)?)
}
