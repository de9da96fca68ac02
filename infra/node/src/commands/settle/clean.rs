//! Removing what an earlier instance has left in the cluster.

use std::time::SystemTime;

use serde_json::Value;

use crate::decide::cluster::left_over::{self, Cordon};
use crate::decide::cluster::{CORDONED, INSTANCE};
use crate::machine::kubectl;

/// Removes it, and says what could not be removed.
pub(super) fn left_overs(own: &str, instance: &str, mounted: SystemTime) -> Vec<String> {
    let mut problems = Vec::new();
    let mut list = |arguments: &[&str]| match kubectl::get(arguments) {
        Ok(list) => list,
        Err(why) => {
            problems.push(why);
            Value::Null
        }
    };
    // Leases first: others wait for them.
    let all_nodes = list(&["nodes"]);
    let leases = left_over::leases(&list(&["leases", "--all-namespaces"]), &all_nodes, own, mounted);
    let node = list(&["node", own]);
    let nodes = left_over::nodes(&all_nodes, own);
    let attachments = left_over::attachments(&list(&["volumeattachments"]), &node, instance, mounted);

    let mut run = |arguments: &[&str]| problems.extend(kubectl::soon(arguments).err());
    for (namespace, name) in &leases {
        run(&["delete", "lease", name, "--namespace", namespace, "--ignore-not-found"]);
    }
    for name in &attachments {
        run(&["delete", "volumeattachment", name, "--ignore-not-found", "--wait=false"]);
    }
    for name in &nodes {
        run(&["delete", "node", name, "--ignore-not-found"]);
    }
    match left_over::cordon(&node) {
        Cordon::Durins => {
            run(&["uncordon", own]);
            // Only then: if we are killed in between, the next run lifts it again.
            run(&["annotate", "node", own, &format!("{CORDONED}-")]);
        }
        Cordon::None | Cordon::Somebodys => {}
    }
    // Last: until then, the next run takes what is left for an earlier instance's.
    if !instance.is_empty() && !node.is_null() {
        run(&["annotate", "node", own, "--overwrite", &format!("{INSTANCE}={instance}")]);
    }
    problems
}
