//! What AWS, Linux and people do on bad days, and how long the node is away for it.

use std::time::Duration;

use durin_cli::outage;
use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::autoscaling::{AutoScalingChange, LifecycleState, Process, StartInstanceRefresh};
use durin_harness::world::ec2::{AttachmentState, SpotAction};
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::{AgentMode, Boot};
use durin_harness::world::history::{Change, Fact};
use durin_harness::world::latency::Range;
use durin_tests::{Invoked, Story, schedule};
use rstest::rstest;

const GROUP: &str = "k3s";
const HOUR: Duration = Duration::from_secs(3_600);

/// For how long k3s runs nowhere in so long a time.
async fn away_in(story: &Story, span: Duration) -> Duration {
    const LOOK: Duration = Duration::from_secs(3);
    let volume = story.node().volume.clone();
    let mut away = Duration::ZERO;
    for _ in 0..span.as_secs() / LOOK.as_secs() {
        story.aws().pass(LOOK).await;
        if story.world(|world| world.serving(&volume).is_none()) {
            away += LOOK;
        }
    }
    away
}

fn refresh(world: &mut World) {
    let request = StartInstanceRefresh {
        group: GROUP.to_owned(),
        min_healthy: Some(100),
        max_healthy: Some(110),
        ..Default::default()
    };
    world.start_instance_refresh(request).expect("started");
}

fn newest(world: &World) -> String {
    let instances = world.ec2.instances().values();
    instances.max_by_key(|instance| instance.launched).map(|instance| instance.id.clone()).expect("an instance")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How long a hand-off may take here in which nothing is lost: a slow day's release, detachment, attachment and start.
const HAND_OFF: Duration = Duration::from_secs(75);

// What is known too late.

/// It was rebooted since, and has the volume mounted.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_release_of_an_hour_ago_is_asked_for_again(#[values(1, 2, 3)] seed: u64) {
    let story = Story::new(seed, false);
    let old = story.let_go_in_vain().await;
    story.world(|world| world.reboot_instances(std::slice::from_ref(&old))).expect("rebooted");
    let node = story.node().clone();
    story.until("it serves again", |world| outage::is_served(world, &node)).await;
    story.aws().pass(HOUR).await;
    assert_eq!(story.holder(), old);
    story.world(refresh);
    let away = away_in(&story, seconds(600)).await;
    assert!(away < HAND_OFF, "{away:?}\n{}", story.told());
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
    story.ends_elsewhere(&old).await;
}

/// The panic comes between the release and the detachment.
#[tokio::test(start_paused = true)]
async fn a_holder_that_crashes_after_its_release_loses_nothing() {
    let story = Story::new(4, false);
    let volume = story.node().volume.clone();
    let old = story.interrupt();
    story.until("the holder has let go", |world| world.mounted_on(&volume).is_none()).await;
    story.world(|world| world.panic_kernel(&old));
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

// What is attached and does not serve.

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_holder_that_let_go_for_nothing_serves_again(#[values(1, 2, 3)] seed: u64) {
    let story = Story::new(seed, false);
    let old = story.let_go_in_vain().await;
    let away = away_in(&story, HOUR / 4).await;
    assert!(away < seconds(420), "{away:?}\n{}", story.told());
    assert_eq!(story.holder(), old);
    story.ends_well().await;
}

/// Its successor has died between the release and the detachment.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_holder_whose_successor_dies_serves_again_or_is_followed(#[values(1, 2, 3)] seed: u64) {
    let story = Story::new(seed, false);
    let volume = story.node().volume.clone();
    let old = story.holder();
    story.world(refresh);
    story.until("the holder lets go", |world| world.serving(&volume).is_none()).await;
    story.world(|world| {
        let new = newest(world);
        assert_ne!(new, old);
        world.reclaim(&new);
    });
    let away = away_in(&story, HOUR / 4).await;
    assert!(away < seconds(300), "{away:?}\n{}", story.told());
    story.ends_well().await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// The same of a holder that has the volume only since a minute ago, so that nobody supposes that it was asked.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_young_holder_whose_successor_dies_is_not_taken_for_one_that_serves(#[values(1, 2, 3, 4, 5, 6)] seed: u64) {
    let story = Story::new(seed, false);
    let node = story.node().clone();
    let first = story.reclaim().await;
    let has_moved = |world: &World| outage::is_served(world, &node) && world.serving(&node.volume) != Some(&first);
    story.until("the node has moved", has_moved).await;
    story.aws().pass(seconds(60)).await;
    let old = story.holder();
    story.world(refresh);
    story.until("the holder lets go", |world| world.serving(&node.volume).is_none()).await;
    story.world(|world| {
        let new = newest(world);
        assert_ne!(new, old);
        world.reclaim(&new);
    });
    let away = away_in(&story, HOUR / 4).await;
    assert!(away < seconds(150), "{away:?}\n{}", story.told());
    story.ends_well().await;
}

