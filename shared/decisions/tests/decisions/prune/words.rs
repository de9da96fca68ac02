//! What a person reads of each verdict.

use super::*;

/// These are what a person reviews before anything goes.
#[rstest]
#[case(ImageVerdict::Disable, "disable")]
#[case(ImageVerdict::Deregister, "deregister")]
#[case(ImageVerdict::Enable(Keep::Tagged), "enable again: tagged durin:keep")]
#[case(ImageVerdict::Keep(Keep::NotOurs), "keep: of no family; the tag durin:image-parameter would name one")]
#[case(ImageVerdict::Keep(Keep::State("pending".to_owned())), "keep: pending; judged once that is over")]
#[case(ImageVerdict::Keep(Keep::AgeUnknown), "keep: age unknown; only a person can remove it")]
#[case(ImageVerdict::Keep(Keep::Protected), "keep: protected from deregistration")]
#[case(ImageVerdict::Keep(Keep::Public), "keep: public")]
#[case(
    ImageVerdict::Keep(Keep::Referenced([Reference::Fleet("fleet-1".to_owned()), Reference::Group("web".to_owned())].into())),
    "keep: in use: Auto Scaling group web, fleet fleet-1"
)]
#[case(
    ImageVerdict::Keep(Keep::SnapshotReferenced(snapshot_id(1), [Reference::Group("web".to_owned())].into())),
    "keep: snap-00000000000000001 in use: Auto Scaling group web"
)]
#[case(ImageVerdict::Keep(Keep::Newest), "keep: among the newest")]
#[case(ImageVerdict::Keep(Keep::Young(now())), "keep: young until 2026-03-01T12:00:00Z")]
#[case(
    ImageVerdict::Keep(Keep::DisabledByOthers),
    "keep: disabled, but not by Durin; enable it, or deregister it yourself"
)]
#[case(
    ImageVerdict::Keep(Keep::Soaking(now())),
    "keep: soaking, goes after 2026-03-01T12:00:00Z unless tagged durin:keep"
)]
#[case(ImageVerdict::Keep(Keep::SnapshotTagged(snapshot_id(1))), "keep: snap-00000000000000001 is tagged durin:keep")]
#[case(
    ImageVerdict::Keep(Keep::BackupOfData(Some(snapshot_id(1)))),
    "keep: snap-00000000000000001 is a backup of data, tagged durin:volume or durin:backup-of; this removes none"
)]
#[case(ImageVerdict::Keep(Keep::ManagedByBackup), "keep: managed by AWS Backup; remove it there")]
#[case(ImageVerdict::Keep(Keep::NoRoomForTag(None)), "keep: has 50 tags and no room for Durin's; remove one")]
#[case(ImageVerdict::Keep(Keep::NotExamined), "keep: not looked at closely yet")]
#[case(ImageVerdict::Keep(Keep::Unread), "keep: something could not be read that may refer to it")]
fn an_images_verdict_is_said_in_words(#[case] verdict: ImageVerdict, #[case] words: &str) {
    assert_eq!(verdict.to_string(), words);
}

#[rstest]
#[case(SnapshotVerdict::Mark, "mark: its image is gone; it goes when it has soaked")]
#[case(SnapshotVerdict::Unmark(Keep::Tagged), "unmark: tagged durin:keep")]
#[case(SnapshotVerdict::Delete, "delete: its image is gone")]
#[case(
    SnapshotVerdict::Keep(Keep::LostImageReferenced(id(1), [Reference::Group("web".to_owned())].into())),
    "keep: the only way back to ami-00000000000000001, which is gone and in use: Auto Scaling group web"
)]
#[case(
    SnapshotVerdict::Keep(Keep::MayBeWayBack(id(1), [Reference::Group("web".to_owned())].into())),
    "keep: no tag durin:image-id says which images it was of, so it may be the only way back to ami-00000000000000001, which is \
     gone and in use: Auto Scaling group web; tag it durin:image-id with the image that it was of, or delete it"
)]
#[case(SnapshotVerdict::Keep(Keep::OfImage(id(1))), "keep: of ami-00000000000000001")]
fn a_snapshots_verdict_is_said_in_words(#[case] verdict: SnapshotVerdict, #[case] words: &str) {
    assert_eq!(verdict.to_string(), words);
}

#[rstest]
#[case(Reference::Instance("i-1".to_owned()), "instance i-1")]
#[case(Reference::LaunchConfiguration("web".to_owned()), "launch configuration web")]
#[case(Reference::LaunchTemplate { name: "web".to_owned(), version: 2 }, "launch template web version 2")]
#[case(Reference::SpotFleet("sfr-1".to_owned()), "spot fleet sfr-1")]
#[case(Reference::SpotRequest("sir-1".to_owned()), "spot request sir-1")]
#[case(Reference::Parameter { name: "/a".to_owned(), version: 3 }, "parameter /a version 3")]
#[case(Reference::Listed("arn:aws:x".to_owned()), "arn:aws:x")]
#[case(Reference::SharedWith("111122223333".to_owned()), "shared with 111122223333")]
fn a_reference_is_said_in_words(#[case] reference: Reference, #[case] words: &str) {
    assert_eq!(reference.to_string(), words);
}
