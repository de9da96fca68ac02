//! The script that lets go of a data volume, run for real: on a loop device with ext4, mounted where this machine allows
//! it (root, on Linux, with loop devices). Elsewhere the mounts are on paper, and the output says so. k3s and systemd
//! are stand-ins in either case.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("../infra/release.sh");
const TEMPLATE: &str = include_str!("../infra/release.yaml");
const VOLUME: &str = "vol-0abcdef0123456789";

#[test]
fn a_mounted_volume_is_released() {
    let node = Node::serving();
    let release = node.release();
    release.succeeded();
    assert!(node.mounts().is_empty());
    assert_eq!(node.marker().as_deref(), Some(VOLUME));
    assert_eq!(node.asked(), ["drain node-1", "daemon-reload", "stop k3s", "killall"]);
    for step in ["lock", "drain", "stop k3s", "kill the rest of k3s", "sync", "unmount"] {
        assert!(release.said(&format!("{step}: done (")), "{step}: {release}");
    }
    node.has_kept_its_data();
}

#[test]
fn k3s_cannot_start_again_from_the_volume_that_is_still_visible() {
    let node = Node::serving();
    node.release().succeeded();
    let drop_in = fs::read_to_string(node.path("run/systemd/system/k3s.service.d/durin-released.conf"));
    let marker = node.path("run/durin-released");
    assert_eq!(drop_in.expect("a drop-in"), format!("[Unit]\nConditionPathExists=!{}\n", marker.display()));
}

#[test]
fn whatever_hangs_on_the_volume_goes_with_it() {
    let node = Node::serving();
    node.bind("mnt/storage", "pods/with a space");
    node.bind("pods", "mnt/pods");
    if node.is_real() {
        node.run("mount", &["-t", "tmpfs", "none", &node.text("mnt/kubelet")]);
        let layers = ["lower", "upper", "work"].map(|layer| node.text(&format!("mnt/layers/{layer}")));
        let options = format!("lowerdir={},upperdir={},workdir={}", layers[0], layers[1], layers[2]);
        node.run("mount", &["-t", "overlay", "overlay", "-o", &options, &node.text("rootfs")]);
    }
    node.release().succeeded();
    assert!(node.mounts().is_empty());
    node.has_kept_its_data();
}

#[test]
fn a_container_that_outlives_k3s_is_killed_before_the_volume_is_unmounted() {
    let mut node = Node::serving();
    let container = node.with_an_open_file();
    node.write("container", &container.to_string());
    node.release().succeeded();
    assert!(node.mounts().is_empty());
}

#[test]
fn a_second_release_finds_nothing_to_do() {
    let node = Node::serving();
    node.release().succeeded();
    let asked = node.asked();
    let again = node.release();
    again.succeeded();
    assert!(again.said("nothing to do"), "{again}");
    assert_eq!(node.asked(), asked);
}

#[test]
fn of_two_at_once_the_second_waits_and_finds_nothing_to_do() {
    let node = Node::serving();
    node.write("drain", "sleep 1");
    let [first, second] = [node.begin_release(), node.begin_release()].map(Release::of);
    first.succeeded();
    second.succeeded();
    let idle = [&first, &second].iter().filter(|release| release.said("nothing to do")).count();
    assert_eq!(idle, 1, "{first}{second}");
    assert_eq!(node.asked().iter().filter(|call| *call == "stop k3s").count(), 1);
    assert!(node.mounts().is_empty());
}

#[test]
fn a_volume_that_is_not_mounted_yet_is_kept_from_being_mounted() {
    let node = Node::booting();
    node.release().succeeded();
    assert_eq!(node.marker().as_deref(), Some(VOLUME));
    assert!(node.asked().contains(&"stop k3s".to_owned()));
}

#[test]
fn a_drain_that_fails_does_not_stop_the_release() {
    let node = Node::serving();
    node.write("drain", "exit 1");
    let release = node.release();
    release.succeeded();
    assert!(release.said("drain: failed with 1 ("), "{release}");
    assert!(node.mounts().is_empty());
}

