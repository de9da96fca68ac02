//! Whose a record is.

use std::time::Duration;

use durin_harness::seed::Seed;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::route53::{ChangeAction, RecordChange, RecordSet};
use durin_tests::{HEALS_WITHIN, Story, schedule};
use rstest::rstest;

use super::{look, tag_theirs, two_nodes};

const CLAIM: &str = "_durin.k3s.durin.internal.";

/// What stands under a name in the node's zone.
fn values(story: &Story, name: &str, record_type: &str) -> Option<Vec<String>> {
    let zone = story.node().zone_id.clone();
    story.world(|world| world.route53.zones()[&zone].record_set(name, record_type).map(|set| set.values.clone()))
}

/// Somebody who may write the zone does.
fn write(story: &Story, action: ChangeAction, name: &str, record_type: &str, value: &str) {
    let zone = story.node().zone_id.clone();
    let ttl_s = if record_type == "TXT" { 300 } else { 10 };
    let record_set = RecordSet::simple(name, record_type, ttl_s, value);
    let change = vec![RecordChange { action, record_set }];
    story.world(|world| world.change_resource_record_sets(&zone, change, None)).expect("written");
}

/// A record of the node's own zone that is somebody else's: the tag of a group names it. Its owner decides, by a claim.
#[rstest]
#[case::unclaimed(None, false)]
#[case::claimed_by_another_node(Some("node=another"), false)]
#[case::given_away_by_its_owner(Some("node=theirs"), true)]
#[tokio::test(start_paused = true)]
async fn a_tag_of_a_group_alone_gets_no_record(#[case] claim: Option<&str>, #[case] moved: bool) {
    let story = Story::of(&two_nodes());
    write(&story, ChangeAction::Create, "bank.durin.internal", "A", "192.0.2.80");
    if let Some(claim) = claim {
        write(&story, ChangeAction::Create, "_durin.bank.durin.internal", "TXT", &format!("\"{claim}\""));
    }
    story.world(|world| tag_theirs(world, "durin:record-name", "bank.durin.internal"));
    let (said, _) = look(&story).await;
    let stands = values(&story, "bank.durin.internal.", "A").expect("a record");
    assert_eq!(stands != ["192.0.2.80"], moved, "{said}");
    if !moved {
        let agrees = "_durin.bank.durin.internal";
        assert!(said.contains(agrees) && said.contains("node=theirs"), "{said}");
    }
}

/// Another node's record is claimed by that.
#[tokio::test(start_paused = true)]
async fn a_node_gets_no_record_of_another_node() {
    let story = Story::of(&two_nodes());
    let before = story.record();
    story.world(|world| tag_theirs(world, "durin:record-name", "k3s.durin.internal"));
    let (said, _) = look(&story).await;
    assert!(said.contains("theirs and k3s both declare the record"), "{said}");
    story.aws().pass(HEALS_WITHIN).await;
    assert_eq!(story.record(), before);
}

/// The usual case: nobody remembers whose address that is.
#[tokio::test(start_paused = true)]
async fn a_node_that_was_at_rest_for_days_comes_back_to_its_record() {
    let story = Story::of_one_node(37);
    let old = story.holder();
    story.update_group(|group| (group.min_size, group.desired_capacity) = (Some(0), Some(0)));
    story.aws().pass(Duration::from_secs(3 * 24 * 3600)).await;
    assert!(story.world(|world| world.ec2.instance(&old).is_none()), "EC2 has forgotten it");
    let before = story.record();
    story.update_group(|group| group.desired_capacity = Some(1));
    story.ends_well().await;
    assert_ne!(story.record(), before);
}

/// A node of before there were claims, and one whose zone's owner has tidied up: the next look writes the claim, while it is
/// known whose the address is. A name that has no record is claimed first.
#[rstest]
#[case::with_its_record(false)]
#[case::without(true)]
#[tokio::test(start_paused = true)]
async fn a_name_is_claimed_as_soon_as_it_is_known_whose_it_is(#[case] without_record: bool) {
    let story = Story::of_one_node(38);
    write(&story, ChangeAction::Delete, CLAIM, "TXT", "\"node=k3s\"");
    if without_record {
        let address = story.record().expect("a record").remove(0);
        write(&story, ChangeAction::Delete, "k3s.durin.internal", "A", &address);
    }
    let invoked = story.invoke("durin-node-resync", schedule()).await;
    assert_eq!(invoked.changes().len(), if without_record { 2 } else { 1 }, "{:?}", invoked.calls);
    assert_eq!(values(&story, CLAIM, "TXT").expect("claimed"), ["\"node=k3s\""]);
    let again = story.invoke("durin-node-resync", schedule()).await;
    assert_eq!(again.changes(), Vec::<&String>::new());
    story.ends_well().await;
}

/// Nobody has made a mistake: the volume is where it belongs, and the invocation fails so that it is tried again.
#[tokio::test(start_paused = true)]
async fn a_record_that_route_53_cannot_change_now_is_changed_by_the_next_run() {
    let story = Story::without_functions(&Seed::one_node());
    story.world(|world| world.route53.tamper_with_records("k3s.durin.internal.", |set| set.ttl_s = Some(60)));
    story.fault("route53:ChangeResourceRecordSets", FaultKind::InternalError, 4);
    let error = story.invoke("durin-node-resync", schedule()).await.outcome.expect_err("Route 53 fails");
    assert_eq!(error.error_type, "Durin.RecordNotUpdated", "{error}");
    assert!(error.message.contains("the next run tries again"), "{error}");
    story.invoke("durin-node-resync", schedule()).await.outcome.expect("up to date");
}

/// However many names are below the node's, the claim is found, and a node whose claim cannot be written moves without.
#[tokio::test(start_paused = true)]
async fn a_node_moves_though_its_name_cannot_be_claimed() {
    let story = Story::of_one_node(39);
    for number in 0..30 {
        write(&story, ChangeAction::Create, &format!("{number:02}.k3s.durin.internal"), "A", "192.0.2.1");
    }
    let invoked = story.invoke("durin-node-resync", schedule()).await;
    assert_eq!(invoked.changes(), Vec::<&String>::new(), "found behind thirty others");

    write(&story, ChangeAction::Delete, CLAIM, "TXT", "\"node=k3s\"");
    story.fault("route53:ChangeResourceRecordSets", FaultKind::InternalError, 4);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    assert!(values(&story, CLAIM, "TXT").is_some());
}
