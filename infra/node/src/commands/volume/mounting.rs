//! Mounting a volume that has come, formatted if it is new and blank; and whether a mount that stands is ours.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;
use serde::{Deserialize, Serialize};

use crate::answer::{Steps, hundredths, say};
use crate::commands::datastore;
use crate::decide::blank;
use crate::decide::contents::{Contents, FileSystem};
use crate::decide::fsck::Checked;
use crate::decide::taking::{self, Access, Next, Refusal, Seen};
use crate::machine::device::Device;
use crate::machine::lock::Lock;
use crate::machine::programs::{Deadline, Ended};
use crate::machine::{mounts, reading, state};
use crate::world::World;

use super::{Left, Mounted, Wanted, failed};

/// A program of udev's takes less.
const PASSING: Duration = Duration::from_secs(3);

/// What is mounted where the volume should be, if anything is. Anything but the volume is refused, and so is the volume as
/// somebody else has mounted it: nobody has looked at what is on it.
pub(super) fn standing(world: &World, device: &Device, volume: &VolumeId) -> Result<Option<FileSystem>, Left> {
    let here = mounts::here().map_err(failed("cannot read the list of mounts"))?;
    let point = world.mounted_at();
    let Some(mount) = here.iter().rev().find(|mount| mount.point == point) else { return Ok(None) };
    let Some(file_system) = FileSystem::named(&mount.kind).filter(|_| mount.is_of(&device.stack)) else {
        return Err(Refusal::SomethingElseIsThere(mount.source.clone(), point).into());
    };
    if Mounted::of_this_boot(world).is_none_or(|note| note.volume != *volume) {
        return Err(Refusal::MountedByAnother(point).into());
    }
    if !mount.is_writable() {
        return Err(Refusal::MountedReadOnly(point).into());
    }
    refuse_etcd(world)?;
    Ok(Some(file_system))
}

/// Looks, decides, and does what was decided, until the volume is mounted, which has been there since then. Returns whether
/// it was formatted, too.
pub(super) fn mount(
    world: &World,
    wanted: &Wanted,
    device: &Device,
    there: Instant,
    lock: &Lock,
    steps: &mut Steps,
) -> Result<(FileSystem, bool), Left> {
    let node = &device.node;
    let marker = state::marker(world);
    if !marker.forbids() {
        // It may be of a mount that a person has undone since.
        state::forget(world, Mounted::NOTE);
    }
    device.check_node()?;
    if device.is_read_only() {
        return Err(Refusal::WriteProtected.into());
    }
    let mut seen = Seen {
        marker,
        access: Access::Alone,
        on_top: device.on_top.clone(),
        contents: reading::contents(node),
        declared_new: wanted.declared_new,
        blank: None,
        checked: None,
    };
    let mut formatted = false;
    let mut written = None;
    loop {
        // Each step takes its time.
        seen.access = access(device);
        let begun = Instant::now();
        match taking::next(&wanted.volume, &seen) {
            Next::Refuse(why) => return Err(why.into()),
            Next::ReadWhole => {
                say("it has no file system: looking whether it is blank, which may take minutes");
                written = device.written();
                seen.blank = Some(reading::blank(node, blank::WHOLE));
                steps.report("read it from head to tail", begun, "done");
            }
            Next::Check(_) => {
                let (checked, said) = check(world, device, lock);
                seen.checked = Some(checked);
                steps.report("check", begun, &said);
            }
            Next::Format => {
                // Somebody may have restored an image meanwhile, behind the place that was being read.
                seen.contents = reading::contents(node);
                seen.blank = if device.written() == written { Some(reading::blank(node, blank::AGAIN)) } else { None };
                seen.access = access(device);
                if taking::next(&wanted.volume, &seen) != Next::Format {
                    continue;
                }
                let configuration = state::put(world, "mke2fs.conf", reading::MKE2FS.as_bytes());
                let configuration = configuration.map_err(failed("cannot write /run/durin"))?;
                let made = reading::format(node, &configuration, lock).map_err(Left::Failed)?;
                steps.report("format", begun, "done");
                formatted = true;
                seen.contents = Contents::Ours(made);
            }
            Next::Mount(file_system) => {
                let mut note = Mounted {
                    boot: world.boot(),
                    volume: wanted.volume.clone(),
                    device: device.name.clone(),
                    file_system: file_system.to_string(),
                    at: world.mounted_at(),
                    formatted,
                    mount_seconds: None,
                };
                let write = |note: &Mounted| state::write(world, Mounted::NOTE, note);
                write(&note).map_err(failed("cannot write /run/durin"))?;
                mount_there(world, file_system, device, lock)?;
                steps.report("mount", begun, "done");
                note.mount_seconds = Some(hundredths(there.elapsed()));
                // It tells by its age when this was mounted: what is older in the cluster is an earlier instance's.
                write(&note).map_err(failed("cannot write /run/durin"))?;
                return Ok((file_system, formatted));
            }
        }
    }
}

