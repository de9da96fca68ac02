//! The part of k3s's configuration that belongs to the datastore, and so lies on the volume: what cannot be changed
//! later (secrets encryption), or changes what is there (a component that is switched off is removed), is chosen once,
//! when there is no datastore yet. A volume that has one keeps it as it is.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::machine::state;
use crate::world::World;

/// For a new datastore. Off: the ingress controller and the load balancer, because a node behind one record rarely
/// wants these very ones; the metrics server, because kube-proxy waits minutes at each start for an aggregated API
/// whose pod is not up yet (k3s-io/k3s#9073). Each is deployed anew at every start, too.
const CHOSEN_ONCE: &str = "secrets-encryption: true
disable: [traefik, servicelb, metrics-server]
";

const READ_BY_K3S: &str = "etc/rancher/k3s/config.yaml.d/60-durin-volume.yaml";
const OF_THIS_BOOT: &str = "run/durin/k3s-volume.yaml";
const FROM_THERE: &str = "../../../../run/durin/k3s-volume.yaml";

/// Puts the volume's part of the configuration where k3s reads it.
///
/// # Errors
/// When it cannot be written.
pub fn configure(world: &World, node_name: Option<&str>) -> io::Result<()> {
    let kept = world.mount_point().join("durin/k3s.yaml");
    if !kept.exists() {
        let chosen = if is_there(world.mount_point()) { "" } else { CHOSEN_ONCE };
        // The name is the datastore's, too: under another one, the node is another node, and local volumes are out of
        // its reach. So it stays even if the tags change.
        let name = node_name.map(|name| format!("node-name: \"{name}\"\n")).unwrap_or_default();
        if let Some(directory) = kept.parent() {
            fs::create_dir_all(directory)?;
        }
        state::replace(
            &kept,
            format!("# Belongs to the datastore on this volume. Written once.\n{name}{chosen}").as_bytes(),
        )?;
    }
    link(world)?;
    let own = world.path(OF_THIS_BOOT);
    if let Some(directory) = own.parent() {
        fs::create_dir_all(directory)?;
    }
    state::replace(&own, &state::read_regular(&kept)?)
}

/// Makes the places on the root disk that the volume needs when it comes. By then the disk may be full: a link takes no
/// room there, and what it leads to is in memory.
///
/// # Errors
/// When they cannot be made.
pub fn link(world: &World) -> io::Result<()> {
    fs::create_dir_all(world.mount_point())?;
    let read_by_k3s = world.path(READ_BY_K3S);
    let is_there = || fs::read_link(&read_by_k3s).is_ok_and(|target| target == Path::new(FROM_THERE));
    if is_there() {
        return Ok(());
    }
    if let Some(directory) = read_by_k3s.parent() {
        fs::create_dir_all(directory)?;
    }
    match fs::remove_file(&read_by_k3s) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    match symlink(FROM_THERE, &read_by_k3s) {
        // Somebody else's, a moment ago.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_there() => Ok(()),
        made => made,
    }
}

/// The name that k3s gives the node: the volume's, the image's, or the machine's.
pub fn node_name(world: &World) -> String {
    let said = [READ_BY_K3S, "etc/rancher/k3s/config.yaml"];
    let in_file = |relative: &&str| {
        let text = fs::read(world.path(relative)).ok()?;
        let text = String::from_utf8_lossy(&text);
        let name = text.lines().find_map(|line| line.strip_prefix("node-name:"))?;
        Some(name.trim().trim_matches(['"', '\'']).to_owned())
    };
    let hostname = || fs::read_to_string(world.path("proc/sys/kernel/hostname")).unwrap_or_default().trim().to_owned();
    said.iter().find_map(in_file).unwrap_or_else(hostname)
}

/// Where k3s's embedded etcd has its data, if it has any.
pub fn embedded_etcd(mount_point: &Path) -> Option<PathBuf> {
    Some(mount_point.join("k3s/server/db/etcd")).filter(|path| path.exists())
}

/// Whether k3s has a datastore on it.
pub(super) fn is_there(mount_point: &Path) -> bool {
    mount_point.join("k3s/server").exists()
}
