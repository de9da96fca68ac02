//! k3s's unit, by systemd's word.

use std::time::Duration;

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