#[test]
fn what_hangs_is_given_up_and_told_and_the_volume_released_all_the_same() {
    let node = Node::serving();
    node.write("drain", "trap '' TERM; sleep 60");
    node.write("stop", "trap '' TERM; sleep 60");
    let begun = Instant::now();
    let release = node.release();
    release.succeeded();
    assert!(begun.elapsed() < Duration::from_secs(30), "{release}");
    assert!(release.said("drain: took too long (") && release.said("stop k3s: took too long ("), "{release}");
    assert!(node.asked().contains(&"kill --signal=KILL k3s".to_owned()));
    assert!(node.mounts().is_empty());
}

#[test]
fn a_volume_in_use_is_not_released_and_the_message_says_by_whom() {
    let mut node = Node::serving();
    let user = node.with_an_open_file();
    let release = node.release();
    let message = release.failed();
    let at = node.text("mnt");
    assert!(message.starts_with(&format!("not released: {VOLUME} is still mounted at {at}, used by ")), "{message}");
    assert!(message.ends_with("; k3s stays stopped"), "{message}");
    if node.is_real() {
        assert!(message.contains(&format!("sleep ({user})")), "{message}");
    }
    assert_eq!(node.mounts(), [at]);
    assert_eq!(node.marker().as_deref(), Some(VOLUME));
}

#[test]
fn a_volume_that_another_mount_namespace_has_is_not_released() {
    let mut node = Node::serving();
    let process = node.with_a_mount_namespace();
    let release = node.release();
    let message = release.failed();
    assert!(message.contains(&format!("in the mount namespace of sleep ({process})")), "{message}");
}

#[test]
fn the_next_release_makes_good_what_one_could_not() {
    let mut node = Node::serving();
    node.with_an_open_file();
    node.release().failed();
    node.end_processes();
    node.release().succeeded();
    assert!(node.mounts().is_empty());
}

#[test]
fn what_is_no_volume_of_this_instance_touches_nothing() {
    let node = Node::serving();
    for (id, why) in [
        ("vol-0fedcba9876543210", "is not attached"),
        ("vol-", "is not the id of a volume"),
        ("vol-0abc; reboot", "is not the id of a volume"),
        ("i-0abc", "is not the id of a volume"),
        ("", "is not the id of a volume"),
    ] {
        let release = Release::of(node.begin_release_of(id));
        assert!(release.failed().contains(why), "{id}: {release}");
    }
    assert_eq!((node.mounts(), node.marker()), (vec![node.text("mnt")], None));
    assert!(node.asked().is_empty());
}

#[test]
fn the_command_document_runs_this_very_script() {
    let indent = " ".repeat(18);
    let inlined: String = SCRIPT
        .split_inclusive('\n')
        .map(|line| if line == "\n" { line.to_owned() } else { format!("{indent}{line}") })
        .collect();
    let begin = "                - \"set -- {{ VolumeId }}\"\n                - |\n";
    let Some((_, after)) = TEMPLATE.rsplit_once(begin) else { panic!("infra/release.yaml has no place for a script") };
    assert!(after == inlined, "infra/release.yaml does not end with infra/release.sh, indented by 18 spaces");
    assert!(!SCRIPT.contains("{{"), "Systems Manager would take this for a parameter");
}

