//! Whole stories: what happens to a node, in every disorder that AWS can produce around it, and how it ends.

use std::time::Duration;

use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::eventbridge::DisorderKind;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::AgentMode;
use durin_tests::{LAUNCH, Story, TERMINATE, schedule};
use rstest::rstest;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reclaimed_node_comes_back(#[values(1, 2, 3, 4, 5, 6, 7, 8)] seed: u64) {
    let story = Story::of_one_node(seed);
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_node_terminated_by_hand_comes_back(#[values(1, 2, 3, 4)] seed: u64) {
    let story = Story::of_one_node(seed);
    let old = story.holder();
    story.world(|world| world.terminate_instances(std::slice::from_ref(&old))).expect("terminated");
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_node_terminated_through_its_group_comes_back(#[values(1, 2, 3, 4)] seed: u64) {
    let story = Story::of_one_node(seed);
    let old = story.holder();
    story.world(|world| world.terminate_instance_in_auto_scaling_group(&old, false)).expect("terminating");
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_unhealthy_node_comes_back(#[values(1, 2, 3)] seed: u64) {
    let story = Story::of_one_node(seed);
    let old = story.holder();
    story.world(|world| world.set_instance_health(&old, false, false)).expect("unhealthy");
    story.ends_elsewhere(&old).await;
}

/// The group launches the replacement first and waits for its launch action: waiting for the old holder to go would be
/// waiting forever.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_newcomer_that_was_launched_first_evicts_the_old_holder(#[values(1, 2, 3, 4, 5, 6, 7, 8)] seed: u64) {
    let story = Story::with_rebalancing(seed);
    let old = story.holder();
    story.world(|world| world.recommend_rebalance(&old));
    story.until_member_is("Pending:Wait").await;
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_newcomer_that_was_launched_at_the_warning_takes_over(#[values(1, 2, 3, 4)] seed: u64) {
    let story = Story::with_rebalancing(seed);
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[case::stop(SpotAction::Stop)]
#[case::hibernate(SpotAction::Hibernate)]
#[tokio::test(start_paused = true)]
async fn a_node_that_is_stopped_instead_of_terminated_comes_back(#[case] action: SpotAction) {
    let story = Story::of_one_node(3);
    let old = story.holder();
    story.world(|world| world.interrupt(&old, action));
    story.until("the stop", |world| world.ec2.instances()[&old].state.name() != "running").await;
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[case::launch(LAUNCH)]
#[case::terminate(TERMINATE)]
#[tokio::test(start_paused = true)]
async fn a_lost_event_is_made_up_for_by_the_schedule(#[case] lost: &str, #[values(1, 2, 3)] seed: u64) {
    let story = Story::of_one_node(seed);
    story.lose(&[lost]);
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

#[tokio::test(start_paused = true)]
async fn the_schedule_alone_brings_a_node_back() {
    let story = Story::of_one_node(5);
    story.lose(&[LAUNCH, TERMINATE]);
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn doubled_events_change_nothing(#[values(1, 2, 3, 4)] seed: u64, #[values(0, 30, 400)] later_s: u64) {
    let story = Story::of_one_node(seed);
    let doubled = DisorderKind::Doubled(Duration::from_secs(later_s));
    story.disorder(LAUNCH, doubled, 10);
    story.disorder(TERMINATE, doubled, 10);
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[case::launch(LAUNCH)]
#[case::terminate(TERMINATE)]
#[tokio::test(start_paused = true)]
async fn a_late_event_changes_nothing(#[case] late: &str, #[values(45, 200, 700)] late_s: u64) {
    let story = Story::of_one_node(6);
    story.disorder(late, DisorderKind::Late(Duration::from_secs(late_s)), 10);
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

/// What peers get wrong: the terminate event of the dead instance arrives when its successor already serves.
#[tokio::test(start_paused = true)]
async fn a_terminate_event_after_the_successor_serves_leaves_its_record_alone() {
    let story = Story::of_one_node(7);
    story.disorder(TERMINATE, DisorderKind::Late(minutes(12)), 1);
    let old = story.reclaim().await;
    let node = story.node().clone();
    story.until("the successor serves", |world| durin_cli::outage::is_served(world, &node)).await;
    let (holder, record) = (story.holder(), story.record());
    story.aws().pass(minutes(20)).await;
    assert_eq!((story.holder(), story.record()), (holder, record));
    story.ends_elsewhere(&old).await;
}

/// Between any two API calls, and once more after the retry: the next run goes on from what is there.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_function_killed_between_any_two_calls_is_resumed(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 17, 20, 25, 30, 40)] calls: u32,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(9, rebalancing);
    for _ in 0..2 {
        story.kill("durin-node-lifecycle", calls);
        story.kill("durin-node-resync", calls);
    }
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

#[rstest]
#[case::throttled(FaultKind::Throttled)]
#[case::failing(FaultKind::InternalError)]
#[case::answers_lost(FaultKind::ResponseLost)]
#[tokio::test(start_paused = true)]
async fn faults_of_every_service_are_survived(
    #[case] kind: FaultKind,
    #[values("ec2:*", "autoscaling:*", "route53:*", "*")] operations: &str,
    #[values(3, 12)] times: u32,
) {
    let story = Story::of_one_node(10);
    let old = story.reclaim().await;
    story.fault(operations, kind, times);
    story.ends_elsewhere(&old).await;
}

/// The answer of each write is lost after it was carried out.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_not_made_twice(
    #[values(
        "ec2:AttachVolume",
        "ec2:DetachVolume",
        "ec2:TerminateInstances",
        "route53:ChangeResourceRecordSets",
        "autoscaling:CompleteLifecycleAction"
    )]
    operation: &str,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(12, rebalancing);
    story.fault(operation, FaultKind::ResponseLost, 2);
    let old = story.holder();
    if rebalancing {
        story.world(|world| world.recommend_rebalance(&old));
    } else {
        story.reclaim().await;
    }
    story.ends_elsewhere(&old).await;
}

#[tokio::test(start_paused = true)]
async fn a_successor_that_dies_while_it_waits_is_replaced() {
    let story = Story::of_one_node(13);
    let old = story.reclaim().await;
    let first = story.until_member_is("Pending:Wait").await;
    story.world(|world| world.reclaim(&first));
    story.ends_elsewhere(&old).await;
    assert_ne!(story.holder(), first);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_successor_that_dies_just_after_it_took_over_is_replaced(#[values(1, 2, 3)] seed: u64) {
    let story = Story::of_one_node(seed);
    let old = story.reclaim().await;
    let volume = story.node().volume.clone();
    let taken = |world: &durin_harness::world::World| {
        world.ec2.volumes()[&volume].attachment.as_ref().is_some_and(|held| held.instance_id != old)
    };
    story.until("the successor takes the volume", taken).await;
    let first = story.holder();
    story.world(|world| world.reclaim(&first));
    story.ends_elsewhere(&first).await;
}

#[tokio::test(start_paused = true)]
async fn launches_that_fail_for_capacity_are_outlasted() {
    let story = Story::of_one_node(14);
    let group = story.node().group.clone();
    story.world(|world| {
        world.autoscaling.fail_next_launches(&group, 3);
    });
    let old = story.reclaim().await;
    story.ends_elsewhere(&old).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_survives_a_bad_day() {
    let story = Story::of_one_node(15);
    for _ in 0..5 {
        let old = story.reclaim().await;
        story.ends_elsewhere(&old).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_drifted_is_repaired_by_the_schedule() {
    let story = Story::of_one_node(16);
    let before = story.record();
    story.world(|world| {
        world.route53.tamper_with_records("k3s.durin.internal.", |set| set.values = vec!["192.0.2.1".to_owned()]);
    });
    story.ends_well().await;
    assert_eq!(story.record(), before);
}

/// Perhaps it is a node of another region that writes the same record: each sets it back for ever, and neither knows.
#[tokio::test(start_paused = true)]
async fn the_owner_is_told_that_somebody_else_writes_the_record() {
    let story = Story::without_functions(&Seed::one_node());
    let before = story.record();
    story.aws().pass(minutes(30)).await;
    story.world(|world| {
        world.route53.tamper_with_records("k3s.durin.internal.", |set| set.values = vec!["192.0.2.1".to_owned()]);
    });
    let error = story.invoke("durin-node-resync", schedule()).await.outcome.expect_err("somebody has to look");
    assert!(error.message.contains("named 192.0.2.1, which is not an instance of the node"), "{error}");
    assert_eq!(story.record(), before);
    story.invoke("durin-node-resync", schedule()).await.outcome.expect("all is well");
}

#[tokio::test(start_paused = true)]
async fn a_node_scaled_to_zero_and_back_to_one_has_its_data_and_name() {
    let story = Story::of_one_node(17);
    let (old, group) = (story.holder(), story.node().group.clone());
    let scale = |desired: u32| {
        story.update_group(|group| (group.min_size, group.desired_capacity) = (Some(0), Some(desired)));
    };
    scale(0);
    story.until("nobody is left", |world| world.autoscaling.groups()[&group].members.is_empty()).await;
    story.aws().pass(minutes(10)).await;
    scale(1);
    story.ends_elsewhere(&old).await;
}

/// The same seed tells the same story, to the letter: the SDK's jitter included. Each history has a runtime of its own,
/// because a world that goes on in the background draws from the same dice.
#[test]
fn the_same_seed_gives_the_same_history() {
    let history = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let story = Story::of_one_node(18);
            story.disorder(LAUNCH, DisorderKind::Doubled(Duration::from_secs(1)), 5);
            story.reclaim().await;
            story.fault("*", FaultKind::Throttled, 7);
            story.ends_well().await;
            story.told()
        })
    };
    assert_eq!(history(), history());
}

/// A person has run `durin-node release` on it; or it has done so itself on EC2's warning, and then was not taken. Systems
/// Manager knows of no command.
#[tokio::test(start_paused = true)]
async fn a_holder_that_has_let_go_unasked_serves_again() {
    let story = Story::of_one_node(71);
    let (holder, volume) = (story.holder(), story.node().volume.clone());
    story.world(|world| world.release(&holder));
    story.until("it has let go", |world| world.mounted_on(&volume).is_none()).await;
    story.aws().pass(Duration::from_secs(20 * 60)).await;
    let serving = story.world(|world| world.serving(&volume).map(str::to_owned));
    assert_eq!(serving, Some(holder), "{}", story.told());
    story.ends_well().await;
}

/// The first node's newcomer gives no sign of life, so that each tick of the schedule waits for it to the end.
#[tokio::test(start_paused = true)]
async fn a_node_that_waits_does_not_keep_another_from_serving_again() {
    let node = |name: &str| NodeSeed {
        name: name.to_owned(),
        record_name: format!("{name}.durin.internal"),
        capacity_rebalance: Some(true),
        ..NodeSeed::default()
    };
    let story = Story::without_functions(&Seed { seed: 1, nodes: vec![node("a"), node("b")], ..Seed::default() });
    let waiting = story.holder();
    let (volume, holder) = story.world(|world| {
        let held = world.ec2.volumes().iter().find_map(|(id, volume)| {
            let holder = volume.attachment.as_ref()?.instance_id.clone();
            (holder != waiting).then(|| (id.clone(), holder))
        });
        held.expect("the other node's")
    });
    story.world(|world| {
        world.ec2.launch_with_agents(AgentMode::Offline);
        world.recommend_rebalance(&waiting);
        world.release(&holder);
    });
    story.until_member_is("Pending:Wait").await;
    story.until("it has let go", |world| world.mounted_on(&volume).is_none()).await;
    for _ in 0..2 {
        let error = story.invoke("durin-node-resync", schedule()).await.outcome.expect_err("it waits to the end");
        assert!(error.message.contains("out of time"), "{error}");
    }
    let is_serving_again = async {
        story.aws().pass(Duration::from_secs(120)).await;
        story.world(|world| world.serving(&volume).map(str::to_owned))
    };
    let (_, serving) = tokio::join!(story.invoke("durin-node-resync", schedule()), is_serving_again);
    assert_eq!(serving, Some(holder), "{}", story.told());
}
