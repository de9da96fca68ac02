//! What is here again after its removal, or was out of our sight for long, soaks anew.

use durin_decisions::images::Mark;

use super::*;

/// The mark of something that we marked so long ago, and then began to remove.
fn spent(marked_ago: Duration, removed_ago: Duration) -> String {
    let mark = Mark::read(&timestamp(now() - marked_ago)).expect("a mark");
    mark.spent(now() - removed_ago)
}

fn image_back(removed_ago: Duration) -> Image {
    marked(disabled(1, removed_ago + 2 * DAY), STALE_SINCE, &spent(removed_ago + 2 * DAY, removed_ago))
}

fn snapshot_back(removed_ago: Duration) -> Snapshot {
    with_tag(orphan(1), STALE_SINCE, &spent(removed_ago + 2 * DAY, removed_ago))
}

fn snapshot_verdict(snapshot: Snapshot) -> SnapshotVerdict {
    planned(&[], &[snapshot], References::default()).snapshots[0].verdict.clone()
}

/// From the Recycle Bin, or because the run that was about to remove it has died.
#[rstest]
#[case::at_once(Duration::ZERO)]
#[case::a_day_later(DAY)]
#[case::weeks_later(20 * DAY)]
fn what_is_back_after_its_removal_soaks_anew(#[case] removed_ago: Duration) {
    assert_eq!(verdict(image_back(removed_ago)), ImageVerdict::Disable);
    assert_eq!(snapshot_verdict(snapshot_back(removed_ago)), SnapshotVerdict::Mark);
}

#[test]
fn what_is_back_and_needed_loses_its_mark() {
    let image = marked(image_back(DAY), KEEP, "");
    assert!(image.is_deprecated_by_us(), "the deprecation goes with it");
    assert_eq!(verdict(image), ImageVerdict::Enable(Keep::Tagged));
    let snapshot = with_tag(snapshot_back(DAY), KEEP, "");
    assert_eq!(snapshot_verdict(snapshot), SnapshotVerdict::Unmark(Keep::Tagged));
}

#[test]
fn an_image_that_is_back_and_can_be_launched_is_disabled_before_it_goes() {
    let image = Image { state: ImageState::Available, ..image_back(DAY) };
    assert_eq!(verdict(image), ImageVerdict::Disable);
}

/// A person has taken our deprecation off it, so what it is disabled for is theirs.
#[test]
fn an_image_that_is_back_and_used_by_a_person_stays() {
    let image = Image { deprecated: None, ..image_back(DAY) };
    assert_eq!(verdict(image), ImageVerdict::Keep(Keep::DisabledByOthers));
}

/// It was of no family for a while, or the functions were away: nobody has seen whether it was needed.
#[rstest]
#[case::seen_by_the_runs_of_the_last_days(9 * DAY, true)]
#[case::out_of_sight_for_a_week(9 * DAY + SECOND, false)]
#[case::out_of_sight_for_a_year(365 * DAY, false)]
fn a_mark_is_believed_for_a_week_after_its_soaking(#[case] ago: Duration, #[case] believed: bool) {
    let old = |image: Image| Image { created: Some(now() - 500 * DAY), ..image };
    let expected = if believed { ImageVerdict::Deregister } else { ImageVerdict::Disable };
    assert_eq!(verdict(old(disabled(1, ago))), expected);
    let old = |snapshot: Snapshot| Snapshot { started: Some(now() - 500 * DAY), ..snapshot };
    let expected = if believed { SnapshotVerdict::Delete } else { SnapshotVerdict::Mark };
    assert_eq!(snapshot_verdict(old(orphaned(1, ago))), expected);
}
