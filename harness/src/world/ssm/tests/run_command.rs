//! Run Command, from the sending to every end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::testing::RELEASE_DOCUMENT_CONTENT;
use crate::world::conventions::RELEASE_DOCUMENT;
use crate::world::ec2::{InstanceState, RunInstances};
use crate::world::guest::AgentMode;
use crate::world::invariants::check_always;
use crate::world::latency::Range;

/// A world with an instance that serves from a volume: the world and both ids.
fn serving(seed: u64) -> (World, String, String) {
    let mut world = World::new(seed);
    world.put_document(RELEASE_DOCUMENT, RELEASE_DOCUMENT_CONTENT).unwrap();
    let (instance, volume) = world.serving_pair();
    world.pass_until(20, |world| world.workload_serving(&volume).is_some());
    (world, instance, volume)
}

fn release_of(instance: &str) -> SendCommand {
    SendCommand {
        document: RELEASE_DOCUMENT.to_owned(),
        instances: vec![instance.to_owned()],
        delivery_timeout_s: Some(30),
        ..SendCommand::default()
    }
}

fn send(world: &mut World, instance: &str) -> String {
    world.send_command(release_of(instance)).unwrap().id.clone()
}

fn send_for_at_most(world: &mut World, instance: &str, execution_timeout_s: u64) -> String {
    let parameters = BTreeMap::from([("executionTimeout".to_owned(), vec![execution_timeout_s.to_string()])]);
    world.send_command(SendCommand { parameters, ..release_of(instance) }).unwrap().id.clone()
}

fn status(world: &World, command: &str) -> InvocationStatus {
    world.ssm.command(command).unwrap().invocations[0].status
}

fn pass_until_final(world: &mut World, command: &str, seconds: u64) -> (InvocationStatus, i32) {
    world.pass_until(seconds, |world| status(world, command).is_final());
    let invocation = &world.ssm.command(command).unwrap().invocations[0];
    (invocation.status, invocation.response_code)
}

