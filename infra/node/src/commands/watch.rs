//! `durin-node watch`: asks the metadata service for an interruption notice, so that a lost event does not mean an
//! unclean end. The functions are asked first, by their event: this lets go of the volume only at the last moment.

use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Steps, complain, say};
use crate::decide::notice::{self, Notice};
use crate::machine::metadata::Metadata;
use crate::machine::state;
use crate::world::World;

use super::release::{self, Until};

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

/// Watches until there is a notice and the volume has been let go of.
pub fn run(world: &World, metadata: &mut Metadata, poll: Option<Duration>, steps: &mut Steps) -> Answer {
    let poll = poll.unwrap_or(POLL);
    let (notice, first_seen) = loop {
        // The service may be away for a while; its notice stays.
        if let Some(notice) = read(metadata) {
            break (notice, SystemTime::now());
        }
        thread::sleep(poll);
    };
    let moment = notice::last_moment(&notice, SystemTime::now(), first_seen);
    let moment_text = humantime::format_rfc3339_seconds(moment).to_string();
    say(&format!(
        "EC2 says {} at {}: the volume goes at {moment_text}, unless it has gone by then",
        notice.action, notice.time
    ));
    let note = Noticed { boot: world.boot(), action: notice.action, time: notice.time, last_moment: moment_text };
    if let Err(error) = state::write(world, Noticed::NOTE, &note) {
        // Whether or not anybody can read of it.
        complain(&format!("cannot write /run/durin: {error}"));
    }
    while SystemTime::now() < moment && !state::marker(world).forbids() {
        thread::sleep(poll.min(Duration::from_millis(500)));
    }
    if state::marker(world).forbids() {
        say("nothing to do: the volume has been released");
        return Answer::yes("nothing to do");
    }
    release::run(world, None, Until::Resumed, steps)
}

fn read(metadata: &mut Metadata) -> Option<Notice> {
    serde_json::from_str(&metadata.get("meta-data/spot/instance-action").ok()??).ok()
}
