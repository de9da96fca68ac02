//! What is wrong, one sentence each, and what to do about it.

use std::time::Duration;

use durin::risk::{Risk, RiskReason};
use durin::tags::AT_RISK;
use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::autoscaling::{GroupTag, Process, PutLifecycleHook};
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::{AgentMode, Boot};
use durin_operator::status::{Report, State};
use durin_tests::{Story, change_volumes, stop_key};
use rstest::rstest;

use super::{report, screen};

pub(super) const GROUP: &str = "k3s";
const RECORD: &str = "k3s.durin.internal.";
pub(super) const MINUTE: Duration = Duration::from_secs(60);

type Mistake = fn(&mut World);

pub(super) fn tag(world: &mut World, group: &str, key: &str, value: &str) {
    let tag = GroupTag { key: key.to_owned(), value: value.to_owned(), propagate_at_launch: true };
    world.create_or_update_tags(vec![(group.to_owned(), tag)]).expect("tagged");
}

fn untag(world: &mut World, key: &str) {
    world.delete_group_tags(vec![(GROUP.to_owned(), key.to_owned())]).expect("untagged");
}

/// All that the report says is wrong, and no more, with the thing to do.
pub(super) fn assert_wrong(report: &Report, expected: &[[&str; 2]]) {
    let screen = screen(report);
    println!("{screen}");
    assert!(!report.well, "{screen}");
    let of_nodes = report.nodes.iter().flat_map(|node| &node.wrong);
    let all: Vec<_> = of_nodes.chain(&report.mistakes).collect();
    assert_eq!(all.len(), expected.len(), "{screen}");
    for (wrong, [what, remedy]) in all.iter().zip(expected) {
        assert!(wrong.what.contains(what) && wrong.what.ends_with('.'), "{what}\n{screen}");
        assert!(wrong.remedy.contains(remedy), "{remedy}\n{screen}");
    }
}

/// The node serves on, and its owner is told what would go wrong next.
#[rstest]
#[case::launch_suspended(
    |world: &mut World| world.suspend_processes(GROUP, &[Process::Launch]).expect("suspended"),
    ["The group's process Launch is suspended", "aws autoscaling resume-processes"])]
#[case::a_hook_is_missing(
    |world: &mut World| world.delete_lifecycle_hook(GROUP, "durin-launch").expect("deleted"),
    ["hook durin-launch of the Auto Scaling group k3s is not what a node needs (it does not exist)", "aws autoscaling put-lifecycle-hook"])]
#[case::a_hook_is_too_short(
    |world: &mut World| shorten(world, "durin-terminate"),
    ["HeartbeatTimeout has to be at least 900 s", "aws autoscaling put-lifecycle-hook"])]
#[case::a_tag_that_metadata_forbids(
    |world: &mut World| tag(world, GROUP, "kubernetes.io/cluster/k3s", "owned"),
    ["EC2 refuses to launch an instance of the Auto Scaling group k3s with the tag", "rename the tag"])]
#[case::a_volume_that_may_not_move(
    |world: &mut World| change_volumes(world, |volume| drop(volume.tags.remove("durin:volume"))),
    ["is not tagged durin:volume=data, so the functions may not move it", "Key=durin:volume,Value=data"])]
#[case::a_volume_that_names_nobody(
    |world: &mut World| change_volumes(world, |volume| drop(volume.tags.remove("durin:node"))),
    ["The tag durin:node of vol-", "aws ec2 create-tags --resources vol-"])]
#[case::a_volume_that_names_another(
    |world: &mut World| change_volumes(world, |volume| drop(volume.tags.insert("durin:node".into(), "other".into()))),
    ["is \"other\"", "aws ec2 create-tags --resources vol-"])]
#[case::another_record_stands_there(
    |world: &mut World| world.route53.tamper_with_records(RECORD, |set| set.values.push("192.0.2.9".into())),
    ["is an A record with 2 addresses, which Durin never touches", "remove it, or correct the tag durin:record-name"])]
#[case::the_zone_is_none(
    |world: &mut World| tag(world, GROUP, "durin:hosted-zone-id", "Z0000000000BAD"),
    ["names Z0000000000BAD, which does not exist", "correct the tag"])]
