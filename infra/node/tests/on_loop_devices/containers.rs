//! Containers of pods, as a release sees them: processes in cgroups. The cgroups are the kernel's where this machine
//! lets us make some (version 2), files elsewhere.

use std::fs;
use std::process::Command;

use crate::instance::{Instance, wait_until};

/// A container that does as it is asked, and says so in the file `ended`.
pub(crate) const OBEDIENT: &str =
    r#"echo "${0##*/}" >>"$root/ended"; if [ -d "$root/cgroup.files" ]; then rm -f "$cgroup/cgroup.procs"; fi; exit"#;
/// A container that ignores SIGTERM.
pub(crate) const DEAF: &str = "";

impl Instance {
    /// A process of this name in that cgroup, which has a file on the volume open and does `on_term` at SIGTERM.
    /// Returns its id.
    pub(crate) fn with_container(&mut self, name: &str, cgroup: &str, on_term: &str) -> u32 {
        let up = self.path(&format!("{name} is up"));
        let place = self.path("sys/fs/cgroup").join(cgroup);
        fs::create_dir_all(&place).expect("a cgroup");
        // It waits without a child, as a sandbox does.
        let body = format!(
            "cgroup='{place}'\necho $$ >>\"$cgroup/cgroup.procs\"\ntrap '{on_term}' TERM\n\
             mkfifo \"$0 waits\"\nexec 9<>\"$0 waits\"\ntouch '{up}'\nwhile :; do read -r _ <&9; done",
            place = place.display(),
            up = up.display()
        );
        self.stand_in(name, &body);
        let file = fs::File::open(self.path("data/written")).expect("a file on the volume");
        let id = self.started(Command::new(self.path("bin").join(name)).stdin(file));
        wait_until(name, || up.exists());
        id
    }

    pub(crate) fn has_ended(&mut self, id: u32) -> bool {
        let process = self.processes.iter_mut().find(|process| process.id() == id).expect("a process of ours");
        process.try_wait().expect("how it is").is_some()
    }

    /// The containers that have ended because they were asked to, in order.
    pub(crate) fn ended(&self) -> Vec<String> {
        let ended = fs::read_to_string(self.path("ended")).unwrap_or_default();
        ended.lines().map(str::to_owned).collect()
    }
}
