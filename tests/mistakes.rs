//! Mistakes in the set-up: one clear message that names the tag or resource and what to do; everything stays as it was.

use std::time::Duration;

use durin::node::LONGEST_PERIOD;
use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::autoscaling::{GroupTag, PutLifecycleHook};
use durin_harness::world::ec2::VolumeState;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::route53::{AliasTarget, RecordSet};
use durin_tests::{Story, change_volumes, schedule};
use rstest::rstest;
use serde_json::Value;

type Mistake = fn(&mut World);

const GROUP: &str = "k3s";
const RECORD: &str = "k3s.durin.internal.";

fn tag(world: &mut World, key: &str, value: &str) {
    let tag = GroupTag { key: key.to_owned(), value: value.to_owned(), propagate_at_launch: true };
    world.create_or_update_tags(vec![(GROUP.to_owned(), tag)]).expect("tagged");
}

fn untag(world: &mut World, key: &str) {
    world.delete_group_tags(vec![(GROUP.to_owned(), key.to_owned())]).expect("untagged");
}

fn change_record(world: &mut World, change: impl Fn(&mut RecordSet)) {
    world.route53.tamper_with_records(RECORD, change);
}

/// The holder is dead and its successor waits in the launch hook, so that there would be much to do.
async fn waiting_successor(mistake: Mistake) -> (Story, Value) {
    let story = Story::without_functions(&Seed::one_node());
    let old = story.holder();
    story.world(|world| world.reclaim(&old));
    let new = story.until_member_is("Pending:Wait").await;
    story.until("the successor runs", |world| world.ec2.instances()[&new].state.name() == "running").await;
    story
        .until("the volume is free", |world| world.ec2.volumes().values().all(|volume| volume.attachment.is_none()))
        .await;
    story.world(mistake);
    let event = story.world(|world| {
        let launch = |event: &&Value| {
            event["detail"]["EC2InstanceId"] == new.as_str() && event["detail"]["LifecycleHookName"] == "durin-launch"
        };
        world.events.emitted().iter().find(launch).cloned().expect("a launch event")
    });
    (story, event)
}

#[rstest]
#[case::no_zone_tag(|world: &mut World| untag(world, "durin:hosted-zone-id"), &["k3s", "durin:hosted-zone-id", "add it"])]
#[case::no_record_tag(|world: &mut World| untag(world, "durin:record-name"), &["k3s", "durin:record-name", "add it"])]
#[case::no_volume_tag(|world: &mut World| untag(world, "durin:volume-id"), &["k3s", "durin:volume-id", "add it"])]
#[case::malformed_volume(|world: &mut World| tag(world, "durin:volume-id", "my volume"), &["durin:volume-id", "my volume"])]
#[case::malformed_zone(|world: &mut World| tag(world, "durin:hosted-zone-id", "durin.internal"), &["durin:hosted-zone-id", "durin.internal"])]
#[case::malformed_record(|world: &mut World| tag(world, "durin:record-name", "k3s"), &["durin:record-name", "k3s"])]
#[case::malformed_ttl(|world: &mut World| tag(world, "durin:record-ttl", "1m"), &["durin:record-ttl", "1m", "seconds"])]
#[tokio::test(start_paused = true)]
async fn a_mistake_is_told_and_nothing_is_touched(#[case] mistake: Mistake, #[case] says: &[&str]) {
    let (story, event) = waiting_successor(mistake).await;
    let before = story.world(picture);
    for (function, payload) in [("durin-node-lifecycle", event), ("durin-node-resync", schedule())] {
        assert_told(&story, function, payload, says, &[]).await;
    }
    assert_eq!(story.world(picture), before);
}

/// It may take a person days to mend it, and the group need not wait for the instance that is dead.
#[rstest]
#[case::unknown_volume(|world: &mut World| tag(world, "durin:volume-id", "vol-00000000000000bad"), &["durin:volume-id", "vol-00000000000000bad", "correct the tag"])]
#[case::volume_in_another_zone(
    |world: &mut World| change_volumes(world, |volume| volume.zone = "eu-central-1b".to_owned()),
    &["eu-central-1b", "eu-central-1a", "subnets"])]
#[case::a_stranger_has_the_volume(lend_to_a_stranger, &["not an instance of the node's group", "detach it there"])]
#[tokio::test(start_paused = true)]
async fn a_mistake_about_the_volume_is_told_and_only_the_dead_instance_goes(
    #[case] mistake: Mistake,
    #[case] says: &[&str],
) {
    let (story, event) = waiting_successor(mistake).await;
    let before = story.world(picture);
    let new = event["detail"]["EC2InstanceId"].as_str().expect("an instance").to_owned();
    assert_told(&story, "durin-node-lifecycle", event, says, &["autoscaling:CompleteLifecycleAction"]).await;
    assert_told(&story, "durin-node-resync", schedule(), says, &[]).await;
    let members = before.members.iter().filter(|(id, _)| *id == new).cloned().collect();
    assert_eq!(story.world(picture), Picture { members, ..before });
}

