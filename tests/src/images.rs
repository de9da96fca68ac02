//! Stories of images: what there is to publish and to prune, and the schedule that comes soon.

use std::time::Duration;

use durin::tags::{FAMILY, STALE_SINCE};
use durin_harness::seed::IMAGE_PARAMETER;
use durin_harness::world::World;
use durin_harness::world::ec2::{ImageSpec, ImageState, SnapshotSpec};
use durin_harness::world::eventbridge::{Rule, Trigger};
use durin_harness::world::faults::FaultKind;
use serde_json::json;

use crate::Story;

/// A day.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const BAKE: &str = "Durin Bake Finished";

/// The image that the parameter of the nodes names.
pub fn published(world: &World) -> String {
    world.ssm.get_parameter(IMAGE_PARAMETER).map(|(_, version)| version.value.clone()).expect("a value")
}

/// An image of the nodes' family that was baked so many days ago: its id. Its snapshot has no tags.
pub fn baked(world: &mut World, days_ago: u32) -> String {
    add(world, days_ago, |spec| spec)
}

/// The snapshot behind an image.
pub fn snapshot_of(world: &World, image: &str) -> String {
    world.ec2.images()[image].block_devices[0].snapshot_id.clone()
}

/// A pipeline says that it has finished an image.
pub fn told(world: &mut World, image: &str) {
    world.emit("durin.bake", BAKE, Vec::new(), json!({ "image-id": image }));
}

/// A bake for a parameter that does not exist: a person is needed.
pub fn baked_for_nobody(story: &Story) {
    story.world(|world| {
        let image = world.add_image(ImageSpec::named("astray").tagged(FAMILY, "/durin/images/nobody"));
        told(world, &image);
    });
}

/// All that a prune may come across at once: an image to disable, one to enable again, whose snapshot does not name it, one
/// to deregister, and a snapshot without its image. The schedule comes in a minute.
pub fn littered(story: &Story) {
    story.world(|world| {
        for days_ago in [30, 31, 32, 33] {
            baked(world, days_ago);
        }
        let since = world.now() - 3 * DAY;
        let stale = |spec: ImageSpec| ImageSpec {
            state: Some(ImageState::Disabled),
            deprecated_from: Some(since + Duration::from_secs(60)),
            ..spec.tagged(STALE_SINCE, &since.iso_seconds())
        };
        let gone = add(world, 40, stale);
        let needed = add(world, 41, stale);
        world.create_launch_template("needs-it", &needed, "t3.medium", false).expect("a template");
        let left = baked(world, 42);
        for image in [&gone, &needed, &left] {
            let snapshot = snapshot_of(world, image);
            world.create_tags(&[snapshot], &[(FAMILY.to_owned(), IMAGE_PARAMETER.to_owned())]).expect("tagged");
        }
        world.deregister_image(&left, false).expect("deregistered");
    });
    soon(story, "durin-ami-prune");
}

/// The schedule of a prune comes in a minute, and no function answers it.
pub fn pruned_in_vain(story: &Story) {
    story.fault("ec2:DescribeFleets", FaultKind::InternalError, 1000);
    soon(story, "durin-ami-prune");
}

/// The schedule of a function comes in a minute, whatever its period is.
fn soon(story: &Story, function: &str) {
    story.world(|world| {
        let is_it = |rule: &&Rule| rule.function == function && matches!(rule.trigger, Trigger::Rate(_));
        let rule = world.events.rules().iter().find(is_it).cloned().expect("a schedule");
        world.put_rule(Rule { trigger: Trigger::Rate(Duration::from_secs(60)), ..rule });
    });
}

fn add(world: &mut World, days_ago: u32, so: impl Fn(ImageSpec) -> ImageSpec) -> String {
    let created = world.now() - days_ago * DAY;
    let snapshot = world.add_snapshot(SnapshotSpec { started: Some(created), ..SnapshotSpec::default() });
    let spec = ImageSpec::named(&format!("k3s-{days_ago}-days")).tagged(FAMILY, IMAGE_PARAMETER).created(created);
    world.add_image(so(ImageSpec { snapshots: Some(vec![snapshot]), ..spec }))
}
