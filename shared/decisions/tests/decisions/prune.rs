//! One image or snapshot at a time: which verdict it gets, at the very second at which that changes.

mod come_back;
mod disputes;
mod newest;
mod way_back;
mod words;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use durin_decisions::ids::{ImageId, SnapshotId};
use durin_decisions::images::prune::{Account, ImageVerdict, Keep, Plan, Policy, SnapshotVerdict, plan};
use durin_decisions::images::references::{Reference, References, image_in_description, names_any};
use durin_decisions::images::{Image, ImageState, Snapshot};
use durin_decisions::tags::{BACKUP_OF, FAMILY, IMAGE_ID, KEEP, STALE_SINCE, VOLUME};
use durin_decisions::times::{instant, timestamp};
use rstest::rstest;

use crate::images::sample_image;

const DAY: Duration = Duration::from_secs(86_400);
const SECOND: Duration = Duration::from_secs(1);

/// None of the images is kept for being among the newest.
const POLICY: Policy = Policy { keep_newest: 0, keep_younger: DAY.saturating_mul(7), soak: DAY.saturating_mul(2) };

fn now() -> SystemTime {
    instant("2026-03-01T12:00:00Z").expect("a time")
}

fn id(number: u32) -> ImageId {
    ImageId::new(format!("ami-{number:017x}")).expect("an id")
}

fn snapshot_id(number: u32) -> SnapshotId {
    SnapshotId::new(format!("snap-{number:017x}")).expect("an id")
}

fn family() -> BTreeMap<String, String> {
    BTreeMap::from([(FAMILY.to_owned(), "/images/k3s".to_owned())])
}

/// As many as EC2 allows, one of which is the family's.
fn full() -> BTreeMap<String, String> {
    let others = (1..50).map(|number| (format!("cost-{number}"), String::new()));
    family().into_iter().chain(others).collect()
}

/// A month old, of a family, with one snapshot: nothing needs it.
fn stale(number: u32) -> Image {
    Image {
        name: format!("k3s-{number}"),
        created: Some(now() - 30 * DAY),
        snapshots: vec![snapshot_id(number)],
        tags: family(),
        ..sample_image(id(number))
    }
}

/// The same, disabled by us so long ago, and deprecated a minute later.
fn disabled(number: u32, ago: Duration) -> Image {
    let deprecated = Some(now() - ago + 60 * SECOND);
    let mut image = Image { state: ImageState::Disabled, deprecated, ..stale(number) };
    image.tags.insert(STALE_SINCE.to_owned(), timestamp(now() - ago));
    image
}

fn marked(image: Image, key: &str, value: &str) -> Image {
    let mut image = image;
    image.tags.insert(key.to_owned(), value.to_owned());
    image
}

fn orphan(number: u32) -> Snapshot {
    let started = Some(now() - 30 * DAY);
    Snapshot { id: snapshot_id(number), completed: true, started, lost_image: None, gib: 8, tags: family() }
}

/// The same, first seen so long ago.
fn orphaned(number: u32, ago: Duration) -> Snapshot {
    with_tag(orphan(number), STALE_SINCE, &timestamp(now() - ago))
}

fn with_tag(snapshot: Snapshot, key: &str, value: &str) -> Snapshot {
    let mut snapshot = snapshot;
    snapshot.tags.insert(key.to_owned(), value.to_owned());
    snapshot
}

fn planned(images: &[Image], snapshots: &[Snapshot], references: References) -> Plan {
    let mut account = Account { images: images.to_vec(), snapshots: snapshots.to_vec(), references };
    account.references.examined.extend(images.iter().map(|image| image.id.clone()));
    account.references.texts_read = true;
    plan(&account, &POLICY, now())
}

fn verdict(image: Image) -> ImageVerdict {
    planned(&[image], &[], References::default()).images[0].verdict.clone()
}

