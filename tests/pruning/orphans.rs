//! Snapshots that have lost their image may be the only way back to it.

use durin::tags::{BACKUP_OF, IMAGE_ID, KEEP};
use durin_harness::world::ec2::images::PUBLIC_IMAGE;

use super::*;

impl Litter {
    /// A person wrongly deregisters an image, and leaves its snapshots. It stays listed for a while.
    async fn deregistered_by_hand(&self, image: &str) {
        self.story.world(|world| world.deregister_image(image, false)).expect("deregistered");
        self.story.aws().pass(DAY / 8).await;
    }

    fn has(&self, snapshot: &str) -> bool {
        self.snapshots().contains(snapshot)
    }

    fn marked(&self, snapshot: &str) -> Option<String> {
        self.story.world(|world| world.ec2.snapshots()[snapshot].tags.get(STALE_SINCE).cloned())
    }

    /// As RegisterImage leaves it, and an import.
    fn is_not_described(&self, snapshot: &str) {
        self.story.world(|world| {
            world.ec2.tamper_with_snapshot(snapshot, |snapshot| snapshot.description = String::new());
        });
    }

    /// What went wrong, but for the mistake that the test is about.
    fn nothing_else_is_broken(&self) {
        let mistake = |violation: &String| violation.contains("was deregistered while");
        let violations: Vec<String> = self.violations().into_iter().filter(|violation| !mistake(violation)).collect();
        assert!(violations.is_empty(), "{violations:#?}\n{}", self.story.told());
    }
}

