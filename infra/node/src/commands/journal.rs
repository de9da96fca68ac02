//! The end of this boot's journal, kept on the volume: the instance is gone when somebody asks what happened on it.

use std::time::{Duration, SystemTime};

use rustix::fs::statvfs;

use crate::machine::programs::{self, Deadline};
use crate::world::World;

/// Below the volume's mount point.
const DIRECTORY: &str = "durin/journal";
/// Nothing waits longer for it; containers get more to end in.
const LIMIT: Duration = Duration::from_secs(2);
/// The last of the room is for k3s, which does not start without any.
const ROOM: u64 = 16 << 20;

/// `$0` is the directory, `$1` the file: at most 1 MiB each, of the last eight releases. Nothing else there is ours: no file
/// of another name, and not what a link leads to. Nothing but `tail` has anything on the volume open, so that a journal that
/// hangs inside the kernel does not keep it. The shell and what it starts are killed together should a disk or the journal
/// hang.
const KEEP: &str = r#"
umask 077 && [ ! -L "$0" ] && mkdir -p -- "$0" || exit
name=$0/$1 && set -C && [ ! -e "$name" ] || exit
set -- "$0"/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z
while [ $# -gt 7 ]; do rm -f -- "$1"; shift; done
journalctl --boot --lines=5000 --output=short-iso --no-pager 2>&1 | tail -c 1048576 >"$name" || { rm -f -- "$name" && exit 1; }
"#;

/// Fail open: a release is late for nothing that is only good to know. What was written is synced with the rest.
///
/// # Errors
/// Why it is not kept.
pub(super) fn keep(world: &World, deadline: Deadline) -> Result<(), String> {
    let there = statvfs(world.mount_point()).map_err(|error| error.to_string())?;
    if there.f_bavail.saturating_mul(there.f_frsize) < ROOM {
        return Err("the volume is nearly full".to_owned());
    }
    let directory = world.mount_point().join(DIRECTORY).display().to_string();
    let name = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let ran = programs::run("sh", &["-c", KEEP, &directory, &name], deadline.at_most(LIMIT));
    if ran.succeeded() { Ok(()) } else { Err(ran.outcome()) }
}
