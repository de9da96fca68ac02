//! What the image is like, and bringing what k3s will read into memory.

mod at_boot;
mod k3s_unit;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::decide::fitness::Image;
use crate::world::World;

use super::programs::Deadline;

use k3s_unit::{Given, unquoted};

/// Everything that the commands call.
const PROGRAMS: [&str; 10] =
    ["blkid", "e2fsck", "k3s", "mkfs.ext4", "mount", "resize2fs", "sync", "systemctl", "umount", "journalctl"];
/// Where units are, what counts most first: of two with one name, systemd takes the first. What is made at boot, such as what
/// the kernel's command line masks, is there before any unit runs. (systemd.unit(5), "Unit File Load Path")
const UNITS: [&str; 13] = [
    "etc/systemd/system.control",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "etc/systemd/system",
    "etc/systemd/system.attached",
    "run/systemd/system",
    "run/systemd/system.attached",
    "run/systemd/generator",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/generator.late",
];
/// Without these nothing mounts the volume, or lets go of it at a shutdown.
const UNITS_OF_OURS: [&str; 2] = ["durin-volume.service", ENABLED];
const ENABLED: &str = "durin-node.service";
const K3S: &str = "k3s.service";
const SETTINGS: &str = "/etc/rancher/k3s/config.yaml";
const OUR_SETTINGS: &str = "50-durin.yaml";
/// Block devices that are no disks.
const VIRTUAL: [&str; 5] = ["loop", "ram", "zram", "dm-", "md"];
/// What belongs to one boot of one machine.
const OF_ONE_BOOT: [&str; 2] = ["var/lib/kubelet", "var/lib/cni"];
const UNPACKED: &str = "var/lib/rancher/k3s/data";
/// `infra/image/provision.sh` notes there how it was run.
const MADE: &str = "etc/durin/made";

pub fn look(world: &World) -> Image {
    let is_honoured = |text: &str| text.lines().any(|line| line.trim() == "ConditionPathExists=!/run/durin-released");
    // The volume is not there yet, so where a link leads cannot be looked at.
    let is_on_volume = |place: &&&str| {
        fs::read_link(world.path(place)).is_ok_and(|target| target.starts_with(world.mount_point_inside()))
    };
    Image {
        missing: PROGRAMS.iter().filter(|name| !is_installed(world, name)).map(ToString::to_string).collect(),
        has_k3s_unit: unit(world, K3S).is_some(),
        k3s_is_masked: unit(world, K3S).is_some_and(|unit| unit.is_empty()),
        starts_k3s_at_boot: is_wanted_by_target(world, K3S),
        k3s_honours_the_marker: drop_ins(world).iter().any(|path| is_honoured(&text(path))),
        on_the_volume: OF_ONE_BOOT.iter().filter(is_on_volume).map(|place| format!("/{place}")).collect(),
        wants_etcd: wants_etcd(world),
        asleep: UNITS_OF_OURS.iter().filter(|unit| !is_awake(world, unit)).map(ToString::to_string).collect(),
        data_elsewhere: data_elsewhere(world),
        settings_elsewhere: settings_elsewhere(world),
        has_no_nvme: has_no_nvme(world),
        fstab_mounts_it: at_boot::fstab_mounts_it(world),
        units_mount_it: at_boot::units_that_mount_it(world),
        has_run_k3s: world.path("var/lib/rancher/k3s/server").exists(),
        has_unpacked_k3s: !binaries(world).is_empty(),
        is_provisioned_at_boot: text(&world.path(MADE)).trim() == "at boot",
    }
}

/// Reads what k3s will read, so that a root disk that is loaded lazily from its snapshot is slow now, and not in the
/// outage. Returns how many bytes that was.
pub fn warm(world: &World, deadline: Deadline) -> u64 {
    let mut files = binaries(world);
    files.extend(PROGRAMS.iter().filter_map(|name| path_of(world, name)));
    let read = |path: PathBuf| File::open(path).and_then(|mut file| io::copy(&mut file, &mut io::sink())).unwrap_or(0);
    files.into_iter().take_while(|_| !deadline.has_passed()).map(read).sum()
}

fn is_awake(world: &World, name: &str) -> bool {
    let starts = unit(world, name).is_some_and(|unit| unit.lines().any(|line| line.starts_with("ExecStart=")));
    // Others are started by units, and cannot be enabled.
    starts && (name != ENABLED || is_wanted_by_target(world, name))
}

/// The file that systemd takes; one that is masked is empty, or a link to `/dev/null`.
fn unit(world: &World, name: &str) -> Option<String> {
    place_of(world, name).map(|path| text(&path))
}

fn place_of(world: &World, unit: &str) -> Option<PathBuf> {
    UNITS.iter().map(|directory| world.path(directory).join(unit)).find(|path| is_linked(path))
}

