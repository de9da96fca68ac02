//! Durin acts where tags tell it to, with rights that their author may not have: so the other side has to agree. Each row of
//! the table in SECURITY.md names the tests that hold it up.

use std::time::Duration;

use durin::tags::NODE;
use durin_harness::iam::Denial;
use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::autoscaling::{GroupTag, UpdateAutoScalingGroup};
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::route53::{ChangeAction, RecordChange, RecordSet};
use durin_tests::{HEALS_WITHIN, Story, schedule};
use rstest::rstest;
use serde_json::Value;

#[path = "tags_are_power/documents.rs"]
mod documents;
#[path = "tags_are_power/marks.rs"]
mod marks;
#[path = "tags_are_power/patterns.rs"]
mod patterns;
#[path = "tags_are_power/policy.rs"]
mod policy;
#[path = "tags_are_power/records.rs"]
mod records;

/// The node's group.
const GROUP: &str = "k3s";

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

/// What the node's volume says about whose it is.
fn tag_volume(world: &mut World, volume: &str, node: Option<&str>) {
    let ids = [volume.to_owned()];
    match node {
        Some(node) => world.create_tags(&ids, &[(NODE.to_owned(), node.to_owned())]).expect("tagged"),
        None => world.delete_tags(&ids, &[(NODE.to_owned(), None)]).expect("untagged"),
    }
}

/// A volume is free, has the tag of data volumes, and a group's tag names it. Its own tag decides.
#[rstest]
#[case::another_nodes(Some(GROUP), false)]
#[case::nobodys(None, false)]
#[case::given_away_by_its_owner(Some(THEIRS), true)]
#[tokio::test(start_paused = true)]
async fn a_tag_of_a_group_alone_gets_no_volume(#[case] node: Option<&str>, #[case] attached: bool) {
    let story = Story::of(&two_nodes());
    let volume = story.node().volume.clone();
    let want = |world: &mut World, group: &str, capacity: u32| {
        let (name, min_size, desired_capacity) = (group.to_owned(), Some(0), Some(capacity));
        let change = UpdateAutoScalingGroup { name, min_size, desired_capacity, ..UpdateAutoScalingGroup::default() };
        world.update_auto_scaling_group(change).expect("updated");
    };
    story.world(|world| [GROUP, THEIRS].map(|group| want(world, group, 0)));
    story.until("both are asleep", |world| world.autoscaling.groups().values().all(|it| it.members.is_empty())).await;
    story.world(|world| {
        tag_volume(world, &volume, node);
        tag_theirs(world, "durin:volume-id", &volume);
        want(world, THEIRS, 1);
    });
    story.aws().pass(HEALS_WITHIN).await;
    let (said, _) = look(&story).await;
    let holder = story.world(|world| world.ec2.volumes()[&volume].attachment.clone());
    assert_eq!(holder.is_some(), attached, "{said}");
    if !attached {
        let mended_by = format!("aws ec2 create-tags --resources {volume} --tags 'Key=durin:node,Value={THEIRS}'");
        assert!(said.contains(&mended_by), "{said}");
    }
}

/// The tag has got lost, and the node has its volume: it moves, as long as somebody looks while the volume is free.
#[tokio::test(start_paused = true)]
async fn a_node_that_has_its_volume_outlives_the_loss_of_the_tag() {
    let story = Story::of_one_node(35);
    let volume = story.node().volume.clone();
    story.world(|world| tag_volume(world, &volume, None));
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

/// An attachment that stands is not touched, and the holder serves, although its group would replace it.
#[tokio::test(start_paused = true)]
async fn a_volume_that_is_tagged_for_another_node_stays_where_it_is() {
    let story = Story::with_rebalancing(36);
    let (old, volume) = (story.holder(), story.node().volume.clone());
    story.world(|world| {
        tag_volume(world, &volume, Some("another"));
        world.recommend_rebalance(&old);
    });
    story.aws().pass(Duration::from_secs(20 * 60)).await;
    assert_eq!(story.world(|world| world.serving(&volume).map(str::to_owned)), Some(old.clone()));
    story.world(|world| tag_volume(world, &volume, Some(GROUP)));
    story.until("the node has moved", |world| world.serving(&volume).is_some_and(|it| it != old)).await;
}
