//! An instance: a directory with a sysfs, a `/dev` and a `/run` of its own, and the kernel's mounts below it.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::ground::{can_mount, make_cgroup, not_run, remove_cgroup};
use crate::volume::{Volume, ran};

pub(crate) const VOLUME: &str = "vol-0abcdef0123456789";
pub(crate) const ANOTHER: &str = "vol-0fedcba9876543210";

pub(crate) struct Instance {
    root: PathBuf,
    pub(crate) processes: Vec<Child>,
    /// The cgroup that our containers are below, if the kernel has version 2 and lets us.
    pub(crate) cgroup: Option<PathBuf>,
    boots: u32,
    /// Kept open, and never answered.
    servers: Vec<File>,
    _turn: File,
}

/// Which other instances there may be meanwhile, in other tests.
pub(crate) enum Others {
    Any,
    /// A mount namespace of this one's would keep the volumes of others mounted.
    None,
}

/// How a run of durin-node ended.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) said: String,
    pub(crate) problem: String,
    /// Its last line.
    pub(crate) answer: Value,
}

impl Instance {
    /// One that has just booted; none where this machine allows no loop devices or mounts, which is said.
    pub(crate) fn boot() -> Option<Instance> {
        Instance::boot_beside(Others::Any)
    }

    pub(crate) fn boot_beside(others: Others) -> Option<Instance> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let temporary = std::env::temp_dir().canonicalize().expect("a directory for temporary files");
        let user = rustix::process::getuid().as_raw();
        let turn = File::create(temporary.join(format!("durin-node-tests-{user}.lock"))).expect("a lock");
        match others {
            Others::Any => turn.lock_shared().expect("the lock"),
            Others::None => turn.lock().expect("the lock"),
        }
        let name = format!("durin-node-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = temporary.join(&name);
        for directory in
            ["sys/block", "sys/fs", "dev", "run", "proc/sys/kernel/random", "bin", "data", "volumes", "etc"]
        {
            fs::create_dir_all(root.join(directory)).expect("a directory");
        }
        if !can_mount(&root) {
            drop(fs::remove_dir_all(&root));
            return None;
        }
        let cgroup = make_cgroup(&name);
        match &cgroup {
            Some(cgroup) => symlink(cgroup, root.join("sys/fs/cgroup")).expect("a link"),
            None => {
                fs::create_dir_all(root.join("cgroup.files")).expect("a directory");
                symlink("../../cgroup.files", root.join("sys/fs/cgroup")).expect("a link");
            }
        }
        let mut instance = Instance { root, processes: Vec::new(), cgroup, boots: 0, servers: Vec::new(), _turn: turn };
        instance.new_boot();
        instance.install_stand_ins();
        Some(instance)
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub(crate) fn text(&self, relative: &str) -> String {
        self.path(relative).display().to_string()
    }

    pub(crate) fn write(&self, relative: &str, content: &str) {
        fs::write(self.path(relative), content).expect("a file");
    }

    /// A new boot's id, and an empty `/run`.
    pub(crate) fn new_boot(&mut self) {
        self.boots += 1;
        self.write("proc/sys/kernel/random/boot_id", &format!("00000000-0000-0000-0000-{:012}\n", self.boots));
        drop(fs::remove_dir_all(self.path("run")));
        fs::create_dir_all(self.path("run")).expect("a directory");
    }

    /// The volume comes to a new boot as it is at this moment.
    pub(crate) fn lose_power(&mut self, volume: &mut Volume) {
        volume.cut_power();
        self.end_processes();
        self.unplug("nvme1n1");
        self.unmount_everything(&[]);
        volume.release_device();
        volume.attach_anew();
        self.new_boot();
        self.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    }

    /// The kernel's entry for an NVMe device of this serial number.
    pub(crate) fn plug(&self, name: &str, volume: &str, device: &str, number: &str) {
        let entry = self.path("sys/block").join(name);
        fs::create_dir_all(entry.join("device")).expect("a directory");
        fs::create_dir_all(entry.join("holders")).expect("a directory");
        // Padded, as a controller gives it.
        fs::write(entry.join("device/serial"), format!("{:<22}\n", volume.replace('-', ""))).expect("a file");
        fs::write(entry.join("dev"), format!("{number}\n")).expect("a file");
        for file in ["stat", "ro", "queue"] {
            let real = format!("/sys/class/block/{}/{file}", device.trim_start_matches("/dev/"));
            symlink(real, entry.join(file)).expect("a link");
        }
        symlink(device, self.path("dev").join(name)).expect("a link");
    }

    /// A partition of the volume, whose device another volume plays.
    pub(crate) fn partition(&self, directory: &Path) -> Volume {
        fs::create_dir_all(directory).expect("a directory");
        let volume = Volume::make(directory, "ext4").expect("a volume");
        let entry = self.path("sys/block/nvme1n1/nvme1n1p1");
        fs::create_dir_all(&entry).expect("a directory");
        fs::write(entry.join("partition"), "1\n").expect("a file");
        fs::write(entry.join("dev"), format!("{}\n", volume.number())).expect("a file");
        symlink(&volume.device, self.path("dev/nvme1n1p1")).expect("a link");
        volume
    }

    pub(crate) fn unplug(&self, name: &str) {
        drop(fs::remove_dir_all(self.path("sys/block").join(name)));
        drop(fs::remove_file(self.path("dev").join(name)));
    }

    pub(crate) fn durin_node(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.begin(arguments))
    }

