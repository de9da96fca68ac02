//! A volume that a newer k3s has served from, beside what the table shows of it.

use std::fs;
use std::process::Command;

use crate::instance::{Instance, VOLUME};
use crate::serving::RUNS;
use crate::volume::Volume;

/// An instance that has mounted a volume from which k3s has served that is newer than its own.
fn newer_has_served() -> Option<(Instance, Volume)> {
    let instance = Instance::boot()?;
    let volume = Volume::make(&instance.path("volumes"), "ext4").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    assert_eq!(mount(&instance), "mounted");
    fs::create_dir_all(instance.path("data/k3s/server")).expect("a directory");
    instance.write("data/durin/k3s-version", "v1.36.4+k3s1\n");
    instance.write("k3s.version", "k3s version v1.35.9+k3s1 (a1b2c3d4)\n");
    Some((instance, volume))
}

fn mount(instance: &Instance) -> String {
    instance.durin_node(&["volume", "--volume", VOLUME, "--within", "1"]).word().to_owned()
}

/// Its program may have been replaced since.
#[test]
fn a_k3s_that_runs_already_is_left_alone() {
    let Some((instance, _volume)) = newer_has_served() else { return };
    assert_eq!(mount(&instance), "mounted");
    assert!(!instance.mounts().is_empty() && instance.marker().is_none());
}

#[test]
fn a_run_that_got_no_further_than_the_mount_is_caught_up_with() {
    let Some((instance, _volume)) = newer_has_served() else { return };
    instance.write("k3s.unit", &RUNS.replace("=active", "=inactive"));
    assert_eq!(mount(&instance), "refused");
    assert!(instance.mounts().is_empty(), "{:?}", instance.mounts());
    assert!(instance.marker().is_some_and(|marker| marker.starts_with(VOLUME)));
}

/// Then it is marked all the same, so that nothing starts on it, and the next release completes this one.
#[test]
fn a_volume_that_somebody_keeps_busy_is_refused_and_released_later() {
    let Some((mut instance, _volume)) = newer_has_served() else { return };
    instance.write("data/written", "");
    instance.with_open("data/written");
    instance.write("k3s.unit", &RUNS.replace("=active", "=inactive"));
    assert_eq!(mount(&instance), "refused");
    let serves = instance.durin_node(&["status", "--wait", "serves", "--within", "0"]);
    assert!(serves.why().contains("k3s v1.36.4+k3s1 has served from it"), "{serves}");
    assert_eq!(instance.durin_node(&["release", VOLUME]).word(), "not released");
    instance.end_processes();
    assert_eq!(instance.durin_node(&["release", VOLUME]).word(), "released");
}

/// The root disk is loaded from its snapshot as it is read, and a k3s that is slow to say what it is may be an older one.
#[test]
fn a_k3s_that_did_not_say_its_version_at_once_is_asked_again() {
    let Some((instance, _volume)) = newer_has_served() else { return };
    instance.write("k3s.unit", &RUNS.replace("=active", "=inactive"));
    let slow = "if [ ! -e \"$root/slow\" ]; then touch \"$root/slow\"; sleep 30; fi; cat \"$root/k3s.version\"";
    instance.stand_in("k3s", slow);
    assert_eq!(mount(&instance), "refused");
    assert!(instance.mounts().is_empty(), "{:?}", instance.mounts());
}

/// The functions compare it with a newcomer's before the holder lets go.
#[test]
fn an_instance_says_which_k3s_has_served_from_its_volume() {
    let Some((instance, _volume)) = newer_has_served() else { return };
    let said = instance.durin_node(&["status"]);
    assert_eq!(said.answer["served_by"], "v1.36.4+k3s1", "{said}");
    assert_eq!(instance.durin_node(&["release", VOLUME]).word(), "released");
    let said = instance.durin_node(&["status"]);
    assert_eq!(said.answer["served_by"], serde_json::Value::Null, "{said}");
}

/// Under the lock: nothing starts on it before it is let go of, or if nobody does that.
#[test]
fn it_is_marked_though_nobody_lets_go_of_it() {
    let Some((instance, _volume)) = newer_has_served() else { return };
    instance.write("k3s.unit", &RUNS.replace("=active", "=inactive"));
    let place = instance.path("sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice/debug");
    fs::create_dir_all(&place).expect("a cgroup");
    instance.stand_in("inside", &format!("echo $$ >'{}/cgroup.procs'\nexec \"$@\"", place.display()));
    let root = instance.text("");
    let program = [env!("CARGO_BIN_EXE_durin-node"), "--root", root.trim_end_matches('/'), "volume"];
    let path = format!("{}:{}", instance.text("bin"), std::env::var("PATH").unwrap_or_default());
    let mut inside = Command::new(instance.path("bin/inside"));
    inside.args(program).args(["--volume", VOLUME, "--within", "1"]).env("PATH", path);
    let said = inside.output().expect("it runs").stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("k3s v1.36.4+k3s1 has served from it"), "{said}");
    assert_eq!(instance.mounts(), [instance.text("data")], "a release ends all that is in a pod");
    assert!(instance.marker().is_some_and(|marker| marker.starts_with(VOLUME)));
}

/// Whoever begins anew begins with the k3s that is there.
#[test]
fn a_volume_whose_datastore_was_removed_takes_any_k3s() {
    let Some((instance, _volume)) = newer_has_served() else { return };
    instance.write("k3s.unit", &RUNS.replace("=active", "=inactive"));
    fs::remove_dir_all(instance.path("data/k3s")).expect("it was there");
    assert_eq!(mount(&instance), "mounted");
    assert!(instance.marker().is_none());
}
