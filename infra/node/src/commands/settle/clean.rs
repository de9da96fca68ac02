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
        Cordon::Durins => problems.extend(lift_cordon(own).err()),
        Cordon::None | Cordon::Somebodys => {}
    }
    // Last, when nothing is left: until then, the next run takes what is there for an earlier instance's.
    if problems.is_empty() && !instance.is_empty() {
        problems
            .extend(kubectl::soon(&["annotate", "node", own, "--overwrite", &format!("{INSTANCE}={instance}")]).err());
    }
    problems
}

fn lift_cordon(own: &str) -> Result<(), String> {
    kubectl::soon(&["uncordon", own])?;
    // Only then: without it nobody would know whose the cordon is.
    kubectl::soon(&["annotate", "node", own, &format!("{CORDONED}-")])
}
