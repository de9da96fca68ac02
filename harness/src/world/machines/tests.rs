//! Where instances are machines, nothing is played.

use super::*;
use crate::seed::NodeSeed;
use crate::templates::documents;
use crate::testing::settled;
use crate::world::conventions::{RELEASE_DOCUMENT, VOLUME_TAG};
use crate::world::ec2::{InstanceState, SpotAction, VolumeState};
use crate::world::ssm::{InvocationStatus, Output, SendCommand};

fn machines() -> (World, String, String) {
    let mut world = World::new(1);
    world.back_with_machines();
    let volume = world.available_volume();
    let instance = world.launch_in("eu-central-1a");
    world.pass(120);
    assert_eq!(world.take_orders(), [Order::PowerOn { instance: instance.clone() }]);
    world.on_report(&instance, Report::Booted);
    world.on_report(&instance, Report::AgentOnline);
    (world, instance, volume)
}

fn attach(world: &mut World, instance: &str, volume: &str) {
    world.attach_volume(volume, instance, "/dev/sdf").unwrap();
    world.pass(60);
    let (instance, volume) = (instance.to_owned(), volume.to_owned());
    assert_eq!(world.take_orders(), [Order::Plug { instance, volume }]);
}

#[test]
fn nothing_is_mounted_before_the_machine_says_so() {
    let (mut world, instance, volume) = machines();
    attach(&mut world, &instance, &volume);
    world.pass(600);
    assert_eq!(world.mounted_on(&volume), None);
    world.on_report(&instance, Report::Mounted { volume: volume.clone() });
    world.on_report(&instance, Report::K3sUp);
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
}

#[test]
fn a_volume_is_free_when_the_machine_has_let_it_go() {
    let (mut world, instance, volume) = machines();
    attach(&mut world, &instance, &volume);
    world.detach_volume(&volume, None, None, false).unwrap();
    world.pass(60);
    let unplug = || Order::Unplug { instance: instance.clone(), volume: volume.clone(), by_force: false };
    assert_eq!(world.take_orders(), [unplug()]);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Detaching));
    // The kernel knows better than what was reported last.
    world.on_report(&instance, Report::InUse { volume: volume.clone() });
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Busy));
    world.on_report(&instance, Report::Mounted { volume: volume.clone() });
    world.on_report(&instance, Report::Unmounted);
    assert_eq!(world.take_orders(), [unplug()]);
    world.on_report(&instance, Report::Unplugged { volume: volume.clone() });
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
}

#[test]
fn a_document_runs_there_whatever_its_name_and_its_output_is_what_it_wrote() {
    let (mut world, instance, volume) = machines();
    for (name, content) in documents("infra/release.yaml", include_str!("../../../../infra/release.yaml")).unwrap() {
        world.put_document(&name, &content).unwrap();
    }
    let parameters = [("VolumeId".to_owned(), vec![volume.clone()])].into();
    let (document, instances) = (RELEASE_DOCUMENT.to_owned(), vec![instance.clone()]);
    let request = SendCommand { document, instances, parameters, ..SendCommand::default() };
    let sent = world.send_command(request).unwrap().id.clone();
    world.pass(10);
    let orders = world.take_orders();
    let [Order::Run { command, script, .. }] = orders.as_slice() else { panic!("{orders:?}") };
    assert_eq!(*command, sent);
    assert!(script.contains(&format!("release {volume}\n")) && !script.contains("{{"), "{script}");
    let output = Output { output: "{}\n".to_owned(), error: "not released: why\n".to_owned() };
    world.on_report(&instance, Report::Ended { command: sent.clone(), status: 1, output: output.clone() });
    let invocation = &world.ssm.command(&sent).unwrap().invocations[0];
    assert_eq!((invocation.status, invocation.response_code), (InvocationStatus::Failed, 1));
    assert_eq!(invocation.output, Some(output));
}

#[test]
fn a_reclaim_cuts_the_power_and_an_end_presses_the_button_first() {
    let (mut world, instance, _) = machines();
    let other = world.launch_in("eu-central-1a");
    world.pass(60);
    world.take_orders();
    world.reclaim(&instance);
    assert_eq!(world.take_orders(), [Order::CutPower { instance }]);
    world.terminate(&other);
    assert_eq!(world.take_orders(), [Order::PressPowerButton { instance: other.clone() }]);
    world.pass(29);
    assert_eq!(world.ec2.state_of(&other), Some(InstanceState::ShuttingDown));
    world.pass(90);
    assert!(world.take_orders().contains(&Order::CutPower { instance: other }));
}

#[test]
fn an_instance_reads_its_tags_and_its_notice() {
    let (mut world, node) = settled(1, NodeSeed::default());
    let holder = world.serving(&node.volume).unwrap().to_owned();
    let tag = format!("tags/instance/{VOLUME_TAG}");
    assert_eq!(world.metadata(&holder, &tag), Some(node.volume));
    assert_eq!(world.metadata(&holder, "instance-id"), Some(holder.clone()));
    assert_eq!(world.metadata(&holder, "spot/instance-action"), None);
    world.interrupt(&holder, SpotAction::Terminate);
    let at = (world.now() + Duration::from_secs(120)).iso_seconds();
    let notice = format!(r#"{{"action":"terminate","time":"{at}"}}"#);
    assert_eq!(world.metadata(&holder, "spot/instance-action"), Some(notice));
}
