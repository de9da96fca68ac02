//! Waiting for k3s, and rescuing it once from a broken store of containerd.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::answer::{Steps, complain};
use crate::decide::rescue::{self, Silent};
use crate::machine::kubectl;
use crate::machine::programs::{self, Deadline};
use crate::machine::{state, unit};
use crate::world::World;

/// The note that the store has been set aside in this boot.
const NOTE: &str = "rescued.json";
/// Where k3s writes what its containerd says. (k3s, `pkg/agent/config`, `nodeConfig.Containerd.Log`)
const CONTAINERD: &str = "k3s/agent/containerd/containerd.log";
/// Images may be fetched anew.
const AFTERWARDS: Duration = Duration::from_secs(300);
/// Where it may be set aside: one may be in use, and cannot be removed.
const PLACES: u32 = 100;

/// Whether the API answers by the deadline, which a rescue defers.
pub(super) fn wait_for_api(world: &World, mut deadline: Deadline, steps: &mut Steps) -> bool {
    loop {
        if kubectl::api_is_ready() {
            return true;
        }
        if let Some(later) = rescue(world, 0, steps) {
            deadline = later;
        }
        if deadline.has_passed() {
            return false;
        }
        thread::sleep(Duration::from_millis(500));
    }
}

/// Sets the store aside if a k3s that does not answer is down because of it, and has fallen more often than it had by
/// an earlier look. Returns the deadline that counts then.
pub(super) fn rescue(world: &World, earlier: u32, steps: &mut Steps) -> Option<Deadline> {
    let restarts = unit::restarts();
    if restarts <= earlier || !is_for_the_store(world, restarts) {
        return None;
    }
    let begun = Instant::now();
    let outcome = set_aside(world).err().map_or("done".to_owned(), |error| error.to_string());
    steps.report("set containerd's store aside", begun, &outcome);
    Some(Deadline::after(AFTERWARDS))
}

fn is_for_the_store(world: &World, restarts: u32) -> bool {
    let deadline = Deadline::after(Duration::from_secs(3));
    let journal = programs::run("journalctl", &["--unit=k3s", "--boot", "--lines=1000", "--output=cat"], deadline);
    // What is not there has nothing to say.
    let containerd = state::end_of(&world.mount_point().join(CONTAINERD)).unwrap_or_default();
    let rescued = state::read::<String>(world, NOTE).is_some_and(|boot| boot == world.boot());
    rescue::is_for_the_store(&Silent {
        restarts,
        started: unit::last_start(),
        journal: &journal.output,
        containerd: &String::from_utf8_lossy(&containerd),
        rescued,
    })
}

/// Moves the store out of k3s's way; it can be looked at later. Those of earlier rescues go, once k3s has what it needs.
fn set_aside(world: &World) -> io::Result<()> {
    // Before anything else: it is tried once, however it ends.
    state::write(world, NOTE, &world.boot())?;
    programs::run("systemctl", &["stop", "k3s"], Deadline::after(Duration::from_secs(20)));
    let store = world.mount_point().join("k3s/agent/containerd");
    let place = |count: u32| match count {
        0 => store.with_file_name("containerd.broken"),
        count => store.with_file_name(format!("containerd.broken.{count}")),
    };
    let (taken, free): (Vec<_>, Vec<_>) = (0..PLACES).map(place).partition(|place| fs::symlink_metadata(place).is_ok());
    let moved = match free.first() {
        Some(place) => fs::rename(&store, place),
        None => Err(io::Error::other(format!("{} is there, and so are all others", place(0).display()))),
    };
    programs::run("systemctl", &["start", "--no-block", "k3s"], Deadline::after(Duration::from_secs(5)));
    for earlier in taken {
        if let Err(error) = fs::remove_dir_all(&earlier) {
            complain(&format!("{} stays: {error}", earlier.display()));
        }
    }
    moved
}