#[rstest]
#[case::nothing_needs_it(stale(1), ImageVerdict::Disable)]
#[case::of_no_family(Image { tags: BTreeMap::new(), ..stale(1) }, ImageVerdict::Keep(Keep::NotOurs))]
#[case::of_a_family_that_is_no_parameter(marked(stale(1), FAMILY, "a family"), ImageVerdict::Keep(Keep::NotOurs))]
#[case::pending(Image { state: ImageState::Pending, ..stale(1) }, ImageVerdict::Keep(Keep::State("pending".to_owned())))]
#[case::failed(
    Image { state: ImageState::Other("failed".to_owned()), ..stale(1) },
    ImageVerdict::Keep(Keep::State("failed".to_owned()))
)]
#[case::protected(Image { protected: true, ..stale(1) }, ImageVerdict::Keep(Keep::Protected))]
#[case::public(Image { public: true, ..stale(1) }, ImageVerdict::Keep(Keep::Public))]
#[case::asked_for(marked(stale(1), KEEP, ""), ImageVerdict::Keep(Keep::Tagged))]
#[case::asked_for_in_another_case(marked(stale(1), "DURIN:keep ", "false"), ImageVerdict::Keep(Keep::Tagged))]
#[case::managed_by_aws_backup(
    marked(stale(1), "aws:backup:source-resource", "arn:aws:ec2:x"),
    ImageVerdict::Keep(Keep::ManagedByBackup)
)]
#[case::full_of_tags(Image { tags: full(), ..stale(1) }, ImageVerdict::Keep(Keep::NoRoomForTag(None)))]
#[case::full_of_tags_but_aws_owns_one(
    {
        let mut tags = full();
        tags.remove("cost-1");
        tags.insert("aws:cloudformation:stack-id".to_owned(), "x".to_owned());
        Image { tags, ..stale(1) }
    },
    ImageVerdict::Disable
)]
#[case::of_unknown_age(Image { created: None, ..stale(1) }, ImageVerdict::Keep(Keep::AgeUnknown))]
#[case::a_second_too_young(
    Image { created: Some(now() - 7 * DAY + SECOND), ..stale(1) },
    ImageVerdict::Keep(Keep::Young(now() + SECOND))
)]
#[case::just_old_enough(Image { created: Some(now() - 7 * DAY), ..stale(1) }, ImageVerdict::Disable)]
#[case::disabled_by_somebody_else(
    Image { state: ImageState::Disabled, ..stale(1) },
    ImageVerdict::Keep(Keep::DisabledByOthers)
)]
#[case::a_second_short_of_soaked(disabled(1, 2 * DAY - SECOND), ImageVerdict::Keep(Keep::Soaking(now() + SECOND)))]
#[case::just_soaked(disabled(1, 2 * DAY), ImageVerdict::Deregister)]
#[case::enabled_by_a_person_and_disabled_again(
    Image { deprecated: None, ..disabled(1, 2 * DAY) },
    ImageVerdict::Keep(Keep::DisabledByOthers)
)]
#[case::enabled_by_a_person_and_disabled_again_a_moment_ago(
    Image { deprecated: None, ..disabled(1, DAY) },
    ImageVerdict::Keep(Keep::DisabledByOthers)
)]
#[case::half_enabled_by_us(
    marked(Image { deprecated: None, ..disabled(1, 2 * DAY) }, KEEP, ""),
    ImageVerdict::Enable(Keep::Tagged)
)]
#[case::disabled_by_us_and_deprecated_by_a_person(
    Image { deprecated: Some(now() + 365 * DAY), ..disabled(1, 2 * DAY) },
    ImageVerdict::Deregister
)]
#[case::marked_before_it_was_made(
    Image { created: Some(now() - 8 * DAY + SECOND), ..disabled(1, 8 * DAY) },
    ImageVerdict::Keep(Keep::DisabledByOthers)
)]
#[case::marked_in_the_second_in_which_it_was_made(
    Image { created: Some(now() - 8 * DAY), ..disabled(1, 8 * DAY) },
    ImageVerdict::Deregister
)]
#[case::available_and_marked_before_it_was_made(
    Image { state: ImageState::Available, created: Some(now() - 8 * DAY), ..disabled(1, 9 * DAY) },
    ImageVerdict::Disable
)]
#[case::disabled_and_needed_again(marked(disabled(1, DAY), KEEP, ""), ImageVerdict::Enable(Keep::Tagged))]
#[case::marked_as_stale_and_needed_again(
    marked(marked(stale(1), STALE_SINCE, "2026-02-28T12:00:00Z"), KEEP, ""),
    ImageVerdict::Enable(Keep::Tagged)
)]
fn an_image_gets_its_verdict(#[case] image: Image, #[case] expected: ImageVerdict) {
    assert_eq!(verdict(image), expected);
}