async fn assert_told(story: &Story, function: &str, payload: Value, says: &[&str], writes: &[&str]) {
    let invoked = story.invoke(function, payload).await;
    assert_eq!(invoked.changes(), writes, "{function}");
    let error = invoked.outcome.expect_err(function);
    assert!(says.iter().all(|word| error.message.contains(word)), "{function}: {error}");
    assert!(!error.message.contains('\n'), "one line: {error}");
}

#[derive(Debug, PartialEq)]
struct Picture {
    /// Of the group, and whether an action of theirs waits.
    members: Vec<(String, bool)>,
    attachments: Vec<String>,
    records: Vec<Vec<RecordSet>>,
}

fn picture(world: &mut World) -> Picture {
    let members = &world.autoscaling.groups()[GROUP].members;
    let members = members.iter().map(|it| (it.instance_id.to_string(), it.action.is_some())).collect();
    let attachments = world.ec2.volumes().values().map(|volume| format!("{:?}", volume.attachment)).collect();
    let records = world.route53.zones().values().map(|zone| zone.record_sets.values().cloned().collect()).collect();
    Picture { members, attachments, records }
}

fn lend_to_a_stranger(world: &mut World) {
    let request = durin_harness::world::ec2::RunInstances {
        image_id: Some("ami-0123456789abcdef0".to_owned()),
        instance_type: Some("t3a.medium".to_owned()),
        zone: Some("eu-central-1a".to_owned()),
        count: 1,
        ..Default::default()
    };
    let stranger = world.run_instances(request).expect("launched").remove(0);
    change_volumes(world, |volume| {
        volume.state = VolumeState::InUse;
        volume.attachment = Some(durin_harness::world::ec2::Attachment {
            instance_id: stranger.clone(),
            device: "/dev/sdf".to_owned(),
            state: durin_harness::world::ec2::AttachmentState::Attached,
            since: durin_harness::time::Time::GENESIS,
            delete_on_termination: false,
            is_stuck: false,
        });
    });
}

/// The volume does not wait for the record: the node serves, and the mistake is told until it is mended.
#[rstest]
#[case::unknown_zone(|world: &mut World| tag(world, "durin:hosted-zone-id", "Z0000000000BAD"), &["durin:hosted-zone-id", "Z0000000000BAD", "correct the tag"])]
#[case::several_addresses(
    |world: &mut World| change_record(world, |set| set.values.push("192.0.2.9".to_owned())), &["durin:record-name", "2 addresses"])]
#[case::an_alias(
    |world: &mut World| change_record(world, |set| {
        set.ttl_s = None;
        set.values.clear();
        set.alias = Some(AliasTarget { hosted_zone_id: "Z1".into(), dns_name: "lb.example.".into(), evaluate_target_health: false });
    }),
    &["durin:record-name", "an alias"])]
#[case::a_routing_policy(
    |world: &mut World| change_record(world, |set| { set.set_identifier = Some("blue".to_owned()); set.weight = Some(1) }),
    &["durin:record-name", "routing policy"])]
#[tokio::test(start_paused = true)]
async fn a_mistake_about_the_record_is_told_and_the_volume_moves(#[case] mistake: Mistake, #[case] says: &[&str]) {
    let (story, event) = waiting_successor(mistake).await;
    let records =
        |world: &mut World| world.route53.zones().values().map(|zone| zone.record_sets.clone()).collect::<Vec<_>>();
    let before = story.world(records);
    let told = |error: String| assert!(says.iter().all(|word| error.contains(word)), "{error}");
    let new = event["detail"]["EC2InstanceId"].as_str().expect("an instance").to_owned();
    let invoked = story.invoke("durin-node-lifecycle", event).await;
    // The terminate action of the one that died; and the newcomer's launch action, when it says that it serves.
    const COMPLETE: &str = "autoscaling:CompleteLifecycleAction";
    assert_eq!(invoked.writes(), ["ec2:AttachVolume", COMPLETE, "ssm:SendCommand", COMPLETE]);
    told(invoked.outcome.expect_err("the record is wrong").message);
    assert_eq!(story.holder(), new);
    let again = story.invoke("durin-node-resync", schedule()).await;
    assert_eq!(again.changes(), Vec::<&String>::new());
    told(again.outcome.expect_err("the record is still wrong").message);
    assert_eq!(story.world(records), before);
}

