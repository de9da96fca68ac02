//! Replaced without being dead: refreshed, retired, unhealthy, or where its group does not want it any more. In most of
//! these the group launches the replacement first and waits for its launch action before it ends the old instance.

use std::time::Duration;

use durin_cli::outage;
use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::autoscaling::{
    AutoScalingChange, LifecycleState, MaintenancePolicy, RefreshStatus, StartInstanceRefresh, UpdateAutoScalingGroup,
};
use durin_harness::world::ec2::network::SUBNETS;
use durin_harness::world::eventbridge::DisorderKind;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::AgentMode;
use durin_harness::world::history::{Change, Fact};
use durin_harness::world::invariants::check_always;
use durin_harness::world::latency::Range;
use durin_tests::{HEALTH, LAUNCH, NODE_FUNCTIONS, Story, TERMINATE};
use rstest::rstest;
use serde_json::json;

const GROUP: &str = "k3s";

/// What makes the node move.
type Cause = fn(&mut World, &str);

/// Bounds with which the group launches first, and with which it does not.
const FIRST: (u32, u32) = (100, 110);
const AFTER: (u32, u32) = (0, 100);

fn refresh(world: &mut World, (min, max): (u32, u32)) {
    let group = GROUP.to_owned();
    let request = StartInstanceRefresh { group, min_healthy: Some(min), max_healthy: Some(max), ..Default::default() };
    world.start_instance_refresh(request).expect("started");
}

fn update(world: &mut World, change: impl FnOnce(&mut UpdateAutoScalingGroup)) {
    let mut request = UpdateAutoScalingGroup { name: GROUP.to_owned(), ..Default::default() };
    change(&mut request);
    world.update_auto_scaling_group(request).expect("updated");
}

fn move_to(world: &mut World, subnet: usize) {
    update(world, |request| request.subnets = Some(vec![SUBNETS[subnet].0.to_owned()]));
}

/// Unhealthy, but alive, in a group with a maintenance policy.
fn fall_ill(world: &mut World, old: &str, (min, max): (u32, u32)) {
    let policy = MaintenancePolicy::new(min, max).expect("a policy");
    update(world, |request| request.maintenance_policy = Some(Some(policy)));
    world.set_instance_health(old, false, false).expect("unhealthy");
}

fn refresh_first(world: &mut World, _: &str) {
    refresh(world, FIRST);
}

fn refresh_after(world: &mut World, _: &str) {
    refresh(world, AFTER);
}

fn another_subnet(world: &mut World, _: &str) {
    move_to(world, 3);
}

fn ill_first(world: &mut World, old: &str) {
    fall_ill(world, old, FIRST);
}

fn ill_after(world: &mut World, old: &str) {
    fall_ill(world, old, AFTER);
}

fn retire(world: &mut World, old: &str) {
    world.schedule_retirement(old);
}

fn begin(story: &Story, cause: Cause) -> String {
    let old = story.holder();
    story.world(|world| cause(world, &old));
    old
}

/// Which entry of the history says that the instance came into that state.
fn entry(story: &Story, instance: &str, state: LifecycleState) -> usize {
    let wanted = Change::AutoScaling(AutoScalingChange::Lifecycle(state));
    let is_it =
        |fact: &Fact| matches!(fact, Fact::Changed { subject, change } if subject == instance && *change == wanted);
    story
        .world(|world| world.history().iter().rposition(|entry| is_it(&entry.fact)))
        .unwrap_or_else(|| panic!("no {} of {instance}", state.name()))
}

