//! Processes: who they are, what they have open, and signals to them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{major, minor};
use rustix::process::{Pid, Signal, kill_process};

pub fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut ids: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

pub fn name(pid: u32) -> Option<String> {
    // A process gives itself any name.
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end().to_owned())
}

/// The first five, as "sleep (123)".
pub fn named(pids: &[u32]) -> Vec<String> {
    pids.iter().take(5).map(|pid| format!("{} ({pid})", name(*pid).unwrap_or_else(|| "gone".to_owned()))).collect()
}

/// Where the kernel shows what a process has open. At its first thread, unless that has ended before the others: then at
/// those. (proc(5), "task")
pub fn shown_at(pid: u32) -> Vec<PathBuf> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    if fs::read_dir(process.join("fd")).is_ok_and(|mut open| open.next().is_some()) {
        return vec![process];
    }
    let threads = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    threads.map(|thread| thread.path()).collect()
}

/// The processes that have something on one of these devices open, run from it or are in it, mounted or not; or else have it
/// in their memory alone. The kernel may not answer at all where something hangs; then nobody is found.
pub fn users_of(numbers: &[String]) -> Vec<u32> {
    let numbers = numbers.to_vec();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let is_on = |path: &Path| {
            fs::metadata(path)
                .is_ok_and(|found| numbers.contains(&format!("{}:{}", major(found.dev()), minor(found.dev()))))
        };
        let is_used_at = |at: PathBuf| {
            let open = fs::read_dir(at.join("fd")).into_iter().flatten().flatten().map(|entry| entry.path());
            ["cwd", "root", "exe"].map(|file| at.join(file)).into_iter().chain(open).any(|path| is_on(&path))
        };
        let uses = |pid: &u32| shown_at(*pid).into_iter().any(is_used_at);
        let mut users: Vec<_> = all().into_iter().filter(uses).collect();
        if users.is_empty() {
            // A process's memory cannot be looked at while that changes.
            let mapped = numbers.iter().filter_map(|number| in_hexadecimal(number)).collect::<Vec<_>>();
            users = all().into_iter().filter(|pid| has_in_memory(*pid, &mapped)).collect();
        }
        drop(sender.send(users));
    });
    receiver.recv_timeout(Duration::from_secs(2)).unwrap_or_default()
}

/// What is mapped has no descriptor. (proc_pid_maps(5), "dev")
fn has_in_memory(pid: u32, devices: &[String]) -> bool {
    memory(pid).lines().any(|line| {
        line.split_ascii_whitespace().nth(3).is_some_and(|device| devices.iter().any(|wanted| wanted == device))
    })
}

/// The list of what a process has mapped. A first thread that has ended has no memory, and the others have the same.
pub fn memory(pid: u32) -> String {
    let mut maps = shown_at(pid).into_iter().map(|at| fs::read(at.join("maps")).unwrap_or_default());
    String::from_utf8_lossy(&maps.find(|maps| !maps.is_empty()).unwrap_or_default()).into_owned()
}

/// `259:16` as `103:10`.
fn in_hexadecimal(number: &str) -> Option<String> {
    let (major, minor) = number.split_once(':')?;
    Some(format!("{:02x}:{:02x}", major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
}

pub fn signal(pids: &[u32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
        // Some have ended by now.
        _ = kill_process(pid, signal);
    }
}
