use super::*;
use crate::testing::code;
use crate::world::ec2::{AttachmentState, InstanceState};

fn reboot(world: &mut World, instance: &str) {
    world.reboot_instances(&[instance.to_owned()]).unwrap();
}

#[test]
fn a_reboot_unmounts_boots_and_mounts_again() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.pass(30);
    let boots = world.ec2.instances[&instance].guest.boots;
    reboot(&mut world, &instance);
    assert_eq!(world.serving(&volume), None);
    world.pass_until(30, |world| world.mounted_on(&volume).is_none());
    world.pass_until(120, |world| world.workload_serving(&volume).is_some());
    let Guest { boots: now, agent_online_since, .. } = world.ec2.instances[&instance].guest.clone();
    assert!(now > boots && agent_online_since.is_some());
    assert_eq!(world.ec2.state_of(&instance), Some(InstanceState::Running));
    assert_eq!(world.ec2.volumes[&volume].data.unclean_mounts, 0);
    let facts = facts(&world, &instance);
    let order = |fact: &GuestFact| facts.iter().rposition(|it| it == fact);
    assert!(order(&GuestFact::Reboots) < order(&GuestFact::Unmounted { volume: volume.clone() }));
    assert!(order(&GuestFact::Unmounted { volume }) < order(&GuestFact::Booted));
}

#[test]
fn a_reboot_takes_the_marker_away() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.release(&instance);
    world.pass(20);
    assert_eq!(world.ec2.instances[&instance].guest.marker, Some(volume.clone()));
    reboot(&mut world, &instance);
    world.pass_until(120, |world| world.serving(&volume).is_some());
}

#[test]
fn a_kernel_panic_is_not_in_good_order() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.panic_kernel(&instance);
    let lost = GuestFact::PowerLost { volume: volume.clone() };
    assert_eq!(facts(&world, &instance)[facts(&world, &instance).len() - 2..], [GuestFact::KernelPanic, lost]);
    world.pass_until(120, |world| world.serving(&volume).is_some());
    assert_eq!(world.ec2.volumes[&volume].data.unclean_mounts, 1);
    assert_eq!(world.ec2.state_of(&instance), Some(InstanceState::Running));
    assert!(world.violations().is_empty() && check_always(&world).is_empty());
}

#[test]
fn a_busy_volume_leaves_when_its_instance_reboots() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.detach_volume(&volume, Some(&instance), None, false).unwrap();
    world.pass(60);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Busy));
    reboot(&mut world, &instance);
    world.pass_until(30, |world| world.attachment_state(&volume).is_none());
    world.pass(120);
    assert_eq!(world.mounted_on(&volume), None);
}

#[test]
fn an_instance_that_ends_while_it_reboots_does_not_come_up_again() {
    let mut world = World::new(1);
    let (instance, _) = world.serving_pair();
    reboot(&mut world, &instance);
    let before = facts(&world, &instance).len();
    world.terminate(&instance);
    world.pass(180);
    assert!(!facts(&world, &instance)[before..].contains(&GuestFact::Booted));
}

#[test]
fn only_what_runs_reboots() {
    let mut world = World::new(1);
    let (stopped, gone, pending) = (world.running(), world.running(), world.launch_in("eu-central-1a"));
    world.stop_instances(std::slice::from_ref(&stopped)).unwrap();
    world.terminate(&gone);
    assert_eq!(code(world.reboot_instances(&[gone.clone(), stopped])), "IncorrectInstanceState");
    assert_eq!(code(world.reboot_instances(&["i-x".to_owned()])), "InvalidInstanceID.Malformed");
    reboot(&mut world, &gone);
    reboot(&mut world, &pending);
    assert!(!facts(&world, &gone).contains(&GuestFact::Reboots) && facts(&world, &pending).is_empty());
}