/// What the bus was told of the command.
fn told(world: &World, command: &str) -> Vec<String> {
    let events = world.events("EC2 Command Invocation Status-change Notification");
    let of_command = events.iter().filter(|event| event["detail"]["command-id"] == command);
    of_command.map(|event| event["detail"]["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_release_command_lets_the_volume_go() {
    let (mut world, instance, volume) = serving(1);
    let command = send(&mut world, &instance);
    assert_eq!(code(world.command_invocation(&command, &instance).map(drop)), "InvocationDoesNotExist");
    assert_eq!(world.visible_commands().count(), 0);
    world.pass_until(3, |world| status(world, &command) == InvocationStatus::InProgress);
    assert_eq!(world.serving(&volume), None, "k3s stops at once");
    let sent = world.now();
    assert_eq!(pass_until_final(&mut world, &command, 20), (InvocationStatus::Success, 0));
    assert_eq!(world.mounted_on(&volume), None);
    let invocation = world.command_invocation(&command, &instance).unwrap().1.clone();
    assert_eq!((invocation.started, invocation.ended), (Some(sent), Some(world.now())));
    assert_eq!(told(&world, &command), ["Pending", "InProgress", "Success"]);
    assert_eq!(check_always(&world), Vec::<String>::new());
}

#[test]
fn a_second_release_waits_for_the_first_and_one_more_has_nothing_to_do() {
    let (mut world, instance, _) = serving(2);
    world.latency.drain = Range::from_secs(8, 8);
    let first = send(&mut world, &instance);
    let second = send(&mut world, &instance);
    world.pass(4);
    assert_eq!(status(&world, &first), InvocationStatus::InProgress);
    assert_eq!(status(&world, &second), InvocationStatus::InProgress, "it waits inside the script");
    assert_eq!(pass_until_final(&mut world, &first, 20), (InvocationStatus::Success, 0));
    let first_done = world.now();
    assert_eq!(pass_until_final(&mut world, &second, 20), (InvocationStatus::Success, 0));
    assert_eq!(world.now(), first_done, "nothing was left to do");
    let third = send(&mut world, &instance);
    assert_eq!(pass_until_final(&mut world, &third, 3), (InvocationStatus::Success, 0));
}

#[test]
fn wrong_commands_are_refused() {
    let (mut world, instance, _) = serving(1);
    let nowhere = "i-0123456789abcdef0".to_owned();
    let error = world.send_command(release_of(&nowhere)).map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "InvalidInstanceId: Instances [[i-0123456789abcdef0]] not in a valid state for account 123456789012"
    );
    let refused = |world: &mut World, request| code(world.send_command(request).map(drop));
    let twice = SendCommand { instances: vec![instance.clone(); 2], ..release_of(&instance) };
    assert_eq!(refused(&mut world, twice), "DuplicateInstanceId");
    let unknown = SendCommand { document: "durin-relase".to_owned(), ..release_of(&instance) };
    assert_eq!(refused(&mut world, unknown), "InvalidDocument");
    let version = SendCommand { document_version: Some("7".to_owned()), ..release_of(&instance) };
    assert_eq!(refused(&mut world, version), "InvalidDocumentVersion");
    let hasty = SendCommand { delivery_timeout_s: Some(29), ..release_of(&instance) };
    assert_eq!(refused(&mut world, hasty), "ValidationException");
    let crowd = SendCommand { instances: vec![instance.clone(); 51], ..release_of(&instance) };
    assert_eq!(refused(&mut world, crowd), "ValidationException");
    let parameters = BTreeMap::from([("colour".to_owned(), vec!["red".to_owned()])]);
    assert_eq!(refused(&mut world, SendCommand { parameters, ..release_of(&instance) }), "InvalidParameters");
    world.terminate(&instance);
    assert_eq!(refused(&mut world, release_of(&instance)), "InvalidInstanceId");
    assert!(world.ssm.commands.is_empty());
}

#[test]
fn an_agent_that_never_registered_takes_no_command() {
    let mut world = World::new(1);
    world.put_document(RELEASE_DOCUMENT, RELEASE_DOCUMENT_CONTENT).unwrap();
    let instance = world.launch_in("eu-central-1a");
    world.pass_until(120, |world| world.ec2.instances[&instance].state == InstanceState::Running);
    assert_eq!(code(world.send_command(release_of(&instance)).map(drop)), "InvalidInstanceId");
    world.pass_until(120, |world| world.ec2.instances[&instance].guest.agent_online_since.is_some());
    send(&mut world, &instance);
}

#[test]
fn an_agent_that_is_gone_is_not_reached_in_time() {
    let (mut world, instance, volume) = serving(1);
    world.set_agent_mode(&instance, AgentMode::Gone);
    let command = send(&mut world, &instance);
    world.pass(3);
    assert_eq!(status(&world, &command), InvocationStatus::Delayed);
    world.pass(26);
    assert_eq!(status(&world, &command), InvocationStatus::Delayed);
    assert_eq!(pass_until_final(&mut world, &command, 1), (InvocationStatus::DeliveryTimedOut, -1));
    assert_eq!(told(&world, &command), ["Pending", "Delayed", "TimedOut"]);
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
}

#[test]
fn an_agent_that_comes_back_takes_what_has_waited() {
    let (mut world, instance, _) = serving(1);
    world.set_agent_mode(&instance, AgentMode::Gone);
    let request = SendCommand { delivery_timeout_s: Some(600), ..release_of(&instance) };
    let command = world.send_command(request).unwrap().id.clone();
    world.pass(100);
    world.set_agent_mode(&instance, AgentMode::Online);
    assert_eq!(pass_until_final(&mut world, &command, 60), (InvocationStatus::Success, 0));
}

#[test]
fn what_ends_while_the_agent_is_gone_is_told_later() {
    let (mut world, instance, volume) = serving(1);
    let command = send(&mut world, &instance);
    world.pass_until(3, |world| status(world, &command) == InvocationStatus::InProgress);
    world.set_agent_mode(&instance, AgentMode::Gone);
    world.pass(60);
    assert_eq!((world.mounted_on(&volume), status(&world, &command)), (None, InvocationStatus::InProgress));
    world.set_agent_mode(&instance, AgentMode::Online);
    assert_eq!(pass_until_final(&mut world, &command, 20), (InvocationStatus::Success, 0));
}

#[test]
fn a_release_of_a_volume_that_is_not_attached_fails_and_changes_nothing() {
    let (mut world, instance, volume) = serving(1);
    let other = world.available_volume();
    for missing in ["vol-0123456789abcdef0", &other] {
        let parameters = BTreeMap::from([("VolumeId".to_owned(), vec![missing.to_owned()])]);
        let request = SendCommand { parameters, ..release_of(&instance) };
        let command = world.send_command(request).unwrap().id.clone();
        assert_eq!(pass_until_final(&mut world, &command, 20), (InvocationStatus::Failed, 1));
        let answer = world.ssm.command(&command).unwrap().invocations[0].answer.clone().unwrap();
        let why = format!("{missing} is not attached: no NVMe device has its serial number");
        assert_eq!((answer.word, answer.why), ("not released", Some(why)));
        assert_eq!(world.workload_serving(&volume), Some(instance.as_str()));
    }
    let parameters = BTreeMap::from([("VolumeId".to_owned(), vec![volume.clone()])]);
    let command = world.send_command(SendCommand { parameters, ..release_of(&instance) }).unwrap().id.clone();
    assert_eq!(pass_until_final(&mut world, &command, 20), (InvocationStatus::Success, 0));
    assert_eq!(world.mounted_on(&volume), None);
}

#[test]
fn a_slow_release_takes_its_time_and_the_volume_stays_mounted_meanwhile() {
    let (mut world, instance, volume) = serving(1);
    world.set_agent_mode(&instance, AgentMode::Slow);
    let command = send(&mut world, &instance);
    world.pass(85);
    assert_eq!(status(&world, &command), InvocationStatus::InProgress);
    assert_eq!((world.serving(&volume), world.mounted_on(&volume)), (None, Some(instance.as_str())));
    assert_eq!(pass_until_final(&mut world, &command, 20), (InvocationStatus::Success, 0));
    assert_eq!(world.mounted_on(&volume), None);
}

#[test]
fn a_failing_release_changes_nothing() {
    let (mut world, instance, volume) = serving(1);
    world.set_agent_mode(&instance, AgentMode::Failing);
    let command = send(&mut world, &instance);
    assert_eq!(pass_until_final(&mut world, &command, 20), (InvocationStatus::Failed, 1));
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
    assert_eq!(world.workload_serving(&volume), Some(instance.as_str()));
}

#[test]
fn a_hanging_release_is_killed_at_its_execution_timeout_and_can_be_repeated() {
    let (mut world, instance, volume) = serving(1);
    world.set_agent_mode(&instance, AgentMode::Hanging);
    let hour = send(&mut world, &instance);
    assert_eq!(world.ssm.command(&hour).unwrap().execution_timeout, Duration::from_secs(3600));
    world.cancel_command(&hour, &[]).unwrap();
    let command = send_for_at_most(&mut world, &instance, 60);
    world.pass(55);
    assert_eq!(status(&world, &command), InvocationStatus::InProgress);
    assert_eq!((world.serving(&volume), world.mounted_on(&volume)), (None, Some(instance.as_str())));
    assert_eq!(pass_until_final(&mut world, &command, 10), (InvocationStatus::ExecutionTimedOut, 137));
    assert_eq!(told(&world, &command).last().unwrap(), "TimedOut");
    assert_eq!(world.mounted_on(&volume), Some(instance.as_str()));
    world.set_agent_mode(&instance, AgentMode::Online);
    let again = send(&mut world, &instance);
    assert_eq!(pass_until_final(&mut world, &again, 20), (InvocationStatus::Success, 0));
    assert_eq!(world.mounted_on(&volume), None);
}

#[test]
fn a_guest_that_dies_leaves_its_command_in_progress_until_it_expires() {
    let (mut world, instance, volume) = serving(1);
    world.latency.drain = Range::from_secs(8, 8);
    let command = send_for_at_most(&mut world, &instance, 120);
    world.pass_until(3, |world| status(world, &command) == InvocationStatus::InProgress);
    world.reclaim(&instance);
    assert_eq!(world.mounted_on(&volume), None, "the power is gone");
    world.pass(140);
    assert_eq!(status(&world, &command), InvocationStatus::InProgress);
    assert_eq!(pass_until_final(&mut world, &command, 20), (InvocationStatus::Undeliverable, -1));
    let sent = world.ssm.command(&command).unwrap();
    assert_eq!(world.now(), sent.expires_after(), "30 s to deliver it and 120 s to run it");
    assert_eq!((sent.status().name(), sent.status().details()), ("Failed", "Undeliverable"));
}

#[test]
fn a_release_that_hangs_in_the_kernel_keeps_a_shutdown_from_unmounting() {
    let (mut world, instance, volume) = serving(1);
    world.set_agent_mode(&instance, AgentMode::Hanging);
    let command = send_for_at_most(&mut world, &instance, 120);
    world.pass(20);
    world.terminate(&instance);
    world.pass(10);
    assert_eq!(world.mounted_on(&volume), Some(instance.as_str()));
    world.pass(90);
    assert_eq!((world.mounted_on(&volume), world.ec2.volumes[&volume].data.dirty), (None, true));
    assert_eq!(status(&world, &command), InvocationStatus::InProgress);
    assert!(world.violations().is_empty());
}

#[test]
fn a_command_can_be_cancelled_before_and_while_it_runs() {
    let (mut world, instance, volume) = serving(1);
    (world.latency.k3s_stop, world.latency.drain) = (Range::from_secs(0, 0), Range::from_secs(8, 8));
    let early = send(&mut world, &instance);
    world.cancel_command(&early, &[]).unwrap();
    assert_eq!(status(&world, &early), InvocationStatus::Cancelled);
    let late = send(&mut world, &instance);
    world.pass(3);
    world.cancel_command(&late, std::slice::from_ref(&instance)).unwrap();
    assert_eq!(status(&world, &late), InvocationStatus::Cancelling);
    assert_eq!(pass_until_final(&mut world, &late, 10), (InvocationStatus::Cancelled, 137));
    world.pass(30);
    let (k3s, workload) = (world.serving(&volume), world.workload_serving(&volume));
    assert_eq!((k3s, workload), (None, None), "what it has done stays done");
    assert_eq!(world.mounted_on(&volume), Some(instance.as_str()), "the end of the workload was as far as it came");
    assert_eq!(told(&world, &early), ["Pending", "Cancelled"]);
    assert_eq!(code(world.cancel_command("no such command", &[])), "InvalidCommandId");
}

#[test]
fn documents_are_checked_and_say_how_long_they_may_take() {
    let mut world = World::new(1);
    let yaml = "schemaVersion: '2.2'\nmainSteps:\n  - action: aws:runShellScript\n    name: only\n    inputs: \
                {timeoutSeconds: 90}\n";
    world.put_document("by-the-way", yaml).unwrap();
    let document = world.ssm.document("by-the-way", None).unwrap();
    assert_eq!((document.format, document.plugin_name()), (DocumentFormat::Yaml, "only"));
    assert_eq!(document.execution_timeout(&BTreeMap::new()), Duration::from_secs(90));
    let create = |name: &str, content: &str| CreateDocument {
        name: name.to_owned(),
        content: content.to_owned(),
        ..CreateDocument::default()
    };
    assert_eq!(code(world.create_document(create("broken", "{")).map(drop)), "InvalidDocumentContent");
    assert_eq!(code(world.create_document(create("empty", "{}")).map(drop)), "InvalidDocumentContent");
    let content = RELEASE_DOCUMENT_CONTENT;
    assert_eq!(code(world.create_document(create("by-the-way", content)).map(drop)), "DocumentAlreadyExists");
    assert_eq!(code(world.create_document(create("aws-thing", content)).map(drop)), "ValidationException");
    world.ssm.delete_document("by-the-way").unwrap();
    assert_eq!(code(world.ssm.document("by-the-way", None).map(drop)), "InvalidDocument");
}

/// Commands, modes, deaths and hand-offs at random: nothing is torn or lost, and every command comes to an end.
#[test]
fn however_it_is_shaken_every_command_ends_and_no_write_is_lost() {
    use AgentMode::*;
    for seed in 0..60 {
        let (mut world, _, volume) = serving(seed);
        let mut dice = fastrand::Rng::with_seed(seed);
        for _ in 0..60 {
            let ids: Vec<_> = world.ec2.instances.keys().cloned().collect();
            let instance = &ids[dice.usize(..ids.len())];
            // Refusals are as welcome as anything.
            match dice.u8(..14) {
                0..4 => {
                    let parameters = BTreeMap::from([("executionTimeout".to_owned(), vec!["200".to_owned()])]);
                    drop(world.send_command(SendCommand { parameters, ..release_of(instance) }).map(drop));
                }
                4..6 => {
                    let modes = [Online, Online, Online, Offline, Slow, Failing, Hanging, Gone];
                    world.set_agent_mode(instance, modes[dice.usize(..modes.len())]);
                }
                6 => drop(world.run_instances(RunInstances {
                    image_id: Some("ami-0123456789abcdef0".to_owned()),
                    zone: Some("eu-central-1a".to_owned()),
                    ..RunInstances::default()
                })),
                7 => world.reclaim(instance),
                8 => drop(world.terminate_instances(std::slice::from_ref(instance))),
                9 => {
                    drop(world.stop_instances(std::slice::from_ref(instance)));
                    drop(world.start_instances(std::slice::from_ref(instance)));
                }
                10 => drop(world.detach_volume(&volume, Some(instance), None, false)),
                11 => drop(world.attach_volume(&volume, instance, "/dev/sdf")),
                12 => world.drain(instance),
                _ => {
                    let last = world.ssm.commands.last().map(|command| command.id.clone());
                    drop(last.map(|command| world.cancel_command(&command, &[])));
                }
            }
            world.pass(dice.u64(..40));
            assert_eq!(check_always(&world), Vec::<String>::new(), "seed {seed}");
            if let Some(holder) = world.workload_serving(&volume).map(str::to_owned) {
                let released = world.ec2.instances[&holder].guest.marker.is_some();
                assert!(world.serving(&volume).is_some() || released, "seed {seed}: a workload without k3s");
            }
        }
        world.pass(30 + 200);
        let open: Vec<_> = world.ssm.commands.iter().filter(|command| !command.status().is_final()).collect();
        assert!(open.is_empty(), "seed {seed}: {open:?}");
        assert!(world.violations().is_empty(), "seed {seed}");
    }
}
