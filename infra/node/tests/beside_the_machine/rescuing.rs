//! A k3s that containerd's broken store keeps down, or something else.

use std::fs;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::instance::{Instance, Ran};
use crate::settling::{arrived, settle};

/// k3s has fallen because its containerd has, and that has said this a moment ago.
fn containerd_says(instance: &Instance, what: &str) {
    containerd_said(instance, what, SystemTime::now());
}

fn containerd_said(instance: &Instance, what: &str, when: SystemTime) {
    let time = humantime::format_rfc3339(when);
    let line = format!("time=\"{time}\" level=fatal msg=\"Failed to run CRI service\" error=\"{what}\"\n");
    instance.write("data/k3s/agent/containerd/containerd.log", &line);
    let exited = "level=error msg=\"Shutdown request received: containerd exited: exit status 1\"";
    instance.stand_in("journalctl", &format!("echo 'time=\"2026-11-26T12:07:56Z\" {exited}'"));
}

/// A systemd that has started k3s when the machine booted, has restarted it so often as the shell says, and does this.
fn systemd(instance: &Instance, restarts: &str, also: &str) {
    let show = format!("case \"$*\" in show*NRestarts*) {restarts} ;; show*ExecMainStart*) echo 1 ;; {also} esac");
    instance.stand_in("systemctl", &show);
}

const K3S_COMES_UP: &str = "\"start --no-block k3s\") touch \"$root/api/ready\" ;;";

#[test]
fn a_broken_store_is_set_aside_once_and_the_datastore_stays() {
    let (instance, metadata) = arrived();
    fs::remove_file(instance.path("api/ready")).expect("it was ready");
    instance.write("data/k3s/agent/containerd/meta.db", "broken");
    instance.write("data/k3s/server/db/state.db", "the datastore");
    containerd_says(&instance, "failed to get metadata for stored sandbox abc: not found");
    systemd(&instance, "echo 3", K3S_COMES_UP);
    let ran = settle(&instance, &metadata);
    assert_eq!(ran.word(), "serves", "{}", ran.text);
    assert_eq!(instance.read("data/k3s/agent/containerd.broken/meta.db"), "broken");
    assert_eq!(instance.read("data/k3s/server/db/state.db"), "the datastore");

    fs::remove_file(instance.path("api/ready")).expect("it was ready");
    instance.write("data/k3s/agent/containerd/meta.db", "broken again");
    let ran = instance.durin_node(metadata.address, &["settle", "--within", "1"]);
    assert_eq!(ran.word(), "does not serve", "{}", ran.text);
    assert_eq!(instance.read("data/k3s/agent/containerd/meta.db"), "broken again");
}

#[test]
fn a_k3s_that_is_down_for_another_reason_is_not_rescued() {
    for (restarts, log) in [("0", "failed to get metadata for stored sandbox"), ("9", "bind: address already in use")] {
        let (instance, metadata) = arrived();
        fs::remove_file(instance.path("api/ready")).expect("it was ready");
        instance.write("data/k3s/agent/containerd/meta.db", "fine");
        containerd_says(&instance, log);
        systemd(&instance, &format!("echo {restarts}"), "");
        let ran = instance.durin_node(metadata.address, &["settle", "--within", "1"]);
        assert_eq!(ran.word(), "does not serve", "{}", ran.text);
        assert_eq!(instance.read("data/k3s/agent/containerd/meta.db"), "fine");
    }
}

/// k3s answers for a moment at each start, until containerd's end takes it down.
#[test]
fn a_store_that_lets_k3s_answer_for_a_moment_is_set_aside_too() {
    let (instance, metadata) = arrived();
    instance.write("data/k3s/agent/containerd/meta.db", "broken");
    instance.write("restarts", "0");
    containerd_says(&instance, "failed to recover state");
    systemd(&instance, "cat \"$root/restarts\"", "\"start --no-block k3s\") touch \"$root/api/up\" ;;");
    let k3s = instance.read("usr/bin/k3s");
    instance.stand_in("k3s", &format!("case \"$*\" in *pods*) [ -e \"$root/api/up\" ] || exit 1 ;; esac\n{k3s}"));
    let settling = instance.begin(metadata.address, &["settle", "--within", "9"]);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(instance.read("data/k3s/agent/containerd/meta.db"), "broken", "it has not fallen yet");
    instance.write("restarts", "2");
    let ran = Ran::of(settling);
    assert_eq!(ran.word(), "serves", "{}", ran.text);
    assert_eq!(instance.read("data/k3s/agent/containerd.broken/meta.db"), "broken");
}

#[test]
fn a_store_that_brings_k3s_down_when_all_was_ready_is_set_aside_and_settle_runs_again() {
    let (instance, metadata) = arrived();
    instance.write("data/k3s/agent/containerd/meta.db", "broken");
    instance.write("restarts", "0");
    containerd_says(&instance, "failed to recover state");
    systemd(&instance, "cat \"$root/restarts\"", "");
    let settling = instance.begin(metadata.address, &["settle", "--within", "9"]);
    thread::sleep(Duration::from_secs(2));
    let status = instance.durin_node(metadata.address, &["status"]);
    assert!(status.answer["k3s"]["workloads_seconds"].is_number(), "nobody waits for that: {}", status.text);
    instance.write("restarts", "2");
    let ran = Ran::of(settling);
    assert_eq!((ran.word(), ran.status), ("does not serve", Some(1)), "{}", ran.text);
    assert_eq!(instance.read("data/k3s/agent/containerd.broken/meta.db"), "broken");
}

#[test]
fn k3s_is_started_again_whatever_becomes_of_its_store() {
    let (instance, metadata) = arrived();
    fs::remove_file(instance.path("api/ready")).expect("it was ready");
    instance.write("data/k3s/agent/containerd/meta.db", "broken");
    // Of an earlier rescue, and no directory, so that it cannot be removed as one.
    instance.write("data/k3s/agent/containerd.broken", "");
    containerd_says(&instance, "failed to recover state");
    systemd(&instance, "echo 3", K3S_COMES_UP);
    let ran = settle(&instance, &metadata);
    assert_eq!(ran.word(), "serves", "{}", ran.text);
    assert_eq!(instance.read("data/k3s/agent/containerd.broken.1/meta.db"), "broken");
}

/// The file travels with the volume, and the kubelet writes to the journal what a pod's probe prints.
#[test]
fn what_an_earlier_instance_or_a_pod_has_said_sets_nothing_aside() {
    let long_ago = SystemTime::now() - Duration::from_secs(1 << 28);
    for by_a_pod in [false, true] {
        let (instance, metadata) = arrived();
        fs::remove_file(instance.path("api/ready")).expect("it was ready");
        instance.write("data/k3s/agent/containerd/meta.db", "fine");
        containerd_said(&instance, "failed to recover state", long_ago);
        if by_a_pod {
            containerd_says(&instance, "failed to recover state");
            let probe = "I1126 12:07:55.0 1 prober.go:111] Probe failed output=\"containerd exited\"";
            instance.stand_in("journalctl", &format!("echo '{probe}'"));
        }
        systemd(&instance, "echo 9", "");
        let ran = instance.durin_node(metadata.address, &["settle", "--within", "1"]);
        assert_eq!(ran.word(), "does not serve", "{}", ran.text);
        assert_eq!(instance.read("data/k3s/agent/containerd/meta.db"), "fine");
    }
}
