//! What keeps a node from coming to its next instance, in words.

use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::ec2::{Attachment, AttachmentState, RunInstances, VolumeState};
use durin_harness::world::guest::Boot;
use durin_operator::status::State;
use durin_tests::{Story, change_volumes};
use rstest::rstest;

use super::wrong::{GROUP, MINUTE, assert_wrong, tag};
use super::{report, screen};

type Mistake = fn(&mut World);

fn lend_to_a_stranger(world: &mut World) {
    let request = RunInstances {
        image_id: Some("ami-0123456789abcdef0".to_owned()),
        instance_type: Some("t3a.medium".to_owned()),
        zone: Some("eu-central-1a".to_owned()),
        count: 1,
        ..RunInstances::default()
    };
    let stranger = world.run_instances(request).expect("launched").remove(0);
    change_volumes(world, |volume| {
        volume.state = VolumeState::InUse;
        volume.attachment = Some(Attachment {
            instance_id: stranger.clone(),
            device: "/dev/sdf".to_owned(),
            state: AttachmentState::Attached,
            since: durin_harness::time::Time::GENESIS,
            delete_on_termination: false,
            is_stuck: false,
        });
    });
}

/// The holder is dead, its successor waits in the launch hook, and the volume is free.
async fn with_a_waiting_successor() -> (Story, String) {
    let story = Story::without_functions(&Seed::one_node());
    let old = story.holder();
    story.world(|world| world.reclaim(&old));
    let new = story.until_member_is("Pending:Wait").await;
    story.until("the successor runs", |world| world.ec2.instances()[&new].state.name() == "running").await;
    let is_free = |world: &World| world.ec2.volumes().values().all(|volume| volume.attachment.is_none());
    story.until("the volume is free", is_free).await;
    (story, new)
}

#[rstest]
#[case::a_stranger_has_the_volume(lend_to_a_stranger, ["is attached to i-", "detach it there"])]
#[case::there_is_no_such_volume(
    |world: &mut World| tag(world, GROUP, "durin:volume-id", "vol-00000000000000bad"),
    ["names vol-00000000000000bad, which does not exist in this region", "correct the tag or restore the volume"])]
#[case::the_volume_is_in_another_zone(
    |world: &mut World| change_volumes(world, |volume| volume.zone = "eu-central-1b".to_owned()),
    ["is in eu-central-1b, but the Auto Scaling group k3s launched i-", "give the group only subnets in eu-central-1b"])]
#[case::nobody_says_whose_the_volume_is(
    |world: &mut World| change_volumes(world, |volume| drop(volume.tags.remove("durin:node"))),
    ["has no tag durin:node that agrees", "aws ec2 create-tags --resources vol-"])]
#[tokio::test(start_paused = true)]
async fn what_keeps_the_volume_from_the_successor_is_told(#[case] mistake: Mistake, #[case] expected: [&str; 2]) {
    let (story, _) = with_a_waiting_successor().await;
    story.world(mistake);
    let report = report(&story).await;
    assert_wrong(&report, &[expected]);
    assert_eq!(report.nodes[0].state, State::Away);
}

#[tokio::test(start_paused = true)]
async fn functions_that_do_not_see_to_a_launch_are_told() {
    let (story, new) = with_a_waiting_successor().await;
    assert!(report(&story).await.well, "a hand-off is under way");
    story.aws().pass(12 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["and is not in service yet, although a hand-off takes a minute or two", "aws logs tail"]]);
    assert!(report.nodes[0].wrong[0].what.starts_with(&new), "{}", screen(&report));
    assert_eq!(report.nodes[0].state, State::Moves);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_does_not_arrive_is_told() {
    let (story, new) = with_a_waiting_successor().await;
    let volume = story.node().volume.clone();
    story.world(|world| {
        world.ec2.stick_attach(&volume);
        world.attach_volume(&volume, &new, "/dev/sdf").expect("attaching");
    });
    story.aws().pass(6 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["EC2 is still attaching vol-", "aws logs tail /aws/lambda/durin-node-lifecycle"]]);
}

/// A new image lacks something, and the holder, which may stay, stays.
#[tokio::test(start_paused = true)]
async fn an_image_that_is_not_fit_is_told() {
    let story = Story::with_rebalancing(101);
    let old = story.holder();
    story.world(|world| {
        world.guest_ways.boot_next(Boot::Unfit, 100);
        world.recommend_rebalance(&old);
    });
    story.until_member_is("Pending:Wait").await;
    story.aws().pass(3 * MINUTE).await;
    let report = report(&story).await;
    assert_wrong(&report, &[["and is not fit for it", "publish an image that is (just rollback, or a new bake)"]]);
    assert_eq!(report.nodes[0].holder.as_ref().map(|holder| holder.instance.clone()), Some(old));
}