#[rstest]
#[case::refresh_that_launches_first(refresh_first, true)]
#[case::refresh_that_terminates_first(refresh_after, false)]
#[case::another_subnet_of_the_zone(another_subnet, true)]
#[case::unhealthy_with_a_policy_that_launches_first(ill_first, true)]
#[case::unhealthy_with_a_policy_that_terminates_first(ill_after, false)]
#[case::retirement(retire, true)]
#[tokio::test(start_paused = true)]
async fn a_replaced_node_moves_cleanly(
    #[case] cause: Cause,
    #[case] launches_first: bool,
    #[values(1, 2, 3, 4, 5)] seed: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(seed, rebalancing);
    let old = begin(&story, cause);
    let volume = story.node().volume.clone();
    story.until("the old instance lets go", |world| world.serving(&volume) != Some(&old)).await;
    let is_up = |world: &mut World| {
        world.ec2.instances().values().any(|instance| instance.id != old && instance.guest.agent_online_since.is_some())
    };
    assert!(story.world(is_up), "before anybody has booted\n{}", story.told());
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
    let new = story.holder();
    let in_service_first =
        entry(&story, &new, LifecycleState::InService) < entry(&story, &old, LifecycleState::Terminating);
    assert_eq!(in_service_first, launches_first, "{}", story.told());
    // One replacement, and no more.
    assert_eq!(story.world(|world| world.autoscaling.groups()[GROUP].activities.len()), 3, "{}", story.told());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_refresh_ends_successful(#[values(FIRST, AFTER)] bounds: (u32, u32), #[values(1, 2, 3)] seed: u64) {
    let story = Story::of_one_node(seed);
    let old = begin(&story, if bounds == FIRST { refresh_first } else { refresh_after });
    story.ends_elsewhere(&old).await;
    let (status, events) = story.world(|world| {
        let is_refresh = |event: &&serde_json::Value| {
            event["detail-type"].as_str().is_some_and(|it| it.starts_with("EC2 Auto Scaling Instance Refresh"))
        };
        (
            world.autoscaling.groups()[GROUP].refreshes[0].status,
            world.events.emitted().iter().filter(is_refresh).count(),
        )
    });
    assert_eq!((status, events), (RefreshStatus::Successful, 2));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_refresh_cancelled_on_its_way_leaves_a_whole_node(#[values(0, 5, 20, 40, 60, 80)] after_s: u64) {
    let story = Story::of_one_node(7);
    begin(&story, refresh_first);
    story.aws().pass(Duration::from_secs(after_s)).await;
    // It may be over by then.
    story.world(|world| drop(world.cancel_instance_refresh(GROUP, true)));
    story.ends_well().await;
    assert!(story.world(|world| world.autoscaling.groups()[GROUP].active_refresh().is_none()));
}

/// A volume cannot follow to another zone: Durin reports it, and the old node serves for as long as that takes.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_group_moved_to_another_zone_is_blocked_and_the_old_node_serves_on(
    #[values(1, 2, 3)] seed: u64,
    #[values(5, 25, 120)] mended_after_min: u64,
) {
    let story = Story::of_one_node(seed);
    let old = story.holder();
    story.world(|world| move_to(world, 1));
    story.until_member_is("Pending:Wait").await;
    let node = story.node().clone();
    for _ in 0..mended_after_min {
        story.aws().pass(Duration::from_secs(60)).await;
        assert!(story.world(|world| outage::is_served(world, &node)), "{}", story.told());
        assert_eq!(story.world(|world| check_always(world)), Vec::<String>::new());
    }
    let told = story.world(|world| {
        let failed = world.history().iter().filter_map(|entry| entry.fact.failure());
        failed.map(str::to_owned).collect::<Vec<_>>()
    });
    let says = ["Durin.Blocked", "give the group only subnets in eu-central-1a"];
    assert!(!told.is_empty() && told.iter().all(|it| says.iter().all(|word| it.contains(word))), "{told:?}");
    story.world(|world| move_to(world, 0));
    assert!(story.stage.heals(Duration::from_secs(1800)).await, "{}", story.told());
    assert_eq!((story.stage.complaints(), story.holder()), (vec![], old));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn replacements_survive_lost_late_and_doubled_events(
    #[values(refresh_first, another_subnet, ill_first, retire)] cause: Cause,
    #[values(
        DisorderKind::Lost,
        DisorderKind::Late(Duration::from_secs(200)),
        DisorderKind::Doubled(Duration::from_secs(40))
    )]
    kind: DisorderKind,
) {
    let story = Story::of_one_node(11);
    // Health delivers durably, so its event is not lost.
    let events = [LAUNCH, TERMINATE, HEALTH].into_iter().filter(|it| *it != HEALTH || kind != DisorderKind::Lost);
    events.for_each(|event| story.disorder(event, kind, 10));
    let old = begin(&story, cause);
    story.ends_elsewhere(&old).await;
}