/// The one's mark may be written over the other's.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_recommendation_at_the_moment_of_the_warning_costs_nothing(#[values(1, 2, 3, 4)] seed: u64) {
    let story = Story::new(seed, true);
    let old = story.holder();
    story.world(|world| world.recommend_rebalance(&old));
    let again = story.reclaim().await;
    assert_eq!(again, old);
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

#[tokio::test(start_paused = true)]
async fn the_schedule_counts_a_holder_that_has_let_go_as_no_holder() {
    let story = Story::without_functions(&Seed::one_node());
    story.let_go_in_vain().await;
    let Invoked { calls, .. } = story.invoke("durin-node-resync", schedule()).await;
    assert!(calls.contains(&"ssm:SendCommand".to_owned()), "{calls:?}");
}

// Silence.

/// Whatever has its successor launched: the holder serves on, for hours.
#[rstest]
#[case::never_boots(Boot::Never)]
#[case::is_not_fit(Boot::Unfit)]
#[tokio::test(start_paused = true)]
async fn a_bad_image_takes_no_healthy_node_down(
    #[case] boot: Boot,
    #[values(refresh, recommend, retire)] cause: fn(&mut World),
) {
    let story = Story::new(1, true);
    let old = story.holder();
    story.world(|world| {
        world.guest_ways.boot_next(boot, 1_000);
        cause(world);
    });
    let away = away_in(&story, HOUR).await;
    assert_eq!((away, story.holder()), (Duration::ZERO, old), "{}", story.told());
}

fn holder(world: &World) -> String {
    let held = world.ec2.volumes().values().find_map(|volume| volume.attachment.clone());
    held.expect("a holder").instance_id
}

fn recommend(world: &mut World) {
    world.recommend_rebalance(&holder(world));
}

fn retire(world: &mut World) {
    world.schedule_retirement(&holder(world));
}

// Break before make.

/// A pool without capacity, or a group that may launch nothing.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_retirement_without_a_successor_ends_nothing(
    #[values(without_capacity, suspended)] obstacle: fn(&mut World),
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(7, rebalancing);
    let old = story.holder();
    story.world(|world| {
        obstacle(world);
        retire(world);
    });
    let away = away_in(&story, HOUR).await;
    assert_eq!((away, story.holder()), (Duration::ZERO, old.clone()), "{}", story.told());
    story.world(|world| {
        world.autoscaling.end_shortages();
        world.resume_processes(GROUP, &[Process::Launch]).expect("resumed");
        // Health says it once; the mark on the instance says it from then on.
    });
    let away = away_in(&story, HOUR).await;
    assert!(away < HAND_OFF, "{away:?}\n{}", story.told());
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

fn without_capacity(world: &mut World) {
    world.autoscaling.fail_launches_until(GROUP, world.now() + HOUR * 24);
}

fn suspended(world: &mut World) {
    world.suspend_processes(GROUP, &[Process::Launch]).expect("suspended");
}

