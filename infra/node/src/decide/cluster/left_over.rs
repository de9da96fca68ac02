//! What an earlier instance has left in the cluster, where it would be waited for.

use std::time::SystemTime;

use serde_json::Value;

use super::{CORDONED, INSTANCE, annotation, is_ready, items, name, namespace, time};

/// The leases of holders that are gone, as (namespace, name). On a single node every holder ran on it: what was last
/// renewed before this instance had the volume, nobody renews. Without this, a controller waits for its predecessor's
/// lease, for 15 to 90 seconds. Not those of kubelets and API servers, which say who is alive and are replaced by their
/// owners; and none if there are agents, on which a holder may live that could not renew while k3s was away.
pub fn leases(leases: &Value, all_nodes: &Value, own: &str, mounted: SystemTime) -> Vec<(String, String)> {
    let earlier = nodes(all_nodes, own);
    let is_accounted_for = |node: &Value| name(node) == own || earlier.iter().any(|gone| gone == name(node));
    // A list without this node says nothing about others.
    if !items(all_nodes).any(|node| name(node) == own) || !items(all_nodes).all(is_accounted_for) {
        return Vec::new();
    }
    let is_of_a_server = |lease: &Value| {
        namespace(lease) == "kube-node-lease"
            || !lease["metadata"]["labels"]["apiserver.kubernetes.io/identity"].is_null()
    };
    let is_held = |lease: &Value| lease["spec"]["holderIdentity"].as_str().is_some_and(|holder| !holder.is_empty());
    let is_old = |lease: &Value| time(&lease["spec"]["renewTime"]).is_some_and(|renewed| renewed < mounted);
    items(leases)
        .filter(|lease| !is_of_a_server(lease) && is_held(lease) && is_old(lease))
        .map(|lease| (namespace(lease).to_owned(), name(lease).to_owned()))
        .collect()
}

/// The Nodes that earlier instances were, under other names. Only servers, of which SQLite allows one, and only those
/// that are not ready: an agent that is away may come back. None if this node is not in the list: k3s may call it
/// something else than we do, and then one of them is this one.
pub fn nodes(nodes: &Value, own: &str) -> Vec<String> {
    if !items(nodes).any(|node| name(node) == own) {
        return Vec::new();
    }
    let is_server = |node: &Value| !node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"].is_null();
    items(nodes)
        .filter(|node| name(node) != own && is_server(node) && !is_ready(node))
        .map(|node| name(node).to_owned())
        .collect()
}

/// The attachments that the EBS CSI driver made to an earlier instance under this node's name: they look valid, and are
/// not. None if this instance made them itself, before a reboot or a release that was taken back.
pub fn attachments(attachments: &Value, node: &Value, instance: &str, mounted: SystemTime) -> Vec<String> {
    if instance.is_empty() || annotation(node, INSTANCE).is_none_or(|earlier| earlier == instance) {
        return Vec::new();
    }
    let is_old = |made: &Value| time(&made["metadata"]["creationTimestamp"]).is_some_and(|made| made < mounted);
    items(attachments)
        .filter(|made| made["spec"]["attacher"] == "ebs.csi.aws.com" && made["spec"]["nodeName"] == name(node))
        .filter(|made| is_old(made))
        .map(|made| name(made).to_owned())
        .collect()
}

/// Whether the node is cordoned, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cordon {
    None,
    /// By a release that drained it: to be lifted.
    Durins,
    /// By somebody else, who had a reason.
    Somebodys,
}

pub fn cordon(node: &Value) -> Cordon {
    let is_cordoned = node["spec"]["unschedulable"] == true;
    match (is_cordoned, annotation(node, CORDONED)) {
        (_, Some(_)) => Cordon::Durins,
        (true, None) => Cordon::Somebodys,
        (false, None) => Cordon::None,
    }
}
