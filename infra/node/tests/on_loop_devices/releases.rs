//! What a release does besides unmounting, and in which order: k3s, its containers; and one that is killed.

use std::time::{Duration, Instant};

use crate::containers::{DEAF, OBEDIENT};
use crate::instance::{Instance, Others, Ran, VOLUME};
use crate::volume::Volume;

/// An instance that serves from the volume; none where nothing can be mounted.
pub(crate) fn serving() -> Option<Instance> {
    serving_beside(Others::Any)
}

pub(crate) fn serving_beside(others: Others) -> Option<Instance> {
    let instance = Instance::boot_beside(others)?;
    let volume = Volume::make(&instance.path("volumes"), "ext4").expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert_eq!(ran.word(), "mounted", "{ran}");
    Some(instance)
}

pub(crate) fn release(instance: &Instance) -> Ran {
    instance.durin_node(&["release", VOLUME])
}

#[test]
fn a_release_asks_systemd_and_says_what_it_did_step_by_step() {
    let Some(instance) = serving() else { return };
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.status), ("released", Some(0)), "{ran}");
    assert_eq!(instance.asked(), ["stop durin-settle", "stop k3s"]);
    for step in ["lock", "stop k3s", "end the containers", "kill the rest of the containers", "sync", "unmount"] {
        assert!(ran.said.contains(&format!("{step}: done (")), "{step}: {ran}");
        assert!(ran.answer["seconds"][step].is_number(), "{step}: {ran}");
    }
    let boot = "00000000-0000-0000-0000-000000000001";
    assert_eq!(instance.marker(), Some(format!("{VOLUME}\nboot {boot}\n")));
    assert_eq!(ran.answer["boot"], boot);
}

#[test]
fn containers_are_asked_to_end_and_are_not_killed() {
    let Some(mut instance) = serving() else { return };
    let pods = ["kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope", "kubepods/burstable/pod2/2"];
    let ids = [("web", pods[0]), ("database", pods[1])].map(|(name, at)| instance.with_container(name, at, OBEDIENT));
    let begun = Instant::now();
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{ran}");
    let mut ended = instance.ended();
    ended.sort();
    assert_eq!(ended, ["database", "web"]);
    assert!(ids.iter().all(|id| instance.has_ended(*id)));
}

#[test]
fn a_container_that_ignores_sigterm_is_killed_after_five_seconds() {
    let Some(mut instance) = serving() else { return };
    let deaf = instance.with_container("deaf", "kubepods/besteffort/pod1/1", DEAF);
    let begun = Instant::now();
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!((5..10).contains(&begun.elapsed().as_secs()), "{ran}");
    assert!(ran.said.contains("end the containers: took too long ("), "{ran}");
    if instance.cgroup.is_some() {
        // A file goes on to name what has ended.
        assert!(ran.said.contains("kill the rest of the containers: done ("), "{ran}");
    }
    assert!(instance.has_ended(deaf));
}

#[test]
fn a_sandbox_ends_after_its_containers_and_is_not_asked() {
    let Some(mut instance) = serving() else { return };
    let sandbox = instance.with_container("pause", "kubepods/pod1/0", OBEDIENT);
    instance.with_container("web", "kubepods/pod1/1", OBEDIENT);
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("end the containers: done ("), "{ran}");
    assert_eq!(instance.ended(), ["web"]);
    assert!(instance.has_ended(sandbox));
}

#[test]
fn the_shims_that_k3s_leaves_end_too() {
    let Some(mut instance) = serving() else { return };
    let shim = instance.with_container("shim", "system.slice/k3s.service", DEAF);
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(instance.has_ended(shim));
}

#[test]
fn processes_outside_the_pods_are_left_alone_and_named() {
    let Some(mut instance) = serving() else { return };
    let other = instance.with_container("sshd", "system.slice/sshd.service", OBEDIENT);
    let ran = release(&instance);
    assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{ran}");
    let reason =
        format!("{VOLUME} is still mounted at {}, used by sshd ({other}); k3s stays stopped", instance.text("data"));
    assert_eq!(ran.problem, format!("not released: {reason}\n"));
    assert!(!instance.has_ended(other) && instance.ended().is_empty());
}

#[test]
fn the_refusal_names_the_user_of_a_lazily_unmounted_file_system() {
    let Some(mut instance) = serving() else { return };
    let user = instance.with_open("data/written");
    crate::volume::must("umount", &["--lazy", &instance.text("data")]);
    let ran = release(&instance);
    assert!(ran.why().contains(&format!("used by sleep ({user})")), "{ran}");
}

#[test]
fn the_refusal_names_the_process_whose_mount_namespace_keeps_the_volume() {
    let Some(mut instance) = serving_beside(Others::None) else { return };
    let process = instance.with_a_mount_namespace();
    let ran = release(&instance);
    assert!(ran.why().contains(&format!("in the mount namespace of sleep ({process})")), "{ran}");
}

#[test]
fn other_mounts_of_the_kubelet_go_as_well() {
    let Some(instance) = serving() else { return };
    let token = instance.text("var/lib/kubelet/pods/1/volumes/token");
    std::fs::create_dir_all(&token).expect("a directory");
    crate::volume::must("mount", &["-t", "tmpfs", "none", &token]);
    assert_eq!(release(&instance).word(), "released");
    assert!(instance.mounts().is_empty());
}

/// The disks that come with the instance, say.
#[test]
fn an_owners_disk_at_the_kubelets_directory_stays() {
    let Some(instance) = serving() else { return };
    let disk = instance.text("var/lib/kubelet");
    std::fs::create_dir_all(&disk).expect("a directory");
    crate::volume::must("mount", &["-t", "tmpfs", "none", &disk]);
    assert_eq!(release(&instance).word(), "released");
    assert_eq!(instance.mounts(), [disk]);
}

