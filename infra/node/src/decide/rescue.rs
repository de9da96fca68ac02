//! After an unclean end containerd's store and the layers in it may disagree, and then k3s never comes up. The store
//! can be fetched again; the datastore cannot, and is never touched.

use std::time::{Duration, SystemTime};

/// What is known of a k3s that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent<'a> {
    /// How often systemd has restarted it in this boot.
    pub restarts: u32,
    /// Its last start, if systemd says.
    pub started: Option<SystemTime>,
    /// The end of its log in the journal.
    pub journal: &'a str,
    /// The end of what containerd has said, which k3s writes to a file on the volume. It travels with that.
    pub containerd: &'a str,
    /// The store has been set aside in this boot.
    pub rescued: bool,
}

/// What containerd says when its store is broken. (containerd/containerd#10848, siderolabs/talos#9496)
const BROKEN: [&str; 3] = [
    "failed to get metadata for stored sandbox",
    "failed to recover state",
    "failed to load plugin io.containerd.metadata",
];
/// What k3s says then, and ends. (k3s, `pkg/daemons/executor`)
const EXITED: &str = "containerd exited";
/// Anything may fail once.
const RESTARTS: u32 = 2;

/// Whether to set the store aside. Both have to speak: the journal has the kubelet's lines too, and in those whatever a
/// pod says.
pub fn is_for_the_store(silent: &Silent<'_>) -> bool {
    let Some(started) = silent.started else { return false };
    let has_exited = || silent.journal.lines().any(|line| line.starts_with("time=") && line.contains(EXITED));
    let is_broken = |line: &str| BROKEN.iter().any(|sign| line.contains(sign));
    let says_so = |line: &str| is_broken(line) && time(line).is_some_and(|said| said >= started);
    !silent.rescued && silent.restarts >= RESTARTS && has_exited() && silent.containerd.lines().any(says_so)
}

/// When a line was written: `time="2026-11-26T12:07:56.123456789Z" level=…`, or with `+01:00` in the place of the `Z`.
fn time(line: &str) -> Option<SystemTime> {
    let text = line.strip_prefix("time=\"")?.split('"').next()?;
    if text.ends_with('Z') {
        return humantime::parse_rfc3339(text).ok();
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub("+01:00".len())?)?;
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let span = Duration::from_secs(hours.parse::<u64>().ok()? * 3600 + minutes.parse::<u64>().ok()? * 60);
    match offset.as_bytes().first()? {
        b'+' => local.checked_sub(span),
        b'-' => local.checked_add(span),
        _ => None,
    }
}