/// The group waits for the newcomer, the newcomer for the holder, and the holder cannot release: no deadlock.
#[rstest]
#[tokio::test(start_paused = true)]
async fn replacements_do_without_a_release(
    #[values(refresh_first, another_subnet, ill_first, retire)] cause: Cause,
    #[values(AgentMode::Offline, AgentMode::Gone, AgentMode::Slow, AgentMode::Failing, AgentMode::Hanging)]
    mode: AgentMode,
) {
    let story = Story::of_one_node(12);
    let old = story.holder();
    story.world(|world| world.set_agent_mode(&old, mode));
    begin(&story, cause);
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn functions_may_die_between_any_two_calls(
    #[values(refresh_first, retire)] cause: Cause,
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30)] calls: u32,
) {
    let story = Story::of_one_node(13);
    for function in NODE_FUNCTIONS.into_iter().cycle().take(6) {
        story.kill(function, calls);
    }
    let old = begin(&story, cause);
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_service_may_misbehave(
    #[values(refresh_first, another_subnet, retire)] cause: Cause,
    #[values(FaultKind::Throttled, FaultKind::InternalError, FaultKind::ResponseLost)] kind: FaultKind,
) {
    let story = Story::of_one_node(14);
    story.fault("*", kind, 15);
    let old = begin(&story, cause);
    story.ends_elsewhere(&old).await;
}

/// The newcomer of a refresh is reclaimed before it took over: the old node serves until the next one comes.
#[rstest]
#[tokio::test(start_paused = true)]
async fn the_newcomer_of_a_refresh_may_die(#[values(0, 10, 30)] after_s: u64) {
    let story = Story::of_one_node(15);
    let old = begin(&story, refresh_first);
    let first = story.until_member_is("Pending:Wait").await;
    story.aws().pass(Duration::from_secs(after_s)).await;
    story.world(|world| world.reclaim(&first));
    story.ends_elsewhere(&old).await;
    assert_ne!(story.holder(), first);
}

/// No capacity for a while: the first instance that is launched has all the time in the world, and the old node serves.
#[rstest]
#[tokio::test(start_paused = true)]
async fn launches_may_fail_for_capacity(
    #[values(refresh_first, another_subnet, ill_first, retire)] cause: Cause,
    #[values(1, 2)] seed: u64,
) {
    let story = Story::of_one_node(seed);
    story.world(|world| world.autoscaling.fail_next_launches(GROUP, 3));
    let old = begin(&story, cause);
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// The announcement of the retirement is lost: when it comes, the instance is stopped, and replaced like any that died.
#[tokio::test(start_paused = true)]
async fn a_retirement_that_nobody_heard_of_is_survived() {
    let story = Story::of_one_node(17);
    story.disorder(HEALTH, DisorderKind::Lost, 1);
    story.world(|world| world.latency.retirement = Range::from_secs(1200, 1200));
    let old = begin(&story, retire);
    story.until("the stop", |world| world.ec2.instances()[&old].state.name() != "running").await;
    story.ends_elsewhere(&old).await;
}

/// One event of Health may name several instances: each node moves, strangers are left alone, and who is whose takes
/// one call for all of them.
#[tokio::test(start_paused = true)]
async fn an_event_that_retires_several_instances_moves_each_node() {
    let node = |name: &str| NodeSeed {
        name: name.to_owned(),
        record_name: format!("{name}.durin.internal"),
        ..NodeSeed::default()
    };
    let story = Story::of(&Seed { seed: 16, nodes: vec![node("one"), node("two"), node("other")], ..Seed::default() });
    let holders = |world: &mut World| {
        ["one", "two", "other"].map(|group| world.autoscaling.groups()[group].members[0].instance_id.clone())
    };
    let old = story.world(holders);
    let entities = [&old[0], &old[1], &"i-0123456789abcdef0".to_owned()];
    let entities: Vec<_> = entities.iter().map(|id| json!({"entityValue": id, "status": "PENDING"})).collect();
    let event = json!({
        "version": "0", "id": "e", "source": "aws.health", "detail-type": HEALTH, "account": "123456789012",
        "detail": {
            "service": "EC2", "eventTypeCode": "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED", "statusCode": "open",
            "backupEvent": "false", "affectedEntities": entities,
        },
    });
    old[..2].iter().for_each(|id| story.retire_unheard(id));
    story.world(|world| world.publish(event));
    story.aws().pass(Duration::from_secs(600)).await;
    story.ends_well().await;
    let new = story.world(holders);
    assert_eq!([0, 1, 2].map(|index| new[index] != old[index]), [true, true, false], "{}", story.told());
}
