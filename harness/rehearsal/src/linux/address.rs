//! What the kernel's command line has for us: the machine's address, and how it differs from others.

use std::fs;

pub(super) fn own() -> Option<String> {
    command_line().split_whitespace().find_map(|word| word.strip_prefix("rehearsal.address=")).map(str::to_owned)
}

pub(super) fn command_line() -> String {
    fs::read_to_string("/proc/cmdline").unwrap_or_default()
}
