use super::*;
use crate::world::ec2::Ec2Change;
use crate::world::history::{Change, Fact};

const FAMILY: &str = "durin:image-parameter";

fn bake(pipeline: Pipeline, course: Course) -> Bake {
    let tags = BTreeMap::from([(FAMILY.to_owned(), "/durin/image".to_owned())]);
    Bake { pipeline, name: "k3s-2".to_owned(), tags, course }
}

/// A bake that has come to its end: the world, and the image that came first.
fn baked(pipeline: Pipeline, course: Course) -> (World, String) {
    let mut world = World::new(1);
    let instance = world.running();
    let id = world.begin_bake(bake(pipeline, course), &instance).unwrap();
    assert!(world.ec2.images[&id].tags.is_empty(), "the tags come last");
    world.pass(60 * 60);
    assert!(!world.is_baking());
    (world, id)
}

/// What happened to images and was told about them, in order.
fn story(world: &World) -> Vec<String> {
    let told = world.history().iter().filter_map(|entry| match &entry.fact {
        Fact::Emitted(event) => {
            let detail = &event["detail"];
            let about = detail["State"].as_str().or(detail["image-id"].as_str());
            let about = about.or(detail["state"]["status"].as_str())?;
            Some(format!("{}: {about}", event["detail-type"].as_str()?))
        }
        Fact::Changed { subject, change: change @ Change::Ec2(Ec2Change::Tagged(_)) } => {
            Some(format!("{subject} {change}"))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn packer_tags_last_and_then_says_so() {
    let (world, id) = baked(Pipeline::Packer, Course::Finished);
    let snapshot = &world.ec2.images[&id].block_devices[0].snapshot_id;
    let tagged = format!("tagged {FAMILY}=/durin/image");
    let expected = [
        "EC2 AMI State Change: available".to_owned(),
        format!("{id} {tagged}"),
        format!("{snapshot} {tagged}"),
        format!("Durin Bake Finished: {id}"),
    ];
    assert!(story(&world).ends_with(&expected), "{:?}", story(&world));
    assert_eq!(world.ec2.snapshots[snapshot].tags, world.ec2.images[&id].tags);
}

#[test]
fn image_builder_names_the_build_and_not_the_image() {
    let (world, id) = baked(Pipeline::ImageBuilder, Course::Finished);
    assert_eq!(world.ec2.images[&id].tags[FAMILY], "/durin/image");
    let event = world.events("EC2 Image Builder Image State Change").remove(0);
    assert_eq!(event["source"], "aws.imagebuilder");
    assert_eq!(event["detail"]["state"]["status"], "AVAILABLE");
    assert!(!event.to_string().contains("ami-"), "{event}");
    assert!(world.events("Durin Bake Finished").is_empty());
}

#[test]
fn a_temporary_image_is_gone_in_the_end_with_its_snapshots() {
    let (world, temporary) = baked(Pipeline::Packer, Course::ThroughTemporaryImage);
    assert_eq!(world.ec2.images[&temporary].state, ImageState::Deregistered);
    assert!(world.ec2.images[&temporary].name.starts_with("packer-"));
    let event = world.events("Durin Bake Finished").remove(0);
    let copy = &world.ec2.images[event["detail"]["image-id"].as_str().unwrap()];
    assert_eq!((copy.name.as_str(), copy.state), ("k3s-2", ImageState::Available));
    assert_eq!(copy.tags[FAMILY], "/durin/image");
    let kept: Vec<_> = copy.block_devices.iter().map(|device| device.snapshot_id.clone()).collect();
    let own = world.ec2.snapshots.values().filter(|snapshot| snapshot.owner == ACCOUNT);
    assert_eq!(own.map(|snapshot| snapshot.id.clone()).collect::<Vec<_>>(), kept);
    assert_eq!(world.events("EC2 AMI State Change").len(), 3, "two available, one deregistered");
}

#[test]
fn a_bake_can_stop_before_the_tags_or_fail() {
    for (course, state) in [(Course::NeverTagged, ImageState::Available), (Course::Failed, ImageState::Failed)] {
        let (world, id) = baked(Pipeline::Packer, course);
        assert_eq!(world.ec2.images[&id].state, state);
        assert!(world.ec2.images[&id].tags.is_empty());
        assert!(world.events("Durin Bake Finished").is_empty());
    }
}

#[test]
fn a_bake_ends_with_its_image() {
    let mut world = World::new(1);
    let instance = world.running();
    let id = world.begin_bake(bake(Pipeline::Packer, Course::Finished), &instance).unwrap();
    world.deregister_image(&id, true).unwrap();
    world.pass(60 * 60);
    assert!(!world.is_baking() && world.events("Durin Bake Finished").is_empty());
    assert_eq!(world.ec2.images[&id].state, ImageState::Deregistered);
}