/// What systemd adds to k3s's unit: of two files with one name, again the first. (systemd.unit(5), "Description")
fn drop_ins(world: &World) -> Vec<PathBuf> {
    let files = UNITS.iter().flat_map(|directory| files_in(&world.path(directory).join(format!("{K3S}.d"))));
    let mut names = HashSet::new();
    let is_first = |path: &PathBuf| names.insert(path.file_name().map(ToOwned::to_owned));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "conf")).filter(is_first).collect()
}

/// Whether it is started at boot: by a target, whichever that is.
fn is_wanted_by_target(world: &World, name: &str) -> bool {
    let wanting = UNITS.iter().flat_map(|directory| files_in(&world.path(directory))).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".target.wants") || name.ends_with(".target.requires")
    });
    wanting.into_iter().any(|directory| is_linked(&directory.join(name)))
}

/// What counts more than our own configuration: k3s's command line, and files that are read later.
fn data_elsewhere(world: &World) -> Vec<String> {
    let ours = world.mount_point_inside().join("k3s").display().to_string();
    let lines = k3s_unit::options(world, &["--data-dir", "-d"]).into_iter().filter(|(_, place)| *place != ours);
    let later = settings(world).into_iter();
    let later = later.filter(|path| path.file_name().is_some_and(|name| name > OUR_SETTINGS)).filter(|path| {
        text(path).lines().filter_map(|line| line.strip_prefix("data-dir:")).any(|place| unquoted(place) != ours)
    });
    lines.map(|(path, _)| path).chain(later).map(|path| inside(world, &path)).collect()
}

/// Whether k3s reads another configuration, and so nothing of what we write beside the usual one. (k3s, `pkg/configfilearg`,
/// `findConfigFileFlag`)
fn settings_elsewhere(world: &World) -> Option<(String, String)> {
    let variable = k3s_unit::variable(world, "K3S_CONFIG_FILE").filter(|(_, file)| !file.is_empty());
    let read = variable.or_else(|| k3s_unit::options(world, &["--config", "-c"]).into_iter().next());
    read.filter(|(_, file)| file != SETTINGS).map(|(path, file)| (inside(world, &path), file))
}

/// By its configuration, its command line, or its environment, where k3s's installer puts what it was called with.
fn wants_etcd(world: &World) -> bool {
    let is_on = |(_, value): Given| !["", "0", "f", "false"].contains(&value.to_ascii_lowercase().as_str());
    let usual = world.path(SETTINGS.trim_start_matches('/'));
    settings(world).into_iter().chain([usual]).any(|path| text(&path).lines().any(is_cluster_init))
        || k3s_unit::options(world, &["--cluster-init"]).pop().is_some_and(is_on)
        || k3s_unit::variable(world, "K3S_CLUSTER_INIT").is_some_and(is_on)
}

/// What k3s reads beside its usual configuration. (k3s, `pkg/configfilearg`, `dotDFiles`)
fn settings(world: &World) -> Vec<PathBuf> {
    let is_read = |path: &PathBuf| {
        let kind = path.extension().map(|kind| kind.to_string_lossy().to_ascii_lowercase());
        kind.is_some_and(|kind| kind == "yaml" || kind == "yml")
    };
    files_in(&world.path("etc/rancher/k3s/config.yaml.d")).into_iter().filter(is_read).collect()
}

fn inside(world: &World, path: &Path) -> String {
    format!("/{}", path.strip_prefix(world.path("")).unwrap_or(path).display())
}

/// Xen's own devices have no serial numbers. An instance always has a root disk.
fn has_no_nvme(world: &World) -> bool {
    let disks = files_in(&world.path("sys/block"));
    let names = disks.iter().filter_map(|disk| disk.file_name()?.to_str());
    let names: Vec<_> = names.filter(|name| !VIRTUAL.iter().any(|kind| name.starts_with(kind))).collect();
    !names.is_empty() && !names.iter().any(|name| name.starts_with("nvme"))
}

fn is_cluster_init(line: &str) -> bool {
    let line = line.trim();
    line.strip_prefix("cluster-init:").is_some_and(|value| value.trim() != "false")
}

/// k3s's own, of all versions that are there.
fn binaries(world: &World) -> Vec<PathBuf> {
    let versions = files_in(&world.path(UNPACKED));
    versions.iter().flat_map(|version| files_in(&version.join("bin"))).filter(|path| path.is_file()).collect()
}

fn is_installed(world: &World, program: &str) -> bool {
    path_of(world, program).is_some()
}

/// In the places where an administrator's programs are, and in our own path.
fn path_of(world: &World, program: &str) -> Option<PathBuf> {
    let usual =
        ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin"].map(|place| world.path(place));
    let ours = std::env::var_os("PATH").unwrap_or_default();
    let ours: Vec<_> = std::env::split_paths(&ours).collect();
    usual.into_iter().chain(ours).map(|place| place.join(program)).find(|path| path.is_file())
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn is_linked(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
