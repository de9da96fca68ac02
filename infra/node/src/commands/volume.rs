//! `durin-node volume`: waits for this node's volume, and mounts it if that is safe.
//!
//! Whatever is in doubt is refused with a sentence, and nothing is written: k3s starts only after this succeeds.

mod mounting;

pub use mounting::{access, forget_check};

use std::thread;
use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Steps};
use crate::decide::marker::{Marker, Until};
use crate::decide::taking::Refusal;
use crate::machine::device::{self, Device};
use crate::machine::lock;
use crate::machine::mounts::{self, Condition};
use crate::machine::programs::Deadline;
use crate::machine::{self, reading, state, unit};
use crate::world::World;

use super::prepare::Prepared;
use super::{datastore, places, release, served};

const LOCK: Duration = Duration::from_secs(60);
/// `durin-prepare.service` may take as long.
const NOTE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(200);
const THAW: Duration = Duration::from_secs(2);

/// The note about the volume that this instance serves from. It is there before the mount is, so that a mount that is cut
/// off is known as ours.
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

    /// Whether this instance has mounted that volume itself, and the kernel writes to it where k3s looks for it.
    pub fn serves(world: &World, volume: &VolumeId) -> bool {
        let is_ours = Mounted::of_this_boot(world).is_some_and(|note| note.volume == *volume);
        is_ours && mounts::at(world, volume).is_some_and(|mount| mounts::condition(&mount) == Condition::Writable)
    }
}

/// A refusal that a reboot would not change: a resume asks for none then.
#[derive(Serialize, Deserialize)]
struct InVain {
    boot: String,
    why: String,
}

const IN_VAIN: &str = "in-vain.json";

/// Why the last try in this boot was refused, if it would be after a reboot as well.
pub fn in_vain(world: &World) -> Option<String> {
    state::read::<InVain>(world, IN_VAIN).filter(|note| note.boot == world.boot()).map(|note| note.why)
}

pub fn forget_in_vain(world: &World) {
    state::forget(world, IN_VAIN);
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
    let taken = take(world, &wanted, deadline, steps);
    forget_in_vain(world);
    if let Err(Left::Refused(why)) = &taken {
        note(world, why);
        if why.is_of_this_image() {
            // Whatever comes of it: it is marked, and whoever wants the volume asks for it again.
            release::run(world, Some(wanted.volume.as_str()), Until::Resumed, steps);
        }
    }
    let answer = match taken {
        Ok(answer) => answer,
        Err(Left::Absent) => Answer::no("absent", &format!("{} has not come", wanted.volume)),
        Err(Left::Refused(why)) => Answer::no("refused", &format!("{} is not mounted: {why}", wanted.volume)),
        Err(Left::Unprepared(why)) => {
            Answer::no("failed", &format!("{} is mounted, and k3s does not start on it: {why}", wanted.volume))
        }
        Err(Left::Failed(why)) => Answer::no("failed", &format!("{} is not mounted: {why}", wanted.volume)),
    };
    answer.with("volume", wanted.volume.as_str())
}

/// Says in this boot what no reboot would change. Of a release the marker itself says it.
fn note(world: &World, why: &Refusal) {
    if !why.may_pass_with_a_reboot() && !matches!(why, Refusal::Released(_)) {
        // Without it there is one reboot more.
        drop(state::write(world, IN_VAIN, &InVain { boot: world.boot(), why: why.to_string() }));
    }
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
    /// It is mounted, and what k3s needs of it cannot be written.
    Unprepared(String),
}

impl From<Refusal> for Left {
    fn from(refusal: Refusal) -> Left {
        Left::Refused(refusal)
    }
}

fn take(world: &World, wanted: &Wanted, deadline: Option<Deadline>, steps: &mut Steps) -> Result<Answer, Left> {
    // k3s would not see it.
    mounts::check_namespace()?;
    // While nobody waits for it.
    let k3s = machine::k3s::version();
    let begun = Instant::now();
    let device = wait(world, &wanted.volume, deadline)?;
    steps.report("wait for the volume", begun, "done");
    let there = Instant::now();
    let lock = lock::take(&world.lock(), Deadline::after(LOCK)).map_err(failed("cannot lock"))?;
    let lock = lock.ok_or_else(|| Left::Failed("another mount or a release has not ended for a minute".to_owned()))?;
    match state::marker(world) {
        // Of a release that had the lock before us, and has not unmounted it.
        Marker::Released(released) => return Err(Refusal::released(&released, &wanted.volume).into()),
        // The units ask only whether it is there.
        Marker::Stale => state::unmark(world).map_err(failed("cannot remove an old marker"))?,
        Marker::Absent => {}
    }
    // Mounted already, by a run that may have got no further: all that follows is done again.
    let standing = mounting::standing(world, &device, &wanted.volume)?;
    let (file_system, formatted) = match standing {
        Some(file_system) => {
            // What follows writes to it, and would wait in our turn, which a release needs to thaw it.
            mounts::thaw(world.mount_point().as_os_str(), Deadline::after(THAW));
            (file_system, false)
        }
        None => mounting::mount(world, wanted, &device, there, &lock, steps)?,
    };
    // One that runs was let start.
    if standing.is_none() || !unit::k3s().may_run() {
        served::check(world, k3s.as_ref()).or_else(|why| {
            // Still under the lock: nobody mounts it again before it is let go of.
            state::mark(world, &wanted.volume, Until::Resumed).map_err(failed("cannot write a marker"))?;
            Err(Left::from(why))
        })?;
    }

    let begun = Instant::now();
    let grown = reading::grow(file_system, &device.node, world.mount_point());
    steps.report("grow", begun, grown.as_ref().err().map_or("done", String::as_str));
    let persisted = places::link(world).and_then(|()| datastore::configure(world, wanted.node_name.as_deref()));
    persisted.map_err(|error| {
        let point = world.mount_point().display();
        Left::Unprepared(format!(
            "its configuration cannot be written ({error}): look at `df {point} / /run` and `dmesg`"
        ))
    })?;
    let word = if formatted { "formatted" } else { "mounted" };
    let answer = Answer::yes(word).with("file_system", file_system.to_string());
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
            return Err(Refusal::released(&released, volume).into());
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

fn failed(what: &str) -> impl Fn(std::io::Error) -> Left {
    move |error| Left::Failed(format!("{what}: {error}"))
}
