//! A release that is taken back.

use super::*;
use crate::testing::RELEASE_DOCUMENT_CONTENT;
use crate::world::conventions::{RELEASE_DOCUMENT, RESUME_DOCUMENT};
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ssm::{InvocationStatus, SendCommand};

fn world() -> World {
    let mut world = World::new(1);
    world.put_document(RELEASE_DOCUMENT, RELEASE_DOCUMENT_CONTENT).unwrap();
    world.put_document(RESUME_DOCUMENT, RELEASE_DOCUMENT_CONTENT).unwrap();
    world
}

fn send(world: &mut World, document: &str, instance: &str, volume: &str) -> String {
    let parameters =
        [("VolumeId".to_owned(), vec![volume.to_owned()]), ("executionTimeout".to_owned(), vec!["180".to_owned()])];
    let (document, instances) = (document.to_owned(), vec![instance.to_owned()]);
    let request = SendCommand { document, instances, parameters: parameters.into(), ..SendCommand::default() };
    world.send_command(request).unwrap().id.clone()
}

/// Sends the document, waits until it has ended, and says how.
fn ended(world: &mut World, document: &str, instance: &str, volume: &str) -> (InvocationStatus, &'static str, String) {
    let command = send(world, document, instance, volume);
    let invocation = |world: &World| world.ssm.command(&command).unwrap().invocations[0].clone();
    world.pass_until(200, |world| invocation(world).status.is_final());
    let invocation = invocation(world);
    let answer = invocation.answer.unwrap();
    (invocation.status, answer.word, answer.why.unwrap_or_default())
}

#[test]
fn a_release_is_taken_back_without_a_reboot() {
    let mut world = world();
    let (instance, volume) = world.serving_pair();
    assert_eq!(ended(&mut world, RELEASE_DOCUMENT, &instance, &volume).1, "released");
    let begun = world.now();
    assert_eq!(ended(&mut world, RESUME_DOCUMENT, &instance, &volume).1, "resumed");
    assert_eq!(world.mounted_on(&volume), Some(instance.as_str()));
    assert!(world.now().since(begun) < Duration::from_secs(8), "a boot takes longer");
    assert_eq!(world.ec2.instances[&instance].guest.marker, None);
    world.pass_until(60, |world| world.workload_serving(&volume).is_some());
    assert!(!facts(&world, &instance).contains(&GuestFact::Reboots));
    assert_eq!(ended(&mut world, RESUME_DOCUMENT, &instance, &volume).1, "nothing to do");
}

#[test]
fn a_release_that_was_killed_is_taken_back_where_it_stopped() {
    let mut world = world();
    let (instance, volume) = world.serving_pair();
    world.pass_until(20, |world| world.workload_serving(&volume).is_some());
    world.set_agent_mode(&instance, AgentMode::Hanging);
    let command = send(&mut world, RELEASE_DOCUMENT, &instance, &volume);
    world.pass(10);
    world.cancel_command(&command, &[]).unwrap();
    world.pass(10);
    assert_eq!((world.serving(&volume), world.mounted_on(&volume)), (None, Some(instance.as_str())));
    assert_eq!(ended(&mut world, RESUME_DOCUMENT, &instance, &volume).1, "resumed");
    world.pass_until(60, |world| world.workload_serving(&volume).is_some());
}

#[test]
fn resuming_waits_for_a_release_that_is_under_way() {
    let mut world = world();
    let (instance, volume) = world.serving_pair();
    send(&mut world, RELEASE_DOCUMENT, &instance, &volume);
    world.pass_until(10, |world| world.ec2.instances[&instance].guest.releasing);
    assert_eq!(ended(&mut world, RESUME_DOCUMENT, &instance, &volume).1, "resumed");
    let facts = facts(&world, &instance);
    let place = |fact: GuestFact| facts.iter().rposition(|it| *it == fact);
    let (unmounted, resumes) =
        (place(GuestFact::Unmounted { volume: volume.clone() }), place(GuestFact::Resumes { volume }));
    assert!(unmounted.is_some() && unmounted < resumes, "{facts:?}");
}

#[test]
fn what_does_not_mount_again_reboots_and_is_not_resumed_then() {
    let mut world = world();
    let (instance, volume) = world.serving_pair();
    ended(&mut world, RELEASE_DOCUMENT, &instance, &volume);
    world.ec2.tamper_with_instance(&instance, |instance| instance.guest.boot = Boot::WithoutK3s);
    let (status, word, why) = ended(&mut world, RESUME_DOCUMENT, &instance, &volume);
    assert_eq!((status, word), (InvocationStatus::Failed, "not resumed"));
    assert!(why.contains("does not mount"), "{why}");
    assert!(facts(&world, &instance).contains(&GuestFact::Reboots));
    assert_eq!(world.mounted_on(&volume), None);
}

#[test]
fn without_the_program_nothing_is_taken_back() {
    let mut world = world();
    let (instance, volume) = world.serving_pair();
    ended(&mut world, RELEASE_DOCUMENT, &instance, &volume);
    world.set_agent_mode(&instance, AgentMode::Failing);
    let (status, word, why) = ended(&mut world, RESUME_DOCUMENT, &instance, &volume);
    assert_eq!((status, word), (InvocationStatus::Failed, "not resumed"));
    assert!(why.starts_with("there is no /usr/local/bin/durin-node on this instance"), "{why}");
    assert_eq!(world.ec2.instances[&instance].guest.marker, Some(volume));
}

#[test]
fn an_instance_of_somebody_elses_formats_what_is_blank() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    assert_eq!(world.ec2.instances[&instance].image_id, PUBLIC_IMAGE);
    assert!(facts(&world, &instance).contains(&GuestFact::Formatted { volume: volume.clone() }));
    assert!(!world.ec2.volumes[&volume].data.blank);
}
