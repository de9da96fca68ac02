//! `durin-node settle`, beside a stand-in for k3s that shows what lies in files and notes what it was asked to change.
//! None of this has met a real k3s.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::instance::{Instance, Ran, VOLUME};
use crate::metadata::Metadata;

const LONG_AGO: &str = "2020-01-01T00:00:00.000000Z";

/// A node that has come to a new instance: its volume is mounted, k3s is starting.
pub(crate) fn arrived() -> (Instance, Metadata) {
    let (instance, metadata) = (Instance::new(), Metadata::of_a_node());
    instance.durin_node(metadata.address, &["prepare"]);
    let note = json!({"boot": "b1", "volume": VOLUME, "device": "nvme1n1", "file_system": "ext4", "at": "/data", "formatted": false});
    instance.write("run/durin/volume.json", &note.to_string());
    instance.write("etc/rancher/k3s/config.yaml.d/60-durin-volume.yaml", "node-name: \"home\"\n");
    instance.stand_in(
        "k3s",
        r#"case "$*" in
           "kubectl get --raw /readyz"*) [ -e "$root/api/ready" ] ;;
           --version) cat "$root/k3s.version" 2>/dev/null ;;
           "kubectl get "*) cat "$root/api/$3.json" 2>/dev/null || echo '{"items":[]}' ;;
           *) shift; echo "$*" >>"$root/changes" ;;
           esac"#,
    );
    instance.write("api/ready", "");
    show(&instance, "node", &node(&json!({})));
    show(&instance, "endpointslices", &json!({"items": [{"endpoints": [{"addresses": ["10.0.0.7"]}]}]}));
    (instance, metadata)
}

fn show(instance: &Instance, kind: &str, object: &Value) {
    instance.write(&format!("api/{kind}.json"), &object.to_string());
}

fn node(annotations: &Value) -> Value {
    json!({
        "metadata": {"name": "home", "annotations": annotations},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.0.0.7"}],
            "conditions": [{"type": "Ready", "status": "True"}]
        }
    })
}

pub(crate) fn settle(instance: &Instance, metadata: &Metadata) -> Ran {
    instance.durin_node(metadata.address, &["settle", "--within", "3"])
}

fn changes(instance: &Instance) -> Vec<String> {
    instance.read("changes").lines().map(str::to_owned).collect()
}

const REMEMBERED: &str = "annotate node home --overwrite durin/instance=i-0abcdef0123456789";

#[test]
fn settle_leaves_a_node_in_order_alone_and_reports_its_seconds() {
    let (instance, metadata) = arrived();
    let ran = settle(&instance, &metadata);
    assert_eq!((ran.word(), ran.status), ("serves", Some(0)), "{}", ran.text);
    assert_eq!(changes(&instance), [REMEMBERED]);
    let status = instance.durin_node(metadata.address, &["status"]);
    let k3s = &status.answer["k3s"];
    assert!(k3s["api_seconds"].is_number() && k3s["workloads_seconds"].is_number(), "{}", status.text);
    assert_eq!(k3s["findings"], json!([]));
}

#[test]
fn a_silent_k3s_does_not_serve() {
    let (instance, metadata) = arrived();
    std::fs::remove_file(instance.path("api/ready")).expect("it was ready");
    let ran = instance.durin_node(metadata.address, &["settle", "--within", "1"]);
    assert_eq!((ran.word(), ran.status), ("does not serve", Some(1)), "{}", ran.text);
    assert!(changes(&instance).is_empty());
    let status = instance.durin_node(metadata.address, &["status"]);
    assert!(status.answer["k3s"].is_null(), "{}", status.text);
}

#[test]
fn a_k3s_that_answers_late_is_waited_for() {
    let (instance, metadata) = arrived();
    std::fs::remove_file(instance.path("api/ready")).expect("it was ready");
    let settling = instance.begin(metadata.address, &["settle", "--within", "10"]);
    thread::sleep(Duration::from_millis(800));
    instance.write("api/ready", "");
    assert_eq!(Ran::of(settling).word(), "serves");
}

#[test]
fn settle_removes_the_leftovers_of_an_earlier_instance() {
    let (instance, metadata) = arrived();
    show(&instance, "node", &node(&json!({"durin/instance": "i-0dead", "durin/cordoned": "drain"})));
    show(
        &instance,
        "leases",
        &json!({"items": [{
            "metadata": {"namespace": "cert-manager", "name": "controller"},
            "spec": {"holderIdentity": "gone", "renewTime": LONG_AGO}
        }]}),
    );
    show(
        &instance,
        "nodes",
        &json!({"items": [
            node(&json!({})),
            {"metadata": {"name": "ip-10-0-0-1", "labels": {"node-role.kubernetes.io/control-plane": "true"}}}
        ]}),
    );
    show(
        &instance,
        "volumeattachments",
        &json!({"items": [{
            "metadata": {"name": "csi-1", "creationTimestamp": "2020-01-01T00:00:00Z"},
            "spec": {"attacher": "ebs.csi.aws.com", "nodeName": "home"}
        }]}),
    );
    let ran = settle(&instance, &metadata);
    assert_eq!(ran.word(), "serves", "{}", ran.text);
    assert_eq!(
        changes(&instance),
        [
            "delete lease controller --namespace cert-manager --ignore-not-found",
            "delete volumeattachment csi-1 --ignore-not-found --wait=false",
            "delete node ip-10-0-0-1 --ignore-not-found",
            "uncordon home",
            "annotate node home durin/cordoned-",
            REMEMBERED,
        ]
    );
}

