//! Who writes to a device past the file system on it: a restore, a loop device. Beside them the kernel still gives it to
//! one alone, for they have not asked for that. And for whom the kernel itself has a file open on it.

use std::fs;
use std::iter;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, statx};

use super::processes;
use super::programs::Deadline;

/// The loop devices over one of these devices, and the processes that have one open for writing: "loop3", "dd (123)". Of
/// what does not answer, a file on a server that hangs, nothing is known.
pub fn of(numbers: &[String]) -> Vec<String> {
    let numbers = numbers.to_vec();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let is_it = |path: &Path| is_one_of(&numbers, path);
        for (name, _) in loops().into_iter().filter(|(_, file)| is_it(Path::new(file))) {
            drop(sender.send(name));
        }
        for pid in processes::all().into_iter().filter(|pid| *pid != std::process::id() && writes(*pid, &numbers)) {
            drop(sender.send(processes::named(&[pid]).concat()));
        }
    });
    let deadline = Deadline::after(Duration::from_secs(2));
    iter::from_fn(|| receiver.recv_timeout(deadline.left()).ok()).collect()
}

/// What the kernel has open below these places, which no process has: "the swap file /data/swap", "loop3 of
/// /data/image".
pub fn of_files_below(places: &[String]) -> Vec<String> {
    let is_below = |file: &str| places.iter().any(|place| Path::new(file).starts_with(place));
    // (proc_pid(5), "swaps")
    let swaps = fs::read("/proc/swaps").unwrap_or_default();
    let swaps = String::from_utf8_lossy(&swaps).into_owned();
    let swaps = swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    let swaps = swaps.filter(|file| is_below(file)).map(|file| format!("the swap file {file}: `swapoff {file}`"));
    let loops = loops().into_iter().filter(|(_, file)| is_below(file));
    swaps.chain(loops.map(|(name, file)| format!("{name} of {file}: `losetup --detach /dev/{name}`"))).collect()
}

/// Each loop device, and its file.
fn loops() -> Vec<(String, String)> {
    let names = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let file = |name: &str| fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).ok();
    names.filter_map(|name| file(&name).map(|file| (name, file.trim_end_matches('\n').to_owned()))).collect()
}

fn writes(pid: u32, numbers: &[String]) -> bool {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let has_open = open.map(|entry| entry.path()).any(|path| {
        let number = path.file_name().unwrap_or_default().to_string_lossy();
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap_or_default();
        is_for_writing(&info) && is_one_of(numbers, &path)
    });
    has_open || maps(pid, numbers)
}

/// Whether a process has it in its memory, for writing, which takes no descriptor. (proc_pid_maps(5))
fn maps(pid: u32, numbers: &[String]) -> bool {
    let maps = fs::read(format!("/proc/{pid}/maps")).unwrap_or_default();
    String::from_utf8_lossy(&maps).lines().any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [range, rights, _, _, _, path, ..] = fields[..] else { return false };
        // Whoever may not follow the link to what is mapped looks at its name.
        let is_shared = rights.starts_with("rw") && rights.ends_with('s');
        let link = || format!("/proc/{pid}/map_files/{}", range.trim_start_matches('0'));
        is_shared && (is_one_of(numbers, Path::new(&link())) || is_one_of(numbers, Path::new(path)))
    })
}

/// By the flags of open(2), in octal.
fn is_for_writing(info: &str) -> bool {
    const ACCESS: u32 = 3;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & ACCESS != 0)
}

/// Without asking a server of files what it knows already.
fn is_one_of(numbers: &[String], path: &Path) -> bool {
    let Ok(found) = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::TYPE) else { return false };
    FileType::from_raw_mode(found.stx_mode.into()) == FileType::BlockDevice
        && numbers.contains(&format!("{}:{}", found.stx_rdev_major, found.stx_rdev_minor))
}