/// A check that has left errors. e2fsck puts right what it can before it gives up, so that each would change something.
#[derive(Serialize, Deserialize)]
struct InVain {
    boot: String,
    version: String,
    code: i32,
    said: String,
}

impl InVain {
    const NOTE: &str = "checked.json";
    const ERRORS_LEFT: i32 = 4;
}

/// Has the next try check again.
pub fn forget_check(world: &World) {
    state::forget(world, InVain::NOTE);
}

/// The unit tries again every ten seconds: what was checked in vain is not checked again until somebody has written to it,
/// or asks for it.
fn check(world: &World, device: &Device, lock: &Lock) -> (Checked, String) {
    let is_as_left =
        |left: &InVain| left.boot == world.boot() && device.version().is_some_and(|now| now == left.version);
    if let Some(left) = state::read::<InVain>(world, InVain::NOTE).filter(is_as_left) {
        return (Checked::Damaged(Some(left.code)), format!("as before: {}", left.said));
    }
    let (checked, said) = reading::check(&device.node, lock);
    if let (Checked::Damaged(Some(code)), Some(version)) = (&checked, device.version())
        && code & InVain::ERRORS_LEFT != 0
    {
        let left = InVain { boot: world.boot(), version, code: *code, said: said.clone() };
        // Without it, it is checked again.
        drop(state::write(world, InVain::NOTE, &left));
    }
    (checked, said)
}

/// Who has the device; once more after a moment if somebody has it open for writing, as udev's programs do for a moment
/// whenever it has come or was written to.
pub fn access(device: &Device) -> Access {
    let deadline = Deadline::after(PASSING);
    loop {
        match device.access() {
            Access::Written(_) if !deadline.has_passed() => thread::sleep(Duration::from_millis(20)),
            access => return access,
        }
    }
}

fn mount_there(world: &World, file_system: FileSystem, device: &Device, lock: &Lock) -> Result<(), Left> {
    fs::create_dir_all(world.mount_point()).map_err(failed("cannot make the mount point"))?;
    let ran = mounts::mount(file_system, &device.node, world.mount_point(), lock);
    if !ran.succeeded() {
        // One that takes too long may come still, and then it is ours.
        if ran.ended != Ended::TooLate {
            state::forget(world, Mounted::NOTE);
        }
        return Err(Refusal::NotMounted(ran.reason()).into());
    }
    // mount(8) is content with less than it was asked for.
    let own = mounts::own(device).map_err(failed("cannot read the list of mounts"))?;
    if own.is_some_and(|mount| !mount.is_writable()) {
        return Err(Refusal::MountedReadOnly(format!("{}{}", world.mounted_at(), unmounted(world))).into());
    }
    refuse_etcd(world)
}

fn refuse_etcd(world: &World) -> Result<(), Left> {
    match datastore::embedded_etcd(world.mount_point()) {
        None => Ok(()),
        Some(etcd) => Err(Refusal::EmbeddedEtcd(format!("{}{}", etcd.display(), unmounted(world))).into()),
    }
}

/// Unmounts what nobody serves from. Says it if it stays.
fn unmounted(world: &World) -> &'static str {
    let ran = mounts::unmount(world.mount_point().as_os_str(), Deadline::after(Duration::from_secs(10)));
    if ran.succeeded() { "" } else { "; it stays mounted" }
}
