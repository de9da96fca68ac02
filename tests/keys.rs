//! A data volume whose key nobody can use any more. While it is attached nobody notices; once detached, it is lost to the
//! node.

use std::time::Duration;

use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::kms::KeyState;
use durin_tests::{HEALS_WITHIN, Story};
use rstest::rstest;

const HOUR: Duration = Duration::from_secs(3_600);

/// The node's volume is under a key of the account's own, which is in that state now.
fn with_key(story: &Story, state: KeyState, fails_late: bool) -> String {
    let volume = story.node().volume.clone();
    story.world(|world| {
        let arn = world.create_key();
        world.ec2.tamper_with_volume(&volume, |volume| volume.key = Some(arn.clone()));
        world.change_key(&arn, |key| (key.state, key.fails_late) = (state, fails_late));
        arn
    })
}

/// What the functions have failed of.
fn failures(world: &World) -> Vec<String> {
    world.history().iter().filter_map(|entry| entry.fact.failure()).map(str::to_owned).collect()
}

const PENDING_DELETION: KeyState = KeyState::PendingDeletion { from: Time(1_800_000_000_000) };

/// The holder keeps what it has, newcomers that wait in vain are given up, and a person is told what to do. Then the
/// hand-off goes on.
#[rstest]
#[case::disabled(KeyState::Disabled, "aws kms enable-key")]
#[case::going_to_be_deleted(PENDING_DELETION, "aws kms cancel-key-deletion")]
#[tokio::test(start_paused = true)]
async fn a_holder_without_a_deadline_does_not_let_go(
    #[case] state: KeyState,
    #[case] remedy: &str,
    #[values(false, true)] fails_late: bool,
    #[values(false, true)] rebalancing: bool,
) {
    let story = Story::new(51, rebalancing);
    let (old, volume) = (story.holder(), story.node().volume.clone());
    let key = with_key(&story, state, fails_late);
    story.world(|world| if rebalancing { world.recommend_rebalance(&old) } else { world.schedule_retirement(&old) });
    for _ in 0..60 {
        story.aws().pass(HOUR / 60).await;
        assert!(story.world(|world| world.serving(&volume).is_some()), "{}", story.told());
    }
    let told = story.world(|world| failures(world));
    assert!(told.iter().any(|it| it.contains(&key) && it.contains(remedy)), "{told:?}");
    story.world(|world| world.change_key(&key, |key| key.state = KeyState::Enabled));
    story.until("another instance has the volume", |world| world.mounted_on(&volume).is_some_and(|it| it != old)).await;
    assert!(story.stage.heals(HEALS_WITHIN).await, "{}", story.told());
    assert_eq!(story.unclean_mounts(), 0, "{}", story.told());
}

/// Its end is certain, so the volume leaves in good order; what is wrong is said until somebody mends it.
#[rstest]
#[tokio::test(start_paused = true)]
async fn an_interrupted_node_comes_back_when_its_key_does(#[values(false, true)] fails_late: bool) {
    let story = Story::of_one_node(52);
    let key = with_key(&story, KeyState::Disabled, fails_late);
    let old = story.interrupt();
    story.aws().pass(HOUR / 4).await;
    let told = story.world(|world| failures(world));
    assert!(told.iter().any(|it| it.contains(&key) && it.contains("aws kms enable-key")), "{told:?}");
    assert_eq!(story.unclean_mounts(), 0);
    story.world(|world| world.change_key(&key, |key| key.state = KeyState::Enabled));
    story.ends_elsewhere(&old).await;
}