    pub(crate) fn begin(&self, arguments: &[&str]) -> Child {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(env!("CARGO_BIN_EXE_durin-node"));
        command.args(["--root", &self.root.display().to_string()]).args(arguments);
        command.env("PATH", format!("{}:{path}", self.text("bin")));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("durin-node")
    }

    /// What is mounted below the instance's directory, first mounted first.
    pub(crate) fn mounts(&self) -> Vec<String> {
        let mounted = fs::read("/proc/self/mountinfo").expect("what is mounted");
        let points = String::from_utf8_lossy(&mounted);
        let points = points.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| point.replace("\\040", " "));
        points.filter(|point| Path::new(point).starts_with(&self.root)).collect()
    }

    pub(crate) fn unmount_everything(&self, how: &[&str]) {
        for point in self.mounts().iter().rev() {
            drop(ran("umount", &[how, &[point]].concat()));
        }
    }

    pub(crate) fn started(&mut self, command: &mut Command) -> u32 {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
        let id = child.id();
        self.processes.push(child);
        id
    }

    /// A process that has this file open. Returns its id.
    pub(crate) fn with_open(&mut self, relative: &str) -> u32 {
        let file = File::open(self.path(relative)).expect("a file on the volume");
        self.started(Command::new("sleep").arg("120").stdin(file))
    }

    /// A process in a mount namespace of its own, which does not see what is unmounted outside. Returns its id.
    pub(crate) fn with_a_mount_namespace(&mut self) -> u32 {
        self.with_a_mount_namespace_that_is("private")
    }

    /// The same, which sees it if it is a `slave` of ours.
    pub(crate) fn with_a_mount_namespace_that_is(&mut self, propagation: &str) -> u32 {
        let id = self.started(Command::new("unshare").args(["--mount", "--propagation", propagation, "sleep", "120"]));
        // It is "unshare" until the namespace is there.
        wait_until("a mount namespace", || {
            fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|n| n == "sleep\n")
        });
        id
    }

    /// A file system whose server does not answer: every look at it waits. Whether there is one.
    pub(crate) fn mount_what_hangs(&mut self, relative: &str) -> bool {
        fs::create_dir_all(self.path(relative)).expect("a directory");
        let server = match File::options().read(true).write(true).open("/dev/fuse") {
            Ok(server) => server,
            Err(error) => {
                not_run(&format!("a mount that hangs, because of /dev/fuse: {error}"));
                return false;
            }
        };
        let options = "fd=0,rootmode=40000,user_id=0,group_id=0";
        let mut mount = Command::new("mount");
        mount.args(["-i", "-t", "fuse", "none", &self.text(relative), "-o", options]);
        let mounted = mount.stdin(server.try_clone().expect("a copy")).status().expect("mount");
        assert!(mounted.success());
        self.servers.push(server);
        true
    }

    pub(crate) fn end_processes(&mut self) {
        for process in &mut self.processes {
            // It may have been killed already.
            drop(process.kill());
            drop(process.wait());
        }
        self.processes.clear();
    }

    /// What the stand-ins for systemd and k3s were asked to do.
    pub(crate) fn asked(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    pub(crate) fn marker(&self) -> Option<String> {
        fs::read_to_string(self.path("run/durin-released")).ok()
    }

    fn install_stand_ins(&self) {
        // The unit that mounts, as far as it matters here.
        let restart = format!(
            "exec '{}' --root \"$root\" volume --volume {VOLUME} --within 1 >>\"$root/unit\" 2>&1",
            env!("CARGO_BIN_EXE_durin-node")
        );
        self.stand_in(
            "systemctl",
            &format!(
                "echo \"$*\" >>\"$root/calls\"\ncase $1 in\n\
                 stop) [ \"$2\" = durin-settle ] && exit 5; if [ -e \"$root/stop\" ]; then . \"$root/stop\"; fi ;;\n\
                 show) case $* in *k3s) cat \"$root/k3s.unit\" ;; *) cat \"$root/state\" 2>/dev/null ;; esac ;;\n\
                 start|restart) {restart} ;;\nesac"
            ),
        );
        self.write("k3s.unit", crate::serving::RUNS);
        for other in ["kubectl", "crictl", "ctr", "k3s-killall.sh"] {
            self.stand_in(other, "echo \"${0##*/} $*\" >>\"$root/cluster\"");
        }
        self.install_k3s();
    }

    /// One that says its version, once it has one, and asks nobody.
    pub(crate) fn install_k3s(&self) {
        let ask = "echo \"k3s $*\" >>\"$root/cluster\"";
        let body = format!("case $1 in --version) cat \"$root/k3s.version\" 2>/dev/null ;; *) {ask} ;; esac");
        self.stand_in("k3s", &body);
    }

    pub(crate) fn stand_in(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nroot='{}'\n{body}\n", self.root.display())).expect("a stand-in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable");
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.end_processes();
        if let Some(cgroup) = &self.cgroup {
            remove_cgroup(cgroup);
        }
        let asked = fs::read_to_string(self.path("cluster")).unwrap_or_default();
        // Lazily, so that nothing is left even of a test that failed half-way.
        self.unmount_everything(&["--lazy"]);
        let listed = ran("losetup", &["--list", "--noheadings", "--output", "NAME,BACK-FILE"]).unwrap_or_default();
        for line in listed.lines().filter(|line| line.contains(&self.root.display().to_string())) {
            drop(ran("losetup", &["--detach", line.split_whitespace().next().unwrap_or_default()]));
        }
        if self.mounts().is_empty() {
            drop(fs::remove_dir_all(&self.root));
        }
        // Whatever the test is about: it would be on the volume, wherever that goes.
        assert!(asked.is_empty() || std::thread::panicking(), "a release asks nothing of the cluster: {asked}");
    }
}

impl Ran {
    pub(crate) fn of(child: Child) -> Ran {
        let Output { status, stdout, stderr } = child.wait_with_output().expect("it has ended");
        let said = String::from_utf8_lossy(&stdout).into_owned();
        let answer = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        Ran { status: status.code(), said, problem: String::from_utf8_lossy(&stderr).into_owned(), answer }
    }

    pub(crate) fn word(&self) -> &str {
        self.answer["answer"].as_str().unwrap_or_default()
    }

    pub(crate) fn why(&self) -> &str {
        self.answer["why"].as_str().unwrap_or_default()
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n{}{}", self.status, self.said, self.problem)
    }
}

pub(crate) fn wait_until(what: &str, is_there: impl Fn() -> bool) {
    for _ in 0..250 {
        if is_there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no {what} after five seconds");
}