#[case::no_room_for_a_successor(
    |world: &mut World| world.autoscaling.tamper_with_group(GROUP, |group| group.max_size = 1),
    ["its maximum 1: a node is one instance, and its successor is launched while it still runs", "--max-size 2"])]
#[case::a_key_that_nobody_can_use(stop_key, ["is in the state Disabled", "aws kms enable-key --key-id"])]
#[case::three_instances_are_wanted(
    |world: &mut World| world.autoscaling.tamper_with_group(GROUP, |group| group.desired_capacity = 3),
    ["has desired capacity 3, but a node is one instance", "set it to 1"])]
#[tokio::test(start_paused = true)]
async fn a_mistake_is_told_while_the_node_serves(#[case] mistake: Mistake, #[case] expected: [&str; 2]) {
    let story = Story::without_functions(&Seed::one_node());
    story.world(mistake);
    let report = report(&story).await;
    assert_wrong(&report, &[expected]);
    assert_eq!(report.nodes[0].state, State::Held, "nobody has asked");
}

/// The group is none of the nodes.
#[rstest]
#[case::missing(|world: &mut World| untag(world, "durin:record-name"), ["has the tag durin:volume-id but not durin:record-name", "add it"])]
#[case::no_volume_id(
    |world: &mut World| tag(world, GROUP, "durin:volume-id", "my volume"),
    ["\"my volume\" is not a volume id", "aws autoscaling create-or-update-tags --tags"])]
#[case::no_number(
    |world: &mut World| tag(world, GROUP, "durin:record-ttl", "1m"),
    ["\"1m\" is not a whole number of seconds", "Key=durin:record-ttl"])]
#[tokio::test(start_paused = true)]
async fn a_group_whose_tags_declare_nothing_is_told(#[case] mistake: Mistake, #[case] expected: [&str; 2]) {
    let story = Story::without_functions(&Seed::one_node());
    story.world(mistake);
    let report = report(&story).await;
    assert!(report.nodes.is_empty());
    assert_wrong(&report, &[expected]);
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

#[tokio::test(start_paused = true)]
async fn without_capacity_the_node_is_away_and_its_owner_reads_why() {
    let story = Story::of_one_node(91);
    story.world(|world| world.autoscaling.fail_launches_until(GROUP, world.now() + 60 * MINUTE));
    story.reclaim().await;
    story.aws().pass(10 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["has its volume", "on-demand instance"]]);
    assert!(report.nodes[0].wrong[0].what.contains("capacity"), "{:?}", report.nodes[0].wrong);
    assert_eq!(report.nodes[0].state, State::Away);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_retires_without_capacity_is_told_while_the_node_serves() {
    let story = Story::of_one_node(92);
    story.world(|world| world.autoscaling.fail_launches_until(GROUP, world.now() + 60 * MINUTE));
    let old = story.holder();
    story.world(|world| world.schedule_retirement(&old));
    story.aws().pass(15 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["has to go, and its group k3s cannot launch its successor", "more instance types"]]);
    assert_eq!(report.nodes[0].state, State::Serves);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_does_not_run_is_told() {
    let story = Story::without_functions(&Seed::one_node());
    story.aws().pass(30 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["schedule asks every five", "just deploy"]]);
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_agent_is_gone_is_told() {
    let story = Story::of_one_node(93);
    let old = story.holder();
    story.world(|world| world.set_agent_mode(&old, AgentMode::Gone));
    story.aws().pass(30 * MINUTE).await;
    let report = report(&story).await;
    let remedy = "aws autoscaling terminate-instance-in-auto-scaling-group";
    assert_wrong(&report, &[["The Systems Manager agent of i-", remedy]]);
}

#[tokio::test(start_paused = true)]
async fn a_holder_without_durin_node_is_told() {
    let story = Story::of_one_node(94);
    let old = story.holder();
    story.world(|world| world.set_agent_mode(&old, AgentMode::Failing));
    story.aws().pass(15 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["cannot be asked whether it serves", "bake it into the image"]]);
}