#[rstest]
#[case::its_image_is_gone(orphan(1), SnapshotVerdict::Mark)]
#[case::a_second_short_of_soaked(
    orphaned(1, 2 * DAY - SECOND),
    SnapshotVerdict::Keep(Keep::Soaking(now() + SECOND))
)]
#[case::just_soaked(orphaned(1, 2 * DAY), SnapshotVerdict::Delete)]
#[case::marked_before_it_was_made(orphaned(1, 31 * DAY), SnapshotVerdict::Mark)]
#[case::marked_by_a_person(with_tag(orphan(1), STALE_SINCE, "yesterday"), SnapshotVerdict::Mark)]
#[case::asked_for(with_tag(orphan(1), KEEP, "no"), SnapshotVerdict::Keep(Keep::Tagged))]
#[case::asked_for_in_another_case(with_tag(orphan(1), "Durin:KEEP", ""), SnapshotVerdict::Keep(Keep::Tagged))]
#[case::asked_for_while_it_soaks(with_tag(orphaned(1, DAY), KEEP, ""), SnapshotVerdict::Unmark(Keep::Tagged))]
#[case::a_backup_of_data(with_tag(orphan(1), VOLUME, "data"), SnapshotVerdict::Keep(Keep::BackupOfData(None)))]
#[case::a_marked_backup_of_data(
    with_tag(orphaned(1, 3 * DAY), VOLUME, "data"),
    SnapshotVerdict::Keep(Keep::BackupOfData(None))
)]
#[case::a_daily_copy(with_tag(orphan(1), BACKUP_OF, "home"), SnapshotVerdict::Keep(Keep::BackupOfData(None)))]
#[case::a_marked_daily_copy(
    with_tag(orphaned(1, 3 * DAY), BACKUP_OF, "home"),
    SnapshotVerdict::Keep(Keep::BackupOfData(None))
)]
#[case::managed_by_aws_backup(
    with_tag(orphan(1), "aws:backup:source-resource", "arn:aws:ec2:x"),
    SnapshotVerdict::Keep(Keep::ManagedByBackup)
)]
#[case::full_of_tags(
    Snapshot { tags: full(), ..orphan(1) },
    SnapshotVerdict::Keep(Keep::NoRoomForTag(None))
)]
#[case::of_no_family(Snapshot { tags: BTreeMap::new(), ..orphan(1) }, SnapshotVerdict::Keep(Keep::NotOurs))]
#[case::of_a_family_that_is_no_parameter(with_tag(orphan(1), FAMILY, "a family"), SnapshotVerdict::Keep(Keep::NotOurs))]
#[case::marked_and_of_a_family_that_is_no_parameter(
    with_tag(orphaned(1, 3 * DAY), FAMILY, ""),
    SnapshotVerdict::Keep(Keep::NotOurs)
)]
#[case::not_completed(
    Snapshot { completed: false, ..orphan(1) },
    SnapshotVerdict::Keep(Keep::State("not completed".to_owned()))
)]
#[case::of_unknown_age(Snapshot { started: None, ..orphan(1) }, SnapshotVerdict::Keep(Keep::AgeUnknown))]
#[case::a_second_too_young(
    Snapshot { started: Some(now() - 7 * DAY + SECOND), ..orphan(1) },
    SnapshotVerdict::Keep(Keep::Young(now() + SECOND))
)]
#[case::just_old_enough(Snapshot { started: Some(now() - 7 * DAY), ..orphan(1) }, SnapshotVerdict::Mark)]
fn a_snapshot_gets_its_verdict(#[case] snapshot: Snapshot, #[case] expected: SnapshotVerdict) {
    assert_eq!(planned(&[], &[snapshot], References::default()).snapshots[0].verdict, expected);
}

#[test]
fn a_reference_is_named_in_the_verdict() {
    let by = Reference::Instance("i-0123456789abcdef0".to_owned());
    let mut references = References::default();
    references.add_image(id(1).as_str(), by.clone());
    references.add_snapshot(snapshot_id(2).as_str(), by.clone());
    references.add_snapshot(snapshot_id(3).as_str(), by.clone());
    let plan = planned(&[stale(1), stale(2)], &[orphan(3)], references);
    let by = [by].into();
    let verdicts: BTreeMap<_, _> = plan.images.iter().map(|it| (it.image.id.clone(), it.verdict.clone())).collect();
    assert_eq!(verdicts[&id(1)], ImageVerdict::Keep(Keep::Referenced(Clone::clone(&by))));
    assert_eq!(verdicts[&id(2)], ImageVerdict::Keep(Keep::SnapshotReferenced(snapshot_id(2), Clone::clone(&by))));
    assert_eq!(plan.snapshots[0].verdict, SnapshotVerdict::Keep(Keep::Referenced(by)));
}

