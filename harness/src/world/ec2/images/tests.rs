use std::time::Duration;

use super::*;
use crate::testing::code;
use crate::world::ec2::{RunInstances, SnapshotHold, SnapshotSpec, SnapshotState};

const A_DAY_S: u64 = 24 * 60 * 60;

fn create(world: &mut World, name: &str) -> String {
    let instance_id = world.running();
    world.create_image(CreateImage { name: name.to_owned(), instance_id, ..CreateImage::default() }).unwrap()
}

/// A pending image of an instance, waited for.
fn created(world: &mut World, name: &str) -> String {
    let id = create(world, name);
    world.pass_until(600, |world| world.ec2.images[&id].state != ImageState::Pending);
    id
}

fn snapshots_of(world: &World, image: &str) -> Vec<String> {
    world.ec2.images[image].block_devices.iter().map(|device| device.snapshot_id.clone()).collect()
}

fn states_told(world: &World) -> Vec<serde_json::Value> {
    world.events("EC2 AMI State Change").iter().map(|event| event["detail"]["State"].clone()).collect()
}

fn launch(world: &mut World, image: &str) -> ApiResult<Vec<String>> {
    world.run_instances(RunInstances { image_id: Some(image.to_owned()), ..RunInstances::default() })
}

#[test]
fn an_image_is_pending_first_and_has_a_snapshot_of_each_volume() {
    let mut world = World::new(1);
    let (instance_id, _) = world.serving_pair();
    let request = CreateImage { name: "one".to_owned(), instance_id: instance_id.clone(), ..CreateImage::default() };
    let id = world.create_image(request.clone()).unwrap();
    assert_eq!(code(world.create_image(request)), "InvalidAMIName.Duplicate");
    assert_eq!(world.ec2.images[&id].state, ImageState::Pending);
    assert_eq!(code(launch(&mut world, &id)), "InvalidAMIID.Unavailable");
    let snapshots = snapshots_of(&world, &id);
    assert_eq!(snapshots.len(), 2, "the root's and the data volume's");
    assert_eq!(
        world.ec2.snapshots[&snapshots[0]].description,
        format!("Created by CreateImage({instance_id}) for {id}")
    );
    assert_eq!(world.ec2.snapshots[&snapshots[0]].state, SnapshotState::Pending);
    world.pass_until(600, |world| world.ec2.images[&id].state == ImageState::Available);
    assert_eq!(world.ec2.snapshots[&snapshots[1]].state, SnapshotState::Completed);
    assert_eq!(world.ec2.images[&id].source_image.as_ref().unwrap().id, PUBLIC_IMAGE);
    let event = world.events("EC2 AMI State Change").remove(0);
    assert_eq!(event["resources"][0], format!("arn:aws:ec2:eu-central-1::image/{id}"));
    assert_eq!(event["detail"]["ImageId"], id);
    assert_eq!(event["detail"]["State"], "available");
}

#[test]
fn an_image_can_fail() {
    let mut world = World::new(1);
    world.ec2.image_failures = 1;
    let id = created(&mut world, "one");
    assert_eq!(world.ec2.images[&id].state, ImageState::Failed);
    assert_eq!(world.events("EC2 AMI State Change")[0]["detail"]["State"], "failed");
    assert_eq!(code(launch(&mut world, &id)), "InvalidAMIID.Unavailable");
    assert_eq!(
        snapshots_of(&world, &id).iter().map(|id| world.ec2.snapshots[id].state).next(),
        Some(SnapshotState::Error)
    );
}

#[test]
fn a_deregistered_image_is_forgotten_by_and_by() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec::named("old"));
    world.latency.deregistered_image_listed = crate::world::latency::Range::from_secs(10, 10);
    assert_eq!(world.deregister_image(&id, false), Ok(Vec::new()));
    assert!(world.is_listed(&world.ec2.images[&id]), "for a short interval");
    assert_eq!(code(launch(&mut world, &id)), "InvalidAMIID.Unavailable");
    assert_eq!(code(world.deregister_image(&id, false)), "InvalidAMIID.Unavailable");
    world.pass(11);
    assert!(world.image(&id).is_some() && !world.is_listed(&world.ec2.images[&id]), "its id gives an empty list");
    world.pass(60 * 60);
    assert!(world.image(&id).is_none());
    assert_eq!(code(world.deregister_image(&id, false)), "InvalidAMIID.NotFound");
    assert_eq!(code(launch(&mut world, &id)), "InvalidAMIID.NotFound");
    assert_eq!(states_told(&world), ["deregistered"]);
}

