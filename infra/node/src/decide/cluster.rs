//! What of an earlier instance is left in the cluster, and whether the cluster is as it should be. The objects are
//! Kubernetes' own, as `kubectl get -o json` prints them.

pub mod found;
pub mod left_over;

use std::time::SystemTime;

use serde_json::Value;

/// On a Node: the instance that last served as it. `settle` writes it.
pub const INSTANCE: &str = "durin/instance";
/// On a Node: Durin has cordoned it, and so its successor lifts that. `release` writes it before it drains.
pub const CORDONED: &str = "durin/cordoned";

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

fn time(text: &Value) -> Option<SystemTime> {
    humantime::parse_rfc3339(text.as_str()?).ok()
}

fn is_ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// What a Node has under a key among its annotations.
pub fn annotation<'a>(node: &'a Value, key: &str) -> Option<&'a str> {
    node["metadata"]["annotations"][key].as_str()
}
