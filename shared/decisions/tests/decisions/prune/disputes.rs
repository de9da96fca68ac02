//! Images that two families claim stay as they are, and each verdict names the other.

use super::*;

fn of_family(image: Image, family: &str) -> Image {
    marked(image, FAMILY, family)
}

fn verdicts(images: &[Image], snapshots: &[Snapshot]) -> Vec<String> {
    planned(images, snapshots, References::default()).images.iter().map(|entry| entry.verdict.to_string()).collect()
}

#[test]
fn two_names_of_one_parameter_are_two_families() {
    let images = [of_family(stale(1), "/k3s"), of_family(stale(2), "k3s")];
    let [one, other] = verdicts(&images, &[]).try_into().expect("two");
    assert!(one.starts_with("keep: of two families: the family k3s has"), "{one}");
    assert!(other.starts_with("keep: of two families: the family /k3s has"), "{other}");
}

#[test]
fn a_path_is_one_parameter_with_its_slash_alone() {
    let images = [of_family(stale(1), "/images/k3s"), of_family(stale(2), "/images/k4s")];
    assert_eq!(verdicts(&images, &[]), ["disable", "disable"]);
}

#[test]
fn an_image_whose_snapshot_names_another_family_is_of_two() {
    let theirs = with_tag(orphan(1), FAMILY, "/images/theirs");
    let [verdict] = verdicts(&[stale(1)], &[theirs]).try_into().expect("one");
    assert!(verdict.contains(&format!("{} is tagged {FAMILY}=/images/theirs", snapshot_id(1))), "{verdict}");
}

#[test]
fn images_of_two_families_with_one_snapshot_name_each_other() {
    let images = [stale(1), of_family(Image { snapshots: vec![snapshot_id(1)], ..stale(2) }, "/images/theirs")];
    let [one, other] = verdicts(&images, &[]).try_into().expect("two");
    assert!(one.contains("of the family /images/theirs") && one.contains(id(2).as_str()), "{one}");
    assert!(other.contains("of the family /images/k3s") && other.contains(id(1).as_str()), "{other}");
}

/// It is never ours to remove. When it is gone, the snapshot that it shared is an orphan like any other.
#[test]
fn an_image_of_no_family_claims_its_snapshots_for_as_long_as_it_is_there() {
    let other = Image { snapshots: vec![snapshot_id(1)], tags: BTreeMap::new(), ..stale(2) };
    let malformed = of_family(other.clone(), "a family");
    for other in [other, malformed] {
        let images = [stale(1), other.clone()];
        assert!(verdicts(&images, &[]).contains(&"disable".to_owned()));
        let of_snapshot = |images: &[Image], snapshot: Snapshot| {
            planned(images, &[snapshot], References::default()).snapshots[0].verdict.clone()
        };
        let kept = SnapshotVerdict::Unmark(Keep::OfImage(other.id.clone()));
        assert_eq!(of_snapshot(&[other], orphaned(1, 3 * DAY)), kept, "the days before do not count");
        assert_eq!(of_snapshot(&[], orphan(1)), SnapshotVerdict::Mark);
    }
}

/// Left alone, but not left disabled: to enable it is what its owner could do at any time.
#[test]
fn a_disputed_image_that_is_needed_is_enabled_again_and_no_other_is_removed() {
    let theirs = with_tag(orphan(1), FAMILY, "/images/theirs");
    let soaked = disabled(1, 9 * DAY);
    let kept = marked(soaked.clone(), KEEP, "");
    assert_eq!(verdicts(&[kept], std::slice::from_ref(&theirs)), ["enable again: tagged durin:keep"]);
    assert!(verdicts(&[soaked], &[theirs])[0].starts_with("keep: of two families"));
}
