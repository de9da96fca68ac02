//! Durin acts where tags tell it to, with rights that their author may not have: so the other side has to agree. Each row of
//! the table in SECURITY.md names the tests that hold it up.

use durin_harness::iam::Denial;
use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::autoscaling::GroupTag;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::route53::{ChangeAction, RecordChange, RecordSet};
use durin_tests::{Story, schedule};
use serde_json::Value;

/// The group of the attacker, who may tag groups and nothing else.
const THEIRS: &str = "theirs";

/// Two nodes; the attacker's is the second.
fn two_nodes() -> Seed {
    let theirs = NodeSeed {
        name: THEIRS.to_owned(),
        record_name: "theirs.durin.internal".to_owned(),
        capacity_rebalance: Some(false),
        ..NodeSeed::default()
    };
    let ours = NodeSeed { capacity_rebalance: Some(false), ..NodeSeed::default() };
    Seed { seed: 31, nodes: vec![ours, theirs], ..Seed::default() }
}

/// The attacker says so of their group.
fn tag_theirs(world: &mut World, key: &str, value: &str) {
    let tag = GroupTag { key: key.to_owned(), value: value.to_owned(), propagate_at_launch: true };
    world.create_or_update_tags(vec![(THEIRS.to_owned(), tag)]).expect("tagged");
}

/// What the schedule says about all nodes.
async fn look(story: &Story) -> (String, Vec<Denial>) {
    let answer = story.invoke("durin-node-resync", schedule()).await;
    let said = answer.outcome.map_or_else(|error| error.message, |value: Value| value.to_string());
    (said, story.world(|world| std::mem::take(&mut world.iam.denials)))
}

/// A zone that nobody has named to the roles is out of reach, and the one node whose tag names it holds up no other.
#[tokio::test(start_paused = true)]
async fn a_tag_alone_opens_no_zone() {
    let story = Story::of(&two_nodes());
    let old = story.holder();
    let zone = story.world(|world| {
        let (zone, _) = world.create_hosted_zone("bank.example", "theirs", None, None).expect("a zone");
        let record_set = RecordSet::simple("www.bank.example", "A", 60, "192.0.2.80");
        let change = RecordChange { action: ChangeAction::Create, record_set };
        world.change_resource_record_sets(&zone, vec![change], None).expect("a record");
        tag_theirs(world, "durin:hosted-zone-id", &zone);
        tag_theirs(world, "durin:record-name", "www.bank.example");
        zone
    });
    let (said, denials) = look(&story).await;
    assert!(said.contains(&format!("just deploy --hosted-zone {zone}")) && said.contains(THEIRS), "{said}");
    assert!(denials.iter().all(|denial| denial.message.contains("route53:ListResourceRecordSets")), "{denials:?}");

    story.world(|world| world.interrupt(&old, SpotAction::Terminate));
    story
        .until("the other node has moved", |world| world.serving(&story.node().volume).is_some_and(|it| it != old))
        .await;
    story.world(|world| {
        let record = world.route53.zones()[&zone].record_set("www.bank.example.", "A").expect("untouched");
        assert_eq!(record.values, ["192.0.2.80"]);
    });
}