#[tokio::test(start_paused = true)]
async fn an_image_on_which_k3s_does_not_come_up_is_told() {
    let story = Story::of_one_node(95);
    story.world(|world| world.guest_ways.boot_next(Boot::WithoutApi, 100));
    story.reclaim().await;
    story.aws().pass(20 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["says that it does not serve", "journalctl -u k3s"]]);
    assert_eq!(report.nodes[0].state, State::DoesNotServe);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_has_never_booted_is_not_said_to_serve() {
    let story = Story::of_one_node(96);
    story.world(|world| world.guest_ways.boot_next(Boot::Never, 100));
    story.interrupt();
    story.aws().pass(14 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["The Systems Manager agent of i-", "start the agent, or replace the instance"]]);
    assert_eq!(report.nodes[0].state, State::Held);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_has_let_go_in_vain_is_told() {
    let story = Story::without_functions(&Seed::one_node());
    story.let_go_in_vain().await;
    story.aws().pass(6 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["has let go of vol-", "aws logs tail /aws/lambda/durin-node-lifecycle"]]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_ec2_does_not_detach_is_told() {
    let story = Story::without_functions(&Seed::one_node());
    let (volume, old) = (story.node().volume.clone(), story.let_go_in_vain().await);
    story.world(|world| {
        world.ec2.stick_detach(&volume);
        world.detach_volume(&volume, Some(&old), None, false).expect("detaching");
    });
    story.aws().pass(6 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["EC2 is still detaching vol-", "aws logs tail /aws/lambda/durin-node-lifecycle"]]);
    assert_eq!(report.nodes[0].state, State::Moves);
}

#[tokio::test(start_paused = true)]
async fn two_nodes_with_one_record_are_both_told() {
    let named = |name: &str| NodeSeed {
        name: name.to_owned(),
        record_name: format!("{name}.durin.internal"),
        ..NodeSeed::default()
    };
    let story = Story::without_functions(&Seed { seed: 1, nodes: vec![named("one"), named("two")], ..Seed::default() });
    story.world(|world| tag(world, "two", "durin:record-name", "one.durin.internal"));
    let report = report(&story).await;
    assert_wrong(
        &report,
        &[
            [
                "The Auto Scaling groups one and two both declare the record",
                "correct the tag durin:record-name of the other",
            ],
            [
                "The Auto Scaling groups two and one both declare the record",
                "correct the tag durin:record-name of the other",
            ],
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_not_known_and_everything_else_is_shown() {
    let story = Story::of_one_node(98);
    story.aws().pass(15 * MINUTE).await;
    for operation in [
        "ec2:DescribeSnapshots",
        "ec2:DescribeImages",
        "autoscaling:DescribeScalingActivities",
        "ssm:ListCommandInvocations",
        "ssm:DescribeInstanceInformation",
    ] {
        story.fault(operation, FaultKind::InternalError, 50);
    }
    let report = report(&story).await;
    println!("{}", screen(&report));
    assert!(report.well, "{}", screen(&report));
    assert_eq!(report.nodes[0].unknown.len(), 5, "{}", screen(&report));
}

#[tokio::test(start_paused = true)]
async fn route_53_that_fails_is_told_and_the_rest_is_shown() {
    let story = Story::of_one_node(99);
    story.aws().pass(15 * MINUTE).await;
    story.fault("route53:ListResourceRecordSets", FaultKind::InternalError, 50);
    let report = report(&story).await;
    assert_wrong(&report, &[["points at the holder is not known", "in a minute"]]);
}

#[tokio::test(start_paused = true)]
async fn a_node_at_rest_is_well() {
    let story = Story::of_one_node(100);
    story.update_group(|group| (group.min_size, group.desired_capacity) = (Some(0), Some(0)));
    story.aws().pass(10 * MINUTE).await;
    let report = report(&story).await;
    println!("{}", screen(&report));
    assert!(report.well, "{}", screen(&report));
    assert_eq!(report.nodes[0].state, State::Rests);
}

#[tokio::test(start_paused = true)]
async fn a_warned_holder_is_going_to_move() {
    let story = Story::without_functions(&Seed::one_node());
    let old = story.holder();
    story.world(|world| {
        let value = durin_tests::mark(world, &old, Risk { reason: RiskReason::Rebalance, until: None });
        world.create_tags(std::slice::from_ref(&old), &[(AT_RISK.to_owned(), value)]).expect("marked");
    });
    let report = report(&story).await;
    println!("{}", screen(&report));
    assert_eq!(report.nodes[0].next, "soon: EC2 has recommended a rebalance");
}
