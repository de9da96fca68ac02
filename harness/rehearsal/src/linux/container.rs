//! A container: a process in a cgroup of its own below `kubepods.slice`, which lives on without k3s, and has a file on the
//! volume open.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::{Outcome, address};

const PODS: &str = "/sys/fs/cgroup/kubepods.slice";

/// Starts one for each pod, unless it has survived k3s.
pub(super) fn start_all(data: &Path) -> Outcome {
    for pod in ["kubepods-pod1.slice", "kubepods-burstable.slice/kubepods-burstable-pod2.slice"] {
        let cgroup = Path::new(PODS).join(pod).join("cri-containerd-1.scope");
        fs::create_dir_all(&cgroup)?;
        if !fs::read_to_string(cgroup.join("cgroup.procs"))?.trim().is_empty() {
            continue;
        }
        let directory = data.join("storage").join(pod.replace('/', "-"));
        fs::create_dir_all(&directory)?;
        let mut container = Command::new("env");
        if pod.contains("pod2") && address::command_line().contains("rehearsal.stubborn") {
            container.arg("--ignore-signal=TERM");
        }
        container.arg("/usr/local/bin/k3s");
        container.arg("container").arg(&cgroup).arg(&directory).process_group(0);
        container.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    }
    Ok(())
}

/// How many of its processes live.
pub(super) fn count() -> usize {
    let mut cgroups = vec![PathBuf::from(PODS)];
    let mut processes = 0;
    while let Some(cgroup) = cgroups.pop() {
        processes += fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default().lines().count();
        let below = fs::read_dir(cgroup).into_iter().flatten().flatten().map(|entry| entry.path());
        cgroups.extend(below.filter(|path| path.is_dir()));
    }
    processes
}

pub(super) fn run(cgroup: &Path, directory: &Path) -> Outcome {
    // 0 is the writer.
    fs::write(cgroup.join("cgroup.procs"), "0")?;
    std::env::set_current_dir(directory)?;
    let mut log = File::options().append(true).create(true).open("log")?;
    loop {
        writeln!(log, "a line")?;
        thread::sleep(Duration::from_millis(500));
    }
}
