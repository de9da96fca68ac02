//! `durin-node watch`: asks the metadata service for an interruption notice, so that a lost event does not mean an
//! unclean end. The functions are asked first, by their event: this lets go of the volume only at the last moment.

use std::thread;
use std::time::{Duration, SystemTime};

use durin_decisions::ids::VolumeId;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Steps, complain, say};
use crate::decide::marker::Until;
use crate::decide::notice::{self, Notice};
use crate::decide::taking::Access;
use crate::machine::device::{self, Device};
use crate::machine::metadata::Metadata;
use crate::machine::programs::Deadline;
use crate::machine::{mounts, state};
use crate::world::World;

use super::release;
use super::volume::Mounted;

/// EC2's advice is every five seconds. (EC2 User Guide, "Spot Instance interruption notices")
const POLL: Duration = Duration::from_secs(2);

/// The note about an interruption.
#[derive(Serialize, Deserialize)]
pub struct Noticed {
    pub boot: String,
    pub action: String,
    pub time: String,
    /// When the volume is let go of, unless it has been by then.
    pub last_moment: String,
}

impl Noticed {
    pub const NOTE: &str = "notice.json";
}

/// Watches until there is a notice and the volume has been let go of. One that comes after the last moment goes at once.
pub fn run(world: &World, metadata: &mut Metadata, poll: Option<Duration>, steps: &mut Steps) -> Answer {
    let poll = poll.unwrap_or(POLL);
    let (notice, now) = loop {
        // The service may be away for a while; its notice stays.
        if let Some(found) = read(metadata) {
            break found;
        }
        thread::sleep(poll);
    };
    let moment = notice::last_moment(&notice, now, now);
    // From here on by a clock that nobody sets.
    let deadline = Deadline::after(moment.duration_since(now).unwrap_or_default());
    let gone = Deadline::after(notice::gone(moment).duration_since(now).unwrap_or_default());
    note(world, notice, moment);
    loop {
        let mounted = Mounted::of_this_boot(world);
        if state::marker(world).forbids() && !mounted.as_ref().is_some_and(|it| is_left(world, &it.volume)) {
            say("nothing to do: the volume has been released");
            return Answer::yes("nothing to do");
        }
        if deadline.has_passed() && mounted.is_some() {
            return release::run(world, None, Until::Resumed, steps);
        }
        if gone.has_passed() {
            say("nothing to do: this instance has mounted no volume");
            return Answer::yes("nothing to do");
        }
        thread::sleep(poll.min(Duration::from_millis(500)));
    }
}

/// Whether it is mounted here, or its file system lives on although it is not: then a release has failed, and is tried again.
fn is_left(world: &World, volume: &VolumeId) -> bool {
    let lives_on = |device: Device| device.access() == Access::Shared;
    mounts::is_at(world, volume) || device::find(world, volume).ok().flatten().is_some_and(lives_on)
}

fn note(world: &World, notice: Notice, moment: SystemTime) {
    let last_moment = humantime::format_rfc3339_seconds(moment).to_string();
    say(&format!(
        "EC2 says {} at {}: the volume goes at {last_moment}, unless it has gone by then",
        notice.action, notice.time
    ));
    let note = Noticed { boot: world.boot(), action: notice.action, time: notice.time, last_moment };
    if let Err(error) = state::write(world, Noticed::NOTE, &note) {
        // Whether or not anybody can read of it.
        complain(&format!("cannot write /run/durin: {error}"));
    }
}

/// The notice, and what time it is then: by the service's clock, which is the one that its notice is of. Ours may be
/// wrong by minutes, and then we would let go too early, or too late.
fn read(metadata: &mut Metadata) -> Option<(Notice, SystemTime)> {
    let (text, date) = metadata.get_dated("meta-data/spot/instance-action").ok()??;
    Some((serde_json::from_str(&text).ok()?, date.unwrap_or_else(SystemTime::now)))
}
