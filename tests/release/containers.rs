//! Containers of pods, as a release sees them: processes in cgroups. The cgroups are the kernel's where this machine lets
//! us make some (root, version 2), files elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::node::Node;

/// A container that does as it is asked, and says so in the file `ended`.
pub(super) const OBEDIENT: &str =
    r#"echo "${0##*/}" >>"$root/ended"; rm -f "$root"/cgroup/*/"$cgroup"/cgroup.procs; exit"#;
/// A container that ignores SIGTERM.
pub(super) const DEAF: &str = "";

impl Node {
    /// A process of this name in that cgroup, which has a file on the volume open and does `on_term` at SIGTERM.
    /// Returns its id.
    pub(super) fn with_container(&mut self, name: &str, cgroup: &str, on_term: &str) -> u32 {
        let up = self.path(&format!("{name} is up"));
        let hierarchies = self.cgroups.hierarchies();
        for hierarchy in &hierarchies {
            fs::create_dir_all(hierarchy.join(cgroup)).expect("a cgroup");
        }
        let enter: String = hierarchies
            .iter()
            .map(|hierarchy| format!("echo $$ >>'{}/cgroup.procs'\n", hierarchy.join(cgroup).display()))
            .collect();
        // It waits without a child, as a sandbox does.
        let body = format!(
            "cgroup='{cgroup}'\n{enter}trap '{on_term}' TERM\n\
             mkfifo \"$0 waits\"\nexec 9<>\"$0 waits\"\ntouch '{}'\nwhile :; do read -r _ <&9; done",
            up.display()
        );
        self.stand_in(name, &body);
        let id = self.started_on_volume(&mut Command::new(self.path("bin").join(name)));
        fs::create_dir_all(self.path(&format!("proc/{id}"))).expect("a directory");
        self.write(&format!("proc/{id}/comm"), &format!("{name}\n"));
        for _ in 0..100 {
            if up.exists() {
                return id;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{name} is not up after two seconds");
    }

    /// Whether the process has ended.
    pub(super) fn has_ended(&mut self, id: u32) -> bool {
        let process = self.processes.iter_mut().find(|process| process.id() == id).expect("a process of ours");
        process.try_wait().expect("how it is").is_some()
    }

    /// The containers that have ended because they were asked to, in order.
    pub(super) fn ended(&self) -> Vec<String> {
        let ended = fs::read_to_string(self.path("ended")).unwrap_or_default();
        ended.lines().map(str::to_owned).collect()
    }
}

/// Where the cgroups of a node are.
pub(super) enum Cgroups {
    Kernel(PathBuf),
    /// Version 1: a hierarchy for each controller.
    Paper(PathBuf),
}

impl Cgroups {
    pub(super) fn of_node(name: &str, root: &Path) -> Cgroups {
        let mounted = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let version_2 = mounted.lines().find(|line| line.contains(" - cgroup2 "));
        let made = version_2.and_then(|line| line.split(' ').nth(4)).map(|mount| Path::new(mount).join(name));
        match made.filter(|made| fs::create_dir(made).is_ok()) {
            Some(made) => Cgroups::Kernel(made),
            None => Cgroups::Paper(root.join("cgroup")),
        }
    }

    pub(super) fn root(&self) -> &Path {
        match self {
            Cgroups::Kernel(root) | Cgroups::Paper(root) => root,
        }
    }

    /// Whether the kernel keeps account of what is in a cgroup.
    pub(super) fn are_real(&self) -> bool {
        matches!(self, Cgroups::Kernel(_))
    }

    fn hierarchies(&self) -> Vec<PathBuf> {
        match self {
            Cgroups::Kernel(root) => vec![root.clone()],
            Cgroups::Paper(root) => ["memory", "pids"].map(|controller| root.join(controller)).to_vec(),
        }
    }

    /// A cgroup is removed once it is empty, from the innermost outwards.
    pub(super) fn remove(&self) {
        if let Cgroups::Kernel(root) = self {
            remove_cgroup(root);
        }
    }
}

fn remove_cgroup(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    drop(fs::remove_dir(path));
}
