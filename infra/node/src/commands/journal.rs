//! The end of this boot's journal, kept on the volume: the instance is gone when somebody asks what happened on it.

use std::time::{Duration, SystemTime};

use crate::machine::programs::{self, Deadline, Ran};
use crate::world::World;

/// Below the volume's mount point.
const DIRECTORY: &str = "durin/journal";
/// Nothing waits longer for it; containers get more to end in.
const LIMIT: Duration = Duration::from_secs(2);

/// `$0` is the directory, `$1` the file: at most 1 MiB each, of the last eight releases. The shell and what it starts are
/// killed together should a disk or the journal hang.
const KEEP: &str = r#"
umask 077 && mkdir -p "$0" && cd "$0" || exit
journalctl --boot --lines=5000 --output=short-iso --no-pager 2>&1 | tail -c 1048576 >"$1" || exit
ls -1 | sort -r | tail -n +9 | while IFS= read -r old; do rm -f -- "$old"; done
"#;

/// Fail open: a release is late for nothing that is only good to know. What was written is synced with the rest.
pub(super) fn keep(world: &World, deadline: Deadline) -> Ran {
    let directory = world.mount_point().join(DIRECTORY).display().to_string();
    let name = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    programs::run("sh", &["-c", KEEP, &directory, &name], deadline.at_most(LIMIT))
}