/// The node is looked after as ever; only the next launch would fail.
#[tokio::test(start_paused = true)]
async fn a_tag_that_metadata_forbids_is_reported_while_the_node_serves_and_when_nobody_can_be_launched() {
    const KEY: &str = "kubernetes.io/cluster/k3s";
    let told = |outcome: Result<Value, durin_harness::FunctionError>| {
        let error = outcome.expect_err("the next launch fails").message;
        assert!(["k3s", KEY, "rename the tag"].iter().all(|word| error.contains(word)), "{error}");
    };
    let story = Story::without_functions(&Seed::one_node());
    story.world(|world| {
        tag(world, KEY, "owned");
        change_record(world, |set| set.values = vec!["192.0.2.9".to_owned()]);
    });
    let invoked = story.invoke("durin-node-resync", schedule()).await;
    assert_eq!(invoked.changes(), ["route53:ChangeResourceRecordSets"]);
    told(invoked.outcome);
    let old = story.holder();
    story.world(|world| world.reclaim(&old));
    let failed = |world: &World| world.autoscaling.groups()[GROUP].activities[0].status == "Failed";
    story.until("a launch fails", failed).await;
    story
        .until("the volume is free", |world| world.ec2.volumes().values().all(|volume| volume.attachment.is_none()))
        .await;
    told(story.invoke("durin-node-resync", schedule()).await.outcome);
}

#[tokio::test(start_paused = true)]
async fn a_subnet_without_ipv4_is_reported_and_the_volume_moves() {
    let story = Story::without_functions(&Seed::one_node());
    let old = story.holder();
    story.world(|world| {
        let subnet = world.ec2.instances()[&old].subnet_id.clone();
        world.ec2.make_ipv6_native(&subnet);
        world.reclaim(&old);
    });
    let new = story.until_member_is("Pending:Wait").await;
    story.until("the successor runs", |world| world.ec2.instances()[&new].state.name() == "running").await;
    story
        .until("the volume is free", |world| world.ec2.volumes().values().all(|volume| volume.attachment.is_none()))
        .await;
    let invoked = story.invoke("durin-node-resync", schedule()).await;
    let error = invoked.outcome.expect_err("no address for the record").message;
    assert!(error.contains(GROUP) && error.contains("subnets with IPv4"), "{error}");
    assert_eq!(story.holder(), new);
}

/// A name outside of the zone is refused by Route 53 only when the record is written: by then the volume is with its
/// successor, which is where it belongs.
#[tokio::test(start_paused = true)]
async fn a_name_outside_of_the_zone_is_told() {
    let (story, event) =
        waiting_successor(|world: &mut World| tag(world, "durin:record-name", "k3s.elsewhere.internal")).await;
    let error = story.invoke("durin-node-lifecycle", event).await.outcome.expect_err("refused");
    assert_eq!(error.error_type, "Durin.Blocked");
    assert!(error.message.contains("durin:record-name") && error.message.contains("not permitted in zone"), "{error}");
}

/// The functions' roles allow them to move no volume without that tag, so that the next hand-off would fail in the middle.
#[tokio::test(start_paused = true)]
async fn a_volume_that_the_roles_do_not_allow_to_move_is_reported_and_its_healthy_holder_serves_on() {
    let story = Story::without_functions(&Seed::one_node());
    let (old, volume) = (story.holder(), story.node().volume.clone());
    story.world(|world| change_volumes(world, |volume| drop(volume.tags.remove("durin:volume"))));
    story.world(|world| world.recommend_rebalance(&old));
    story.until_member_is("Pending:Wait").await;
    story.aws().pass(Duration::from_secs(120)).await;
    let error = story.invoke("durin-node-resync", schedule()).await.outcome.expect_err("it cannot move");
    assert_eq!(error.error_type, "Durin.Blocked");
    assert!(error.message.ends_with(&format!("--resources {volume} --tags Key=durin:volume,Value=data")), "{error}");
    assert_eq!(story.world(|world| world.serving(&volume).map(str::to_owned)), Some(old));
}

/// Once an hour, because Auto Scaling lists the hooks of one group at a call.
#[rstest]
#[case::too_short(|world: &mut World| shorten(world, "durin-terminate"), "durin-terminate --lifecycle-transition")]
#[case::missing(
    |world: &mut World| world.delete_lifecycle_hook(GROUP, "durin-launch").expect("deleted"), "it does not exist")]
#[tokio::test(start_paused = true)]
async fn a_hook_that_does_not_do_is_reported_within_the_hour(#[case] spoil: Mistake, #[case] expected: &str) {
    let story = Story::without_functions(&Seed::one_node());
    story.world(spoil);
    let reported = reports_of_an_hour(&story).await;
    let [report] = &reported[..] else { panic!("{reported:?}") };
    assert!(report.contains(GROUP) && report.contains(expected), "{report}");
}

