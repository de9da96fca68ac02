//! The containers of pods, by their cgroups, wherever the cgroup driver puts them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::world::World;

use super::processes;

/// The containers' processes. Without the sandboxes: in a pod that shares its process namespace, the sandbox is the
/// first process, and its end would kill the others at once.
pub fn containers(world: &World) -> Vec<u32> {
    let is_sandbox = |pid: &u32| processes::name(*pid).as_deref() == Some("pause");
    in_cgroups(world, is_of_pods).into_iter().filter(|pid| !is_sandbox(pid)).collect()
}

/// What may outlive the containers: the sandboxes, and in the cgroup of k3s the shims, which wait for a containerd that
/// has gone. They run from k3s's data directory, so they keep the volume busy.
pub fn leftovers(world: &World) -> Vec<u32> {
    in_cgroups(world, |path| is_of_pods(path) || is_of_k3s(path))
}

/// Has the kernel kill all pods at one blow, what they fork meanwhile too. (Linux 5.14, cgroup version 2; elsewhere
/// there is no such file.)
pub fn kill_pods(world: &World) {
    for cgroup in cgroups(&world.path("sys/fs/cgroup")) {
        let is_a_root = is_of_pods(&cgroup) && cgroup.parent().is_some_and(|parent| !is_of_pods(parent));
        let switch = cgroup.join("cgroup.kill");
        if is_a_root && switch.exists() {
            // Signals follow, for whatever this leaves.
            drop(fs::write(switch, "1"));
        }
    }
}

fn is_of_pods(cgroup: &Path) -> bool {
    cgroup.components().any(|part| part.as_os_str().to_string_lossy().contains("kubepods"))
}

fn is_of_k3s(cgroup: &Path) -> bool {
    cgroup.components().any(|part| part.as_os_str() == "k3s.service")
}

fn in_cgroups(world: &World, is_meant: impl Fn(&Path) -> bool) -> Vec<u32> {
    let mut pids = BTreeSet::new();
    for cgroup in cgroups(&world.path("sys/fs/cgroup")).into_iter().filter(|cgroup| is_meant(cgroup)) {
        let text = fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default();
        // Version 1 names a process once for each controller, and either names what it cannot show as 0.
        pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()).filter(|pid| *pid > 1));
    }
    pids.into_iter().collect()
}

/// A cgroup and all below it.
fn cgroups(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while next < found.len() {
        let entries = fs::read_dir(&found[next]).into_iter().flatten().flatten();
        found.extend(
            entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()),
        );
        next += 1;
    }
    found
}
