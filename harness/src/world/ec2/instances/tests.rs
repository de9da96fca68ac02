//! How instances end, and do not.

use std::time::Duration;

use super::*;
use crate::seed::NodeSeed;
use crate::testing::settled;
use crate::world::autoscaling::{ActionResult, LifecycleState};

#[test]
fn a_protected_instance_is_not_terminated_and_nor_is_any_in_its_zone() {
    let mut world = World::new(1);
    let [protected, beside] = [(); 2].map(|()| world.launch_in("eu-central-1a"));
    let elsewhere = world.launch_in("eu-central-1b");
    world.pass(60);
    world.protect_instance(&protected, true).unwrap();
    let all = [beside.clone(), protected.clone(), elsewhere.clone()];
    let refused = world.terminate_instances(&all).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "OperationNotPermitted: The instance '{protected}' may not be terminated. Modify its 'disableApiTermination' \
             instance attribute and try again."
        )
    );
    let states = all.each_ref().map(|id| world.ec2.state_of(id).unwrap());
    assert_eq!(states, [InstanceState::Running, InstanceState::Running, InstanceState::ShuttingDown]);
    world.protect_instance(&protected, false).unwrap();
    world.terminate(&protected);
}

#[test]
fn neither_a_group_nor_an_interruption_minds_protection() {
    let (mut world, node) = settled(1, NodeSeed::default());
    let (holder, spot) = (world.serving(&node.volume).unwrap().to_owned(), world.running());
    for id in [&holder, &spot] {
        world.protect_instance(id, true).unwrap();
    }
    world.interrupt(&spot, SpotAction::Terminate);
    world.terminate_instance_in_auto_scaling_group(&holder, false).unwrap();
    world.pass_until_one(LifecycleState::TerminatingWait);
    world.complete("durin-terminate", &holder, ActionResult::Continue).unwrap();
    world.pass_until_terminated(&holder);
    world.pass_until_terminated(&spot);
}

#[test]
fn a_retirement_ends_the_instance_at_its_time() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.schedule_retirement(&instance);
    let event = world.ec2.instances[&instance].scheduled_event.clone().unwrap();
    assert_eq!((event.code, event.is_completed), ("instance-retirement", false));
    world.advance_to(event.not_before - Duration::from_secs(1));
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
    world.advance_to(event.not_before);
    assert_eq!(world.ec2.state_of(&instance), Some(InstanceState::Stopping));
    world.pass(60);
    assert_eq!(world.ec2.state_of(&instance), Some(InstanceState::Stopped));
    assert!(world.ec2.instances[&instance].scheduled_event.as_ref().unwrap().is_completed);
}

#[test]
fn a_stop_and_a_start_take_the_instance_to_another_host() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.schedule_retirement(&instance);
    let due = world.ec2.instances[&instance].scheduled_event.clone().unwrap().not_before;
    world.stop_instances(std::slice::from_ref(&instance)).unwrap();
    world.pass(90);
    world.start_instances(std::slice::from_ref(&instance)).unwrap();
    world.advance_to(due + Duration::from_secs(3600));
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
}

#[test]
fn a_subnet_without_ipv4_has_no_such_address_to_give() {
    let mut world = World::new(1);
    let subnet = subnet_in("eu-central-1b").unwrap();
    world.ec2.make_ipv6_native(subnet);
    let without = [(); 2].map(|()| world.launch_in("eu-central-1b"));
    let with = world.launch_in("eu-central-1a");
    assert!(without.iter().all(|id| world.ec2.instances[id].private_ip.is_empty()));
    assert!(world.ec2.instances[&with].private_ip.starts_with("10.0.0."));
}
