//! The way back to an image that is gone: CreateImage and CopyImage describe their snapshots; for all others there is our
//! tag, and a snapshot that says nothing stays while it might be of an image in use.

use super::*;

fn instance() -> Reference {
    Reference::Instance("i-0123456789abcdef0".to_owned())
}

/// Something refers to this image.
fn in_use(number: u32) -> References {
    let mut references = References::default();
    references.add_image(id(number).as_str(), instance());
    references
}

/// What a person has to do with it: a month old, of a family, and in use.
fn needed(number: u32, snapshots: &[u32]) -> Image {
    let snapshots = snapshots.iter().map(|number| snapshot_id(*number)).collect();
    marked(Image { snapshots, ..stale(number) }, KEEP, "")
}

fn verdict_of(snapshot: Snapshot, references: References) -> SnapshotVerdict {
    planned(&[], &[snapshot], references).snapshots[0].verdict.clone()
}

/// RegisterImage writes no description.
#[test]
fn a_tag_leads_back_to_an_image_as_a_description_does() {
    let reason = Keep::LostImageReferenced(id(9), [instance()].into());
    for tag in [id(9).to_string(), format!("{} {}", id(7), id(9))] {
        let tagged = |snapshot: Snapshot| with_tag(snapshot, IMAGE_ID, &tag);
        assert_eq!(verdict_of(tagged(orphan(1)), in_use(9)), SnapshotVerdict::Keep(reason.clone()));
        assert_eq!(verdict_of(tagged(orphaned(1, 3 * DAY)), in_use(9)), SnapshotVerdict::Unmark(reason.clone()));
    }
    // Registered from a snapshot that CreateImage has made, and described, for another image.
    let of_both = Snapshot { lost_image: Some(id(7)), ..with_tag(orphaned(1, 3 * DAY), IMAGE_ID, id(9).as_str()) };
    assert_eq!(verdict_of(of_both.clone(), in_use(9)), SnapshotVerdict::Unmark(reason));
    assert_eq!(verdict_of(of_both, References::default()), SnapshotVerdict::Delete);
}

#[rstest]
#[case::nothing_says_it(orphan(1), &[5])]
#[case::its_description_says_it(Snapshot { lost_image: Some(id(5)), ..orphan(1) }, &[])]
#[case::its_description_names_another(Snapshot { lost_image: Some(id(7)), ..orphan(1) }, &[5])]
#[case::its_tag_says_it(with_tag(orphan(1), IMAGE_ID, id(5).as_str()), &[])]
#[case::its_tag_names_another_that_is_in_use(with_tag(orphan(1), IMAGE_ID, id(4).as_str()), &[4, 5])]
#[case::its_tag_names_another_that_is_not(with_tag(orphan(1), IMAGE_ID, id(7).as_str()), &[5])]
#[case::its_tag_is_a_persons(with_tag(orphan(1), IMAGE_ID, "golden"), &[5])]
#[case::of_no_family(Snapshot { tags: BTreeMap::new(), ..orphan(1) }, &[])]
#[case::a_backup_of_data(with_tag(orphan(1), VOLUME, "data"), &[])]
#[case::full_of_tags(Snapshot { tags: full(), ..orphan(1) }, &[])]
#[case::full_with_the_tag(
    {
        let mut tags = full();
        tags.remove("cost-1");
        with_tag(Snapshot { tags, ..orphan(1) }, IMAGE_ID, "golden")
    },
    &[5]
)]
fn a_snapshot_is_told_which_image_it_is_of(#[case] snapshot: Snapshot, #[case] expected: &[u32]) {
    let plan = planned(&[needed(5, &[1])], &[snapshot], in_use(4));
    let ids = |numbers: &[u32]| numbers.iter().map(|it| id(*it).to_string()).collect::<Vec<_>>().join(" ");
    let expected: Vec<_> = (!expected.is_empty()).then(|| (snapshot_id(1), ids(expected))).into_iter().collect();
    assert_eq!(plan.untold, expected);
    assert!(expected.iter().all(|(snapshot, _)| plan.acts_on(snapshot.as_str())), "its failure is not forgotten");
}

/// Nothing will look for a way back to an image that nothing needs, and there may be thousands of these.
#[test]
fn only_images_that_stay_are_told_to_their_snapshots() {
    for going in [stale(5), disabled(5, DAY), disabled(5, 3 * DAY)] {
        let going = Image { snapshots: vec![snapshot_id(1)], ..going };
        assert_eq!(planned(std::slice::from_ref(&going), &[orphan(1)], References::default()).untold, []);
        let plan = planned(&[going, needed(6, &[1])], &[orphan(1)], References::default());
        assert_eq!(plan.untold, [(snapshot_id(1), id(6).to_string())]);
    }
    let of_no_family = Image { tags: BTreeMap::new(), ..needed(5, &[1]) };
    let plan = planned(&[of_no_family, needed(6, &[1])], &[orphan(1)], References::default());
    assert_eq!(plan.untold, [(snapshot_id(1), format!("{} {}", id(5), id(6)))]);
    let enabled_again = marked(disabled(5, DAY), KEEP, "");
    let plan =
        planned(&[Image { snapshots: vec![snapshot_id(1)], ..enabled_again }], &[orphan(1)], References::default());
    assert_eq!(plan.untold, [(snapshot_id(1), id(5).to_string())]);
}