/// Its group can give it no successor, and it goes all the same: what it has written is on the disk.
#[tokio::test(start_paused = true)]
async fn an_interruption_while_nothing_may_be_launched_is_clean() {
    let story = Story::new(8, false);
    story.world(suspended);
    let old = story.reclaim().await;
    story.world(|world| world.resume_processes(GROUP, &[Process::Launch])).expect("resumed");
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// A group that is at something else refuses to replace the holder, to the end.
#[tokio::test(start_paused = true)]
async fn a_busy_group_does_not_keep_a_warned_holder_from_letting_go() {
    let story = Story::new(9, false);
    story.world(|world| world.autoscaling.conflict_with_next(GROUP, 10_000));
    let old = story.reclaim().await;
    story.world(|world| world.autoscaling.end_conflicts());
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// The new image has something else where the volume belongs: the old one serves, and the mistake is told.
#[tokio::test(start_paused = true)]
async fn a_successor_whose_device_is_taken_evicts_nobody() {
    let story = Story::new(10, false);
    let old = story.holder();
    story.world(|world| {
        let image = world.ec2.instances()[&old].image_id.clone();
        world.ec2.tamper_with_image(&image, |image| {
            let mut other = image.block_devices[0].clone();
            other.device_name = "/dev/sdf".to_owned();
            image.block_devices.push(other);
        });
        refresh(world);
    });
    let away = away_in(&story, HOUR / 2).await;
    assert_eq!((away, story.holder()), (Duration::ZERO, old), "{}", story.told());
    let told = |fact: &Fact| matches!(fact, Fact::Answered { .. }) && format!("{fact:?}").contains("where vol-");
    assert!(story.world(|world| world.history().iter().any(|entry| told(&entry.fact))), "{}", story.told());
}

// States that EC2 never leaves.

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_volume_that_does_not_leave_its_holder_is_freed_by_its_end(#[values(1, 2, 3)] seed: u64) {
    let story = Story::new(seed, false);
    let old = story.holder();
    story.world(|world| {
        world.ec2.stick_detach(&old);
        refresh(world);
    });
    let away = away_in(&story, HOUR / 2).await;
    assert!(away < seconds(300), "{away:?}\n{}", story.told());
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_volume_that_does_not_arrive_goes_to_the_next_newcomer(
    #[values(false, true)] rebalancing: bool,
    #[values(1, 2)] seed: u64,
) {
    let story = Story::new(seed, rebalancing);
    let volume = story.node().volume.clone();
    story.world(|world| world.ec2.stick_attach(&volume));
    let old = story.interrupt();
    let away = away_in(&story, HOUR / 2).await;
    assert!(away < seconds(420), "{away:?}\n{}", story.told());
    story.ends_elsewhere(&old).await;
}

/// It is mounted, so it leaves when it is unmounted.
#[tokio::test(start_paused = true)]
async fn a_volume_that_a_person_detaches_does_not_block_the_next_hand_off() {
    let story = Story::new(11, false);
    let (old, volume) = (story.holder(), story.node().volume.clone());
    story.world(|world| world.detach_volume(&volume, Some(&old), None, false)).expect("asked for");
    story.aws().pass(seconds(600)).await;
    let state = story.world(|world| world.ec2.volumes()[&volume].attachment.as_ref().map(|held| held.state));
    assert_eq!(state, Some(AttachmentState::Busy));
    story.world(refresh);
    let away = away_in(&story, HOUR / 2).await;
    assert!(away < HAND_OFF, "{away:?}\n{}", story.told());
    let held = story.holder();
    assert_ne!(held, old, "{}", story.told());
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

// "Already done" that means "not yet".

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_newcomer_goes_into_service_though_its_action_begins_late(#[values(1, 2, 3)] seed: u64) {
    let story = Story::new(seed, false);
    story.world(|world| world.latency.lifecycle_action_exists = Range::from_secs(3, 3));
    let begun = story.world(|world| world.now());
    let old = story.interrupt();
    let in_service = Change::AutoScaling(AutoScalingChange::Lifecycle(LifecycleState::InService));
    story.aws().pass(seconds(240)).await;
    let at = story.world(|world| {
        let entries = world.history().iter().filter(|entry| entry.at >= begun);
        let mut in_service =
            entries.filter(|entry| matches!(&entry.fact, Fact::Changed { change, .. } if *change == in_service));
        in_service.next().map(|entry| entry.at)
    });
    let took = at.unwrap_or_else(|| panic!("never\n{}", story.told())).since(begun);
    // It goes when k3s answers, a quarter of a minute after it was given the volume.
    assert!(took < seconds(150), "{took:?}\n{}", story.told());
    story.ends_elsewhere(&old).await;
}

// The volume first.

#[rstest]
#[case::the_record_cannot_be_read_or_written("route53:*", FaultKind::InternalError)]
#[case::route_53_throttles("route53:*", FaultKind::Throttled)]
#[case::marks_cannot_be_made("ec2:CreateTags", FaultKind::InternalError)]
#[case::route_53_does_not_answer("route53:*", FaultKind::Silent)]
#[case::marks_are_not_answered("ec2:CreateTags", FaultKind::Silent)]
#[case::kms_does_not_answer("kms:*", FaultKind::Silent)]
#[tokio::test(start_paused = true)]
async fn the_volume_moves_whatever_else_fails(
    #[case] operations: &str,
    #[case] kind: FaultKind,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(12, rebalancing);
    story.world(|world| world.faults.plan_until(operations, kind, world.now() + HOUR * 2));
    let old = story.interrupt();
    let away = away_in(&story, HOUR / 2).await;
    assert!(away < HAND_OFF, "{away:?}\n{}", story.told());
    assert_ne!(story.holder(), old, "{}", story.told());
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
    story.aws().pass(HOUR * 2).await;
    story.ends_well().await;
}

/// Its successor is not there yet, and it has two minutes.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_warned_holder_lets_go_in_time_whatever_does_not_answer(
    #[values("kms:*", "ec2:CreateTags", "route53:*")] operations: &str,
) {
    let story = Story::new(12, false);
    let group = story.node().group.clone();
    story.world(|world| {
        world.autoscaling.fail_launches_until(&group, world.now() + HOUR / 10);
        world.faults.plan_until(operations, FaultKind::Silent, world.now() + HOUR);
    });
    let old = story.interrupt();
    story.aws().pass(HOUR * 2).await;
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// Without a deadline the holder does not go on the strength of silence.
#[tokio::test(start_paused = true)]
async fn without_systems_manager_a_healthy_holder_serves_on() {
    let story = Story::new(13, false);
    let old = story.holder();
    story.world(|world| {
        world.faults.plan_until("ssm:*", FaultKind::InternalError, world.now() + HOUR / 3);
        refresh(world);
    });
    let away = away_in(&story, HOUR / 3).await;
    assert_eq!((away, story.holder()), (Duration::ZERO, old.clone()), "{}", story.told());
    let away = away_in(&story, HOUR / 2).await;
    assert!(away < HAND_OFF, "{away:?}\n{}", story.told());
    story.ends_elsewhere(&old).await;
}

/// Its agent is dead, and so it cannot be asked; but its successor's lives.
#[tokio::test(start_paused = true)]
async fn a_holder_without_an_agent_goes_when_its_successor_has_one() {
    let story = Story::new(14, false);
    let old = story.holder();
    story.world(|world| {
        world.set_agent_mode(&old, AgentMode::Gone);
        refresh(world);
    });
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

// The warned newcomer.

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_newcomer_that_is_warned_while_the_volume_comes_lets_go_in_order(
    #[values(1, 2, 3, 4, 5, 6)] seed: u64,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(seed, rebalancing);
    let volume = story.node().volume.clone();
    let old = story.interrupt();
    let comes = |world: &World| {
        let held = world.ec2.volumes()[&volume].attachment.as_ref();
        held.is_some_and(|held| held.instance_id != old && held.state == AttachmentState::Attaching)
    };
    story.until("the volume comes", comes).await;
    let warned = story.holder();
    story.world(|world| world.interrupt(&warned, SpotAction::Terminate));
    let away = away_in(&story, HOUR / 2).await;
    assert!(away < HAND_OFF * 2, "{away:?}\n{}", story.told());
    story.ends_elsewhere(&warned).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}
