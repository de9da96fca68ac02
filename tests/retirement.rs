//! A host retires: in two weeks EC2 stops the instance. All that time the group may have no capacity for a successor.

use std::time::Duration;

use durin_harness::world::autoscaling::Process;
use durin_harness::world::latency::Range;
use durin_tests::Story;
use rstest::rstest;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// In two days.
fn retire(story: &Story) -> String {
    let old = story.holder();
    story.world(|world| {
        world.latency.retirement = Range::exactly(2 * DAY);
        world.schedule_retirement(&old);
    });
    old
}

/// How long it is served after the announcement, in whole looks. A hand-off takes half a minute, and none is overlooked.
async fn served_for(story: &Story, at_most: Duration) -> Duration {
    const LOOK: Duration = Duration::from_secs(10);
    let volume = story.node().volume.clone();
    let mut served = Duration::ZERO;
    while served < at_most && story.world(|world| world.serving(&volume).is_some()) {
        story.aws().pass(LOOK).await;
        served += LOOK;
    }
    served
}

/// On the last day it goes, cleanly, and a day before it has to: so long a person has time to find an instance type that is
/// to be had.
#[tokio::test(start_paused = true)]
async fn without_capacity_it_serves_until_the_last_day() {
    let story = Story::of_one_node(61);
    let group = story.node().group.clone();
    story.world(|world| world.autoscaling.fail_launches_until(&group, world.now() + DAY + 6 * HOUR));
    let old = retire(&story);
    let served = served_for(&story, 2 * DAY).await;
    assert!(served >= DAY && served < DAY + HOUR, "{served:?}\n{}", story.told());
    story.aws().pass(6 * HOUR).await;
    // Auto Scaling gives up after a day of failures.
    story.world(|world| world.resume_processes(&group, &[Process::Launch])).expect("resumed");
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// Asked for two, the group has tried all the time.
#[tokio::test(start_paused = true)]
async fn capacity_that_comes_late_is_early_enough() {
    let story = Story::of_one_node(62);
    let group = story.node().group.clone();
    story.world(|world| world.autoscaling.fail_launches_until(&group, world.now() + 20 * HOUR));
    let old = retire(&story);
    let served = served_for(&story, 2 * DAY).await;
    assert!(served >= 20 * HOUR && served < DAY, "{served:?}\n{}", story.told());
    story.aws().pass(HOUR / 30).await;
    assert!(story.world(|world| world.serving(&story.node().volume).is_some()), "{}", story.told());
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// A group that may not be two: a day before, the node is replaced all the same, while somebody can still help.
#[tokio::test(start_paused = true)]
async fn a_group_that_may_not_be_two_is_replaced_on_the_last_day() {
    let story = Story::of_one_node(63);
    story.update_group(|group| group.max_size = Some(1));
    let old = retire(&story);
    let served = served_for(&story, 2 * DAY).await;
    assert!(served >= DAY && served < DAY + HOUR, "{served:?}\n{}", story.told());
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// Nothing is ended while nothing can follow; but stopped with the volume mounted is worse than stopped.
#[rstest]
#[tokio::test(start_paused = true)]
async fn while_launches_are_suspended_it_lets_go_for_the_stop_alone() {
    let story = Story::of_one_node(64);
    let group = story.node().group.clone();
    story.world(|world| world.suspend_processes(&group, &[Process::Launch])).expect("suspended");
    retire(&story);
    let served = served_for(&story, 2 * DAY).await;
    assert!(served > 2 * DAY - HOUR / 2 && served < 2 * DAY, "{served:?}\n{}", story.told());
    story.aws().pass(HOUR).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// The event is lost, and EC2 goes on saying that it stops the instance.
#[tokio::test(start_paused = true)]
async fn what_no_event_has_announced_is_seen_within_the_hour() {
    let story = Story::of_one_node(67);
    story.lose(&["AWS Health Event"]);
    let old = retire(&story);
    let served = served_for(&story, 2 * HOUR).await;
    story.aws().pass(HOUR / 2).await;
    assert_ne!(story.holder(), old, "served for {served:?}\n{}", story.told());
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}
