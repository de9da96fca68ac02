//! Who writes to a device past the file system on it: a restore, a loop device. Beside them the kernel still gives it to
//! one alone, for they have not asked for that. And for whom the kernel itself has a file open on it.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, statx};

use super::processes;
use super::programs::Deadline;

/// A busy machine has a million files open.
const IN_ALL: Duration = Duration::from_secs(10);
/// A look that gets no further for so long hangs: at a file of a server that does not answer, or at a process that waits
/// for one.
const HANGS: Duration = Duration::from_millis(500);

/// Who restores a volume may start one program after the other.
const ROUNDS: u32 = 5;

/// The loop devices over one of these devices, and the processes that have one open for writing: "loop3", "dd (123)". Of
/// what hangs, and of nothing else, nothing is known.
///
/// # Errors
/// When there was too much to look at.
pub fn of(numbers: &[String]) -> Result<Vec<String>, String> {
    let deadline = Deadline::after(IN_ALL);
    let mut known = HashSet::from([std::process::id()]);
    let mut found = Vec::new();
    // Those that have come meanwhile may have been given what those had that have ended.
    for round in 0..ROUNDS {
        let new: Vec<_> = processes::all().into_iter().filter(|pid| known.insert(*pid)).collect();
        if new.is_empty() || !found.is_empty() {
            break;
        }
        let loops = if round == 0 { loops() } else { Vec::new() };
        found = look(Looks::at(numbers, &new, loops), deadline)?;
    }
    Ok(found)
}

fn look(looks: Looks, deadline: Deadline) -> Result<Vec<String>, String> {
    let looks = Arc::new(looks);
    let (sender, receiver) = mpsc::channel();
    let begin = || {
        let (looks, sender) = (Arc::clone(&looks), sender.clone());
        thread::spawn(move || looks.take(&sender));
    };
    begin();
    let mut begun = 1;
    let mut found = Vec::new();
    let mut ended = 0;
    let mut seen = 0;
    while ended < looks.all.len() {
        if deadline.has_passed() {
            return Err(format!("to look who has it open took longer than {} s", IN_ALL.as_secs()));
        }
        if let Ok(name) = receiver.recv_timeout(HANGS) {
            ended += 1;
            found.extend(name.filter(|name| !found.contains(name)));
            continue;
        }
        let now = looks.seen.load(Ordering::Relaxed);
        if now == seen && looks.have_all_begun() {
            break;
        }
        if now == seen {
            // As many again: where one hangs, so may all that wait for the same server.
            (0..begun).for_each(|_| begin());
            begun *= 2;
        }
        seen = now;
    }
    Ok(found)
}

/// Where a device may be in use.
enum Place {
    /// A loop device, and its file.
    Loop(String, PathBuf),
    OpenFiles(u32),
    Memory(u32),
}

/// All places, for several to look at, none at what another looks at.
struct Looks {
    numbers: Vec<String>,
    all: Vec<Place>,
    begun: AtomicUsize,
    /// Files, by which it is known that a look goes on.
    seen: AtomicUsize,
}

impl Looks {
    /// First at what says more, and hangs less: a process's memory cannot be looked at while that changes.
    fn at(numbers: &[String], processes: &[u32], loops: Vec<(String, String)>) -> Looks {
        let mut all: Vec<_> = processes.iter().copied().map(Place::OpenFiles).collect();
        all.extend(loops.into_iter().map(|(name, file)| Place::Loop(name, file.into())));
        all.extend(processes.iter().copied().map(Place::Memory));
        Looks { numbers: numbers.to_vec(), all, begun: AtomicUsize::new(0), seen: AtomicUsize::new(0) }
    }

    fn have_all_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) >= self.all.len()
    }

    /// Looks at one after the other, and says of each who writes from there.
    fn take(&self, sender: &Sender<Option<String>>) {
        while let Some(place) = self.all.get(self.begun.fetch_add(1, Ordering::Relaxed)) {
            let writer = match place {
                Place::Loop(name, file) => self.is_it(file).then(|| name.clone()),
                Place::OpenFiles(pid) => self.is_open_in(*pid).then(|| processes::named(&[*pid]).concat()),
                Place::Memory(pid) => self.is_mapped_in(*pid).then(|| processes::named(&[*pid]).concat()),
            };
            if sender.send(writer).is_err() {
                return;
            }
        }
    }

    fn is_open_in(&self, pid: u32) -> bool {
        processes::shown_at(pid).iter().any(|at| {
            let open = fs::read_dir(at.join("fd")).into_iter().flatten().flatten();
            open.map(|entry| entry.path()).filter(|path| self.is_it(path)).any(|path| {
                let info = at.join("fdinfo").join(path.file_name().unwrap_or_default());
                is_for_writing(&fs::read_to_string(info).unwrap_or_default())
            })
        })
    }

    /// Whether a process has it in its memory, for writing, which takes no descriptor. (proc_pid_maps(5))
    fn is_mapped_in(&self, pid: u32) -> bool {
        processes::memory(pid).lines().any(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [range, rights, _, _, _, path, ..] = fields[..] else { return false };
            // Whoever may not follow the link to what is mapped looks at its name.
            let is_shared = rights.starts_with("rw") && rights.ends_with('s');
            let link = || format!("/proc/{pid}/map_files/{}", range.trim_start_matches('0'));
            is_shared && (self.is_it(Path::new(&link())) || self.is_it(Path::new(path)))
        })
    }

    /// Without asking a server of files what it knows already.
    fn is_it(&self, path: &Path) -> bool {
        self.seen.fetch_add(1, Ordering::Relaxed);
        let Ok(found) = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::TYPE) else { return false };
        FileType::from_raw_mode(found.stx_mode.into()) == FileType::BlockDevice
            && self.numbers.contains(&format!("{}:{}", found.stx_rdev_major, found.stx_rdev_minor))
    }
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

/// By the flags of open(2), in octal.
fn is_for_writing(info: &str) -> bool {
    const ACCESS: u32 = 3;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & ACCESS != 0)
}
