//! Finding a volume's device by its serial number, in sysfs: that works before udev, and without it.

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use durin_decisions::ids::VolumeId;
use rustix::fs::{OFlags, major, minor};

use crate::decide::mounted::Stack;
use crate::decide::taking::{Access, Refusal};
use crate::world::World;

use super::programs::{self, Deadline, Ran};
use super::writers;

/// The device of a volume that is attached now.
pub struct Device {
    /// As the kernel calls it: `nvme1n1`.
    pub name: String,
    /// Where it is opened.
    pub node: PathBuf,
    /// In sysfs.
    entry: PathBuf,
    /// `259:3`, as sysfs has it.
    number: String,
    pub stack: Stack,
    /// What the kernel sees on top of it: partitions, logical volumes, by name.
    pub on_top: Vec<String>,
    /// It was written to while we looked who writes to it.
    was_written: Cell<bool>,
}

/// Who restores a volume may start one program after the other, and none may be there at the look.
const CALM: Duration = Duration::from_millis(300);
/// Where that was seen to happen, the next program may be as slow to come as those before were to end.
const CALM_AGAIN: Duration = Duration::from_secs(1);

/// The device with the volume's serial number, if it is attached.
///
/// # Errors
/// When several devices have it.
pub fn find(world: &World, volume: &VolumeId) -> Result<Option<Device>, Refusal> {
    let block = world.path("sys/block");
    let serial = volume.as_str().replace('-', "");
    let has_it = |name: &String| {
        let read = |file: &str| fs::read_to_string(block.join(name).join(file)).unwrap_or_default();
        // A hidden one is a path to a device that has several.
        read("device/serial").trim() == serial && read("hidden").trim() != "1"
    };
    let mut names: Vec<_> = names_in(&block).into_iter().filter(has_it).collect();
    let Some(name) = names.pop() else { return Ok(None) };
    if !names.is_empty() {
        return Err(Refusal::SeveralDevices(volume.clone()));
    }
    let node = world.path("dev").join(&name);
    let entry = block.join(&name);
    let number = fs::read_to_string(entry.join("dev")).unwrap_or_default().trim().to_owned();
    // It is listed by its number whatever its node is called.
    let mut stack = Stack { numbers: vec![number.clone()], names: vec![node.display().to_string()] };
    if let Ok(real) = node.canonicalize() {
        stack.names.push(real.display().to_string());
    }
    let mut on_top = Vec::new();
    climb(&block, &entry, &mut stack, &mut on_top);
    Ok(Some(Device { name, node, entry, number, stack, on_top, was_written: Cell::new(false) }))
}

impl Device {
    /// Asks the kernel for the device alone, and gives it back at once; and looks who has it open all the same.
    pub fn access(&self) -> Access {
        if let Err(why) = self.check_node() {
            return Access::Refused(why.to_string());
        }
        match fs::File::options().read(true).custom_flags(EXCLUSIVE).open(&self.node).map(drop) {
            Ok(()) => self.written_past_it(),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Access::Shared,
            Err(error) => Access::Refused(error.to_string()),
        }
    }

    /// Who writes to it without asking for it alone.
    fn written_past_it(&self) -> Access {
        let before = self.sectors_written();
        match writers::of(&self.stack.numbers) {
            Ok(writers) if writers.is_empty() && self.is_calm(before) => Access::Alone,
            Ok(writers) => Access::Written(writers),
            Err(why) => Access::Refused(why),
        }
    }

    /// Whether nothing is written to it for a while. Not where nobody counts, or nothing was written since it has come, as to
    /// one that has just been attached: nobody waits for that.
    fn is_calm(&self, before: Option<u64>) -> bool {
        let is_new = before.is_none_or(|sectors| sectors == 0);
        let span = if self.was_written.get() { CALM_AGAIN } else { CALM };
        let deadline = Deadline::after(if is_new { Duration::ZERO } else { span });
        loop {
            if self.sectors_written() != before {
                self.was_written.set(true);
                return false;
            }
            if deadline.has_passed() {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// By the kernel's word: its file system could not be checked, and mount(8) would mount it read-only.
    pub fn is_read_only(&self) -> bool {
        fs::read_to_string(self.entry.join("ro")).is_ok_and(|text| text.trim() == "1")
    }

    /// How many sectors have been written to it, when nothing waits to be written. None if the kernel does not say, or does
    /// not count.
    pub fn written(&self) -> Option<u64> {
        // (Linux, Documentation/ABI/stable/sysfs-block, "iostats")
        let counts = fs::read_to_string(self.entry.join("queue/iostats")).ok()?;
        if counts.trim() == "0" {
            return None;
        }
        fs::File::open(&self.node).and_then(|file| file.sync_all()).ok()?;
        // We have read from it.
        self.counted(2).filter(|read| *read > 0).and_then(|_| self.sectors_written())
    }

    /// The same, whatever waits to be written.
    fn sectors_written(&self) -> Option<u64> {
        self.counted(6)
    }

    /// (Linux, Documentation/block/stat.rst)
    fn counted(&self, field: usize) -> Option<u64> {
        fs::read_to_string(self.entry.join("stat")).ok()?.split_whitespace().nth(field)?.parse().ok()
    }

    /// Has the kernel write what others have written to the device itself. It goes on with that when they have closed it,
    /// and then no list of open files has it. A partition's is kept apart from the whole device's.
    pub fn flush(&self, deadline: Deadline) -> Ran {
        let on_top = self.on_top.iter().map(|name| self.node.with_file_name(name)).filter(|node| node.exists());
        programs::run_command(programs::command("sync", &["--"]).arg(&self.node).args(on_top), deadline)
    }

    /// Whether the node that we open is the device whose serial number was read. Of anything else, a plain file even,
    /// the kernel's answer would mean nothing.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_node(&self) -> Result<(), Refusal> {
        let is_it = |path: &Path| {
            fs::metadata(path).is_ok_and(|found| {
                let number = format!("{}:{}", major(found.rdev()), minor(found.rdev()));
                found.file_type().is_block_device() && number == self.number
            })
        };
        if is_it(&self.node) {
            Ok(())
        } else {
            Err(Refusal::AnotherDevice(self.node.display().to_string(), self.number.clone()))
        }
    }
}

#[expect(clippy::cast_possible_wrap, reason = "a flag of open(2), which takes an int")]
const EXCLUSIVE: i32 = OFlags::EXCL.bits() as i32;

/// Collects what is on top of a device: its partitions, and the devices that hold it or one of them.
fn climb(block: &Path, device: &Path, stack: &mut Stack, on_top: &mut Vec<String>) {
    let partitions = names_in(device).into_iter().filter(|name| device.join(name).join("partition").exists());
    let partitions = partitions.map(|name| (device.join(&name), name));
    let holders = names_in(&device.join("holders")).into_iter().map(|name| (block.join(&name), name));
    for (path, name) in partitions.chain(holders) {
        let number = fs::read_to_string(path.join("dev")).unwrap_or_default().trim().to_owned();
        if stack.numbers.contains(&number) {
            continue;
        }
        stack.numbers.push(number);
        stack.names.push(format!("/dev/{name}"));
        if let Ok(mapped) = fs::read(path.join("dm/name")) {
            stack.names.push(format!("/dev/mapper/{}", String::from_utf8_lossy(&mapped).trim()));
        }
        on_top.push(name);
        climb(block, &path, stack, on_top);
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
