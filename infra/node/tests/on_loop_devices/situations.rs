//! The table of situations, run with the real program.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use crate::fitness::fit_but;
use crate::ground::not_run;
use crate::instance::{ANOTHER, Instance, Others, Ran, VOLUME};
use crate::metadata::Metadata;
use crate::volume::{Volume, must, ran};

const TABLE: &str = include_str!("../../situations.toml");

#[derive(Deserialize)]
struct Table {
    situation: Vec<Situation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Situation {
    name: String,
    /// `too` or `only`: whether a whole machine plays it. `just rehearse situations` does.
    machine: Option<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    r#do: String,
    with: Option<String>,
    gives: Option<String>,
    says: Option<String>,
}

#[test]
fn every_situation_ends_as_the_table_says() {
    let mut table: Table = toml::from_str(TABLE).expect("situations.toml is what we take it for");
    table.situation.retain(|situation| situation.machine.as_deref() != Some("only"));
    // Most of the time they wait.
    let next = AtomicUsize::new(0);
    let play = || std::iter::from_fn(|| table.situation.get(next.fetch_add(1, Ordering::Relaxed))).filter_map(problem);
    let problems: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| play().collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("its problems")).collect()
    });
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), table.situation.len(), problems.join("\n"));
}

/// How a situation ended otherwise than it should.
fn problem(situation: &Situation) -> Option<String> {
    // Nor does the kernel mount two copies of one xfs.
    let alone =
        |step: &Step| step.r#do == "private namespace" || step.with.as_ref().is_some_and(|it| it.starts_with("xfs"));
    let others = if situation.steps.iter().any(alone) { Others::None } else { Others::Any };
    let instance = Instance::boot_beside(others)?;
    let panic = catch_unwind(AssertUnwindSafe(|| Play::begin(instance).play(situation))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    Some(format!("{}: {}", situation.name, text.unwrap_or_default()))
}

struct Play {
    // First, so that what is mounted goes before its device.
    instance: Instance,
    volume: Option<Volume>,
    another: Option<Volume>,
    metadata: Option<Metadata>,
}

impl Play {
    fn begin(instance: Instance) -> Play {
        Play { instance, volume: None, another: None, metadata: None }
    }

    fn play(mut self, situation: &Situation) {
        for (index, step) in situation.steps.iter().enumerate() {
            if !self.step(&situation.name, &format!("step {}, {:?}", index + 1, step.r#do), step) {
                return;
            }
        }
    }

    /// Whether to go on.
    fn step(&mut self, name: &str, at: &str, step: &Step) -> bool {
        let with = step.with.as_deref();
        let id = if with == Some("another") { ANOTHER } else { VOLUME };
        match step.r#do.as_str() {
            "make" => match Volume::make(&self.instance.path("volumes"), with.unwrap_or_default()) {
                Ok(volume) => self.volume = Some(volume),
                Err(problem) if problem.contains("unknown filesystem type") => {
                    not_run(&format!("{name}, because of {problem}"));
                    return false;
                }
                Err(problem) => panic!("{problem}"),
            },
            "nested mount that hangs" => return self.instance.mount_what_hangs("data/hangs"),
            "attach" => self.plug("nvme1n1"),
            "attach twice" => self.plug("nvme3n1"),
            "attach late" => self.attach_late(),
            "attach another" => {
                let directory = self.instance.path("another");
                fs::create_dir_all(&directory).expect("a directory");
                let volume = Volume::make(&directory, "ext4").expect("another volume");
                self.instance.plug("nvme0n1", ANOTHER, &volume.device, &volume.number());
                self.another = Some(volume);
            }
            "detach" => {
                assert!(self.is_free(), "{at}: EC2 would not detach it");
                self.instance.unplug("nvme1n1");
            }
            "volume" => {
                let new = if with == Some("declared new") { &["--new"][..] } else { &[] };
                // Not for ever: what comes late comes within a second.
                let within = if self.volume.is_some() { "2" } else { "1" };
                let arguments = [&["volume", "--volume", id, "--within", within], new].concat();
                self.has_answered(at, step, &self.instance.durin_node(&arguments));
            }
            "fit but" => self.metadata = Some(fit_but(&self.instance, with.unwrap_or_default())),
            "prepare" => {
                let metadata = self.metadata.get_or_insert_with(|| fit_but(&self.instance, "nothing")).address;
                let (address, within) = if with == Some("no metadata") {
                    ("127.0.0.1:1".to_owned(), "0")
                } else {
                    (metadata.to_string(), "1")
                };
                let ran = self.instance.durin_node(&["--metadata", &address, "prepare", "--within", within]);
                self.has_answered(at, step, &ran);
            }
            "is it prepared" | "does it serve" => {
                let goal = if step.r#do == "does it serve" { "serves" } else { "prepared" };
                let protocol = with.and_then(|with| with.strip_prefix("protocol ")).unwrap_or("1");
                let arguments = ["--protocol", protocol, "status", "--wait", goal, "--within", "0"];
                self.has_answered(at, step, &self.instance.durin_node(&arguments));
            }
            "release" | "resume" => self.has_answered(at, step, &self.instance.durin_node(&[&step.r#do, id])),
            other => self.others(at, other, with),
        }
        true
    }

    fn has_answered(&self, at: &str, step: &Step, ran: &Ran) {
        let gives = step.gives.as_deref().unwrap_or_else(|| panic!("{at}: the table does not say what it gives"));
        assert_eq!(ran.word(), gives, "{at}: {ran}");
        assert!(ran.why().contains(step.says.as_deref().unwrap_or_default()), "{at}: {ran}");
        assert_eq!(ran.answer["protocol"], 1, "{at}");
        let is_yes = matches!(gives, "formatted" | "mounted" | "released" | "resumed" | "prepared" | "nothing to do");
        assert_eq!(ran.status, Some(i32::from(!is_yes)), "{at}: {ran}");
        let reason = if is_yes { String::new() } else { format!("{gives}: {}\n", ran.why()) };
        assert_eq!(ran.problem, reason, "{at}: standard error has the reason in one line, and nothing else");
        if gives == "released" {
            assert!(self.is_free(), "{at}: it says released, and the kernel says busy");
        }
    }

    /// What is not durin-node's doing, and what has to hold.
    fn others(&mut self, at: &str, what: &str, with: Option<&str>) {
        let data = self.instance.text("data");
        match what {
            "write" => {
                fs::write(self.instance.path("data/written"), with.unwrap_or_default()).expect("a file");
                must("sync", &["--file-system", &data]);
            }
            "write without a sync" => {
                let mut file = OpenOptions::new().write(true).open(self.instance.path("data/written")).expect("a file");
                file.write_all(with.unwrap_or_default().as_bytes()).expect("it can be written");
            }
            "restore under a lock" => self.restore_under_a_lock(with.unwrap_or_default()),
            "restored" => {
                let mut held = vec![0; with.unwrap_or_default().len()];
                File::open(&self.volume().device)
                    .and_then(|mut device| device.read_exact(&mut held))
                    .expect("the device");
                assert_eq!(Some(String::from_utf8_lossy(&held).as_ref()), with, "{at}");
            }
            "holds" => {
                let held = fs::read_to_string(self.instance.path("data/written")).unwrap_or_default();
                assert_eq!(Some(held.as_str()), with, "{at}");
            }
            "this image has k3s" => {
                let said = format!("k3s version {} (a1b2c3d4)\ngo version go1.25.1\n", with.unwrap_or_default());
                self.instance.write("k3s.version", &said);
            }
            "k3s has served" => {
                fs::create_dir_all(self.instance.path("data/k3s/server")).expect("a directory");
                self.instance.write("data/durin/k3s-version", &format!("{}\n", with.unwrap_or_default()));
            }
            "a backup is restored" => {
                fs::remove_file(self.instance.path("data/durin/k3s-version")).expect("it was there");
            }
            "as made" => assert!(self.volume().is_as_made(), "{at}: something was written to the volume"),
            "free" => assert!(self.is_free(), "{at}: the kernel says busy"),
            "in use" => assert!(!self.is_free(), "{at}: the kernel says free"),
            "grow" => self.volume().grow(),
            "grown" => self.has_grown(at),
            "open a file" => drop(self.instance.with_open("data/written")),
            "private namespace" => drop(self.instance.with_a_mount_namespace()),
            "close it" | "end the namespace" => self.instance.end_processes(),
            "nested mount" => {
                fs::create_dir_all(self.instance.path("data/with a space")).expect("a directory");
                must("mount", &["-t", "tmpfs", "none", &self.instance.text("data/with a space")]);
            }
            "bind mount" => {
                fs::create_dir_all(self.instance.path("pods/a volume")).expect("a directory");
                must("mount", &["--bind", &data, &self.instance.text("pods/a volume")]);
            }
            "overlay" => self.mount_overlay(),
            "mount elsewhere" => {
                fs::create_dir_all(self.instance.path("elsewhere")).expect("a directory");
                must("mount", &[&self.volume().device, &self.instance.text("elsewhere")]);
            }
            "mount something else" => drop(must("mount", &["-t", "tmpfs", "none", &data])),
            "unmount" => drop(must("umount", &[&data])),
            "unmount lazily" => drop(must("umount", &["--lazy", &data])),
            "reboot" => self.reboot(with == Some("the marker is still there")),
            "boot another" => {
                self.reboot(false);
                drop(fs::remove_dir_all(self.instance.path("etc")));
            }
            "power cut" => self.cut_power(),
            "detach by force" => {
                self.instance.unplug("nvme1n1");
                self.volume.as_mut().expect("a volume has been made").tear_out();
            }
            other => panic!("{at}: nobody knows how to {other:?}"),
        }
    }

    /// Where ext4 has nothing. (kernel.org, "ext4 Data Structures and Algorithms")
    fn restore_under_a_lock(&mut self, text: &str) {
        let device = self.volume().device.clone();
        let lock = File::open(&device).expect("the device");
        lock.try_lock().expect("nobody has locked it");
        // With the last who has it open, the kernel would write it.
        self.instance.started(Command::new("sleep").arg("100000").stdin(lock));
        OpenOptions::new()
            .write(true)
            .open(&device)
            .and_then(|mut it| it.write_all(text.as_bytes()))
            .expect("a device");
    }

    fn volume(&self) -> &Volume {
        self.volume.as_ref().expect("a volume has been made")
    }

    fn plug(&self, name: &str) {
        let volume = self.volume();
        self.instance.plug(name, VOLUME, &volume.device, &volume.number());
    }

    /// A second from now, while durin-node waits.
    fn attach_late(&mut self) {
        let (device, number) = (self.volume().device.clone(), self.volume().number());
        let waiting = self.instance.path("sys/block/late");
        self.instance.plug("late", VOLUME, &device, &number);
        let (entry, node) = (self.instance.path("sys/block/nvme1n1"), self.instance.path("dev"));
        let hidden = self.instance.path("volumes/late");
        fs::rename(&waiting, &hidden).expect("it is not there yet");
        fs::rename(node.join("late"), node.join("nvme1n1")).expect("a node");
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            fs::rename(hidden, entry).expect("it comes");
        });
    }

    /// The kernel gives the device to one alone.
    fn is_free(&self) -> bool {
        use std::os::unix::fs::OpenOptionsExt as _;
        const O_EXCL: i32 = 0o200;
        File::options().read(true).custom_flags(O_EXCL).open(&self.volume().device).is_ok()
    }

    fn has_grown(&self, at: &str) {
        let missing = match self.volume().is_ext4() {
            true if !may_resize() => Some("CAP_SYS_RESOURCE"),
            false if ran("xfs_growfs", &["-V"]).is_err() => Some("xfs_growfs (xfsprogs)"),
            _ => None,
        };
        if let Some(missing) = missing {
            return not_run(&format!("{at}, because root here has no {missing}"));
        }
        let blocks = must("stat", &["--file-system", "--format=%S %b", &self.instance.text("data")]);
        let [size, count] = blocks.split(' ').collect::<Vec<_>>()[..] else { panic!("{blocks}") };
        let size = size.parse::<u64>().expect("a number") * count.parse::<u64>().expect("a number");
        let device = must("blockdev", &["--getsize64", &self.volume().device]).parse::<u64>().expect("a number");
        assert!(size > device * 3 / 4, "{at}: {size} of {device}");
    }

    fn mount_overlay(&self) {
        for directory in ["data/layers/lower", "data/layers/upper", "data/layers/work", "rootfs"] {
            fs::create_dir_all(self.instance.path(directory)).expect("a directory");
        }
        let layers = ["lower", "upper", "work"].map(|layer| self.instance.text(&format!("data/layers/{layer}")));
        let options = format!("lowerdir={},upperdir={},workdir={}", layers[0], layers[1], layers[2]);
        must("mount", &["-t", "overlay", "overlay", "-o", &options, &self.instance.text("rootfs")]);
    }

    fn reboot(&mut self, marker_stays: bool) {
        let marker = self.instance.marker().filter(|_| marker_stays);
        self.instance.end_processes();
        self.instance.unmount_everything(&[]);
        self.instance.new_boot();
        if let Some(marker) = marker {
            self.instance.write("run/durin-released", &marker);
        }
    }

    fn cut_power(&mut self) {
        self.instance.lose_power(self.volume.as_mut().expect("a volume has been made"));
    }
}

/// ext4 grows only for one with CAP_SYS_RESOURCE, the capability number 24; xfs does without.
fn may_resize() -> bool {
    let status = fs::read_to_string("/proc/self/status").expect("our own status");
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("our capabilities");
    u64::from_str_radix(effective.trim(), 16).expect("a bit mask") & (1 << 24) != 0
}
