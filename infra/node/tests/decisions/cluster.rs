//! What of an earlier instance is left in the cluster, and what is found in it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durin_node::decide::cluster::found;
use durin_node::decide::cluster::left_over::{Cordon, attachments, cordon, leases, nodes};
use rstest::rstest;
use serde_json::{Value, json};

const BEFORE: &str = "2026-01-01T11:59:59.999999Z";
const AFTER: &str = "2026-01-01T12:00:00.000001Z";

/// The moment of the mount.
fn noon() -> SystemTime {
    humantime::parse_rfc3339("2026-01-01T12:00:00Z").expect("a time")
}

fn list(item: &Value) -> Value {
    json!({"items": [item]})
}

fn lease(change: impl Fn(&mut Value)) -> Value {
    let mut lease = json!({
        "metadata": {"namespace": "cert-manager", "name": "controller", "labels": {}},
        "spec": {"holderIdentity": "gone", "renewTime": BEFORE}
    });
    change(&mut lease);
    lease
}

#[rstest]
#[case::of_a_dead_holder(|_: &mut Value| (), true)]
#[case::renewed_since(|l: &mut Value| l["spec"]["renewTime"] = json!(AFTER), false)]
#[case::renewed_at_that_moment(|l: &mut Value| l["spec"]["renewTime"] = json!("2026-01-01T12:00:00.000000Z"), false)]
#[case::without_a_time(|l: &mut Value| l["spec"]["renewTime"] = Value::Null, false)]
#[case::given_back(|l: &mut Value| l["spec"]["holderIdentity"] = json!(""), false)]
#[case::of_a_kubelet(|l: &mut Value| l["metadata"]["namespace"] = json!("kube-node-lease"), false)]
#[case::of_an_api_server(|l: &mut Value| l["metadata"]["labels"]["apiserver.kubernetes.io/identity"] = json!("kube-apiserver"), false)]
fn a_lease_goes_if_its_holder_is_gone(#[case] change: fn(&mut Value), #[case] goes: bool) {
    let expected = if goes { vec![("cert-manager".to_owned(), "controller".to_owned())] } else { Vec::new() };
    assert_eq!(leases(&list(&lease(change)), &list(&node("home", true, true)), "home", noon()), expected);
}

#[rstest]
#[case::alone(node("home", true, true), true)]
#[case::beside_an_earlier_instance(node("ip-10-0-0-1", true, false), true)]
#[case::beside_an_agent(node("agent", false, true), false)]
#[case::beside_an_agent_that_is_away(node("agent", false, false), false)]
fn leases_go_only_where_every_holder_ran_on_this_node(#[case] other: Value, #[case] goes: bool) {
    let nodes = json!({"items": [node("home", true, true), other]});
    assert_eq!(!leases(&list(&lease(|_| ())), &nodes, "home", noon()).is_empty(), goes);
}

#[test]
fn leases_stay_if_nobody_knows_which_nodes_there_are() {
    for unknown in [Value::Null, list(&node("ip-10-0-0-1", true, false))] {
        assert!(leases(&list(&lease(|_| ())), &unknown, "home", noon()).is_empty());
    }
}

fn node(name: &str, is_server: bool, is_ready: bool) -> Value {
    let labels = if is_server { json!({"node-role.kubernetes.io/control-plane": "true"}) } else { json!({}) };
    let status = if is_ready { "True" } else { "Unknown" };
    json!({
        "metadata": {"name": name, "labels": labels, "annotations": {}},
        "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": status}], "addresses": []}
    })
}

#[rstest]
#[case::an_earlier_instance("ip-10-0-0-1", true, false, true)]
#[case::itself("home", true, false, false)]
#[case::an_agent_that_is_away("agent", false, false, false)]
#[case::a_server_that_is_there("other", true, true, false)]
fn a_node_goes_if_it_was_an_earlier_instance(
    #[case] name: &str,
    #[case] is_server: bool,
    #[case] is_ready: bool,
    #[case] goes: bool,
) {
    let all = json!({"items": [node("home", true, false), node(name, is_server, is_ready)]});
    assert_eq!(!nodes(&all, "home").is_empty(), goes);
}

#[test]
fn no_node_goes_while_nobody_knows_which_is_this_one() {
    assert!(nodes(&list(&node("named-by-an-argument", true, false)), "home").is_empty());
}

fn attachment(attacher: &str, node: &str, made: &str) -> Value {
    json!({"metadata": {"name": "csi-1", "creationTimestamp": made}, "spec": {"attacher": attacher, "nodeName": node}})
}