/// What is true of its snapshot is true of the image that would take it along.
#[rstest]
#[case::asked_for(with_tag(orphan(1), KEEP, ""), Keep::SnapshotTagged(snapshot_id(1)))]
#[case::a_backup_of_data(with_tag(orphan(1), VOLUME, "data"), Keep::BackupOfData(Some(snapshot_id(1))))]
#[case::a_daily_copy(with_tag(orphan(1), BACKUP_OF, "home"), Keep::BackupOfData(Some(snapshot_id(1))))]
#[case::full_and_of_no_family(
    Snapshot {
        tags: (0..50).map(|number| (format!("cost-{number}"), String::new())).collect(),
        ..orphan(1)
    },
    Keep::NoRoomForTag(Some(snapshot_id(1)))
)]
fn an_image_stays_for_its_snapshot(#[case] snapshot: Snapshot, #[case] reason: Keep) {
    let snapshots = [snapshot];
    let verdict = |image: Image| planned(&[image], &snapshots, References::default()).images[0].verdict.clone();
    assert_eq!(verdict(stale(1)), ImageVerdict::Keep(reason.clone()));
    assert_eq!(verdict(disabled(1, DAY)), ImageVerdict::Enable(reason));
}

/// The family's tag takes the place of one that names no parameter, so there is room for it.
#[test]
fn a_full_snapshot_of_a_malformed_family_holds_no_image_up() {
    let malformed = with_tag(Snapshot { tags: full(), ..orphan(1) }, FAMILY, "a family");
    let plan = planned(&[stale(1)], &[malformed], References::default());
    assert_eq!(plan.images[0].verdict, ImageVerdict::Disable);
}

/// As long as something refers to the image that is gone, its snapshot is the only way back to it.
#[test]
fn a_reference_to_an_image_that_is_gone_keeps_its_snapshot() {
    let by = Reference::Instance("i-0123456789abcdef0".to_owned());
    let mut references = References::default();
    references.add_image(id(9).as_str(), by.clone());
    let of_lost = |snapshot: Snapshot| Snapshot { lost_image: Some(id(9)), ..snapshot };
    let plan = planned(&[], &[of_lost(orphan(1)), of_lost(orphaned(2, 3 * DAY)), orphan(3)], references);
    let reason = Keep::LostImageReferenced(id(9), [by].into());
    let verdicts: Vec<_> = plan.snapshots.iter().map(|entry| entry.verdict.clone()).collect();
    assert_eq!(
        verdicts,
        [SnapshotVerdict::Keep(reason.clone()), SnapshotVerdict::Unmark(reason), SnapshotVerdict::Mark]
    );
}

/// Any text may name the image that an orphan is the way back to, and any text may come to name one that soaks.
#[test]
fn no_orphan_is_touched_before_the_texts_were_read() {
    let mut account = Account { snapshots: vec![orphan(1), orphaned(2, 3 * DAY)], ..Account::default() };
    let verdicts = |account: &Account| -> Vec<_> {
        plan(account, &POLICY, now()).snapshots.into_iter().map(|entry| entry.verdict).collect()
    };
    assert_eq!(verdicts(&account), [const { SnapshotVerdict::Keep(Keep::NotExamined) }; 2]);
    account.references.texts_read = true;
    assert_eq!(verdicts(&account), [SnapshotVerdict::Mark, SnapshotVerdict::Delete]);
    let looks = |snapshot: Snapshot| {
        let account = Account { snapshots: vec![snapshot], ..Account::default() };
        plan(&account, &POLICY, now()).needs_a_closer_look()
    };
    assert!(looks(orphan(1)) && looks(orphaned(1, DAY)) && looks(orphaned(1, 3 * DAY)));
    assert!(!looks(with_tag(orphan(1), KEEP, "")), "nothing could come of it");
}

