//! Mounting a volume that has come, formatted if it is new and blank; and whether a mount that stands is ours.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::thread;
use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;
use serde::{Deserialize, Serialize};

use crate::answer::{Steps, hundredths, say};
use crate::commands::datastore;
use crate::decide::blank;
use crate::decide::contents::{Contents, FileSystem};
use crate::decide::first;
use crate::decide::fsck::{self, Checked};
use crate::decide::mounted::{self, Mount};
use crate::decide::taking::{self, Access, Next, Refusal, Seen};
use crate::machine::device::Device;
use crate::machine::lock::Lock;
use crate::machine::mounts::{self, Condition};
use crate::machine::programs::{Deadline, Ended};
use crate::machine::{processes, reading, state, unit, writers};
use crate::world::World;

use super::{Left, Mounted, Wanted, failed};

/// A program of udev's takes less.
const PASSING: Duration = Duration::from_secs(3);

/// What is mounted where the volume should be, if anything is. Anything but the volume is refused. The volume as somebody
/// else has mounted it, such as a line of fstab at boot, is unmounted: nobody has looked at what is on it.
pub(super) fn standing(world: &World, device: &Device, volume: &VolumeId) -> Result<Option<FileSystem>, Left> {
    let here = mounts::here().map_err(failed("cannot read the list of mounts"))?;
    let point = world.mounted_at();
    let Some(mount) = mounted::seen_at(&here, &point) else { return Ok(None) };
    let is_the_volume = mount.is_of(&device.stack) && mount.is_whole();
    let Some(file_system) = FileSystem::named(&mount.kind).filter(|_| is_the_volume) else {
        return Err(Refusal::SomethingElseIsThere(mount.source.clone(), point).into());
    };
    if Mounted::of_this_boot(world).is_none_or(|note| note.volume != *volume) {
        unmount_anothers(device, mount)?;
        // There may be one more below it.
        return standing(world, device, volume);
    }
    match mounts::condition(mount) {
        Condition::Writable => {}
        Condition::ReadOnly => return Err(Refusal::MountedReadOnly(point).into()),
        Condition::ShutDown => return Err(Refusal::ShutDown(point).into()),
    }
    refuse_etcd(world)?;
    Ok(Some(file_system))
}

/// # Errors
/// When it is in use: by whom.
fn unmount_anothers(device: &Device, mount: &Mount) -> Result<(), Left> {
    let point = mount.point.clone();
    if unit::k3s().may_run() {
        return Err(Refusal::MountedByAnother(point, "k3s".to_owned()).into());
    }
    let ran = mounts::unmount(&mount.place, Deadline::after(Duration::from_secs(10)));
    if ran.succeeded() {
        say(&format!("{point} was mounted by another: unmounted it, so that it is checked"));
        return Ok(());
    }
    let mut users = writers::of_files_below(std::slice::from_ref(&point));
    users.extend(processes::named(&processes::users_of(&device.stack.numbers)));
    let users = if users.is_empty() { ran.reason() } else { first(&users, 5) };
    Err(Refusal::MountedByAnother(point, users).into())
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
                seen.blank = match (written, device.written()) {
                    (Some(before), Some(now)) if before == now => Some(reading::blank(node, blank::AGAIN)),
                    (Some(_), Some(_)) => None,
                    // Nobody counts: all of it once more, or nobody knows.
                    (None, _) | (_, None) => Some(reading::blank(node, blank::WHOLE)),
                };
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

/// A check that has left errors: e2fsck puts right what it can before it gives up, so that each would change something.
#[derive(Serialize, Deserialize)]
struct ErrorsLeft {
    boot: String,
    /// Its exit status.
    code: Option<i32>,
    /// What a look that writes nothing finds since then.
    found: u64,
}

impl ErrorsLeft {
    const NOTE: &str = "checked.json";
}

/// Has the next try check again.
pub fn forget_check(world: &World) {
    state::forget(world, ErrorsLeft::NOTE);
}

/// The unit tries again every ten seconds. What was checked in vain is looked at first, and checked again once that finds
/// something else: a person has repaired it, or what could not be read can be.
fn check(world: &World, device: &Device, lock: &Lock) -> (Checked, String) {
    let left = state::read::<ErrorsLeft>(world, ErrorsLeft::NOTE).filter(|left| left.boot == world.boot());
    if let Some(left) = left {
        let looked = reading::look_for_errors(&device.node, lock);
        if !looked.succeeded() && (fsck::has_met_a_failure(&looked.said) || sum(&looked.said) == left.found) {
            return (Checked::Damaged(left.code), format!("as before: {}", looked.reason()));
        }
    }
    let (checked, ran) = reading::check(&device.node, lock);
    match &checked {
        Checked::Sound | Checked::TooNew { .. } => forget_check(world),
        // What this says passes by itself: whatever is found later is checked.
        Checked::Damaged(_) if reading::could_not_read(&ran) => note_errors(world, ran.code(), 0),
        Checked::Damaged(_) => {
            note_errors(world, ran.code(), sum(&reading::look_for_errors(&device.node, lock).said));
        }
    }
    (checked, ran.reason())
}

fn note_errors(world: &World, code: Option<i32>, found: u64) {
    // Without it, it is checked again.
    drop(state::write(world, ErrorsLeft::NOTE, &ErrorsLeft { boot: world.boot(), code, found }));
}

/// Of a report that may be long.
fn sum(said: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    said.hash(&mut hasher);
    hasher.finish()
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
