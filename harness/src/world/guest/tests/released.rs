//! What a release leaves behind: in the instance until it boots again, and on the volume.

use super::*;
use crate::testing::RELEASE_DOCUMENT_CONTENT;
use crate::world::conventions::{DRAIN_TAG, RELEASE_DOCUMENT};
use crate::world::ssm::SendCommand;

/// Detaches the volume and attaches it to the same instance again.
fn come_back(world: &mut World, instance: &str, volume: &str) {
    world.detach_volume(volume, Some(instance), None, false).unwrap();
    world.pass(6);
    world.attach_volume(volume, instance, "/dev/sdf").unwrap();
    world.pass(60);
}

#[test]
fn what_has_released_mounts_nothing_in_this_boot() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.release(&instance);
    world.pass(20);
    come_back(&mut world, &instance, &volume);
    assert_eq!(world.mounted_on(&volume), None);
    let honoured = GuestFact::MarkerHonoured { volume: volume.clone() };
    assert_eq!(facts(&world, &instance).last(), Some(&honoured));
    let another = world.available_volume();
    world.attach_volume(&another, &instance, "/dev/sdg").unwrap();
    world.pass(60);
    assert_eq!(world.mounted_on(&another), None, "k3s does not start, whatever the volume");
}

#[test]
fn what_has_released_mounts_again_after_a_stop_and_a_start() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.release(&instance);
    world.pass(20);
    world.stop_instances(std::slice::from_ref(&instance)).unwrap();
    world.pass(90);
    world.start_instances(std::slice::from_ref(&instance)).unwrap();
    world.pass(120);
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
}

#[test]
fn a_shutdown_leaves_no_marker() {
    let mut world = World::new(1);
    let (instance, _) = world.serving_pair();
    world.stop_instances(std::slice::from_ref(&instance)).unwrap();
    world.pass(14);
    let guest = &world.ec2.instances[&instance].guest;
    assert_eq!((guest.mounted.as_ref(), guest.marker.as_ref()), (None, None));
}

/// The marker that a release has left which is killed after 10 s.
fn marker_of_killed(mode: AgentMode) -> Option<String> {
    let mut world = World::new(1);
    world.put_document(RELEASE_DOCUMENT, RELEASE_DOCUMENT_CONTENT).unwrap();
    let (instance, volume) = world.serving_pair();
    world.pass_until(20, |world| world.workload_serving(&volume).is_some());
    world.set_agent_mode(&instance, mode);
    let parameters = [("executionTimeout".to_owned(), vec!["10".to_owned()])].into();
    let (document, instances) = (RELEASE_DOCUMENT.to_owned(), vec![instance.clone()]);
    world.send_command(SendCommand { document, instances, parameters, ..SendCommand::default() }).unwrap();
    world.pass(30);
    assert!(facts(&world, &instance).contains(&GuestFact::ReleaseGivenUp));
    let marker = world.ec2.instances[&instance].guest.marker.clone();
    assert!(marker.as_ref().is_none_or(|marker| *marker == volume));
    marker
}

#[test]
fn a_killed_release_leaves_the_marker_however_far_it_came() {
    assert!(marker_of_killed(AgentMode::Hanging).is_some());
    assert!(marker_of_killed(AgentMode::Slow).is_some(), "it was killed while the pods ended");
}

#[test]
fn a_release_that_is_killed_before_the_workload_ends_leaves_it_running() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.pass_until(20, |world| world.workload_serving(&volume).is_some());
    world.latency.k3s_stop = Range::from_secs(4, 4);
    world.release(&instance);
    world.pass(2);
    world.give_release_up(&instance);
    world.pass(60);
    assert_eq!((world.serving(&volume), world.workload_serving(&volume)), (None, Some(instance.as_str())));
    world.release(&instance);
    world.pass(20);
    assert_eq!((world.workload_serving(&volume), world.mounted_on(&volume)), (None, None));
}

#[test]
fn a_release_that_sees_no_volume_leaves_no_marker() {
    let mut world = World::new(1);
    let instance = world.running();
    world.release(&instance);
    world.pass(20);
    let volume = world.available_volume();
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.pass_until(60, |world| world.serving(&volume).is_some());
}

/// A world in which an instance has released the volume, with this tag `durin:drain` and cordon, and another has got it.
fn handed_over(drain: Option<&str>, cordon: Option<Cordon>) -> (World, String) {
    let mut world = World::new(1);
    let (first, volume) = world.serving_pair();
    world.pass_until(20, |world| world.workload_serving(&volume).is_some());
    world.ec2.tamper_with_volume(&volume, |volume| volume.data.cordon = cordon);
    if let Some(seconds) = drain {
        let tag = (DRAIN_TAG.to_owned(), seconds.to_owned());
        world.ec2.tamper_with_instance(&first, |instance| instance.tags.extend([tag]));
    }
    let second = world.running();
    world.release(&first);
    world.pass(20);
    world.detach_volume(&volume, Some(&first), None, false).unwrap();
    world.pass(6);
    world.attach_volume(&volume, &second, "/dev/sdf").unwrap();
    (world, volume)
}

#[test]
fn a_cordon_goes_where_the_volume_goes() {
    let (mut world, volume) = handed_over(None, Some(Cordon::Somebodys));
    world.pass(60);
    assert_eq!(world.ec2.volumes[&volume].data.cordon, Some(Cordon::Somebodys));
    assert_eq!(world.workload_serving(&volume), None);
    let holder = world.serving(&volume).unwrap().to_owned();
    assert_eq!(facts(&world, &holder).last(), Some(&GuestFact::Cordoned));
    world.ec2.tamper_with_volume(&volume, |volume| volume.data.cordon = None);
    world.stop_instances(std::slice::from_ref(&holder)).unwrap();
    world.pass(90);
    world.start_instances(&[holder]).unwrap();
    world.pass_until(180, |world| world.workload_serving(&volume).is_some());
}

#[test]
fn a_release_leaves_no_cordon_unless_it_drains() {
    for drain in [None, Some("0"), Some("soon")] {
        let (world, volume) = handed_over(drain, None);
        assert_eq!(world.ec2.volumes[&volume].data.cordon, None, "{drain:?}");
    }
}

#[test]
fn the_successor_lifts_the_cordon_of_a_drain_and_no_other() {
    let (mut world, volume) = handed_over(Some("10"), None);
    assert_eq!(world.ec2.volumes[&volume].data.cordon, Some(Cordon::Durins));
    world.pass_until(60, |world| world.workload_serving(&volume).is_some());
    assert_eq!(world.ec2.volumes[&volume].data.cordon, None);
    let (mut world, volume) = handed_over(Some("10"), Some(Cordon::Somebodys));
    world.pass(60);
    assert_eq!(world.ec2.volumes[&volume].data.cordon, Some(Cordon::Somebodys));
}
