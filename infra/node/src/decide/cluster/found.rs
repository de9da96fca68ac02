//! What a running cluster shows of things that nobody can be sure of beforehand. Each finding is a sentence.

use serde_json::Value;

use super::{is_ready, items, name, namespace};

/// The API server's own address beside that of an instance that is gone: half of all connections to it would fail.
pub fn api_addresses(slices: &Value, own: Option<&str>) -> Option<String> {
    let endpoints = items(slices).flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
    let addresses = endpoints.flat_map(|endpoint| endpoint["addresses"].as_array().into_iter().flatten());
    let mut addresses: Vec<_> = addresses.filter_map(Value::as_str).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let list = addresses.join(", ");
    match (addresses.as_slice(), own) {
        ([], _) => Some("the Service kubernetes names no address".to_owned()),
        ([one], Some(own)) if *one != own => {
            Some(format!("the Service kubernetes names {one}, and this node is {own}"))
        }
        ([_], _) => None,
        _ => Some(format!("the Service kubernetes names {list}: only one of them can be this node")),
    }
}

/// How the node differs from what it should be.
pub fn node(node: &Value, own: Option<&str>) -> Vec<String> {
    let mut findings = Vec::new();
    let addresses = node["status"]["addresses"].as_array();
    let internal = addresses.into_iter().flatten().find(|address| address["type"] == "InternalIP");
    let internal = internal.and_then(|address| address["address"].as_str());
    match (internal, own) {
        (Some(internal), Some(own)) if internal != own => {
            findings.push(format!("the node's InternalIP is {internal}, and this instance has {own}"));
        }
        (Some(_) | None, _) => {}
    }
    if !is_ready(node) {
        findings.push("the node is not ready".to_owned());
    }
    if node["spec"]["unschedulable"] == true {
        findings
            .push("the node is cordoned: nothing new is scheduled until somebody runs `kubectl uncordon`".to_owned());
    }
    findings
}

/// The pods that do not work yet, as namespace/name. One that has ended is no matter, and one that has failed is
/// replaced by its controller, or nobody waits for it.
pub fn unready(pods: &Value) -> Vec<String> {
    let is_up = |pod: &Value| match pod["status"]["phase"].as_str() {
        Some("Succeeded" | "Failed") => true,
        Some("Running") => {
            let conditions = pod["status"]["conditions"].as_array();
            conditions
                .into_iter()
                .flatten()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        }
        Some(_) | None => false,
    };
    items(pods).filter(|pod| !is_up(pod)).map(|pod| format!("{}/{}", namespace(pod), name(pod))).collect()
}