#[tokio::test(start_paused = true)]
async fn an_orphan_soaks_as_long_as_an_image_does() {
    let litter = Litter::new();
    for day in 0..2 {
        litter.days(1).await;
        assert!(litter.has(&litter.orphan), "day {day}\n{}", litter.story.told());
    }
    litter.days(1).await;
    assert!(!litter.has(&litter.orphan), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// The snapshot is all that is left of an image that something would launch from, or has launched from.
#[rstest]
#[case::a_stopped_instance(references::a_stopped_instance)]
#[case::a_running_instance(references::a_running_instance)]
#[case::a_template(references::the_default_version_of_a_template)]
#[case::a_launch_configuration(references::a_launch_configuration)]
#[case::a_text_parameter(references::a_text_parameter)]
#[case::a_text_parameter_with_other_words_around(references::a_text_parameter_with_other_words_around)]
#[tokio::test(start_paused = true)]
async fn a_snapshot_stays_while_something_refers_to_its_image_that_is_gone(#[case] refer: fn(&mut World, &str)) {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    litter.story.world(|world| refer(world, &victim));
    litter.deregistered_by_hand(&victim).await;
    litter.days(6).await;
    assert!(litter.has(&litter.snapshot_of(&victim)), "{}", litter.story.told());
    assert!(!litter.has(&litter.orphan), "the other one goes all the same");
    litter.nothing_else_is_broken();
}

/// While the image is there, its snapshot is told which one it is.
#[tokio::test(start_paused = true)]
async fn a_snapshot_is_kept_for_the_image_that_its_tag_names() {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    let snapshot = litter.snapshot_of(&victim);
    litter.is_not_described(&snapshot);
    litter.story.world(|world| references::a_stopped_instance(world, &victim));
    litter.days(1).await;
    let tag =
        |litter: &Litter| litter.story.world(|world| world.ec2.snapshots()[&snapshot].tags.get(IMAGE_ID).cloned());
    assert_eq!(tag(&litter).as_deref(), Some(victim.as_str()), "{}", litter.story.told());
    let again = litter.story.invoke(PRUNE, schedule()).await;
    assert_eq!(again.writes(), Vec::<&String>::new(), "once is enough");
    litter.deregistered_by_hand(&victim).await;
    litter.days(6).await;
    assert!(litter.has(&snapshot), "{}", litter.story.told());
    assert_eq!(litter.marked(&snapshot), None);
    litter.nothing_else_is_broken();
}

/// No run has seen the image, so nobody knows that the snapshot is the way back to it; nor that it is not.
#[tokio::test(start_paused = true)]
async fn a_snapshot_that_names_no_image_stays_while_one_that_is_gone_is_in_use() {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    let snapshot = litter.snapshot_of(&victim);
    litter.is_not_described(&snapshot);
    litter.story.world(|world| references::template(world, "web", &victim));
    litter.deregistered_by_hand(&victim).await;
    litter.days(6).await;
    assert!(litter.has(&snapshot), "{}", litter.story.told());
    assert!(litter.has(&litter.orphan), "what it describes may not be the last image that was made of it");
    let plan = litter.plan().await;
    let told = plan.iter().find(|line| line.contains(&snapshot)).expect("a line");
    assert!(told.contains(&victim) && told.contains(IMAGE_ID), "{told}");
    litter.story.world(|world| world.delete_launch_template("web")).expect("deleted");
    litter.days(2).await;
    assert!(litter.has(&snapshot), "{}", litter.story.told());
    litter.days(1).await;
    assert!(!litter.has(&snapshot), "{}", litter.story.told());
    litter.nothing_else_is_broken();
}

/// Almost every account launches from somebody else's image.
#[tokio::test(start_paused = true)]
async fn the_use_of_anothers_image_holds_up_no_snapshot_that_names_none() {
    let litter = Litter::new();
    litter.is_not_described(&litter.orphan);
    litter.story.world(|world| references::template(world, "web", PUBLIC_IMAGE));
    litter.days(3).await;
    assert!(!litter.has(&litter.orphan), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// A copy's snapshot names two images: the copy, whose way back it is, and the source, which has snapshots of its own.
#[tokio::test(start_paused = true)]
async fn a_copys_snapshot_is_the_way_back_to_the_copy_alone() {
    let litter = Litter::new();
    let [source, copy] = [&litter.old[4], &litter.old[5]].map(Clone::clone);
    let description =
        format!("Copied for DestinationAmi {copy} from SourceAmi {source} for SourceSnapshot snap-01234567.");
    litter.story.world(|world| {
        references::a_stopped_instance(world, &source);
        let snapshot = copy.replace("ami-", "snap-");
        world.ec2.tamper_with_snapshot(&snapshot, |snapshot| snapshot.description = description);
    });
    litter.deregistered_by_hand(&copy).await;
    litter.days(5).await;
    assert!(!litter.has(&litter.snapshot_of(&copy)), "{}", litter.story.told());
    assert!(litter.has(&litter.snapshot_of(&source)));
    litter.nothing_is_broken();
}

/// While its image soaks, a person deregisters that by hand: the days count from when the snapshot was an orphan.
#[tokio::test(start_paused = true)]
async fn the_days_that_its_image_has_soaked_do_not_count() {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    litter.prune().await.expect("pruned");
    litter.story.aws().pass(DAY * 3 / 2).await;
    litter.deregistered_by_hand(&victim).await;
    for _ in 0..2 {
        litter.days(1).await;
        assert!(litter.has(&litter.snapshot_of(&victim)), "{}", litter.story.told());
    }
    litter.days(1).await;
    assert!(!litter.has(&litter.snapshot_of(&victim)), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// The image was stale once, and then in use for a month; that time must not count when it is lost.
#[tokio::test(start_paused = true)]
async fn the_days_that_it_soaked_before_it_was_needed_again_do_not_count() {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    litter.prune().await.expect("pruned");
    litter.story.world(|world| references::template(world, "web", &victim));
    litter.days(1).await;
    assert_eq!(litter.state(&victim), ImageState::Available);
    litter.story.aws().pass(30 * DAY).await;
    litter.story.world(|world| world.delete_launch_template("web")).expect("deleted");
    litter.deregistered_by_hand(&victim).await;
    litter.days(2).await;
    assert!(litter.has(&litter.snapshot_of(&victim)), "{}", litter.story.told());
    litter.days(1).await;
    assert!(!litter.has(&litter.snapshot_of(&victim)), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// An orphan that is tagged, or whose image is needed again, is no orphan of long ago once that is over.
#[tokio::test(start_paused = true)]
async fn an_orphan_that_was_wanted_meanwhile_soaks_anew() {
    let litter = Litter::new();
    litter.days(1).await;
    assert!(litter.marked(&litter.orphan).is_some(), "{}", litter.story.told());
    let ids = [litter.orphan.clone()];
    litter.story.world(|world| world.create_tags(&ids, &[(KEEP.to_owned(), String::new())])).expect("tagged");
    litter.days(5).await;
    assert_eq!(litter.marked(&litter.orphan), None, "{}", litter.story.told());
    litter.story.world(|world| world.delete_tags(&ids, &[(KEEP.to_owned(), None)])).expect("untagged");
    litter.days(2).await;
    assert!(litter.has(&litter.orphan), "{}", litter.story.told());
    litter.days(1).await;
    assert!(!litter.has(&litter.orphan), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// A person makes an image of the orphan again: it is that image's from then on.
#[tokio::test(start_paused = true)]
async fn an_orphan_that_gets_an_image_again_is_not_marked_any_more() {
    let litter = Litter::new();
    litter.days(1).await;
    let snapshots = Some(vec![litter.orphan.clone()]);
    litter.story.world(|world| world.add_image(ImageSpec { snapshots, ..ImageSpec::named("back") }));
    litter.days(4).await;
    assert!(litter.has(&litter.orphan));
    assert_eq!(litter.marked(&litter.orphan), None, "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// A person who copies a snapshot with its tags copies our mark too.
#[tokio::test(start_paused = true)]
async fn a_mark_that_is_older_than_its_snapshot_does_not_count() {
    let litter = Litter::new();
    let copy = litter.story.world(|world| {
        let days_ago = |days: i64| Time(world.now().0 - days * 86_400_000);
        let tags = [(FAMILY, IMAGE_PARAMETER.to_owned()), (STALE_SINCE, days_ago(40).iso_seconds())];
        let tags = tags.map(|(key, value)| (key.to_owned(), value)).into();
        world.add_snapshot(SnapshotSpec { started: Some(days_ago(20)), tags, ..SnapshotSpec::default() })
    });
    litter.days(2).await;
    assert!(litter.has(&copy), "{}", litter.story.told());
    litter.days(1).await;
    assert!(!litter.has(&copy), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// A person has restored it, because they want it after all: they have as long as ever to say so.
#[tokio::test(start_paused = true)]
async fn a_snapshot_that_is_back_from_the_recycle_bin_soaks_anew() {
    let litter = Litter::new();
    litter.story.world(|world| world.ec2.keep_what_is_removed(Some(30 * DAY)));
    litter.days(5).await;
    assert!(!litter.has(&litter.orphan), "{}", litter.story.told());
    litter.story.world(|world| world.restore_snapshot(&litter.orphan).map(drop)).expect("restored");
    litter.days(2).await;
    assert!(litter.has(&litter.orphan), "{}", litter.story.told());
    litter.days(1).await;
    assert!(!litter.has(&litter.orphan), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// EC2 gives an image back as it was: disabled.
#[tokio::test(start_paused = true)]
async fn an_image_that_is_back_from_the_recycle_bin_soaks_anew() {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    let snapshot = litter.snapshot_of(&victim);
    litter.story.world(|world| world.ec2.keep_what_is_removed(Some(30 * DAY)));
    litter.days(5).await;
    assert!(!litter.left().contains(victim.as_str()), "{}", litter.story.told());
    let restored = litter.story.world(|world| {
        world.restore_snapshot(&snapshot).map(drop)?;
        world.restore_image(&victim)
    });
    restored.expect("restored");
    litter.days(2).await;
    assert!(litter.left().contains(victim.as_str()) && litter.has(&snapshot), "{}", litter.story.told());
    assert_eq!(litter.state(&victim), ImageState::Disabled);
    litter.days(1).await;
    assert!(!litter.left().contains(victim.as_str()) && !litter.has(&snapshot), "{}", litter.story.told());
    litter.nothing_is_broken();
}

/// CreateImage of a node's instance takes its data volume along. Such a snapshot is a backup of data; and so are the daily
/// copies of a node, even with the tag of a family.
#[rstest]
#[case::with_the_volumes_tag("durin:volume", "data")]
#[case::with_a_copys_tag(BACKUP_OF, "k3s")]
#[tokio::test(start_paused = true)]
async fn an_image_with_a_backup_of_data_stays(#[case] key: &str, #[case] value: &str) {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    let ids = [litter.snapshot_of(&victim), litter.orphan.clone()];
    let backup = [(key.to_owned(), value.to_owned())];
    litter.story.world(|world| world.create_tags(&ids, &backup)).expect("tagged");
    litter.days(5).await;
    assert!(ids.iter().all(|snapshot| litter.has(snapshot)), "{}", litter.story.told());
    assert_eq!(litter.state(&victim), ImageState::Available);
    assert_eq!(litter.left().len(), 3, "the others go");
    litter.nothing_is_broken();
}

/// A copy of a node's data as Data Lifecycle Manager makes it, which is of no image.
#[tokio::test(start_paused = true)]
async fn copies_of_a_node_stay() {
    let litter = Litter::new();
    let copy = litter.story.world(|world| {
        let started = Some(Time(world.now().0 - 60 * 86_400_000));
        let tags = [(BACKUP_OF.to_owned(), "k3s".to_owned()), ("Name".to_owned(), "k3s data, daily copy".to_owned())];
        let description = "Created for policy: policy-0123456789abcdef0 schedule: daily".to_owned();
        world.add_snapshot(SnapshotSpec { started, tags: tags.into(), description, ..SnapshotSpec::default() })
    });
    litter.days(5).await;
    assert!(litter.has(&copy), "{}", litter.story.told());
    assert!(!litter.has(&litter.orphan), "another one goes");
    litter.nothing_is_broken();
}

/// Two images of one snapshot, of which a person wants one: what they want stays whole, and the other one can go.
#[tokio::test(start_paused = true)]
async fn an_image_whose_snapshot_a_wanted_image_shares_goes_without_it() {
    let litter = Litter::new();
    let (victim, shared) = (litter.victim().to_owned(), litter.snapshot_of(litter.victim()));
    let other = litter.story.world(|world| {
        let created = Some(Time(world.now().0 - 90 * 86_400_000));
        let image = ImageSpec::named("wanted").tagged(FAMILY, IMAGE_PARAMETER).tagged(KEEP, "");
        world.add_image(ImageSpec { snapshots: Some(vec![shared.clone()]), created, ..image })
    });
    litter.days(4).await;
    assert!(!litter.left().contains(victim.as_str()), "{}", litter.story.told());
    assert!(litter.has(&shared));
    assert_eq!(litter.state(&other), ImageState::Available);
    litter.nothing_is_broken();
}