/// A tag has room for eleven.
#[test]
fn a_snapshot_of_too_many_images_is_not_tagged_in_part() {
    let images = |most: u32| (1..=most).map(|number| needed(number, &[1])).collect::<Vec<_>>();
    let untold = |most| planned(&images(most), &[orphan(1)], References::default()).untold;
    let [(_, tag)] = untold(11).try_into().expect("one");
    assert!(tag.split(' ').count() == 11 && tag.len() <= 256, "{tag}");
    assert_eq!(untold(12), []);
}

/// It may be of the image that is gone and in use: nobody can say that it is not.
#[test]
fn a_snapshot_that_names_no_image_stays_while_one_that_is_gone_is_in_use() {
    let reason = Keep::MayBeWayBack(id(9), [instance()].into());
    assert_eq!(verdict_of(orphan(1), in_use(9)), SnapshotVerdict::Keep(reason.clone()));
    assert_eq!(verdict_of(orphaned(1, 3 * DAY), in_use(9)), SnapshotVerdict::Unmark(reason));
    let plan = planned(&[], &[orphaned(1, 3 * DAY)], in_use(9));
    assert_eq!(plan.unaccounted, [id(9)].into(), "whether it is another's is worth a look");
}

/// Registered from another image's snapshot, whose description names that one, and deregistered before a prune wrote our tag.
#[test]
fn a_snapshot_of_another_image_stays_while_one_that_is_gone_is_in_use() {
    let of_7 = |snapshot: Snapshot| Snapshot { lost_image: Some(id(7)), ..snapshot };
    let reason = Keep::MayBeWayBack(id(9), [instance()].into());
    assert_eq!(verdict_of(of_7(orphan(1)), in_use(9)), SnapshotVerdict::Keep(reason.clone()));
    assert_eq!(verdict_of(of_7(orphaned(1, 3 * DAY)), in_use(9)), SnapshotVerdict::Unmark(reason));
    assert_eq!(planned(&[], &[of_7(orphan(1))], in_use(9)).unaccounted, [id(9)].into(), "it is looked at closely");
    // Ours says which, or a person's.
    let tagged = with_tag(of_7(orphaned(1, 3 * DAY)), IMAGE_ID, id(7).as_str());
    assert_eq!(verdict_of(tagged, in_use(9)), SnapshotVerdict::Delete);
    // Nothing that is gone is in use.
    assert_eq!(verdict_of(of_7(orphaned(1, 3 * DAY)), References::default()), SnapshotVerdict::Delete);
    let of_another = References { of_others: [id(9)].into(), ..in_use(9) };
    assert_eq!(verdict_of(of_7(orphaned(1, 3 * DAY)), of_another), SnapshotVerdict::Delete);
    // It has a snapshot that says that it was its.
    for others in [Snapshot { lost_image: Some(id(9)), ..orphan(2) }, with_tag(orphan(2), IMAGE_ID, id(9).as_str())] {
        let plan = planned(&[], &[of_7(orphaned(1, 3 * DAY)), others], in_use(9));
        assert_eq!(plan.snapshots[0].verdict, SnapshotVerdict::Delete);
    }
}

#[rstest]
#[case::nothing_is_in_use(vec![], vec![], References::default())]
#[case::the_image_is_there(vec![needed(9, &[])], vec![], in_use(9))]
#[case::another_snapshot_leads_back_to_it(vec![], vec![Snapshot { lost_image: Some(id(9)), ..orphan(2) }], in_use(9))]
#[case::another_is_tagged_with_it(vec![], vec![with_tag(orphan(2), IMAGE_ID, id(9).as_str())], in_use(9))]
#[case::the_image_is_anothers(vec![], vec![], References { of_others: [id(9)].into(), ..in_use(9) })]
fn a_snapshot_that_names_no_image_goes_when_it_can_be_of_none_in_use(
    #[case] images: Vec<Image>,
    #[case] others: Vec<Snapshot>,
    #[case] references: References,
) {
    let snapshots: Vec<_> = [orphaned(1, 3 * DAY)].into_iter().chain(others).collect();
    let plan = planned(&images, &snapshots, references);
    assert_eq!(plan.snapshots[0].verdict, SnapshotVerdict::Delete);
    assert_eq!(plan.unaccounted, [].into());
}

/// At first sight every image in use that is not ours may be gone; the look that says which are must not be left out.
#[test]
fn what_stays_for_an_unknown_image_is_looked_at_closely() {
    for snapshot in [orphan(1), orphaned(1, 3 * DAY)] {
        let account = Account { snapshots: vec![snapshot], references: in_use(9), ..Account::default() };
        assert!(plan(&account, &POLICY, now()).needs_a_closer_look());
    }
}
