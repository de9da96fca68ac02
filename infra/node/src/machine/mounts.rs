//! What is mounted, here and in other mount namespaces; mounting and unmounting.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use durin_decisions::ids::VolumeId;

use crate::decide::contents::FileSystem;
use crate::decide::mounted::{self, Mount, Stack};
use crate::decide::taking::Refusal;
use crate::world::World;

use super::device::{self, Device};
use super::lock::Lock;
use super::processes;
use super::programs::{self, Deadline, Ran};

/// What is mounted in our own mount namespace.
///
/// # Errors
/// When the kernel does not say.
pub fn here() -> io::Result<Vec<Mount>> {
    Ok(Mount::read_all(fs::read("/proc/self/mountinfo")?))
}

/// What is mounted in our own mount namespace while some of it is unmounted. To list it takes the kernel a while if there are
/// a hundred pods, so that is done again only where a mount that goes may take others with it.
pub struct Here {
    pub mounts: Vec<Mount>,
    go_together: bool,
}

impl Here {
    /// # Errors
    /// When the kernel does not say.
    pub fn read() -> io::Result<Here> {
        let mounts = here()?;
        let go_together = mounted::may_go_together(&mounts);
        Ok(Here { mounts, go_together })
    }

    /// Unmounts one of it.
    ///
    /// # Errors
    /// When the kernel does not say what is left.
    pub fn unmount(&mut self, mount: &Mount, deadline: Deadline) -> io::Result<Ran> {
        let ran = unmount(&mount.place, deadline);
        if self.go_together || !ran.succeeded() {
            *self = Here::read()?;
        } else {
            self.mounts.retain(|other| other != mount);
        }
        Ok(ran)
    }
}

/// Whether the volume is mounted where this instance serves from it.
pub fn is_at(world: &World, volume: &VolumeId) -> bool {
    at(world, volume).is_some()
}

/// The volume's mount there: all of it, and nothing over it.
pub fn at(world: &World, volume: &VolumeId) -> Option<Mount> {
    let device = device::find(world, volume).ok()??;
    let here = here().ok()?;
    let seen = mounted::seen_at(&here, &world.mounted_at())?;
    Some(seen.clone()).filter(|mount| mount.is_of(&device.stack) && mount.is_whole())
}

/// What the kernel lets anybody do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Writable,
    ReadOnly,
    /// After an error the kernel has shut it down, and fails at whatever is asked of it.
    ShutDown,
}

/// By what the kernel lists, and by asking: an xfs that is shut down is listed like any other. (Linux, fs/xfs/xfs_iops.c,
/// `xfs_vn_getattr`)
pub fn condition(mount: &Mount) -> Condition {
    match fs::metadata(&mount.place) {
        Err(_) => Condition::ShutDown,
        Ok(_) if mount.is_writable() => Condition::Writable,
        Ok(_) => Condition::ReadOnly,
    }
}

/// Whether nobody has mounted all of a device but where this instance serves from it, be it in a mount namespace of their
/// own. Parts of it are its containers'; and a container with a root of its own has what it was given.
pub fn is_nowhere_else(world: &World, device: &Device) -> bool {
    let own = world.mounted_at();
    let is_elsewhere = |mount: &Mount| mount.is_of(&device.stack) && mount.is_whole() && mount.point != own;
    let Ok(here) = here() else { return false };
    let root = mounted::seen_at(&here, "/");
    let others = in_other_namespaces(&device.stack).into_iter().map(list_of);
    let others =
        others.filter(|list| root.zip(mounted::seen_at(list, "/")).is_none_or(|(root, other)| other.is_same(root)));
    !here.iter().any(is_elsewhere) && !others.into_iter().any(|list| list.iter().any(is_elsewhere))
}

fn list_of(pid: u32) -> Vec<Mount> {
    Mount::read_all(fs::read(format!("/proc/{pid}/mountinfo")).unwrap_or_default())
}