/// One at a time: a mount namespace of one test would keep the volume of another alive.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// An instance with the volume attached, in a directory of its own. Everything is undone when it goes.
struct Node {
    root: PathBuf,
    ground: Ground,
    processes: Vec<Child>,
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
    fn booting() -> Node {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let name = format!("durin-release-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().canonicalize().expect("a directory for temporary files").join(name);
        let mut node = Node { root, ground: Ground::Paper, processes: Vec::new(), _alone: alone };
        for directory in ["bin", "by-id", "run", "mnt", "pods/with a space", "rootfs", "proc/self", "proc/1"] {
            fs::create_dir_all(node.path(directory)).expect("a directory");
        }
        node.write("proc/self/mountinfo", "");
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
    fn serving() -> Node {
        let node = Node::booting();
        node.mount();
        for directory in ["storage", "pods/with a space", "kubelet", "layers/lower", "layers/upper", "layers/work"] {
            fs::create_dir_all(node.path("mnt").join(directory)).expect("a directory");
        }
        node.write("mnt/storage/acknowledged", "write 1");
        node
    }

    fn is_real(&self) -> bool {
        matches!(self.ground, Ground::Loop(_))
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    fn text(&self, relative: &str) -> String {
        self.path(relative).display().to_string()
    }

    fn write(&self, relative: &str, content: &str) {
        fs::write(self.path(relative), content).expect("a file");
    }

    fn run(&self, program: &str, arguments: &[&str]) {
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
               if [ -e "$root/in-use" ] && [ "$1" = "$root/mnt" ]; then echo "umount: $1: target is busy." >&2; exit 32; fi
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

    fn bind(&self, from: &str, to: &str) {
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
    fn mounts(&self) -> Vec<String> {
        let path =
            if self.is_real() { PathBuf::from("/proc/self/mountinfo") } else { self.path("proc/self/mountinfo") };
        let mounted = fs::read_to_string(path).expect("what is mounted");
        let points = mounted.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| point.replace("\\040", " "));
        points.filter(|point| Path::new(point).starts_with(&self.root)).collect()
    }

    /// A process that has a file on the volume open. Returns its id.
    fn with_an_open_file(&mut self) -> u32 {
        self.write("in-use", "");
        let file = fs::File::open(self.path("mnt/storage/acknowledged")).expect("a file on the volume");
        self.started(Command::new("sleep").arg("120").stdin(file))
    }

    /// A process in a mount namespace of its own, which does not see what is unmounted outside. Returns its id.
    fn with_a_mount_namespace(&mut self) -> u32 {
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

    fn started(&mut self, command: &mut Command) -> u32 {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
        let id = child.id();
        self.processes.push(child);
        id
    }

    fn end_processes(&mut self) {
        for process in &mut self.processes {
            // It may have been killed already.
            drop(process.kill());
            drop(process.wait());
        }
        self.processes.clear();
        drop(fs::remove_file(self.path("in-use")));
    }

    fn release(&self) -> Release {
        Release::of(self.begin_release())
    }

    fn begin_release(&self) -> Child {
        self.begin_release_of(VOLUME)
    }

    /// As the command document runs it: its first line sets the argument, the rest is the script.
    fn begin_release_of(&self, volume: &str) -> Child {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "release.sh", volume]);
        command.env("PATH", format!("{}:{path}", self.text("bin")));
        command.env("DURIN_BY_ID", self.path("by-id")).env("DURIN_RUN", self.path("run"));
        if !self.is_real() {
            command.env("DURIN_PROC", self.path("proc"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell")
    }

    fn marker(&self) -> Option<String> {
        fs::read_to_string(self.path("run/durin-released")).ok().map(|marker| marker.trim_end().to_owned())
    }

    /// What the stand-ins for k3s and systemd were asked to do.
    fn asked(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The next holder finds what was acknowledged.
    fn has_kept_its_data(&self) {
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
            "k3s",
            r#"case $2 in
               get) echo node-1 ;;
               drain)
                   echo "drain $3" >>"$root/calls"
                   if [ -e "$root/drain" ]; then . "$root/drain"; fi ;;
               esac"#,
        );
        self.stand_in(
            "k3s-killall.sh",
            r#"echo killall >>"$root/calls"
               if [ -e "$root/container" ]; then kill -9 "$(cat "$root/container")"; rm "$root/in-use"; fi"#,
        );
    }

    fn stand_in(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\nroot='{}'\n{body}\n", self.root.display())).expect("a stand-in");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end_processes();
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
    }
}

/// How a release ended, and what it said.
struct Release {
    output: Output,
}

impl Release {
    fn of(child: Child) -> Release {
        Release { output: child.wait_with_output().expect("it ends") }
    }

    #[track_caller]
    fn succeeded(&self) {
        assert!(self.output.status.success(), "{self}");
        assert_eq!(self.problem(), "", "{self}");
    }

    /// The one line that says why.
    #[track_caller]
    fn failed(&self) -> String {
        assert_eq!(self.output.status.code(), Some(1), "{self}");
        let problem = self.problem();
        assert_eq!(problem.lines().count(), 1, "{self}");
        problem.trim_end().to_owned()
    }

    fn said(&self, text: &str) -> bool {
        self.to_string().contains(text)
    }

    fn problem(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Output { status, stdout, .. } = &self.output;
        write!(f, "{status}\n{}{}", String::from_utf8_lossy(stdout), self.problem())
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
