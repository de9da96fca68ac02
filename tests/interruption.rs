//! Interrupted: the node moves to an instance that is already booted, cleanly; and every disorder around it ends in a
//! node that serves.

use std::time::Duration;

use durin_cli::outage::{self, Outage, SetUp, report::Spread};
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::eventbridge::DisorderKind;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::AgentMode;
use durin_tests::{LAUNCH, NODE_FUNCTIONS, Story, TERMINATE, WARNING};
use rstest::rstest;

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_warned_node_moves_cleanly(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)] seed: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(seed, rebalancing);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_old_instance_serves_until_the_new_one_has_booted(#[values(1, 2, 3, 4)] seed: u64) {
    let story = Story::new(seed, false);
    let old = story.interrupt();
    let volume = story.node().volume.clone();
    story.until("the old instance lets go", |world| world.serving(&volume) != Some(&old)).await;
    let booted = story.world(|world| {
        world.ec2.instances().values().any(|instance| instance.id != old && instance.guest.agent_online_since.is_some())
    });
    assert!(booted, "{}", story.told());
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[case::launch(LAUNCH)]
#[case::terminate(TERMINATE)]
#[case::warning(WARNING)]
#[tokio::test(start_paused = true)]
async fn each_event_may_come_late(
    #[case] event: &str,
    #[values(20, 60, 130, 400)] late_s: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(31, rebalancing);
    story.disorder(event, DisorderKind::Late(Duration::from_secs(late_s)), 5);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[case::launch(&[LAUNCH])]
#[case::terminate(&[TERMINATE])]
#[case::warning(&[WARNING])]
#[case::both_actions(&[LAUNCH, TERMINATE])]
#[case::all(&[LAUNCH, TERMINATE, WARNING])]
#[tokio::test(start_paused = true)]
async fn events_may_be_lost(
    #[case] events: &[&str],
    #[values(32, 33, 34)] seed: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(seed, rebalancing);
    story.lose(events);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn all_events_may_come_twice(
    #[values(0, 7, 90, 300)] later_s: u64,
    #[values(35, 36)] seed: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(seed, rebalancing);
    let doubled = DisorderKind::Doubled(Duration::from_secs(later_s));
    [LAUNCH, TERMINATE, WARNING].iter().for_each(|event| story.disorder(event, doubled, 10));
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn two_warnings_in_a_row(#[values(1, 30, 100)] later_s: u64, #[values(false, true)] rebalancing: bool) {
    let story = Story::new(37, rebalancing);
    let old = story.interrupt();
    story.aws().pass(Duration::from_secs(later_s)).await;
    story.world(|world| world.interrupt(&old, SpotAction::Terminate));
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[case::stop(SpotAction::Stop)]
#[case::hibernate(SpotAction::Hibernate)]
#[tokio::test(start_paused = true)]
async fn a_node_may_be_stopped_or_hibernated(#[case] action: SpotAction, #[values(false, true)] rebalancing: bool) {
    let story = Story::new(38, rebalancing);
    let old = story.holder();
    story.world(|world| world.interrupt(&old, action));
    story.until("the stop", |world| world.ec2.instances()[&old].state.name() != "running").await;
    story.ends_well().await;
    assert_ne!(story.holder(), old);
}

/// The agent that should release: offline, gone, slow, failing, hanging.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_release_that_cannot_be_had_is_done_without(
    #[values(AgentMode::Offline, AgentMode::Gone, AgentMode::Slow, AgentMode::Failing, AgentMode::Hanging)]
    mode: AgentMode,
    #[values(41, 42)] seed: u64,
    #[values("interrupted", "terminated", "rebalanced")] how: &str,
) {
    let story = Story::new(seed, how == "rebalanced");
    let old = story.holder();
    story.world(|world| {
        world.set_agent_mode(&old, mode);
        match how {
            "interrupted" => world.interrupt(&old, SpotAction::Terminate),
            "rebalanced" => world.recommend_rebalance(&old),
            _ => drop(world.terminate_instance_in_auto_scaling_group(&old, false).expect("terminating")),
        }
    });
    story.ends_elsewhere(&old).await;
}

/// No agent anywhere: an image without it has to work too.
#[rstest]
#[tokio::test(start_paused = true)]
async fn nodes_without_the_agent_move_too(#[values("interrupted", "rebalanced")] how: &str) {
    let story = Story::new(43, how == "rebalanced");
    let old = story.holder();
    story.world(|world| {
        world.ec2.launch_with_agents(AgentMode::Offline);
        world.set_agent_mode(&old, AgentMode::Offline);
        match how {
            "interrupted" => world.interrupt(&old, SpotAction::Terminate),
            _ => world.recommend_rebalance(&old),
        }
    });
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_holder_may_die_in_the_middle_of_its_release(#[values(1, 3, 6, 9)] after_s: u64) {
    let story = Story::new(44, true);
    let old = story.holder();
    story.world(|world| world.recommend_rebalance(&old));
    let volume = story.node().volume.clone();
    story.until("the release begins", |world| world.workload_serving(&volume) != Some(&old)).await;
    story.aws().pass(Duration::from_secs(after_s)).await;
    story.world(|world| world.reclaim(&old));
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_successor_may_be_interrupted_while_it_waits(
    #[values(0, 10, 30, 60)] after_s: u64,
    #[values(45, 46)] seed: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(seed, rebalancing);
    let old = story.interrupt();
    let new = story.until_member_is("Pending:Wait").await;
    story.aws().pass(Duration::from_secs(after_s)).await;
    story.world(|world| world.interrupt(&new, SpotAction::Terminate));
    story.ends_elsewhere(&old).await;
    assert_ne!(story.holder(), new, "{}", story.told());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn launches_may_fail_three_times_for_capacity(
    #[values(47, 48)] seed: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(seed, rebalancing);
    let group = story.node().group.clone();
    story.world(|world| world.autoscaling.fail_next_launches(&group, 3));
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

/// A recommendation alone starts no replacement; Durin follows only the launches of the group itself, once.
#[rstest]
#[tokio::test(start_paused = true)]
async fn recommendations_start_no_loop_of_replacements(#[values(49, 50)] seed: u64) {
    let story = Story::new(seed, false);
    let old = story.holder();
    for _ in 0..4 {
        story.world(|world| world.recommend_rebalance(&old));
        story.aws().pass(Duration::from_secs(200)).await;
    }
    story.ends_well().await;
    assert_eq!(story.holder(), old, "{}", story.told());
    assert_eq!(story.world(|world| world.ec2.instances().len()), 1);
}

#[tokio::test(start_paused = true)]
async fn a_warning_that_comes_to_nothing_leaves_a_node_that_serves() {
    let story = Story::new(51, true);
    let old = story.holder();
    // Only the event, as a recorded one: nothing is reclaimed, and the group launches nothing.
    let event = story.world(|world| {
        serde_json::json!({
            "version": "0", "id": "e", "detail-type": WARNING, "source": "aws.ec2", "account": "123456789012",
            "time": world.now().iso_seconds(), "region": "eu-central-1", "resources": [],
            "detail": {"instance-id": old, "instance-action": "terminate"},
        })
    });
    story.world(|world| world.publish(event));
    story.aws().pass(Duration::from_secs(15 * 60)).await;
    story.ends_well().await;
    assert_eq!(story.holder(), old);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn functions_may_die_between_any_two_calls(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 45, 60)] calls: u32,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(52, rebalancing);
    for _ in 0..2 {
        for function in NODE_FUNCTIONS {
            story.kill(function, calls);
        }
    }
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_service_may_misbehave(
    #[values(FaultKind::Throttled, FaultKind::InternalError, FaultKind::ResponseLost)] kind: FaultKind,
    #[values("ec2:*", "autoscaling:*", "route53:*", "ssm:*", "*")] operations: &str,
    #[values(4, 15)] times: u32,
) {
    let story = Story::new(53, false);
    story.fault(operations, kind, times);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn no_answer_of_a_write_is_needed(
    #[values(
        "ec2:CreateTags",
        "autoscaling:TerminateInstanceInAutoScalingGroup",
        "ssm:SendCommand",
        "ec2:DetachVolume",
        "ec2:AttachVolume",
        "route53:ChangeResourceRecordSets",
        "autoscaling:CompleteLifecycleAction"
    )]
    operation: &str,
) {
    let story = Story::new(54, false);
    story.fault(operation, FaultKind::ResponseLost, 2);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

#[tokio::test(start_paused = true)]
async fn a_holder_in_standby_makes_way_when_a_replacement_is_launched() {
    let story = Story::new(55, false);
    let (old, group) = (story.holder(), story.node().group.clone());
    story.world(|world| world.enter_standby(&group, std::slice::from_ref(&old), false)).expect("standby");
    let volume = story.node().volume.clone();
    story.until("somebody else serves", |world| world.serving(&volume).is_some_and(|holder| holder != old)).await;
    let state = story.world(|world| world.ec2.instances()[&old].state.name());
    assert_eq!(state, "running", "what a person has set aside is theirs");
}

/// A group scaled to 2 by mistake: the holder serves on, and the second instance goes, and the number with it.
#[tokio::test(start_paused = true)]
async fn a_group_scaled_to_two_by_mistake_serves_on() {
    let story = Story::new(56, false);
    let old = story.holder();
    story.update_group(|group| (group.max_size, group.desired_capacity) = (Some(2), Some(2)));
    story.aws().pass(Duration::from_secs(600)).await;
    let node = story.node().clone();
    assert!(story.world(|world| outage::is_served(world, &node)));
    assert_eq!(story.holder(), old);
    assert_eq!(story.world(|world| world.autoscaling.groups()["k3s"].desired_capacity), 1);
    story.ends_well().await;
}

fn measured(set_up: SetUp, seeds: std::ops::Range<u64>) -> Vec<Outage> {
    seeds.map(|seed| outage::survive(set_up, seed).expect("survived")).collect()
}

/// The promise, on a sample of what `just outage` measures. Against the usual set-up without Capacity Rebalancing all
/// of it holds; with it, a third of the workload's outage is below what EBS and k3s take however they are automated
/// (see the next test), so there it is a half.
#[rstest]
#[case::with_rebalancing(SetUp::DurinRebalancing, SetUp::Usual, 0.5)]
#[case::without(SetUp::Durin, SetUp::UsualWithoutRebalancing, 1.0 / 3.0)]
fn the_outage_is_a_fraction_of_the_usual_one(#[case] ours: SetUp, #[case] theirs: SetUp, #[case] part: f64) {
    let (ours, theirs) = (measured(ours, 1..41), measured(theirs, 1..41));
    let (api, their_api) = (Spread::of(&ours, |it| it.api), Spread::of(&theirs, |it| it.api));
    let (work, their_work) = (Spread::of(&ours, |it| it.workload), Spread::of(&theirs, |it| it.workload));
    assert!(work.median <= their_work.median * part, "workload median {} of {}", work.median, their_work.median);
    assert!(work.p95 <= their_work.p95 / 2.0, "workload p95 {} of {}", work.p95, their_work.p95);
    assert!(api.median <= their_api.median / 2.0, "API median {} of {}", api.median, their_api.median);
    for outage in ours {
        assert_eq!((outage.lost_writes, outage.unclean_mounts, outage.complaints), (0, 0, vec![]));
    }
}

/// Of the outage, at most five seconds are Durin's own; the rest is the guest's and EBS's.
#[test]
fn at_most_five_seconds_of_the_outage_are_our_own() {
    for seed in 1..41 {
        let floor: Duration = outage::interruption(seed).hand_off().iter().map(|(_, span)| *span).sum();
        let outage = outage::survive(SetUp::Durin, seed).expect("survived");
        let own = outage.workload.saturating_sub(floor);
        assert!(own <= Duration::from_secs(5), "seed {seed}: {own:?} of {:?}", outage.workload);
    }
}
