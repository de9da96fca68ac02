//! Attachments that do not go as they should.

use super::*;

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
