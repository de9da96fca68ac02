//! An instance with a data volume, k3s and systemd: on a loop device, or on paper.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::containers::Cgroups;
use super::ended::Release;
use super::{SCRIPT, VOLUME};

/// One at a time: a mount namespace of one test would keep the volume of another alive.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// An instance with the volume attached, in a directory of its own. Everything is undone when it goes.
pub(super) struct Node {
    root: PathBuf,
    ground: Ground,
    pub(super) cgroups: Cgroups,
    pub(super) processes: Vec<Child>,
    _alone: MutexGuard<'static, ()>,
}

/// What the mounts are made of.
enum Ground {
    /// Loop devices, ext4 and the kernel.
    Loop(String),
    /// A file that says what is mounted, because this machine does not let us mount.
    Paper,
}

impl Node {
    /// The volume is attached, and not mounted yet.
    pub(super) fn booting() -> Node {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("durin-release-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().canonicalize().expect("a directory for temporary files").join(&name);
        let cgroups = Cgroups::of_node(&name, &root);
        let mut node = Node { root, ground: Ground::Paper, cgroups, processes: Vec::new(), _alone: alone };
        for directory in ["bin", "by-id", "cgroup", "run", "mnt", "pods/with a space", "rootfs", "proc/self", "proc/1"]
        {
            fs::create_dir_all(node.path(directory)).expect("a directory");
        }
        node.write("proc/self/mountinfo", "");
        node.write("in-use", "");
        symlink("../self/mountinfo", node.path("proc/1/mountinfo")).expect("a link");
        node.install_stand_ins();
        match node.attach_loop_device() {
            Ok(device) => node.ground = Ground::Loop(device),
            Err(problem) => node.mount_on_paper(&problem),
        }
        let device = match &node.ground {
            Ground::Loop(device) => PathBuf::from(device),
            Ground::Paper => node.path("device"),
        };
        let link = format!("by-id/nvme-Amazon_Elastic_Block_Store_{}", VOLUME.replace('-', ""));
        symlink(device, node.path(&link)).expect("a link");
        node
    }

    /// The volume is mounted, and k3s has written to it.
    pub(super) fn serving() -> Node {
        let node = Node::booting();
        node.mount();
        for directory in ["storage", "pods/with a space", "kubelet", "layers/lower", "layers/upper", "layers/work"] {
            fs::create_dir_all(node.path("mnt").join(directory)).expect("a directory");
        }
        node.write("mnt/storage/acknowledged", "write 1");
        node
    }

    pub(super) fn is_real(&self) -> bool {
        matches!(self.ground, Ground::Loop(_))
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub(super) fn text(&self, relative: &str) -> String {
        self.path(relative).display().to_string()
    }

    pub(super) fn write(&self, relative: &str, content: &str) {
        fs::write(self.path(relative), content).expect("a file");
    }

    pub(super) fn run(&self, program: &str, arguments: &[&str]) {
        ran(program, arguments).expect("it works here, the loop device did");
    }

    /// A file system on a loop device; tried out, since a container may have the one and not be allowed the other.
    fn attach_loop_device(&self) -> Result<String, String> {
        let image = self.text("image");
        let file = fs::File::create(&image).map_err(|error| error.to_string())?;
        file.set_len(16 << 20).map_err(|error| error.to_string())?;
        ran("mkfs.ext4", &["-q", &image])?;
        let device = ran("losetup", &["--find", "--show", &image])?;
        let tried = ran("mount", &[&device, &self.text("mnt")]).and_then(|_| ran("umount", &[&self.text("mnt")]));
        match tried {
            Ok(_) => Ok(device),
            Err(problem) => {
                ran("losetup", &["--detach", &device])?;
                Err(problem)
            }
        }
    }

    /// Past the capture of the test's output: nobody should take this for the whole test.
    fn mount_on_paper(&mut self, problem: &str) {
        let told = writeln!(io::stderr(), "reduced: mounts are on paper, because this machine refused: {problem}");
        told.expect("standard error");
        self.write("device", "");
        self.stand_in("lsblk", "echo \"$3 7:99\"");
        self.stand_in(
            "umount",
            r#"mounted=$root/proc/self/mountinfo
               if [ "$1" = "$root/mnt" ]; then
                   # A process that is only waited for has no files open.
                   for pid in $(cat "$root/in-use"); do
                       if [ -e /proc/"$pid"/fd/0 ]; then echo "umount: $1: target is busy." >&2; exit 32; fi
                   done
               fi
               path=$(echo "$1" | sed 's/ /\\040/g')
               path=$path awk '$5 != ENVIRON["path"]' "$mounted" >"$mounted.new"
               mv "$mounted.new" "$mounted""#,
        );
    }

    fn mount(&self) {
        match &self.ground {
            Ground::Loop(device) => self.run("mount", &[device, &self.text("mnt")]),
            Ground::Paper => self.mount_line("/", "mnt"),
        }
    }

    pub(super) fn bind(&self, from: &str, to: &str) {
        match &self.ground {
            Ground::Loop(_) => self.run("mount", &["--bind", &self.text(from), &self.text(to)]),
            Ground::Paper => self.mount_line("/storage", to),
        }
    }

    fn mount_line(&self, root: &str, at: &str) {
        let path = self.path("proc/self/mountinfo");
        let before = fs::read_to_string(&path).expect("what is mounted");
        let (id, at) = (40 + before.lines().count(), self.text(at).replace(' ', "\\040"));
        let device = self.text("device");
        let line = format!("{id} 27 7:99 {root} {at} rw,relatime shared:1 - ext4 {device} rw\n");
        fs::write(path, before + &line).expect("what is mounted");
    }

    /// The mount points below the instance's directory, by the kernel's own account, first mounted first.
    pub(super) fn mounts(&self) -> Vec<String> {
        let path =
            if self.is_real() { PathBuf::from("/proc/self/mountinfo") } else { self.path("proc/self/mountinfo") };
        let mounted = fs::read_to_string(path).expect("what is mounted");
        let points = mounted.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| point.replace("\\040", " "));
        points.filter(|point| Path::new(point).starts_with(&self.root)).collect()
    }

    /// A process that has a file on the volume open. Returns its id.
    pub(super) fn with_an_open_file(&mut self) -> u32 {
        self.started_on_volume(Command::new("sleep").arg("120"))
    }

    /// Starts a process that has a file on the volume open. Returns its id.
    pub(super) fn started_on_volume(&mut self, command: &mut Command) -> u32 {
        let file = fs::File::open(self.path("mnt/storage/acknowledged")).expect("a file on the volume");
        let id = self.started(command.stdin(file));
        let before = fs::read_to_string(self.path("in-use")).expect("who uses the volume");
        self.write("in-use", &format!("{before}{id}\n"));
        id
    }

    /// A process in a mount namespace of its own, which does not see what is unmounted outside. Returns its id.
    pub(super) fn with_a_mount_namespace(&mut self) -> u32 {
        if self.is_real() {
            let id =
                self.started(Command::new("unshare").args(["--mount", "--propagation", "private", "sleep", "120"]));
            // It is "unshare" until the namespace is there.
            let comm = format!("/proc/{id}/comm");
            for _ in 0..100 {
                if fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n") {
                    return id;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            panic!("no mount namespace after two seconds");
        }
        let mounted = fs::read_to_string(self.path("proc/self/mountinfo")).expect("what is mounted");
        fs::create_dir_all(self.path("proc/2")).expect("a directory");
        self.write("proc/2/mountinfo", &mounted);
        self.write("proc/2/comm", "sleep\n");
        2
    }

    pub(super) fn started(&mut self, command: &mut Command) -> u32 {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
        let id = child.id();
        self.processes.push(child);
        id
    }

    pub(super) fn end_processes(&mut self) {
        for process in &mut self.processes {
            // It may have been killed already.
            drop(process.kill());
            drop(process.wait());
        }
        self.processes.clear();
    }

    pub(super) fn release(&self) -> Release {
        Release::of(self.begin_release())
    }

    pub(super) fn begin_release(&self) -> Child {
        self.begin_release_of(VOLUME)
    }

    /// As the command document runs it: its first line sets the argument, the rest is the script.
    pub(super) fn begin_release_of(&self, volume: &str) -> Child {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "release.sh", volume]);
        command.env("PATH", format!("{}:{path}", self.text("bin")));
        command.env("DURIN_BY_ID", self.path("by-id")).env("DURIN_RUN", self.path("run"));
        command.env("DURIN_CGROUP", self.cgroups.root());
        if !self.is_real() {
            command.env("DURIN_PROC", self.path("proc"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell")
    }

    /// Kills the script as soon as it has asked for this. Commands that it runs under a time limit outlive it.
    pub(super) fn kill_release_at(&self, call: &str) {
        let mut release = self.begin_release();
        let has_asked = || self.asked().iter().any(|asked| asked == call);
        for _ in 0..500 {
            if has_asked() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        release.kill().expect("it can be killed");
        release.wait().expect("it has ended");
        assert!(has_asked(), "it has not asked for {call} in ten seconds");
    }

    pub(super) fn marker(&self) -> Option<String> {
        fs::read_to_string(self.path("run/durin-released")).ok().map(|marker| marker.trim_end().to_owned())
    }

    /// What the stand-ins for k3s and systemd were asked to do.
    pub(super) fn asked(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The next holder finds what was acknowledged.
    pub(super) fn has_kept_its_data(&self) {
        self.mount();
        let data = fs::read_to_string(self.path("mnt/storage/acknowledged"));
        assert_eq!(data.expect("the file"), "write 1");
    }

    /// Each does what the file of its name says, if there is one.
    fn install_stand_ins(&self) {
        self.stand_in(
            "systemctl",
            r#"echo "$*" >>"$root/calls"
               case $1 in stop) if [ -e "$root/stop" ]; then . "$root/stop"; fi ;; esac"#,
        );
        self.stand_in(
            "k3s-killall.sh",
            r#"echo killall >>"$root/calls"
               if [ -e "$root/killall" ]; then . "$root/killall"; fi"#,
        );
        for client in ["k3s", "kubectl", "crictl", "ctr"] {
            self.stand_in(client, r#"echo "${0##*/} $*" >>"$root/cluster""#);
        }
    }

    /// What the cluster was asked. It would remember that, wherever the volume goes.
    fn asked_of_the_cluster(&self) -> String {
        fs::read_to_string(self.path("cluster")).unwrap_or_default()
    }

    pub(super) fn without_killall(&self) {
        fs::remove_file(self.path("bin/k3s-killall.sh")).expect("a stand-in");
    }

    pub(super) fn stand_in(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nroot='{}'\n{body}\n", self.root.display())).expect("a stand-in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end_processes();
        self.cgroups.remove();
        let asked = self.asked_of_the_cluster();
        if let Ground::Loop(device) = &self.ground {
            for point in self.mounts().iter().rev() {
                // Lazily, so that nothing is left even of a test that failed half-way.
                drop(ran("umount", &["--lazy", point]));
            }
            drop(ran("losetup", &["--detach", device]));
            if !self.mounts().is_empty() {
                return;
            }
        }
        drop(fs::remove_dir_all(&self.root));
        // Whatever the test is about.
        assert!(asked.is_empty() || std::thread::panicking(), "a release leaves no mark in the cluster: {asked}");
    }
}

/// What a program says; or what is wrong.
fn ran(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim_end()))
    }
}
