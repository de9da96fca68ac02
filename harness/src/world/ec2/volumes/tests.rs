//! Attachments that do not go as they should.

use super::*;
use crate::testing::code;
use crate::world::ec2::images::BlockDevice;
use crate::world::ec2::{ImageSpec, RunInstances};
use crate::world::kms::KeyState;

#[test]
fn a_stuck_detachment_ends_with_its_holder() {
    for (stick, shown) in [
        (Ec2::stick_detach as fn(&mut Ec2, &str), AttachmentState::Detaching),
        (Ec2::stick_busy, AttachmentState::Busy),
    ] {
        let mut world = World::new(1);
        let (holder, volume) = world.serving_pair();
        world.release(&holder);
        world.pass(20);
        stick(&mut world.ec2, &volume);
        for force in [false, false, true] {
            world.detach_volume(&volume, Some(&holder), None, force).unwrap();
            world.pass(1800);
            assert_eq!(world.attachment_state(&volume), Some(shown));
        }
        world.terminate(&holder);
        world.pass_until_terminated(&holder);
        world.pass(30);
        assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
        assert!(!world.ec2.volumes[&volume].data.corrupted && world.violations().is_empty());
    }
}

#[test]
fn a_stuck_attachment_ends_with_the_newcomer() {
    let mut world = World::new(1);
    let (newcomer, other, volume) = (world.running(), world.running(), world.available_volume());
    world.ec2.stick_attach(&newcomer);
    world.attach_volume(&volume, &newcomer, "/dev/sdf").unwrap();
    world.pass(1800);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Attaching));
    world.detach_volume(&volume, Some(&newcomer), None, false).unwrap();
    world.pass(1800);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Detaching));
    world.terminate(&newcomer);
    world.pass_until_terminated(&newcomer);
    world.pass(30);
    world.attach_volume(&volume, &other, "/dev/sdf").unwrap();
    world.pass_until(60, |world| world.serving(&volume).is_some());
}

#[test]
fn one_attachment_gets_stuck_and_the_next_does_not() {
    let mut world = World::new(1);
    let (first, second, volume) = (world.running(), world.running(), world.available_volume());
    world.ec2.stick_attach(&volume);
    world.attach_volume(&volume, &first, "/dev/sdf").unwrap();
    world.terminate(&first);
    world.pass_until_terminated(&first);
    world.pass(30);
    world.attach_volume(&volume, &second, "/dev/sdf").unwrap();
    world.pass_until(60, |world| world.serving(&volume).is_some());
}

/// A person's DetachVolume does not take a volume from k3s: it comes to its end when the guest unmounts.
#[test]
fn a_detachment_of_a_mounted_volume_ends_when_it_is_unmounted() {
    let mut world = World::new(1);
    let (holder, volume) = world.serving_pair();
    world.detach_volume(&volume, None, None, false).unwrap();
    world.pass(3600);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Busy));
    world.ec2.stick_detach(&volume);
    world.release(&holder);
    world.pass(60);
    assert_eq!(world.mounted_on(&volume), None);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Detaching), "and then it can still get stuck");
}

#[test]
fn a_device_that_the_image_has_is_taken() {
    let mut world = World::new(1);
    let (image, volume) = (world.add_image(ImageSpec::named("with-data")), world.available_volume());
    world.ec2.tamper_with_image(&image, |image| {
        let data = BlockDevice { device_name: "/dev/sdf".to_owned(), ..image.block_devices[0].clone() };
        image.block_devices.push(data);
    });
    let request = RunInstances { image_id: Some(image), ..RunInstances::default() };
    let instance = world.run_instances(request).unwrap().remove(0);
    world.pass(60);
    let refused = world.attach_volume(&volume, &instance, "/dev/sdf").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "InvalidParameterValue: Invalid value '/dev/sdf' for unixDevice. Attachment point /dev/sdf is already in use"
    );
    world.attach_volume(&volume, &instance, "/dev/sdg").unwrap();
}

#[test]
fn an_instance_has_so_many_devices_and_no_more() {
    let mut world = World::new(1);
    let instance = world.running();
    for number in 1..DEVICES_AT_MOST {
        let volume = world.available_volume();
        world.attach_volume(&volume, &instance, &format!("/dev/sd-{number}")).unwrap();
    }
    let volume = world.available_volume();
    let refused = world.attach_volume(&volume, &instance, "/dev/sdz").unwrap_err();
    assert_eq!(refused.code, "AttachmentLimitExceeded");
    assert!(refused.message.starts_with("You may attach up to 27 devices for this instance type."), "{refused}");
    let another = world.running();
    world.ec2.limit_devices(1);
    assert_eq!(code(world.attach_volume(&volume, &another, "/dev/sdf")), "AttachmentLimitExceeded");
}

#[test]
fn a_volume_is_not_attached_without_its_key() {
    let mut world = World::new(1);
    let (instance, volume) = (world.running(), world.available_volume());
    let key = world.create_key();
    world.ec2.tamper_with_volume(&volume, |volume| volume.key = Some(key.clone()));
    world.change_key(&key, |key| key.state = KeyState::Disabled);
    let refused = world.attach_volume(&volume, &instance, "/dev/sdf").unwrap_err();
    assert_eq!(refused.code, "CustomerKeyHasBeenRevoked");
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
    world.change_key(&key, |key| key.fails_late = true);
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::InUse);
    world.pass(10);
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
    assert_eq!((world.attachment_state(&volume), world.mounted_on(&volume)), (None, None));
    let [event] = &world.events("EBS Volume Notification")[..] else { panic!("one event") };
    assert_eq!((&event["detail"]["event"], &event["detail"]["result"]), (&"attachVolume".into(), &"failed".into()));
    world.change_key(&key, |key| key.state = KeyState::Enabled);
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.pass_until(60, |world| world.serving(&volume).is_some());
}