#[rstest]
#[case::alone("ami-0123456789abcdef0", &["ami-0123456789abcdef0"], &[])]
#[case::with_a_line_break("ami-0123456789abcdef0\n", &["ami-0123456789abcdef0"], &[])]
#[case::in_json(r#"{"a":"ami-01234567","b":"snap-0123456789abcdef0"}"#, &["ami-01234567"], &["snap-0123456789abcdef0"])]
#[case::in_a_list("ami-01234567,ami-89abcdef", &["ami-01234567", "ami-89abcdef"], &[])]
#[case::too_long("ami-0123456789abcdef01", &[], &[])]
#[case::too_short("ami-01234", &[], &[])]
#[case::no_id("ami-amazon-linux", &[], &[])]
#[case::not_even_ascii("ami-ö ami-01234567ö", &["ami-01234567"], &[])]
fn a_text_names_what_it_names(#[case] text: &str, #[case] images: &[&str], #[case] snapshots: &[&str]) {
    let mut references = References::default();
    references.add_text(text, &Reference::Parameter { name: "/a".to_owned(), version: 1 });
    assert_eq!(references.images.keys().map(ImageId::as_str).collect::<Vec<_>>(), images);
    assert_eq!(references.snapshots.keys().map(SnapshotId::as_str).collect::<Vec<_>>(), snapshots);
    assert_eq!(names_any(text), !images.is_empty() || !snapshots.is_empty());
}

#[rstest]
#[case("Created by CreateImage(i-0123456789abcdef0) for ami-0123456789abcdef0", Some("ami-0123456789abcdef0"))]
#[case(
    "Copied for DestinationAmi ami-01234567 from SourceAmi ami-89abcdef for SourceSnapshot snap-01234567. Task created on 1.",
    Some("ami-01234567")
)]
#[case("made by hand", None)]
fn a_snapshots_description_says_which_image_it_was_made_for(#[case] text: &str, #[case] expected: Option<&str>) {
    assert_eq!(image_in_description(text).as_ref().map(ImageId::as_str), expected);
}

/// What the next steps read again before they act is what this says.
#[test]
fn a_plan_acts_on_what_changes_and_on_nothing_else() {
    let keep = marked(stale(2), KEEP, "");
    let wanted = with_tag(orphaned(6, DAY), KEEP, "");
    let snapshots = [orphan(5), wanted, orphaned(7, 3 * DAY), Snapshot { started: Some(now()), ..orphan(8) }];
    let plan = planned(&[stale(1), keep, disabled(3, 3 * DAY)], &snapshots, References::default());
    assert!(plan.acts_on(id(1).as_str()), "disabled");
    assert!(!plan.acts_on(id(2).as_str()), "kept");
    assert!(plan.acts_on(id(3).as_str()), "deregistered");
    assert!(plan.acts_on(snapshot_id(5).as_str()), "marked");
    assert!(plan.acts_on(snapshot_id(6).as_str()), "unmarked");
    assert!(plan.acts_on(snapshot_id(7).as_str()), "deleted");
    assert!(!plan.acts_on(snapshot_id(8).as_str()), "kept");
    assert!(!plan.acts_on("ami-00000000000000099"), "not in the account");
}

#[test]
fn what_is_disabled_is_examined_first_and_then_the_oldest() {
    let newer = Image { created: Some(now() - 20 * DAY), ..stale(1) };
    let account = Account { images: vec![newer, stale(2), disabled(3, 3 * DAY)], ..Account::default() };
    let plan = plan(&account, &POLICY, now());
    assert_eq!(plan.unexamined().collect::<Vec<_>>(), [&id(3), &id(2), &id(1)]);
}

#[test]
fn the_age_is_told() {
    let future = Image { created: Some(now() + DAY), ..stale(2) };
    let plan = planned(&[stale(1), future], &[orphan(7)], References::default());
    let ages: BTreeMap<_, _> = plan.images.iter().map(|it| (it.image.id.clone(), it.age)).collect();
    assert_eq!(ages[&id(1)], Some(30 * DAY));
    assert_eq!(ages[&id(2)], None, "from the future");
    assert_eq!(plan.snapshots[0].age, Some(30 * DAY));
}

/// It might be needed, or not: it stays as it is.
#[test]
fn not_knowing_is_no_reason_to_undo_anything_either() {
    let references = References { unread: vec!["fleets: throttled".to_owned()], ..References::default() };
    let plan = planned(&[disabled(1, DAY)], &[], references);
    assert_eq!(plan.images[0].verdict, ImageVerdict::Keep(Keep::Unread));
}