#[test]
fn a_second_release_asks_nobody_anything() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    let asked = instance.asked();
    assert_eq!(release(&instance).word(), "nothing to do");
    assert_eq!(instance.asked(), asked);
}

#[test]
fn k3s_is_stopped_even_if_the_volume_is_not_mounted_yet() {
    let Some(instance) = serving() else { return };
    crate::volume::must("umount", &[&instance.text("data")]);
    assert_eq!(release(&instance).word(), "released");
    assert_eq!(instance.asked(), ["stop durin-settle", "stop k3s"]);
}

#[test]
fn a_hanging_mount_below_the_volume_does_not_prevent_the_sync() {
    let Some(mut instance) = serving() else { return };
    if !instance.mount_what_hangs("data/hangs") {
        return;
    }
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("sync: done ("), "{ran}");
}

#[test]
fn the_next_release_completes_one_that_was_killed() {
    let Some(mut instance) = serving() else { return };
    instance.write("stop", "sleep 30");
    let container = instance.with_container("web", "kubepods/pod1/1", OBEDIENT);
    let mut killed = instance.begin(&["release", VOLUME]);
    crate::instance::wait_until("release", || instance.asked().contains(&"stop k3s".to_owned()));
    killed.kill().expect("it can be killed");
    killed.wait().expect("it has ended");
    assert!(instance.marker().is_some(), "the marker comes first");
    assert_eq!(instance.mounts(), [instance.text("data")]);
    instance.write("stop", "");
    assert_eq!(release(&instance).word(), "released");
    assert!(instance.has_ended(container) && instance.mounts().is_empty());
}

#[test]
fn a_release_gives_up_a_hanging_stop_reports_it_and_succeeds() {
    let Some(instance) = serving() else { return };
    instance.write("stop", "trap '' TERM; sleep 60");
    let begun = Instant::now();
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{ran}");
    assert!(ran.said.contains("stop k3s: took too long ("), "{ran}");
    assert_eq!(instance.asked(), ["stop durin-settle", "stop k3s", "kill --signal=KILL k3s"]);
}

#[test]
fn a_stop_that_fails_does_not_stop_the_release() {
    let Some(instance) = serving() else { return };
    instance.write("stop", "exit 1");
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(ran.said.contains("stop k3s: failed with 1 (") && ran.said.contains("kill k3s: done ("), "{ran}");
}

#[test]
fn a_volume_that_does_not_mount_again_has_the_instance_rebooted() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    crate::volume::must("mount", &["-t", "tmpfs", "none", &instance.text("data")]);
    let ran = instance.durin_node(&["resume", VOLUME]);
    assert_eq!((ran.word(), ran.status), ("reboot", Some(194)), "{ran}");
    // It runs us again after the reboot, which it makes.
    crate::volume::must("umount", &[&instance.text("data")]);
    assert_eq!(instance.durin_node(&["resume", VOLUME]).word(), "resumed");
}

#[test]
fn a_release_of_a_volume_that_is_not_attached_touches_nothing() {
    let Some(instance) = serving() else { return };
    for (id, why) in [
        ("vol-0fedcba9876543210", "is not attached"),
        ("vol-", "is not a volume id"),
        ("vol-0abc; reboot", "is not a volume id"),
        ("i-0abc", "is not a volume id"),
        ("", "is not a volume id"),
    ] {
        let ran = instance.durin_node(&["release", id]);
        assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{id}: {ran}");
        assert!(ran.why().contains(why), "{id}: {ran}");
    }
    assert!(instance.asked().is_empty() && instance.marker().is_none());
    assert_eq!(instance.mounts(), [instance.text("data")]);
}

#[test]
fn partitions_of_the_volume_count_as_the_volume() {
    let Some(instance) = serving() else { return };
    let volume = instance.partition(&instance.path("partition"));
    std::fs::create_dir_all(instance.path("elsewhere")).expect("a directory");
    crate::volume::must("mount", &[&volume.device, &instance.text("elsewhere")]);
    let ran = release(&instance);
    assert_eq!(ran.word(), "released", "{ran}");
    assert!(instance.mounts().is_empty(), "{:?}", instance.mounts());
    std::fs::remove_file(instance.path("run/durin-released")).expect("the marker");
    let ran = instance.durin_node(&["volume", "--volume", VOLUME, "--within", "2"]);
    assert!(ran.word() == "refused" && ran.why().contains("nvme1n1p1"), "{ran}");
}

#[test]
fn a_device_node_of_another_device_is_not_believed() {
    let Some(instance) = serving() else { return };
    assert_eq!(release(&instance).word(), "released");
    // A plain file opens for anyone, alone or not.
    std::fs::remove_file(instance.path("dev/nvme1n1")).expect("the node");
    instance.write("dev/nvme1n1", "");
    let ran = release(&instance);
    assert_eq!(ran.word(), "not released", "{ran}");
    assert!(ran.why().contains("is not the device that the kernel calls"), "{ran}");
}

#[test]
fn a_command_of_a_distant_protocol_is_refused_and_says_what_to_do() {
    let Some(instance) = serving() else { return };
    let ran = instance.durin_node(&["--protocol", "3", "release", VOLUME]);
    assert_eq!((ran.word(), ran.status), ("not released", Some(1)), "{ran}");
    assert!(ran.why().contains("protocol 3") && instance.asked().is_empty() && instance.marker().is_none(), "{ran}");
    for near in ["0", "1", "2"] {
        let ran = instance.durin_node(&["--protocol", near, "release", VOLUME]);
        assert_eq!(ran.status, Some(0), "{near}: {ran}");
    }
}