/// Whether what we mount and unmount is what the first process sees, as far as anybody can say: no two namespaces share a
/// mount's number.
///
/// # Errors
/// When it is not.
pub fn check_namespace() -> Result<(), Refusal> {
    let list = |pid: &str| Mount::read_all(fs::read(format!("/proc/{pid}/mountinfo")).unwrap_or_default());
    let first: HashSet<_> = list("1").iter().map(|mount| mount.id).collect();
    if first.is_empty() || list("self").iter().any(|mount| first.contains(&mount.id)) {
        return Ok(());
    }
    Err(Refusal::OwnNamespace)
}

/// One process of each other mount namespace that has the device mounted.
pub fn in_other_namespaces(stack: &Stack) -> Vec<u32> {
    let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    let mut known: HashSet<_> = namespace("self").into_iter().collect();
    let has_it = |pid: &u32| {
        // One that cannot be told apart is read all the same.
        if namespace(&pid.to_string()).is_some_and(|name| !known.insert(name)) {
            return false;
        }
        list_of(*pid).iter().any(|mount| mount.is_of(stack))
    };
    processes::all().into_iter().filter(has_it).collect()
}

/// By mount(8), a process of its own: the kernel may take its time, and then it can be left behind.
pub fn mount(kind: FileSystem, node: &Path, point: &Path, lock: &Lock) -> Ran {
    let (node, point) = (node.display().to_string(), point.display().to_string());
    // An ext4 would otherwise be written on, and damaged more, after the kernel has found an error in it: by mke2fs's default
    // that is what its superblock asks for. Read-only, k3s fails aloud, and the next mount checks it. An xfs shuts itself down.
    // (Linux, Documentation/admin-guide/ext4.rst, "errors")
    let options = match kind {
        FileSystem::Ext4 => "errors=remount-ro",
        FileSystem::Xfs => "defaults",
    };
    let mut command = programs::command("mount", &["-t", kind.name(), "-o", options, &node, &point]);
    programs::run_command(command.stdin(lock.as_input()), Deadline::after(Duration::from_secs(120)))
}

pub fn unmount(place: &OsStr, deadline: Deadline) -> Ran {
    programs::run_command(programs::command("umount", &["--no-canonicalize", "--"]).arg(place), deadline)
}

/// A mount of the device itself at whose place the file system can be asked for: of all of it, or else of a directory. A
/// file or a socket of it may be mounted as well, which takes no such thing.
///
/// # Errors
/// When the kernel does not say.
pub fn own(device: &Device) -> io::Result<Option<Mount>> {
    let here = here()?;
    let found = mounted::reachable(&here, &device.stack);
    let whole = found.iter().find(|mount| mount.is_whole());
    Ok(whole.or_else(|| found.iter().find(|mount| Path::new(&mount.place).is_dir())).map(|mount| (*mount).clone()))
}

/// Whether one of the device's file systems has become read-only or was shut down, however it is mounted.
///
/// # Errors
/// When the kernel does not say.
pub fn has_failed(device: &Device) -> io::Result<bool> {
    let here = here()?;
    let is_read_only = |mount: &Mount| mount.is_of(&device.stack) && !mount.is_of_a_writable_file_system();
    let is_shut_down = |mount: &&Mount| condition(mount) == Condition::ShutDown;
    Ok(here.iter().any(is_read_only) || mounted::reachable(&here, &device.stack).iter().any(is_shut_down))
}

/// Fails if it is not frozen.
pub fn thaw(place: &OsStr, deadline: Deadline) -> Ran {
    programs::run_command(programs::command("fsfreeze", &["--unfreeze", "--"]).arg(place), deadline)
}

pub fn sync(place: &OsStr, deadline: Deadline) -> Ran {
    programs::run_command(programs::command("sync", &["--file-system", "--"]).arg(place), deadline)
}

/// Writes a byte to a file of our own, and waits until it is on the device: not to where a link leads that has its name, nor
/// to a pipe that nobody reads. Not where the directory is missing: the volume has just been unmounted.
pub fn write(file: &Path, deadline: Deadline, lock: &Lock) -> Ran {
    let mut command = programs::command("sh", &["-c", r#"rm -f -- "$0" && set -C && echo >"$0" && sync -- "$0""#]);
    programs::run_command(command.arg(file).stdin(lock.as_input()), deadline)
}
