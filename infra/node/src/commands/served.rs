//! Which k3s has served from the volume: a file beside its datastore, which travels with it.

use std::io;

use durin_decisions::k3s::Version;

use crate::answer::{complain, say};
use crate::decide::k3s;
use crate::decide::taking::Refusal;
use crate::machine::{self, kubectl, state};
use crate::world::World;

use super::datastore;

/// Below the volume's mount point. Who removes it has restored a backup: then the next k3s starts, whichever it is.
const FILE: &str = "durin/k3s-version";

/// Before k3s starts on a volume that is mounted. Fail open where nobody knows: a volume of before this file has none.
///
/// # Errors
/// When this image's k3s is of an earlier minor version.
pub(super) fn check(world: &World, own: Option<&Version>) -> Result<(), Refusal> {
    if !datastore::is_there(world.mount_point()) {
        return Ok(());
    }
    let served = of_volume(world);
    // A root disk that is still loaded from its snapshot may have kept it from saying it in time.
    let asked_again = served.as_ref().filter(|_| own.is_none()).and_then(|_| machine::k3s::version());
    if let Some(word) = k3s::may_start(served.as_ref(), own.or(asked_again.as_ref()))? {
        say(&word);
    }
    Ok(())
}

/// Keeps the version of a k3s that serves.
pub(super) fn keep(world: &World) {
    match kubectl::version().or_else(machine::k3s::version) {
        Some(own) => keep_version(world, &own),
        None => complain("k3s does not say its version, so the volume does not keep it"),
    }
}

/// The same once more: somebody may have upgraded it where it is, and then nothing else of ours has run since.
pub(super) fn keep_again(world: &World) {
    if let Some(own) = kubectl::version() {
        keep_version(world, &own);
    }
}

fn keep_version(world: &World, own: &Version) {
    if of_volume(world).as_ref() == Some(own) {
        return;
    }
    if let Err(error) = write(world, own) {
        // It serves all the same.
        complain(&format!("the volume does not keep that k3s {own} has served from it: {error}"));
    }
}

/// Without making its directory: on a volume that has gone meanwhile, that would be one of the root disk.
fn write(world: &World, version: &Version) -> io::Result<()> {
    state::replace(&world.mount_point().join(FILE), format!("{version}\n").as_bytes())
}

/// None if it is not there, or is no version.
pub(super) fn of_volume(world: &World) -> Option<Version> {
    let kept = state::read_regular(&world.mount_point().join(FILE)).ok()?;
    Version::read(&String::from_utf8_lossy(&kept))
}
