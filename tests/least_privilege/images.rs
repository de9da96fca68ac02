//! Histories of images, and what of theirs is out of reach.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ec2::types::Tag;
use durin::aws::Aws;
use durin::tags::{BACKUP_OF, FAMILY, IMAGE_ID, KEEP, STALE_SINCE};
use durin_harness::seed::{IMAGE_PARAMETER, Seed};
use durin_harness::world::World;
use durin_harness::world::bakes::{Bake, Course, Pipeline};
use durin_harness::world::ec2::{ImageSpec, ImageState, SnapshotSpec};
use durin_harness::world::ssm::PutParameter;
use durin_tests::Story;
use durin_tests::images::{DAY, baked, baked_for_nobody, pruned_in_vain, published, snapshot_of};
use serde_json::Value;

use super::code;

/// Packer bakes an image from the holder, and the function hears of it before it has its tags.
pub(super) async fn baked_and_published(story: &Story) {
    let holder = story.holder();
    let tags = BTreeMap::from([(FAMILY.to_owned(), IMAGE_PARAMETER.to_owned())]);
    let bake = Bake { pipeline: Pipeline::Packer, name: "k3s-2".to_owned(), tags, course: Course::Finished };
    let image = story.world(|world| world.begin_bake(bake, &holder)).expect("a bake");
    story.until("the image is published", |world| published(world) == image).await;
}

/// A bake for a parameter that is not there, and a prune that cannot read everything: both fail to the last attempt.
pub(super) async fn given_up(story: &Story) {
    baked_for_nobody(story);
    pruned_in_vain(story);
    let by = |world: &World| world.lambda.dead_letters().iter().map(|it| it.function.clone()).collect::<BTreeSet<_>>();
    story.until("both are given up", |world| by(world).len() == 2).await;
    assert_eq!(story.world(|world| by(world)), ["durin-ami-prune", "durin-ami-publish"].map(str::to_owned).into());
}

/// Three images that nothing needs are disabled. Of these one goes when it has soaked, with its snapshot; one is enabled
/// again, because somebody needs it after all; and of one, which a person has deregistered, the snapshot goes when it has
/// soaked. Another one that has lost its image is wanted after all.
pub(super) async fn pruned(story: &Story) {
    let [.., gone, needed, left] = story.world(|world| [30, 31, 32, 33, 34].map(|days_ago| baked(world, days_ago)));
    let states = |world: &World| [&gone, &needed, &left].map(|image| world.ec2.images()[image].state);
    assert_eq!(prune(story).await["disabled"], 3);
    assert_eq!(story.world(|world| states(world)), [ImageState::Disabled; 3]);
    let snapshots = story.world(|world| [&gone, &left].map(|image| snapshot_of(world, image)));

    story.world(|world| {
        world.create_launch_template("needs-it", &needed, "t3.medium", false).expect("a template");
        world.deregister_image(&left, false).expect("deregistered");
    });
    story.aws().pass(3 * DAY).await;
    let wanted = story.world(|world| {
        let tags = [(FAMILY.to_owned(), IMAGE_PARAMETER.to_owned())].into();
        let started = Some(world.now() - 30 * DAY);
        world.add_snapshot(SnapshotSpec { tags, started, ..SnapshotSpec::default() })
    });
    let pruned = prune(story).await;
    let counts = ["enabled", "deregistered", "snapshots-marked", "snapshots-left"].map(|count| pruned[count].clone());
    assert_eq!(counts, [1, 1, 2, 0]);
    let keep = [(KEEP.to_owned(), String::new())];
    story.world(|world| world.create_tags(&[wanted], &keep)).expect("tagged");
    story.aws().pass(3 * DAY).await;
    let pruned = prune(story).await;
    assert_eq!([&pruned["snapshots-deleted"], &pruned["snapshots-unmarked"]], [1, 1]);
    story.world(|world| {
        assert_eq!(world.ec2.images()[&needed].state, ImageState::Available);
        assert!(world.ec2.images().get(&gone).is_none_or(|image| image.gone.is_some()));
        assert!(snapshots.iter().all(|snapshot| !world.ec2.snapshots().contains_key(snapshot)));
    });
}

async fn prune(story: &Story) -> Value {
    let tick: Value = serde_json::from_str(include_str!("../../events/schedule.json")).expect("JSON");
    story.invoke("durin-ami-prune", tick).await.outcome.expect("pruned")
}

