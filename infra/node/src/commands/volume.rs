//! `durin-node volume`: waits for this node's volume, and mounts it if that is safe.
//!
//! Whatever is in doubt is refused with a sentence, and nothing is written: k3s starts only after this succeeds.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Steps, hundredths, say};
use crate::decide::blank;
use crate::decide::contents::{Contents, FileSystem};
use crate::decide::marker::Marker;
use crate::decide::taking::{self, Access, Next, Refusal, Seen};
use crate::machine::device::{self, Device};
use crate::machine::lock::{self, Lock};
use crate::machine::programs::Deadline;
use crate::machine::{mounts, reading, state};
use crate::world::World;

use super::prepare::Prepared;
use super::{datastore, places};

const LOCK: Duration = Duration::from_secs(60);
/// `durin-prepare.service` may take as long.
const NOTE: Duration = Duration::from_secs(180);
/// A program of udev's takes less.
const PASSING: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(200);

/// The note about the volume that this instance serves from.
#[derive(Serialize, Deserialize)]
pub struct Mounted {
    pub boot: String,
    #[serde(serialize_with = "as_text")]
    pub volume: VolumeId,
    pub device: String,
    pub file_system: String,
    pub at: String,
    /// This very mount made the file system.
    pub formatted: bool,
    /// From the appearance of the device.
    #[serde(default)]
    pub mount_seconds: Option<f64>,
}

impl Mounted {
    pub const NOTE: &str = "volume.json";

    pub fn of_this_boot(world: &World) -> Option<Mounted> {
        let boot = world.boot();
        state::read::<Mounted>(world, Mounted::NOTE).filter(|note| note.boot == boot)
    }
}

fn as_text<S: serde::Serializer>(volume: &VolumeId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(volume)
}

/// What the arguments say.
pub struct Options {
    pub volume: Option<VolumeId>,
    /// Somebody has said that this volume is new.
    pub is_new: bool,
    /// How long to wait for it; for ever, unless said.
    pub within: Option<Duration>,
}

/// What to mount, by the arguments, and where they are silent by this instance's tags.
struct Wanted {
    volume: VolumeId,
    declared_new: bool,
    /// The node's name, for a datastore that has none yet.
    node_name: Option<String>,
}

pub fn run(world: &World, options: &Options, steps: &mut Steps) -> Answer {
    let deadline = options.within.map(Deadline::after);
    let wanted = match wanted(world, options, deadline) {
        Ok(wanted) => wanted,
        Err(why) => return Answer::no("absent", &why),
    };
    let answer = match take(world, &wanted, deadline, steps) {
        Ok(answer) => answer,
        Err(Left::Absent) => Answer::no("absent", &format!("{} has not come", wanted.volume)),
        Err(Left::Refused(why)) => Answer::no("refused", &format!("{} is not mounted: {why}", wanted.volume)),
        Err(Left::Failed(why)) => Answer::no("failed", &format!("{} is not mounted: {why}", wanted.volume)),
    };
    answer.with("volume", wanted.volume.as_str())
}

/// Waits for the tags if they have to say which volume; not for ever, so that somebody reads why nothing is mounted. The
/// unit asks again.
fn wanted(world: &World, options: &Options, deadline: Option<Deadline>) -> Result<Wanted, String> {
    let deadline = deadline.unwrap_or_else(|| Deadline::after(NOTE));
    loop {
        let prepared = Prepared::of_this_boot(world);
        let of_tags = prepared.as_ref().and_then(|prepared| VolumeId::new(prepared.volume.clone()?).ok());
        if let Some(volume) = options.volume.clone().or(of_tags) {
            let tagged_new = prepared.as_ref().and_then(|prepared| prepared.new_volume.as_deref());
            let declared_new = options.is_new || tagged_new == Some(volume.as_str());
            return Ok(Wanted { declared_new, node_name: prepared.and_then(|prepared| prepared.node_name), volume });
        }
        if deadline.has_passed() {
            let why = match &prepared {
                None => "it has written nothing in this boot".to_owned(),
                Some(prepared) => prepared.unfit.join("; "),
            };
            return Err(format!(
                "nobody has said which volume: `durin-node prepare` reads it from the tags, and {why}. Look at \
                 `journalctl -u durin-prepare`"
            ));
        }
        thread::sleep(POLL);
    }
}

/// Why a volume is not mounted.
enum Left {
    Absent,
    Refused(Refusal),
    /// Something of this instance does not work.
    Failed(String),
}

impl From<Refusal> for Left {
    fn from(refusal: Refusal) -> Left {
        Left::Refused(refusal)
    }
}

