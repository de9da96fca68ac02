//! The script that lets go of a data volume, run for real: on a loop device with ext4, mounted where this machine allows
//! it (root, on Linux, with loop devices). Elsewhere the mounts are on paper, and the output says so. k3s and systemd
//! are stand-ins in either case, and no test may ask the cluster anything.

mod containers;
mod ended;
mod node;

use std::fs;
use std::time::{Duration, Instant};

use containers::{DEAF, OBEDIENT};
use ended::Release;
use node::Node;

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
    assert_eq!(node.asked(), ["daemon-reload", "stop k3s", "killall"]);
    let killed = ["kill the rest of the containers", "kill the rest of k3s"];
    let asked = ["lock", "keep k3s from starting again", "stop k3s", "end the containers", "sync", "unmount"];
    for step in asked.iter().chain(&killed) {
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
fn containers_are_asked_to_end_and_are_not_killed() {
    let mut node = Node::serving();
    let pods = ["kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope", "kubepods/burstable/pod2/2"];
    let containers =
        [("web", pods[0]), ("database", pods[1])].map(|(name, at)| node.with_container(name, at, OBEDIENT));
    let begun = Instant::now();
    let release = node.release();
    release.succeeded();
    assert!(begun.elapsed() < Duration::from_secs(5), "{release}");
    assert!(release.said("end the containers: done ("), "{release}");
    let mut ended = node.ended();
    ended.sort();
    assert_eq!(ended, ["database", "web"]);
    assert!(containers.iter().all(|id| node.has_ended(*id)) && node.mounts().is_empty());
    node.has_kept_its_data();
}

#[test]
fn a_container_that_ignores_sigterm_is_killed_after_five_seconds() {
    let mut node = Node::serving();
    let deaf = node.with_container("deaf", "kubepods/besteffort/pod1/1", DEAF);
    let begun = Instant::now();
    let release = node.release();
    release.succeeded();
    assert!((5..10).contains(&begun.elapsed().as_secs()), "{release}");
    assert!(release.said("end the containers: took too long ("), "{release}");
    if node.cgroups.are_real() {
        assert!(release.said("kill the rest of the containers: done ("), "{release}");
    }
    assert!(node.has_ended(deaf) && node.mounts().is_empty());
}

#[test]
fn containers_and_their_shims_end_without_the_script_that_kills_them() {
    let mut node = Node::serving();
    node.without_killall();
    let container = node.with_container("web", "kubepods/pod1/1", OBEDIENT);
    let shim = node.with_container("shim", "system.slice/k3s.service", DEAF);
    let release = node.release();
    release.succeeded();
    assert!(!release.said("kill the rest of k3s"), "{release}");
    assert!(release.said("end the containers: done ("), "{release}");
    assert!(node.has_ended(container) && node.has_ended(shim) && node.mounts().is_empty());
}

#[test]
fn a_sandbox_ends_after_its_containers() {
    let mut node = Node::serving();
    let sandbox = node.with_container("pause", "kubepods/pod1/0", OBEDIENT);
    node.with_container("web", "kubepods/pod1/1", OBEDIENT);
    let release = node.release();
    release.succeeded();
    assert!(release.said("end the containers: done ("), "{release}");
    assert_eq!(node.ended(), ["web"], "the sandbox is not asked");
    assert!(node.has_ended(sandbox));
}

#[test]
fn processes_outside_the_pods_are_left_alone() {
    let mut node = Node::serving();
    let other = node.with_container("sshd", "system.slice/sshd.service", OBEDIENT);
    node.release().failed();
    assert!(!node.has_ended(other) && node.ended().is_empty());
}

#[test]
fn the_next_release_completes_one_that_was_killed() {
    for (stop, last) in [("sleep 30", "stop k3s"), ("", "killall")] {
        let mut node = Node::serving();
        node.write("stop", stop);
        node.write("killall", "sleep 30");
        let container = node.with_container("web", "kubepods/pod1/1", OBEDIENT);
        node.kill_release_at(last);
        assert_eq!((node.mounts(), node.marker().as_deref()), (vec![node.text("mnt")], Some(VOLUME)), "at {last}");
        node.write("stop", "");
        node.write("killall", "");
        node.release().succeeded();
        assert!(node.has_ended(container) && node.mounts().is_empty(), "at {last}");
    }
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
    node.write("stop", "sleep 1");
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
fn a_stop_that_fails_does_not_stop_the_release() {
    let node = Node::serving();
    node.write("stop", "exit 1");
    let release = node.release();
    release.succeeded();
    assert!(release.said("stop k3s: failed with 1 (") && release.said("kill k3s: done ("), "{release}");
    assert!(node.mounts().is_empty());
}

#[test]
fn what_hangs_is_given_up_and_told_and_the_volume_released_all_the_same() {
    let node = Node::serving();
    node.write("stop", "trap '' TERM; sleep 60");
    node.write("killall", "trap '' TERM; sleep 60");
    let begun = Instant::now();
    let release = node.release();
    release.succeeded();
    assert!(begun.elapsed() < Duration::from_secs(30), "{release}");
    for step in ["stop k3s", "kill the rest of k3s"] {
        assert!(release.said(&format!("{step}: took too long (")), "{step}: {release}");
    }
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