#[test]
fn an_image_is_remembered_as_long_as_an_instance_of_it_lives() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec::named("old"));
    let instance = launch(&mut world, &id).unwrap().remove(0);
    world.deregister_image(&id, true).unwrap();
    assert_eq!(world.violations().len(), 1, "it was in use: {:?}", world.violations());
    world.pass(2 * 60 * 60);
    assert!(world.image(&id).is_some());
    world.terminate(&instance);
    world.pass_until_terminated(&instance);
    assert!(world.image(&id).is_none());
}

#[test]
fn snapshots_go_with_the_image_unless_they_are_shared() {
    let mut world = World::new(1);
    let own = world.add_snapshot(SnapshotSpec::default());
    let shared = world.add_snapshot(SnapshotSpec::default());
    let locked = world.add_snapshot(SnapshotSpec::default());
    world.ec2.hold_snapshot(&locked, SnapshotHold::Lock);
    let gone = "snap-00000000000000000".to_owned();
    let all = vec![own.clone(), shared.clone(), locked.clone(), gone.clone()];
    let one = world.add_image(ImageSpec { snapshots: Some(all), ..ImageSpec::named("one") });
    let two = world.add_image(ImageSpec { snapshots: Some(vec![shared.clone()]), ..ImageSpec::named("two") });
    let outcomes: Vec<_> = world.deregister_image(&one, true).unwrap().into_iter().map(|(_, it)| it.name()).collect();
    assert_eq!(outcomes, ["success", "skipped", "client-error", "client-error"]);
    assert!(!world.ec2.snapshots.contains_key(&own));
    assert_eq!(world.deregister_image(&two, true).unwrap(), [(shared, SnapshotDeletion::Success)]);
    assert!(world.violations().is_empty());
}

#[test]
fn a_snapshot_cannot_be_deleted_before_its_image_and_not_always_right_after_it() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec::named("old"));
    let snapshot = snapshots_of(&world, &id).remove(0);
    world.latency.snapshots_held = crate::world::latency::Range::from_secs(3, 3);
    let error = world.delete_snapshot(&snapshot).unwrap_err();
    assert_eq!(error.code, "InvalidSnapshot.InUse");
    assert_eq!(error.message, format!("The snapshot {snapshot} is currently in use by {id}"));
    world.deregister_image(&id, false).unwrap();
    assert_eq!(code(world.delete_snapshot(&snapshot)), "InvalidSnapshot.InUse");
    world.pass(3);
    world.delete_snapshot(&snapshot).unwrap();
    assert_eq!(code(world.delete_snapshot(&snapshot)), "InvalidSnapshot.NotFound");
}

#[test]
fn a_disabled_image_is_nobodys_until_it_is_enabled() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec { public: true, ..ImageSpec::named("shared") });
    world.disable_image(&id).unwrap();
    assert!(!world.ec2.images[&id].is_public());
    assert_eq!(code(launch(&mut world, &id)), "InvalidAMIID.Unavailable");
    let share = [LaunchPermission::Everybody];
    assert_eq!(code(world.modify_launch_permissions(&id, &share, &[])), "IncorrectState");
    world.enable_image(&id).unwrap();
    assert!(!world.ec2.images[&id].is_public(), "what was shared is not shared again by itself");
    world.modify_launch_permissions(&id, &share, &[]).unwrap();
    world.modify_launch_permissions(&id, &[], &share).unwrap();
    launch(&mut world, &id).unwrap();
    assert_eq!(states_told(&world), ["disabled", "available"]);
}

#[test]
fn a_deprecation_is_rounded_to_the_minute_and_does_not_begin_in_the_past() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec::named("old"));
    let before = world.now() - Duration::from_secs(1);
    assert_eq!(code(world.enable_image_deprecation(&id, before)), "InvalidParameterValue");
    for (seconds, rounded) in [(89, 60), (90, 120), (0, 0)] {
        world.enable_image_deprecation(&id, world.now() + Duration::from_secs(seconds)).unwrap();
        let from = world.ec2.images[&id].deprecated_from.unwrap();
        assert_eq!(from, world.now() + Duration::from_secs(rounded));
    }
    assert!(world.ec2.images[&id].is_deprecated(world.now()));
    launch(&mut world, &id).unwrap();
    world.disable_image_deprecation(&id).unwrap();
    assert_eq!(world.ec2.images[&id].deprecated_from, None);
}

#[test]
fn protection_can_outlive_its_end_by_a_day() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec::named("kept"));
    world.enable_image_deregistration_protection(&id, false).unwrap();
    assert_eq!(code(world.deregister_image(&id, true)), "OperationNotPermitted");
    world.disable_image_deregistration_protection(&id).unwrap();
    world.enable_image_deregistration_protection(&id, true).unwrap();
    world.disable_image_deregistration_protection(&id).unwrap();
    world.pass(A_DAY_S - 1);
    assert_eq!(code(world.deregister_image(&id, true)), "OperationNotPermitted");
    world.pass(1);
    world.deregister_image(&id, true).unwrap();
}

