//! Instances over the wire.

use super::*;
use crate::world::ec2::InstanceState;

#[test]
fn a_reboot_never_leaves_running() {
    let mut world = World::new(1);
    let id = world.running();
    let (status, body) = call(&mut world, &ec2(&format!("Action=RebootInstances&InstanceId.1={id}")));
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("<return>true</return>"), "{body}");
    assert_eq!(world.ec2.state_of(&id), Some(InstanceState::Running));
    world.pass_until(10, |world| world.ec2.instances()[&id].guest.up_since.is_none());
    assert_eq!(world.ec2.state_of(&id), Some(InstanceState::Running));
    world.pass_until(60, |world| world.ec2.instances()[&id].guest.agent_online_since.is_some());
}

#[test]
fn a_volume_shows_busy_and_its_instance_detaching() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    let (_, answer) = call(&mut world, &ec2(&format!("Action=DetachVolume&VolumeId={volume}")));
    assert!(answer.contains("<status>busy</status>"), "{answer}");
    let (_, volumes) = call(&mut world, &ec2(&format!("Action=DescribeVolumes&VolumeId.1={volume}")));
    assert!(volumes.contains("<status>busy</status>") && volumes.contains("<status>in-use</status>"), "{volumes}");
    let (_, instances) = call(&mut world, &ec2(&format!("Action=DescribeInstances&InstanceId.1={instance}")));
    assert!(instances.contains("<status>detaching</status>"), "{instances}");
}
