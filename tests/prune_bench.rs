//! What many removals cost, against EC2's own limits: `durin prune-bench` on a smaller account.

use std::time::Duration;

use durin_cli::prune_bench::{OldImages, Remover, UsualTool, measure};

const IMAGES: OldImages = OldImages { images: 1500, snapshots_each: 2, soaked: true, seed: 1 };

#[test]
fn a_removal_is_one_call_at_the_pace_that_ec2_allows() {
    let cost = measure(Remover::DURIN, &IMAGES).expect("a removal");
    assert_eq!(cost.left, 0, "{cost:?}");
    assert!(cost.each(cost.writes) <= 1.01, "one, and a tag for many: {cost:?}");
    assert!(cost.throttled_share() <= 0.01, "{cost:?}");
    assert!(cost.times_floor() <= 1.05, "{} x the floor: {cost:?}", cost.times_floor());
}

#[test]
fn a_deletion_of_each_snapshot_costs_calls_and_time() {
    let images = OldImages { images: 400, ..IMAGES };
    let ours = measure(Remover::DURIN, &images).expect("a removal");
    for tool in [UsualTool::GO, UsualTool::PYTHON] {
        let theirs = measure(Remover::Usual(tool), &images).expect("a removal");
        assert_eq!(theirs.left, 0, "{theirs:?}");
        let marks = ours.writes - images.images;
        assert!(marks <= 4 && theirs.writes >= 3 * images.images, "{theirs:?} against {ours:?}");
        assert!(theirs.took >= ours.took, "{theirs:?} against {ours:?}");
    }
}

#[test]
fn a_run_that_is_cut_short_loses_nothing_and_does_nothing_twice() {
    let images = OldImages { images: 400, snapshots_each: 1, ..IMAGES };
    let cost = measure(Remover::Durin(Duration::from_secs(40)), &images).expect("a removal");
    assert!(cost.runs > 1, "{cost:?}");
    assert_eq!(cost.left, 0, "{cost:?}");
    // Each run spends the marks, and puts those back of what it has no time for.
    let tags = cost.writes - cost.throttled - 400;
    assert!(tags <= 2 * cost.runs, "{cost:?}");
}

#[test]
fn an_image_is_disabled_at_the_pace_that_ec2_allows() {
    let cost = measure(Remover::DURIN, &OldImages { images: 600, soaked: false, ..IMAGES }).expect("a first stage");
    assert_eq!(cost.left, 0, "{cost:?}");
    assert!(cost.each(cost.writes) <= 2.01, "deprecate, disable, and a tag for many: {cost:?}");
    assert!(cost.throttled_share() <= 0.01, "{cost:?}");
}