#[test]
fn a_launch_is_reported_a_day_later() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec::named("used"));
    let first = world.now();
    launch(&mut world, &id).unwrap();
    world.pass(A_DAY_S / 2);
    launch(&mut world, &id).unwrap();
    assert_eq!(world.ec2.images[&id].last_launched(world.now()), None);
    world.pass(A_DAY_S / 2);
    assert_eq!(world.ec2.images[&id].last_launched(world.now()), Some(first));
    world.pass(A_DAY_S / 2);
    assert_eq!(world.ec2.images[&id].last_launched(world.now()), Some(first + Duration::from_secs(A_DAY_S / 2)));
}

#[test]
fn others_images_can_be_launched_and_copied_but_not_changed() {
    let mut world = World::new(1);
    assert_eq!(code(world.deregister_image(PUBLIC_IMAGE, true)), "AuthFailure");
    assert_eq!(code(world.disable_image(PUBLIC_IMAGE)), "AuthFailure");
    let private = ImageSpec { owner: Some("210987654321".to_owned()), ..ImageSpec::named("private") };
    let private = world.add_image(private);
    assert_eq!(code(launch(&mut world, &private)), "InvalidAMIID.NotFound");
    let copy = world.copy_image(CopyImage {
        name: "copy".to_owned(),
        source_image_id: PUBLIC_IMAGE.to_owned(),
        source_region: REGION.to_owned(),
        encrypted: true,
        ..CopyImage::default()
    });
    let copy = copy.unwrap();
    world.pass_until(600, |world| world.ec2.images[&copy].state == ImageState::Available);
    let snapshot = &world.ec2.snapshots[&snapshots_of(&world, &copy)[0]];
    assert!(snapshot.encrypted && snapshot.owner == ACCOUNT);
    assert_eq!(world.ec2.images[&copy].source_image.as_ref().unwrap().id, PUBLIC_IMAGE);
    assert_eq!(world.ec2.images[&copy].source_instance_id, None);
}

#[test]
fn the_recycle_bin_keeps_images_and_snapshots_for_its_time() {
    let mut world = World::new(1);
    world.ec2.recycle_bin.retention = Some(Duration::from_secs(A_DAY_S));
    let ids = ["one", "two"].map(|name| world.add_image(ImageSpec::named(name)));
    let snapshots: Vec<_> = ids.iter().flat_map(|id| snapshots_of(&world, id)).collect();
    for id in &ids {
        world.deregister_image(id, true).unwrap();
    }
    assert_eq!((world.ec2.recycle_bin.images.len(), world.ec2.recycle_bin.snapshots.len()), (2, 2));
    world.restore_image(&ids[0]).unwrap();
    world.restore_snapshot(&snapshots[0]).unwrap();
    launch(&mut world, &ids[0]).unwrap();
    world.pass(A_DAY_S);
    assert_eq!((world.ec2.recycle_bin.images.len(), world.ec2.recycle_bin.snapshots.len()), (0, 0));
    assert_eq!(code(world.restore_image(&ids[1])), "InvalidAMIID.NotFound");
    assert!(world.ec2.snapshots.contains_key(&snapshots[0]) && !world.ec2.snapshots.contains_key(&snapshots[1]));
}

#[test]
fn a_thousand_resources_are_tagged_in_one_call_and_no_more() {
    let mut world = World::new(1);
    let tag = [("a".to_owned(), "1".to_owned())];
    let mut ids: Vec<_> = (0..1000).map(|_| world.add_snapshot(SnapshotSpec::default())).collect();
    world.create_tags(&ids, &tag).unwrap();
    assert!(ids.iter().all(|id| world.ec2.snapshots[id].tags.contains_key("a")));
    ids.push(world.add_image(ImageSpec::named("one too many")));
    assert_eq!(code(world.create_tags(&ids, &tag)), "InvalidParameterValue");
    world.create_tags(&ids[1000..], &tag).unwrap();
    assert_eq!(world.ec2.images[&ids[1000]].tags["a"], "1");
}

#[test]
fn an_image_is_registered_from_snapshots() {
    let mut world = World::new(1);
    let spec = SnapshotSpec { size_gib: Some(9), ..Default::default() };
    let snapshot = world.add_snapshot(spec);
    let request = RegisterImage {
        name: "mine".to_owned(),
        architecture: "arm64".to_owned(),
        root_device_name: "/dev/sda1".to_owned(),
        devices: vec![("/dev/sda1".to_owned(), snapshot)],
        ..RegisterImage::default()
    };
    let id = world.register_image(request).unwrap();
    assert_eq!(world.ec2.images[&id].state, ImageState::Available);
    assert_eq!(world.ec2.images[&id].block_devices[0].size_gib, 9);
    assert_eq!(states_told(&world), ["available"]);
}