#[tokio::test(start_paused = true)]
async fn hooks_that_cannot_be_read_are_nobodys_mistake() {
    let story = Story::without_functions(&Seed::one_node());
    story.fault("autoscaling:DescribeLifecycleHooks", FaultKind::InternalError, 9);
    assert_eq!(reports_of_an_hour(&story).await, Vec::<String>::new());
}

fn shorten(world: &mut World, hook: &str) {
    let request = PutLifecycleHook {
        group: GROUP.to_owned(),
        name: hook.to_owned(),
        heartbeat_timeout_s: Some(300),
        ..PutLifecycleHook::default()
    };
    world.put_lifecycle_hook(request).expect("shortened");
}

async fn reports_of_an_hour(story: &Story) -> Vec<String> {
    let mut reports = Vec::new();
    for _ in 0..12 {
        let outcome = story.invoke("durin-node-resync", schedule()).await.outcome;
        reports.extend(outcome.err().map(|error| error.message));
        story.aws().pass(LONGEST_PERIOD).await;
    }
    reports
}

/// Once the mistake is fixed, the schedule brings the node back.
#[tokio::test(start_paused = true)]
async fn a_mended_mistake_heals_by_itself() {
    let story = Story::of_one_node(21);
    story.world(|world| tag(world, "durin:record-ttl", "ten"));
    let old = story.holder();
    story.world(|world| world.reclaim(&old));
    story.aws().pass(Duration::from_secs(8 * 60)).await;
    story.world(|world| untag(world, "durin:record-ttl"));
    story.ends_well().await;
    assert_ne!(story.holder(), old);
}

/// Other records of the zone, and other types of the node's own name, are none of our business.
#[tokio::test(start_paused = true)]
async fn other_records_are_left_alone() {
    let story = Story::of_one_node(22);
    let others = |world: &mut World| {
        let sets = world.route53.zones().values().flat_map(|zone| zone.record_sets.values());
        sets.filter(|set| (set.name.as_str(), set.record_type.as_str()) != (RECORD, "A")).cloned().collect::<Vec<_>>()
    };
    let zone = story.node().zone_id.clone();
    story.world(|world| {
        let record = |name: &str, record_type: &str, value: &str| durin_harness::world::route53::RecordChange {
            action: durin_harness::world::route53::ChangeAction::Create,
            record_set: durin_harness::world::route53::RecordSet::simple(name, record_type, 60, value),
        };
        let changes = vec![
            record(RECORD, "TXT", "\"k3s\""),
            record(RECORD, "AAAA", "fd00::7"),
            record("a.durin.internal", "A", "10.0.0.4"),
            record("*.durin.internal", "A", "10.0.0.4"),
            record("x.k3s.durin.internal", "A", "10.0.0.4"),
        ];
        world.change_resource_record_sets(&zone, changes, None).expect("changed");
    });
    let before = story.world(others);
    assert!(before.len() >= 7);
    let old = story.holder();
    story.world(|world| world.reclaim(&old));
    story.ends_well().await;
    assert_eq!(story.world(others), before);
}

/// The functions' roles let them touch only instances with the tag, which is found out before the holder lets go.
#[tokio::test(start_paused = true)]
async fn a_newcomer_without_the_tag_takes_no_healthy_node() {
    let story = Story::with_rebalancing(41);
    let (old, volume) = (story.holder(), story.node().volume.clone());
    story.world(|world| {
        let tag = GroupTag { key: "durin:volume-id".to_owned(), value: volume.clone(), propagate_at_launch: false };
        world.create_or_update_tags(vec![(GROUP.to_owned(), tag)]).expect("tagged");
        world.recommend_rebalance(&old);
    });
    for _ in 0..30 {
        story.aws().pass(Duration::from_secs(60)).await;
        let serving = story.world(|world| world.serving(&volume).map(str::to_owned));
        assert_eq!(serving.as_deref(), Some(old.as_str()), "{}", story.told());
    }
    let told = story.told();
    assert!(told.contains("PropagateAtLaunch=true"), "{told}");
}

/// Nobody is better off if the volume stays free.
#[tokio::test(start_paused = true)]
async fn a_node_of_three_is_one_and_the_number_is_told() {
    let (story, event) = waiting_successor(|world| {
        world.autoscaling.tamper_with_group(GROUP, |group| group.desired_capacity = 3);
    })
    .await;
    let error = story.invoke("durin-node-lifecycle", event).await.outcome.expect_err("a person has to set it");
    let says = ["k3s", "desired capacity 3", "set it to 1"];
    assert!(says.iter().all(|word| error.message.contains(word)), "{error}");
    let volume = story.node().volume.clone();
    assert!(story.world(|world| world.serving(&volume).is_some()), "{}", story.told());
}
