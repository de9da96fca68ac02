//! Systems Manager keeps 2,500 characters of an output. What the functions read is the last line, which has to be whole.

use std::fs;

use serde_json::{Value, json};

use crate::instance::{Instance, Ran, VOLUME};
use crate::metadata::Metadata;

const NOBODY: &str = "127.0.0.1:1";

fn status(instance: &Instance, goal: &str) -> Ran {
    instance.durin_node(NOBODY.parse().expect("an address"), &["status", "--wait", goal, "--within", "0"])
}

/// Says so little that nothing is cut off, and says it in whole lines.
fn is_short(ran: &Ran) {
    // The first line is ours.
    let said: usize = ran.text.lines().skip(1).map(|line| line.len() + 1).sum();
    assert!(said <= 2_000, "{said} bytes: {}", ran.text);
    assert!(ran.answer["protocol"] == 1 && ran.answer["boot"] == "b1", "{}", ran.text);
}

/// All texts of all notes are this long, and what has to be escaped.
fn note_everything(instance: &Instance, text: &str, pods: usize) {
    let prepared = json!({
        "boot": "b1", "instance": text, "address": text, "volume": VOLUME, "new_volume": text, "record": text,
        "node_name": text, "unfit": [text, text], "may_pass": false, "warnings": [text, text]
    });
    let pods: Vec<_> = (0..pods).map(|pod| format!("team-{pod}/web-{pod:010}")).collect();
    let serves = json!({
        "boot": "b1", "api_seconds": 13.2, "workloads_seconds": null,
        "findings": [format!("pods are not ready: {}", pods.join(", ")), text]
    });
    let volume = json!({
        "boot": "b1", "volume": VOLUME, "device": text, "file_system": text, "at": text, "formatted": false
    });
    let notice = json!({"boot": "b1", "action": text, "time": text, "last_moment": text});
    for (name, note) in [("prepared", prepared), ("serves", serves), ("volume", volume), ("notice", notice)] {
        instance.write(&format!("run/durin/{name}.json"), &note.to_string());
    }
}

#[test]
fn what_is_said_of_a_node_has_room_whatever_it_quotes() {
    for text in ["", "short", &"long ".repeat(100), &"\"\\\u{1}".repeat(2_000), &"ü".repeat(5_000)] {
        for pods in [0, 60, 10_000] {
            let instance = Instance::new();
            note_everything(&instance, text, pods);
            for (goal, word) in [("serves", "does not serve"), ("prepared", "unfit")] {
                let ran = status(&instance, goal);
                assert_eq!(ran.word(), word, "{}", ran.text);
                is_short(&ran);
            }
            instance.write("run/durin-released", &format!("{VOLUME}\nboot b1\n"));
            let ran = status(&instance, "serves");
            assert_eq!(ran.answer["released"], VOLUME, "{}", ran.text);
            is_short(&ran);
        }
    }
}

#[test]
fn an_image_that_lacks_everything_says_each_reason_once_and_is_unfit() {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    for directory in ["etc/systemd/system", "usr/bin", "sys/block"] {
        fs::remove_dir_all(instance.path(directory)).expect("a directory");
    }
    instance.write("sys/block/xvda/dev", "202:0");
    instance.write("etc/rancher/k3s/config.yaml", "cluster-init: true\n");
    instance.write("etc/durin/made", "at boot\n");
    instance.write("var/lib/rancher/k3s/server/x", "");
    instance.durin_node(metadata.address, &["prepare"]);
    let ran = status(&instance, "prepared");
    assert_eq!(ran.word(), "unfit", "{}", ran.text);
    is_short(&ran);
    let lines = ran.text.matches("there is no k3s.service").count();
    assert_eq!(lines, 2, "in the line and on standard error: {}", ran.text);
}

#[test]
fn of_many_pods_that_are_not_ready_ten_are_named() {
    let (instance, metadata) = crate::settling::arrived();
    let pod = |pod: usize| json!({"metadata": {"namespace": "team", "name": format!("web-{pod}")}});
    let pods = json!({"items": (0..50).map(pod).collect::<Vec<Value>>()});
    instance.write("api/pods.json", &pods.to_string());
    let ran = instance.durin_node(metadata.address, &["settle", "--within", "1"]);
    let findings = ran.answer["note"]["findings"].to_string();
    assert!(findings.contains("team/web-9 and 40 more"), "{}", ran.text);
    instance.write("usr/bin/k3s", "");
    let ran = status(&instance, "serves");
    assert!(ran.answer["k3s"]["findings"].to_string().contains("team/web-9 and 40 more"), "{}", ran.text);
    is_short(&ran);
}
