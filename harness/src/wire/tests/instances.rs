//! Instances over the wire.

use std::time::Duration;

use super::*;
use crate::time::Time;
use crate::world::ec2::InstanceState;
use crate::world::ec2::network::SUBNETS;

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

fn described(world: &mut World, instance: &str) -> String {
    call(world, &ec2(&format!("Action=DescribeInstances&InstanceId.1={instance}"))).1
}

#[test]
fn an_instance_that_shuts_down_has_volumes_and_no_network() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    let address = world.ec2.instances()[&instance].private_ip.clone();
    let network = [format!("<privateIpAddress>{address}"), "<vpcId>".to_owned(), "<subnetId>".to_owned()];
    let running = described(&mut world, &instance);
    assert!(network.iter().all(|it| running.contains(it)), "{running}");
    world.terminate_instances(std::slice::from_ref(&instance)).expect("it is there");
    let ending = described(&mut world, &instance);
    assert!(ending.contains("<name>shutting-down</name>") && ending.contains(&volume), "{ending}");
    assert!(network.iter().all(|it| !ending.contains(it)), "{ending}");
    assert!(ending.contains("<privateDnsName></privateDnsName>"), "{ending}");
    let by_address = format!("Filter.1.Name=private-ip-address&Filter.1.Value.1={address}");
    let (_, found) = call(&mut world, &ec2(&format!("Action=DescribeInstances&{by_address}")));
    assert!(!found.contains(&instance), "{found}");
}

#[test]
fn times_are_in_whole_seconds_except_where_a_volume_is_attached() {
    let mut world = World::new(1);
    let (instance, volume) = (world.running(), world.available_volume());
    let second = Time(world.now().0 / 1000 * 1000 + 1000);
    world.advance_to(second + Duration::from_millis(747));
    let time = |time: Time| format!("<attachTime>{}</attachTime>", time.iso_millis());
    let on = format!("VolumeId={volume}&InstanceId={instance}");
    let (_, attached) = call(&mut world, &ec2(&format!("Action=AttachVolume&{on}&Device=/dev/sdf")));
    assert!(attached.contains(&time(second + Duration::from_millis(747))), "{attached}");
    let (_, volumes) = call(&mut world, &ec2(&format!("Action=DescribeVolumes&VolumeId.1={volume}")));
    assert!(volumes.contains(&time(second)), "{volumes}");
    let instances = described(&mut world, &instance);
    assert!(instances.contains(&time(second)) && instances.contains(".000Z</launchTime>"), "{instances}");
    let (_, detached) = call(&mut world, &ec2(&format!("Action=DetachVolume&{on}")));
    assert!(detached.contains(&time(second)), "{detached}");
}

#[test]
fn times_can_be_missing() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.ec2.hide_times();
    let (_, volumes) = call(&mut world, &ec2(&format!("Action=DescribeVolumes&VolumeId.1={volume}")));
    let shown = volumes + &described(&mut world, &instance);
    assert!(shown.contains("<deviceName>/dev/sdf") && !shown.contains("<attachTime>"), "{shown}");
    assert!(!shown.contains("<launchTime>"), "{shown}");
}

#[test]
fn protection_from_termination_is_an_attribute() {
    let mut world = World::new(1);
    let run = "Action=RunInstances&MinCount=1&MaxCount=1&ImageId=ami-0123456789abcdef0&DisableApiTermination=true";
    assert_eq!(call(&mut world, &ec2(run)).0, StatusCode::OK);
    let id = world.ec2.instances().keys().next().expect("an instance").clone();
    let terminate = ec2(&format!("Action=TerminateInstances&InstanceId.1={id}"));
    let (status, body) = call(&mut world, &terminate);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("<Code>OperationNotPermitted</Code>"), "{body}");
    let about = format!("InstanceId={id}&Attribute=disableApiTermination");
    let describe = ec2(&format!("Action=DescribeInstanceAttribute&{about}"));
    assert!(call(&mut world, &describe).1.contains("<disableApiTermination><value>true</value>"));
    let modify = ec2(&format!("Action=ModifyInstanceAttribute&InstanceId={id}&DisableApiTermination.Value=false"));
    assert_eq!(call(&mut world, &modify).0, StatusCode::OK);
    assert!(call(&mut world, &describe).1.contains("<disableApiTermination><value>false</value>"));
    assert_eq!(call(&mut world, &terminate).0, StatusCode::OK);
}

#[test]
fn a_status_shows_a_scheduled_event() {
    let mut world = World::new(1);
    let (doomed, other) = (world.running(), world.running());
    world.schedule_retirement(&doomed);
    let not_before = world.ec2.instances()[&doomed].scheduled_event.as_ref().expect("an event").not_before;
    let retiring = "Action=DescribeInstanceStatus&Filter.1.Name=event.code&Filter.1.Value.1=instance-retirement";
    let (_, body) = call(&mut world, &ec2(&format!("{retiring}&IncludeAllInstances=true")));
    assert!(body.contains("<code>instance-retirement</code>") && !body.contains(&other), "{body}");
    let time = Time(not_before.0 / 1000 * 1000).iso_millis();
    assert!(body.contains(&format!("<notBefore>{time}</notBefore>")), "{body}");
    world.advance_to(not_before + Duration::from_secs(90));
    let (_, body) = call(&mut world, &ec2(&format!("{retiring}&IncludeAllInstances=true")));
    assert!(body.contains("<name>stopped</name>") && body.contains("<description>[Completed] "), "{body}");
}

#[test]
fn an_instance_says_whether_metadata_shows_its_tags_and_has_no_address_where_there_is_no_ipv4() {
    let mut world = World::new(1);
    world.ec2.make_ipv6_native(SUBNETS[0].0);
    let run = "Action=RunInstances&MinCount=1&MaxCount=1&ImageId=ami-0123456789abcdef0";
    let (status, body) = call(&mut world, &ec2(&format!("{run}&MetadataOptions.InstanceMetadataTags=enabled")));
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains("<instanceMetadataTags>enabled</instanceMetadataTags>"), "{body}");
    assert!(!body.contains("<privateIpAddress>") && !body.contains("ip-."), "{body}");
    let (_, body) = call(&mut world, &ec2("Action=DescribeSubnets&Filter.1.Name=ipv6-native&Filter.1.Value.1=true"));
    assert!(body.contains(SUBNETS[0].0) && !body.contains(SUBNETS[1].0), "{body}");
    assert!(body.contains("<ipv6Native>true</ipv6Native>") && !body.contains("<cidrBlock>"), "{body}");
}
