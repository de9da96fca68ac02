//! What lies on the volume although k3s looks for it on the root disk.

use std::fs;
use std::io;
use std::iter;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::Path;

use crate::machine::state;
use crate::world::World;

/// The node's password, in a place that k3s has no option for (k3s, `pkg/nodepassword`). Without it a node that keeps
/// its name may be refused with "Node password rejected".
const PASSWORD: &str = "etc/rancher/node";

const ASIDE: &str = "node.of-the-image";

/// Links what has to persist to the volume. Everything else stays on the root disk: `/var/lib/kubelet` and
/// `/var/lib/cni` are about one boot of one machine.
///
/// # Errors
/// When the link cannot be made.
pub fn link(world: &World) -> io::Result<()> {
    let on_volume = world.mount_point().join("durin/node");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&on_volume)?;
    remove_empty(&on_volume.join("password"))?;
    let place = world.path(PASSWORD);
    let target = world.mount_point_inside().join("durin/node");
    match fs::symlink_metadata(&place) {
        Ok(found) if found.is_symlink() && fs::read_link(&place)? == target => return Ok(()),
        Ok(found) => {
            carry_over(&place, &on_volume)?;
            if found.is_symlink() {
                fs::remove_file(&place)?;
            } else {
                // What the image has there besides is kept aside, beside that of an earlier time.
                let names = iter::once(ASIDE.to_owned()).chain((1..100).map(|count| format!("{ASIDE}.{count}")));
                let mut places = names.map(|name| place.with_file_name(name));
                let free = places.find(|aside| fs::symlink_metadata(aside).is_err());
                fs::rename(&place, free.ok_or(io::ErrorKind::AlreadyExists)?)?;
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    symlink(target, place)
}

/// A password that the image has, or has put elsewhere on the volume, counts for a volume that has none.
fn carry_over(place: &Path, on_volume: &Path) -> io::Result<()> {
    let (here, there) = (place.join("password"), on_volume.join("password"));
    if here.exists() && !there.exists() {
        // Nobody else gets into the directory.
        state::replace(&there, &state::read_regular(&here)?)?;
    }
    remove_empty(&there)
}

/// k3s does not sync it, so that a power cut may leave it empty; then k3s does not start. It makes one that is missing.
fn remove_empty(password: &Path) -> io::Result<()> {
    match fs::symlink_metadata(password) {
        Ok(found) if found.is_file() && found.len() == 0 => fs::remove_file(password),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
