//! EC2's permanent refusals are about one thing: the answer reports it, with the reason, and the others are removed.

use durin_harness::world::ec2::SnapshotHold;

use super::*;

/// Other tags, as many as fit.
fn fill_with_tags(world: &mut World, id: &str) {
    let has = |world: &World| {
        let image = world.ec2.images().get(id).map(|image| image.tags.len());
        image.or(world.ec2.snapshots().get(id).map(|snapshot| snapshot.tags.len())).unwrap_or_default()
    };
    let tags: Vec<_> = (has(world)..50).map(|number| (format!("cost-{number}"), String::new())).collect();
    world.create_tags(&[id.to_owned()], &tags).expect("tagged");
}

fn deregister(world: &mut World, image: &str) {
    world.deregister_image(image, false).expect("deregistered");
}

/// Each day, for as long as it is so: no alarm, and the reason.
#[rstest]
#[case::locked(SnapshotHold::Lock, "is locked")]
#[case::managed_by_aws_backup(SnapshotHold::Backup, "via the Backup console")]
#[case::with_fast_restore(SnapshotHold::FastRestore, "must be disabled")]
#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_go_is_told_and_alarms_nobody(#[case] hold: SnapshotHold, #[case] reason: &str) {
    let litter = Litter::new();
    litter.story.world(|world| world.ec2.hold_snapshot(&litter.orphan, hold));
    litter.days(2).await;
    for _ in 0..3 {
        let answer = litter.prune().await.expect("no failure of the day");
        let told = answer["refused"][&litter.orphan].as_str().unwrap_or_default();
        assert!(told.contains(reason) && told.contains("durin:keep"), "{answer}");
        litter.story.aws().pass(DAY).await;
    }
    assert_eq!(litter.left().len(), 2);
    assert!(litter.snapshots().contains(&litter.orphan));
    litter.nothing_is_broken();
}

/// The same behind an image: the image goes, and from then on the answer reports the rest.
#[tokio::test(start_paused = true)]
async fn a_held_snapshot_of_an_image_does_not_keep_the_image() {
    let litter = Litter::new();
    let held = litter.snapshot_of(litter.victim());
    litter.story.world(|world| world.ec2.hold_snapshot(&held, SnapshotHold::Lock));
    litter.days(6).await;
    assert_eq!(litter.left().len(), 2);
    let answer = litter.prune().await.expect("no failure of the day");
    assert_eq!(answer["refused"].as_object().map(|refused| refused.keys().collect::<Vec<_>>()), Some(vec![&held]));
    litter.nothing_is_broken();
}

/// Fifty tags leave no room for ours: the image, or its snapshot, or an orphan. The rest of the family goes.
#[tokio::test(start_paused = true)]
async fn what_has_no_room_for_our_tag_stays_and_holds_up_nothing() {
    let litter = Litter::new();
    let [full, with_full, other] = [&litter.old[3], &litter.old[4], &litter.old[5]].map(Clone::clone);
    let bare = litter.snapshot_of(&with_full);
    let room = litter.snapshot_of(&other);
    litter.story.world(|world| {
        fill_with_tags(world, &full);
        // Without the family's tag, which it would need.
        world.delete_tags(std::slice::from_ref(&bare), &[(FAMILY.to_owned(), None)]).expect("untagged");
        fill_with_tags(world, &bare);
        // It has that tag already.
        fill_with_tags(world, &room);
        fill_with_tags(world, &litter.orphan);
    });
    litter.days(5).await;
    let kept: BTreeSet<&str> = [litter.old[0].as_str(), &litter.old[1], &full, &with_full].into();
    assert_eq!(litter.left(), kept, "{}", litter.story.told());
    assert_eq!([litter.state(&full), litter.state(&with_full)], [ImageState::Available; 2]);
    assert!(litter.snapshots().contains(&litter.orphan));
    let plan = litter.plan().await;
    let told: Vec<&String> = plan.iter().filter(|line| line.contains("50 tags")).collect();
    assert_eq!(told.len(), 3, "{plan:#?}");
    assert!(told.iter().all(|line| line.contains("remove one")), "{told:#?}");
    let again = litter.story.invoke(PRUNE, schedule()).await;
    assert_eq!(again.writes(), Vec::<&String>::new(), "running again after success does nothing");
    litter.nothing_is_broken();
}

/// The run could not know this when it looked: a resource is full, or gone, by the time of the call for all of them.
#[rstest]
#[case::full(fill_with_tags, Some("TagLimitExceeded"))]
#[case::gone(deregister, None)]
#[tokio::test(start_paused = true)]
async fn one_refused_tag_keeps_no_other_image(#[case] change: fn(&mut World, &str), #[case] told: Option<&str>) {
    let litter = Litter::new();
    let victim = litter.victim().to_owned();
    let looked = |world: &World| {
        world.history().iter().any(
            |it| matches!(&it.fact, Fact::Called { operation, .. } if operation.contains("DescribeImageAttribute")),
        )
    };
    let meanwhile = async {
        assert!(litter.story.aws().until(DAY, looked).await);
        litter.story.world(|world| change(world, &victim));
    };
    let (answer, ()) = tokio::join!(litter.prune(), meanwhile);
    let answer = answer.expect("no failure of the day");
    assert_eq!(answer["disabled"], 5, "{answer}\n{}", litter.story.told());
    match told {
        Some(told) => assert!(answer["refused"][&victim].as_str().is_some_and(|it| it.contains(told)), "{answer}"),
        None => assert!(answer.get("refused").is_none(), "{answer}"),
    }
    litter.nothing_is_broken();
}

/// A missing permission of the role is not a verdict about an image: a person has to fix it.
#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_is_told_and_the_others_are_made() {
    let litter = Litter::new();
    litter.days(2).await;
    litter.story.fault("ec2:DeleteSnapshot", FaultKind::InternalError, 1000);
    for _ in 0..3 {
        let error = litter.prune().await.expect_err("a failure");
        assert_eq!(error.error_type, "Durin.SomeRemovalsFailed");
        assert!(error.message.starts_with("1 removal") && error.message.contains(&litter.orphan), "{error}");
        litter.story.aws().pass(DAY).await;
    }
    assert_eq!(litter.left().len(), 2);
    litter.nothing_is_broken();
}
