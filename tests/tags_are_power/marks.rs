//! What a mark is about.

use std::time::Duration;

use aws_smithy_async::time::TimeSource;
use durin::risk::{Risk, RiskReason};
use durin::tags::AT_RISK;
use durin_harness::world::ec2::SpotAction;
use durin_tests::{HEALS_WITHIN, Story, WARNING, mark};

/// A mark that a group propagates, or that came with a copy, is about somebody else.
#[tokio::test(start_paused = true)]
async fn a_mark_is_believed_on_its_own_instance_alone() {
    let story = Story::of_one_node(32);
    let old = story.holder();
    let reclaim = story.aws().clock().now() + Duration::from_secs(120);
    let risk = Risk { reason: RiskReason::Interruption, until: Some(reclaim) };
    let retirement = Risk { reason: RiskReason::Retirement, until: None };
    for risk in [risk, retirement] {
        story.world(|world| {
            let of_another = mark(world, &old, risk).replace(&old, "i-0123456789abcdef0");
            world.create_tags(std::slice::from_ref(&old), &[(AT_RISK.to_owned(), of_another)]).expect("tagged");
        });
        story.aws().pass(HEALS_WITHIN).await;
        assert_eq!(story.holder(), old);
    }
    // What is held up by that: on its own instance the same mark moves the node.
    let later = story.aws().clock().now() + Duration::from_secs(1200);
    story.world(|world| {
        let value = mark(world, &old, Risk { until: Some(later), ..risk });
        world.create_tags(std::slice::from_ref(&old), &[(AT_RISK.to_owned(), value)]).expect("tagged");
    });
    story.ends_elsewhere(&old).await;
}

/// EC2 warns, changes its mind, and warns again a quarter of an hour later: the second warning is as good as the first.
#[tokio::test(start_paused = true)]
async fn a_warning_after_one_that_came_to_nothing_counts() {
    let story = Story::with_rebalancing(33);
    let old = story.holder();
    let passed = story.aws().clock().now() - Duration::from_secs(15 * 60);
    story.world(|world| {
        let value = mark(world, &old, Risk { reason: RiskReason::Interruption, until: Some(passed) });
        world.create_tags(std::slice::from_ref(&old), &[(AT_RISK.to_owned(), value)]).expect("tagged");
        world.interrupt(&old, SpotAction::Terminate);
    });
    story.ends_elsewhere(&old).await;
    assert_eq!(story.unclean_mounts(), 0);
}

/// A warning that comes when its time has passed is about nobody who lives.
#[tokio::test(start_paused = true)]
async fn a_late_warning_marks_nobody() {
    let story = Story::of_one_node(34);
    let old = story.holder();
    let warning = story.world(|world| {
        let at = (world.now() - Duration::from_secs(600)).iso_seconds();
        serde_json::json!({
            "version": "0", "id": "12345678-1234-1234-1234-123456789012", "detail-type": WARNING, "source": "aws.ec2",
            "account": "123456789012", "time": at, "region": "eu-central-1", "resources": [],
            "detail": {"instance-id": old, "instance-action": "terminate"},
        })
    });
    story.world(|world| world.publish(warning));
    story.aws().pass(HEALS_WITHIN).await;
    assert_eq!(story.holder(), old);
    assert!(!story.world(|world| world.ec2.instances()[&old].tags.contains_key(AT_RISK)));
}