fn take(world: &World, wanted: &Wanted, deadline: Option<Deadline>, steps: &mut Steps) -> Result<Answer, Left> {
    let begun = Instant::now();
    let device = wait(world, &wanted.volume, deadline)?;
    steps.report("wait for the volume", begun, "done");
    let there = Instant::now();
    let lock = lock::take(&world.lock(), Deadline::after(LOCK)).map_err(failed("cannot lock"))?;
    let lock = lock.ok_or_else(|| Left::Failed("another mount or a release has not ended for a minute".to_owned()))?;
    if state::marker(world) == Marker::Stale {
        // The units ask only whether it is there.
        state::unmark(world).map_err(failed("cannot remove an old marker"))?;
    }
    // Mounted already, by a run that may have got no further: all that follows is done again.
    let before = already_mounted(world, &device)?;
    let (file_system, formatted) = match before {
        Some(file_system) => (file_system, false),
        None => mount(world, wanted, &device, &lock, steps)?,
    };

    let begun = Instant::now();
    let grown = reading::grow(file_system, &device.node, world.mount_point());
    steps.report("grow", begun, grown.as_ref().err().map_or("done", String::as_str));
    let persisted = places::link(world).and_then(|()| datastore::configure(world, wanted.node_name.as_deref()));
    persisted.map_err(failed("cannot prepare k3s"))?;
    let note = Mounted {
        boot: world.boot(),
        volume: wanted.volume.clone(),
        device: device.name.clone(),
        file_system: file_system.to_string(),
        at: world.mount_point().display().to_string(),
        formatted,
        mount_seconds: Some(hundredths(there.elapsed())),
    };
    // It tells by its age when this was mounted: what is older in the cluster is an earlier instance's.
    let is_noted = before.is_some() && Mounted::of_this_boot(world).is_some_and(|noted| noted.volume == note.volume);
    if !is_noted {
        state::write(world, Mounted::NOTE, &note).map_err(failed("cannot write /run/durin"))?;
    }
    let word = if formatted { "formatted" } else { "mounted" };
    let answer = Answer::yes(word).with("file_system", note.file_system);
    // It serves at its old size.
    Ok(match grown {
        Ok(()) => answer,
        Err(why) => answer.with("not_grown", why),
    })
}

/// Waits until the device is there. It comes when the last holder has released it.
fn wait(world: &World, volume: &VolumeId, deadline: Option<Deadline>) -> Result<Device, Left> {
    loop {
        if let Marker::Released(released) = state::marker(world) {
            return Err(Refusal::Released(released).into());
        }
        // Its node may come a moment after its entry in sysfs.
        if let Some(device) = device::find(world, volume)?.filter(|device| device.node.exists()) {
            return Ok(device);
        }
        if deadline.is_some_and(Deadline::has_passed) {
            return Err(Left::Absent);
        }
        thread::sleep(POLL);
    }
}

/// What is mounted where the volume should be, if anything is. Anything but the volume is refused.
fn already_mounted(world: &World, device: &Device) -> Result<Option<FileSystem>, Left> {
    let here = mounts::here().map_err(failed("cannot read the list of mounts"))?;
    let point = world.mount_point().display().to_string();
    let Some(mount) = here.iter().rev().find(|mount| mount.point == point) else { return Ok(None) };
    match FileSystem::named(&mount.kind).filter(|_| mount.is_of(&device.stack)) {
        Some(file_system) => Ok(Some(file_system)),
        None => Err(Refusal::SomethingElseIsThere(mount.source.clone(), point).into()),
    }
}

/// Looks, decides, and does what was decided, until the volume is mounted. Returns whether it was formatted, too.
fn mount(
    world: &World,
    wanted: &Wanted,
    device: &Device,
    lock: &Lock,
    steps: &mut Steps,
) -> Result<(FileSystem, bool), Left> {
    let node = &device.node;
    device.check_node()?;
    let mut seen = Seen {
        marker: state::marker(world),
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
        let begun = Instant::now();
        // Each step takes its time.
        seen.access = access(device);
        match taking::next(&wanted.volume, &seen) {
            Next::Refuse(why) => return Err(why.into()),
            Next::ReadWhole => {
                say("it has no file system: looking whether it is blank, which may take minutes");
                written = device.written();
                seen.blank = Some(reading::blank(node, blank::WHOLE));
                steps.report("read it from head to tail", begun, "done");
            }
            Next::Check(_) => {
                let (checked, said) = reading::check(node, lock);
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
                mount_at(world.mount_point(), file_system, node, lock)?;
                steps.report("mount", begun, "done");
                return Ok((file_system, formatted));
            }
        }
    }
}

/// Who has the device; once more after a moment if somebody has it open for writing, as udev's programs do for a moment
/// whenever it has come or was written to.
fn access(device: &Device) -> Access {
    let deadline = Deadline::after(PASSING);
    loop {
        match device.access() {
            Access::Written(_) if !deadline.has_passed() => thread::sleep(Duration::from_millis(20)),
            access => return access,
        }
    }
}

fn mount_at(point: &Path, file_system: FileSystem, node: &Path, lock: &Lock) -> Result<(), Left> {
    fs::create_dir_all(point).map_err(failed("cannot make the mount point"))?;
    let ran = mounts::mount(file_system, node, point, lock);
    if !ran.succeeded() {
        return Err(Refusal::NotMounted(ran.reason()).into());
    }
    if let Some(etcd) = datastore::embedded_etcd(point) {
        let ran = mounts::unmount(point.as_os_str(), Deadline::after(Duration::from_secs(10)));
        let left = if ran.succeeded() { "" } else { "; it stays mounted" };
        return Err(Refusal::EmbeddedEtcd(format!("{}{left}", etcd.display())).into());
    }
    Ok(())
}

fn failed(what: &str) -> impl Fn(std::io::Error) -> Left {
    move |error| Left::Failed(format!("{what}: {error}"))
}