/// The datastore is busy for a while.
#[test]
fn a_cordon_that_cannot_be_lifted_at_first_stays_known_as_ours_and_is_lifted_later() {
    let (instance, metadata) = arrived();
    show(&instance, "node", &node(&json!({"durin/instance": "i-0dead", "durin/cordoned": "drain"})));
    let k3s = instance.read("usr/bin/k3s");
    let refuse = |call: &str| instance.stand_in("k3s", &format!("case \"$*\" in *{call}*) exit 1 ;; esac\n{k3s}"));
    refuse("uncordon");
    let ran = instance.durin_node(metadata.address, &["settle", "--within", "1"]);
    assert_eq!((ran.word(), ran.status), ("does not serve", Some(1)), "the unit runs it again: {}", ran.text);
    assert!(changes(&instance).is_empty(), "{:?}", changes(&instance));

    let settling = instance.begin(metadata.address, &["settle", "--within", "10"]);
    thread::sleep(Duration::from_millis(1500));
    refuse("nothing");
    let ran = Ran::of(settling);
    assert_eq!(ran.word(), "serves", "{}", ran.text);
    assert_eq!(changes(&instance), ["uncordon home", "annotate node home durin/cordoned-", REMEMBERED]);
}

#[test]
fn settle_reports_everything_that_is_wrong() {
    let (instance, metadata) = arrived();
    let mut node = node(&json!({}));
    node["spec"]["unschedulable"] = json!(true);
    node["status"]["addresses"][0]["address"] = json!("10.0.0.1");
    show(&instance, "node", &node);
    show(&instance, "endpointslices", &json!({"items": [{"endpoints": [{"addresses": ["10.0.0.1", "10.0.0.7"]}]}]}));
    show(
        &instance,
        "pods",
        &json!({"items": [{"metadata": {"namespace": "default", "name": "web"}, "status": {"phase": "Pending"}}]}),
    );
    let ran = settle(&instance, &metadata);
    let findings = &ran.answer["note"]["findings"];
    for finding in
        ["InternalIP is 10.0.0.1", "cordoned", "kubernetes names 10.0.0.1, 10.0.0.7", "not ready: default/web"]
    {
        assert!(findings.to_string().contains(finding), "{finding}: {}", ran.text);
    }
    assert_eq!(changes(&instance), [REMEMBERED], "somebody's cordon stays");
    assert!(ran.answer["note"]["workloads_seconds"].is_null());
}

fn is_k3s(instance: &Instance, version: &str) {
    instance.write("k3s.version", &format!("k3s version {version} (a1b2c3d4)\ngo version go1.25.1\n"));
}

#[test]
fn the_volume_keeps_which_k3s_has_served_from_it() {
    let (instance, metadata) = arrived();
    instance.write("data/durin/k3s.yaml", "");
    is_k3s(&instance, "v1.36.4+k3s1");
    assert_eq!(settle(&instance, &metadata).word(), "serves");
    assert_eq!(instance.read("data/durin/k3s-version"), "v1.36.4+k3s1\n");

    // An older one, which may: of the same minor version, or with a backup.
    is_k3s(&instance, "v1.35.9+k3s1");
    assert_eq!(settle(&instance, &metadata).word(), "serves");
    assert_eq!(instance.read("data/durin/k3s-version"), "v1.35.9+k3s1\n");
}

#[test]
fn what_was_known_stays_when_k3s_does_not_say_its_version_or_does_not_serve() {
    let (instance, metadata) = arrived();
    instance.write("data/durin/k3s-version", "v1.36.4+k3s1\n");
    let ran = settle(&instance, &metadata);
    assert_eq!(ran.word(), "serves");
    assert!(ran.text.contains("k3s does not say its version"), "{}", ran.text);

    is_k3s(&instance, "v1.37.0+k3s1");
    std::fs::remove_file(instance.path("api/ready")).expect("it was ready");
    assert_eq!(instance.durin_node(metadata.address, &["settle", "--within", "1"]).word(), "does not serve");
    assert_eq!(instance.read("data/durin/k3s-version"), "v1.36.4+k3s1\n");
}

/// Its program may have been replaced, and not started yet.
#[test]
fn the_k3s_that_answers_counts_and_not_its_program() {
    let (instance, metadata) = arrived();
    instance.write("data/durin/k3s.yaml", "");
    is_k3s(&instance, "v1.37.0+k3s1");
    instance.write("api/--raw.json", r#"{"major":"1","gitVersion":"v1.36.4+k3s1"}"#);
    assert_eq!(settle(&instance, &metadata).word(), "serves");
    assert_eq!(instance.read("data/durin/k3s-version"), "v1.36.4+k3s1\n");
}

/// What lies where the volume was mounted is the root disk's.
#[test]
fn a_volume_that_has_gone_keeps_nothing_and_k3s_serves_all_the_same() {
    let (instance, metadata) = arrived();
    is_k3s(&instance, "v1.36.4+k3s1");
    let ran = settle(&instance, &metadata);
    assert_eq!(ran.word(), "serves", "{}", ran.text);
    assert!(!instance.path("data/durin").exists(), "{}", ran.text);
}
