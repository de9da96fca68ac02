//! Waiting for k3s, and rescuing it once from a broken store of containerd.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::answer::Steps;
use crate::decide::rescue::{self, Silent};
use crate::machine::kubectl;
use crate::machine::programs::{self, Deadline};
use crate::machine::state;
use crate::world::World;

/// The note that the store has been set aside in this boot.
const NOTE: &str = "rescued.json";
/// Images may be fetched anew.
const AFTERWARDS: Duration = Duration::from_secs(300);

/// Whether the API answers by the deadline, which a rescue defers.
pub(super) fn wait_for_api(world: &World, mut deadline: Deadline, steps: &mut Steps) -> bool {
    loop {
        if kubectl::api_is_ready() {
            return true;
        }
        if is_for_the_store(world) {
            let begun = Instant::now();
            let outcome = set_aside(world).err().map_or("done".to_owned(), |error| error.to_string());
            steps.report("set containerd's store aside", begun, &outcome);
            deadline = Deadline::after(AFTERWARDS);
        }
        if deadline.has_passed() {
            return false;
        }
        thread::sleep(Duration::from_millis(500));
    }
}

fn is_for_the_store(world: &World) -> bool {
    let deadline = Deadline::after(Duration::from_secs(3));
    let shown = programs::run("systemctl", &["show", "--property=NRestarts", "--value", "k3s"], deadline);
    let restarts = shown.output.trim().parse().unwrap_or(0);
    if restarts == 0 {
        return false;
    }
    let log = programs::run("journalctl", &["--unit=k3s", "--boot", "--lines=300", "--output=cat"], deadline);
    let rescued = state::read::<String>(world, NOTE).is_some_and(|boot| boot == world.boot());
    rescue::is_for_the_store(&Silent { restarts, log: &log.output, rescued })
}

/// Moves the store out of k3s's way; it can be looked at later. The one of an earlier rescue goes.
fn set_aside(world: &World) -> io::Result<()> {
    // Before anything else: it is tried once, however it ends.
    state::write(world, NOTE, &world.boot())?;
    programs::run("systemctl", &["stop", "k3s"], Deadline::after(Duration::from_secs(20)));
    let store = world.mount_point().join("k3s/agent/containerd");
    let aside = store.with_file_name("containerd.broken");
    match fs::remove_dir_all(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let moved = fs::rename(store, aside);
    programs::run("systemctl", &["start", "--no-block", "k3s"], Deadline::after(Duration::from_secs(5)));
    moved
}
