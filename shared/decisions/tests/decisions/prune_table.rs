//! The table that a person reviews before anything goes.

use std::collections::BTreeMap;
use std::time::Duration;

use durin_decisions::ids::{ImageId, ParameterName, SnapshotId};
use durin_decisions::images::prune::{ImageEntry, ImageVerdict, Keep, Plan, SnapshotEntry, SnapshotVerdict, table};
use durin_decisions::images::{Image, Snapshot};
use durin_decisions::tags::FAMILY;

use crate::images::sample_image;

const DAY: Duration = Duration::from_secs(86_400);

fn image(id: &str, name: &str, gib: u64, age: Option<Duration>, verdict: ImageVerdict) -> ImageEntry {
    let family = (verdict != ImageVerdict::Keep(Keep::NotOurs)).then(|| ParameterName::new("/k3s").expect("a name"));
    let image = Image { name: name.to_owned(), gib, ..sample_image(ImageId::new(id).expect("an id")) };
    ImageEntry { image, family, age, verdict }
}

fn snapshot(id: &str, gib: u64, verdict: SnapshotVerdict) -> SnapshotEntry {
    let snapshot = Snapshot {
        id: SnapshotId::new(id).expect("an id"),
        completed: true,
        started: None,
        lost_image: None,
        gib,
        tags: BTreeMap::from([(FAMILY.to_owned(), "/k3s".to_owned())]),
    };
    SnapshotEntry { snapshot, age: Some(DAY * 40), verdict }
}

fn plan(images: Vec<ImageEntry>, snapshots: Vec<SnapshotEntry>) -> Plan {
    Plan { images, snapshots, ..Plan::default() }
}

#[test]
fn what_goes_is_counted_and_what_is_not_ours_is_left_out() {
    let plan = plan(
        vec![
            image("ami-00000003", "k3s-new", 8, Some(DAY * 2 + DAY / 2), ImageVerdict::Keep(Keep::Newest)),
            image("ami-00000002", "k3s-older", 8, Some(DAY * 40), ImageVerdict::Disable),
            image("ami-00000001", "k", 30, None, ImageVerdict::Deregister),
            image("ami-00000009", "somebody else's", 8, None, ImageVerdict::Keep(Keep::NotOurs)),
        ],
        vec![
            snapshot("snap-00000001", 8, SnapshotVerdict::Delete),
            snapshot("snap-00000002", 4, SnapshotVerdict::Mark),
            snapshot("snap-00000003", 8, SnapshotVerdict::Keep(Keep::NotOurs)),
            snapshot(
                "snap-00000004",
                8,
                SnapshotVerdict::Keep(Keep::OfImage(ImageId::new("ami-00000003").expect("an id"))),
            ),
            snapshot("snap-00000005", 8, SnapshotVerdict::Keep(Keep::Tagged)),
        ],
    );
    let lines = table::lines(&plan);
    let verdict = |verdict: &dyn ToString| verdict.to_string();
    let row = |id: &str, name: &str, age: &str, gib: u64, verdict: String| {
        format!("{id:13}  {:6}  {name:9}  {age:>6}  {gib:>5}  {verdict}", "/k3s")
    };
    let expected = [
        "ID             FAMILY  NAME          AGE    GiB  VERDICT".to_owned(),
        row("ami-00000003", "k3s-new", "2 d", 8, verdict(&ImageVerdict::Keep(Keep::Newest))),
        row("ami-00000002", "k3s-older", "40 d", 8, verdict(&ImageVerdict::Disable)),
        row("ami-00000001", "k", "?", 30, verdict(&ImageVerdict::Deregister)),
        row("snap-00000001", "", "40 d", 8, verdict(&SnapshotVerdict::Delete)),
        row("snap-00000002", "", "40 d", 4, verdict(&SnapshotVerdict::Mark)),
        row("snap-00000005", "", "40 d", 8, verdict(&SnapshotVerdict::Keep(Keep::Tagged))),
        String::new(),
        "4 of 6 would go: 50 GiB, at most $2.50 a month.".to_owned(),
    ];
    assert_eq!(lines[..expected.len()], expected);
    assert_eq!(lines.len(), expected.len() + 1);
    assert!(lines.last().is_some_and(|line| line.starts_with("1 more ")), "{lines:?}");
}

#[test]
fn an_account_without_images_of_others_is_not_told_of_any() {
    let lines = table::lines(&plan(Vec::new(), Vec::new()));
    assert_eq!(lines[1..], [String::new(), "0 of 0 would go: 0 GiB, at most $0.00 a month.".to_owned()]);
}

#[test]
fn what_could_not_be_read_stands_instead_of_a_sum() {
    let unread = vec!["fleets: UnauthorizedOperation".to_owned()];
    let images = vec![image("ami-00000001", "k", 8, None, ImageVerdict::Disable)];
    let lines = table::lines(&Plan { images, unread, ..Plan::default() });
    assert!(lines[3].starts_with("Nothing would be removed"), "{lines:?}");
    assert_eq!(lines[4..], ["  fleets: UnauthorizedOperation".to_owned()]);
}