#[rstest]
#[case::of_an_earlier_instance("i-2", Some("i-1"), attachment("ebs.csi.aws.com", "home", BEFORE), true)]
#[case::of_this_instance("i-1", Some("i-1"), attachment("ebs.csi.aws.com", "home", BEFORE), false)]
#[case::nobody_knows_of_which("i-2", None, attachment("ebs.csi.aws.com", "home", BEFORE), false)]
#[case::nobody_knows_which_this_is("", Some("i-1"), attachment("ebs.csi.aws.com", "home", BEFORE), false)]
#[case::of_another_node("i-2", Some("i-1"), attachment("ebs.csi.aws.com", "agent", BEFORE), false)]
#[case::of_another_driver("i-2", Some("i-1"), attachment("nfs.csi.k8s.io", "home", BEFORE), false)]
#[case::made_at_that_moment("i-2", Some("i-1"), attachment("ebs.csi.aws.com", "home", "2026-01-01T12:00:00Z"), false)]
#[case::made_since("i-2", Some("i-1"), attachment("ebs.csi.aws.com", "home", AFTER), false)]
fn an_attachment_goes_if_it_was_to_an_earlier_instance(
    #[case] instance: &str,
    #[case] earlier: Option<&str>,
    #[case] made: Value,
    #[case] goes: bool,
) {
    let mut node = node("home", true, true);
    node["metadata"]["annotations"]["durin/instance"] = earlier.into();
    assert_eq!(!attachments(&list(&made), &node, instance, noon()).is_empty(), goes);
}

#[rstest]
#[case::none(json!({}), json!({}), Cordon::None)]
#[case::ours(json!({"unschedulable": true}), json!({"durin/cordoned": "drain"}), Cordon::Durins)]
#[case::ours_that_was_not_reached(json!({}), json!({"durin/cordoned": "drain"}), Cordon::Durins)]
#[case::somebodys(json!({"unschedulable": true}), json!({}), Cordon::Somebodys)]
fn only_our_own_cordon_is_lifted(#[case] spec: Value, #[case] annotations: Value, #[case] is: Cordon) {
    assert_eq!(cordon(&json!({"metadata": {"name": "home", "annotations": annotations}, "spec": spec})), is);
}

#[rstest]
#[case::this_node(&["10.0.0.7"], Some("10.0.0.7"), None)]
#[case::twice_the_same(&["10.0.0.7", "10.0.0.7"], Some("10.0.0.7"), None)]
#[case::nobody_knows_its_own(&["10.0.0.7"], None, None)]
#[case::another(&["10.0.0.1"], Some("10.0.0.7"), Some("names 10.0.0.1, and this node is 10.0.0.7"))]
#[case::both(&["10.0.0.7", "10.0.0.1"], Some("10.0.0.7"), Some("names 10.0.0.1, 10.0.0.7"))]
#[case::none(&[], Some("10.0.0.7"), Some("names no address"))]
fn the_api_has_one_address(#[case] addresses: &[&str], #[case] own: Option<&str>, #[case] found: Option<&str>) {
    let slices = json!({"items": [{"endpoints": [{"addresses": addresses}]}, {"endpoints": null}]});
    let finding = found::api_addresses(&slices, own);
    match found {
        None => assert_eq!(finding, None),
        Some(part) => assert!(finding.as_ref().is_some_and(|text| text.contains(part)), "{finding:?}"),
    }
}

#[rstest]
#[case::in_order(|_: &mut Value| (), &[])]
#[case::at_another_address(
    |node: &mut Value| node["status"]["addresses"][1]["address"] = json!("10.0.0.1"),
    &["InternalIP is 10.0.0.1, and this instance has 10.0.0.7"]
)]
#[case::without_an_address(|node: &mut Value| node["status"]["addresses"] = Value::Null, &[])]
#[case::not_ready(|node: &mut Value| node["status"]["conditions"][0]["status"] = json!("False"), &["not ready"])]
#[case::cordoned(|node: &mut Value| node["spec"]["unschedulable"] = json!(true), &["kubectl uncordon"])]
fn findings_describe_the_node_as_it_is(#[case] change: fn(&mut Value), #[case] found: &[&str]) {
    let mut node = node("home", true, true);
    node["status"]["addresses"] =
        json!([{"type": "Hostname", "address": "home"}, {"type": "InternalIP", "address": "10.0.0.7"}]);
    change(&mut node);
    let findings = found::node(&node, Some("10.0.0.7"));
    assert_eq!(findings.len(), found.len(), "{findings:?}");
    assert!(findings.iter().zip(found).all(|(finding, part)| finding.contains(part)), "{findings:?}");
}

#[rstest]
#[case::running_and_ready(json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}), true)]
#[case::running(json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}), false)]
#[case::pending(json!({"phase": "Pending"}), false)]
#[case::unknown(json!({"phase": "Unknown", "conditions": [{"type": "Ready", "status": "True"}]}), false)]
#[case::ended(json!({"phase": "Succeeded"}), true)]
#[case::failed(json!({"phase": "Failed"}), true)]
#[case::nothing(json!({}), false)]
fn a_pod_is_up_when_it_is_ready(#[case] status: Value, #[case] is_up: bool) {
    let pods = list(&json!({"metadata": {"namespace": "default", "name": "web"}, "status": status}));
    assert_eq!(found::unready(&pods), if is_up { Vec::new() } else { vec!["default/web".to_owned()] });
}

#[test]
fn anything_but_a_list_holds_nothing() {
    let later = UNIX_EPOCH + Duration::from_secs(1 << 40);
    for nothing in [Value::Null, json!({}), json!({"items": null}), json!({"items": [null]}), json!([])] {
        assert!(leases(&nothing, &nothing, "home", later).is_empty() && nodes(&nothing, "home").is_empty());
        assert_eq!(cordon(&nothing), Cordon::None);
    }
}