/// What is of no family is out of reach, and so are backups of data, whatever tags they have besides.
#[tokio::test(start_paused = true)]
async fn what_is_of_no_family_is_out_of_reach() {
    let story = Story::without_functions(&Seed::one_node());
    let (holder, volume) = (story.holder(), story.node().volume.clone());
    let (family, of_none, snapshot, [backup, copy]) = story.world(|world| {
        let family = baked(world, 30);
        let of_none = world.add_image(ImageSpec::named("of-none"));
        let snapshot = snapshot_of(world, &of_none);
        let backups = [("durin:volume", "data"), (BACKUP_OF, "home")].map(|backup| {
            let tags = [(FAMILY, IMAGE_PARAMETER), backup];
            let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            world.add_snapshot(SnapshotSpec { tags, ..SnapshotSpec::default() })
        });
        let undeclared = PutParameter {
            name: "/somebodys".to_owned(),
            value: "theirs".to_owned(),
            parameter_type: Some("String".to_owned()),
            ..PutParameter::default()
        };
        world.put_parameter(undeclared).expect("put");
        (family, of_none, snapshot, backups)
    });
    let tag = |key: &str| Tag::builder().key(key).value("x").build();

    let aws = Aws::new(&story.aws().sdk_config("durin-ami-prune"));
    let ec2 = &aws.ec2;
    let soon = aws_sdk_ec2::primitives::DateTime::from(aws.clock.now() + Duration::from_secs(60));
    let mark = |id: &str, key: &str| ec2.create_tags().resources(id).tags(tag(key)).send();
    let of_prune = [
        code(ec2.deregister_image().image_id(&of_none).send().await),
        code(ec2.disable_image().image_id(&of_none).send().await),
        code(ec2.enable_image().image_id(&of_none).send().await),
        code(ec2.enable_image_deprecation().image_id(&of_none).deprecate_at(soon).send().await),
        code(ec2.delete_tags().resources(&of_none).tags(tag(STALE_SINCE)).send().await),
        code(ec2.delete_tags().resources(&family).tags(tag(FAMILY)).send().await),
        code(ec2.delete_snapshot().snapshot_id(&snapshot).send().await),
        code(ec2.delete_snapshot().snapshot_id(&backup).send().await),
        code(mark(&backup, FAMILY).await),
        code(ec2.delete_tags().resources(&backup).tags(tag(STALE_SINCE)).send().await),
        code(ec2.delete_snapshot().snapshot_id(&copy).send().await),
        code(mark(&copy, FAMILY).await),
        code(ec2.delete_tags().resources(&copy).tags(tag(STALE_SINCE)).send().await),
        code(ec2.delete_tags().resources(&snapshot).tags(tag(STALE_SINCE)).send().await),
        code(mark(&family, "durin:volume").await),
        code(mark(&family, IMAGE_ID).await),
        code(mark(&volume, FAMILY).await),
        code(mark(&holder, FAMILY).await),
        code(ec2.terminate_instances().instance_ids(&holder).send().await),
    ];
    assert_eq!(of_prune, ["UnauthorizedOperation"; 19]);
    assert_eq!(put(&aws, IMAGE_PARAMETER, true).await, "AccessDeniedException");

    let aws = Aws::new(&story.aws().sdk_config("durin-ami-publish"));
    let of_publish = [
        put(&aws, "/somebodys", true).await,
        put(&aws, "/new", true).await,
        put(&aws, IMAGE_PARAMETER, false).await,
        code(aws.ssm.get_parameter().name("/somebodys").send().await),
        code(aws.ssm.delete_parameter().name(IMAGE_PARAMETER).send().await),
    ];
    assert_eq!(of_publish, ["AccessDeniedException"; 5]);
    assert_eq!(code(aws.ec2.deregister_image().image_id(&family).send().await), "UnauthorizedOperation");

    story.world(|world| {
        assert_eq!(world.iam.denials.len(), 26);
        assert_eq!([&family, &of_none].map(|image| world.ec2.images()[image].state), [ImageState::Available; 2]);
        assert!([&snapshot, &backup].iter().all(|id| world.ec2.snapshots().contains_key(*id)));
        assert_eq!(world.ssm.parameters()["/somebodys"].versions.len(), 1);
        assert_eq!(world.ssm.parameters()[IMAGE_PARAMETER].versions.len(), 1);
    });
}

/// The code with which a write is refused.
async fn put(aws: &Aws, name: &str, overwrite: bool) -> String {
    code(aws.ssm.put_parameter().name(name).value("ami-0123456789abcdef0").overwrite(overwrite).send().await)
}
