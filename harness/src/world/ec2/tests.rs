use std::collections::BTreeSet;

use super::*;
use crate::testing::code;

#[test]
fn an_instance_goes_through_its_states_and_tells_the_bus() {
    let mut world = World::new(1);
    let id = world.running();
    world.terminate(&id);
    world.pass_until_terminated(&id);
    let events = world.events("EC2 Instance State-change Notification");
    let states: Vec<_> = events.iter().map(|event| event["detail"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["pending", "running", "shutting-down", "terminated"]);
    assert_eq!(events[0]["resources"][0], format!("arn:aws:ec2:eu-central-1:123456789012:instance/{id}"));
    assert!(world.ec2.instance(&id).is_some(), "it stays listed for a while");
    world.pass(3600);
    assert!(world.ec2.instance(&id).is_none());
    assert_eq!(code(world.terminate_instances(&[id])), "InvalidInstanceID.NotFound");
}

#[test]
fn one_wrong_id_fails_the_whole_call() {
    let mut world = World::new(1);
    let id = world.running();
    let unknown = "i-00000000000000000".to_owned();
    assert_eq!(code(world.terminate_instances(&[id.clone(), unknown])), "InvalidInstanceID.NotFound");
    assert_eq!(code(world.terminate_instances(&[id.clone(), "i-x".to_owned()])), "InvalidInstanceID.Malformed");
    assert_eq!(world.ec2.state_of(&id), Some(InstanceState::Running));
}

#[test]
fn terminating_twice_is_no_error() {
    let mut world = World::new(1);
    let id = world.running();
    world.terminate(&id);
    let again = world.terminate_instances(std::slice::from_ref(&id)).unwrap();
    assert_eq!(again, [(id, InstanceState::ShuttingDown, InstanceState::ShuttingDown)]);
}

#[test]
fn a_stopped_instance_keeps_its_volume_and_serves_again_when_started() {
    let mut world = World::new(4);
    let (instance, volume) = world.serving_pair();
    let ids = [instance.clone()];
    assert_eq!(code(world.start_instances(&["i-x".to_owned()])), "InvalidInstanceID.Malformed");
    world.stop_instances(&ids).unwrap();
    assert_eq!(code(world.start_instances(&ids)), "IncorrectInstanceState");
    world.pass(90);
    assert_eq!(world.ec2.state_of(&instance), Some(InstanceState::Stopped));
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Attached));
    assert_eq!(world.serving(&volume), None);
    world.start_instances(&ids).unwrap();
    world.pass(180);
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
    assert_eq!(world.ec2.volumes[&volume].data.unclean_mounts, 0);
}

#[test]
fn addresses_are_not_used_again_soon() {
    let mut world = World::new(1);
    let mut seen = BTreeSet::new();
    for _ in 0..40 {
        let id = world.launch_in("eu-central-1b");
        assert!(seen.insert(world.ec2.instances[&id].private_ip.clone()));
        world.terminate(&id);
        world.pass(120);
    }
    assert!(seen.contains("10.0.1.4"));
}

#[test]
fn a_full_subnet_refuses_a_launch_and_nothing_of_it_is_left() {
    let mut world = World::new(1);
    let spare = world.launch_in("eu-central-1b");
    let subnet = world.ec2.instances[&spare].subnet_id.clone();
    let many = |world: &mut World, count| world.ec2.next_private_ips(&subnet, count).map(|addresses| addresses.len());
    assert_eq!(many(&mut world, 250).unwrap(), 250);
    assert_eq!(code(many(&mut world, 251)), "InsufficientFreeAddressesInSubnet");
    world.terminate(&spare);
    world.pass(120);
    assert_eq!(many(&mut world, 251).unwrap(), 251);
}

#[test]
fn an_attachment_takes_a_while() {
    let mut world = World::new(1);
    let (instance, volume) = (world.running(), world.available_volume());
    let answer = world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    assert_eq!(answer.state, AttachmentState::Attaching);
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::InUse);
    world.pass(5);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Attached));
}

#[test]
fn attach_refuses_as_ec2_does() {
    let mut world = World::new(1);
    let (holder, held) = world.serving_pair();
    let (other, free) = (world.running(), world.available_volume());
    let gone = world.running();
    world.terminate(&gone);
    let zone = "eu-central-1a".to_owned();
    let creating = world.create_volume(CreateVolume { zone, size_gib: 1, ..CreateVolume::default() }).unwrap();
    let elsewhere = world.launch_in("eu-central-1b");
    let pending = world.launch_in("eu-central-1a");
    let attempts: [(&str, &str, &str, &str, String); 9] = [
        (
            "vol-00000000000000000",
            &other,
            "f",
            "InvalidVolume.NotFound",
            "The volume 'vol-00000000000000000' does not exist.".into(),
        ),
        (
            &free,
            "i-00000000000000000",
            "f",
            "InvalidInstanceID.NotFound",
            "The instance ID 'i-00000000000000000' does not exist".into(),
        ),
        (&free, &gone, "f", "IncorrectState", format!("Instance '{gone}' is not 'running'.")),
        // Also to the instance that has it.
        (&held, &other, "f", "VolumeInUse", format!("{held} is already attached to an instance")),
        (&held, &holder, "f", "VolumeInUse", format!("{held} is already attached to an instance")),
        (&creating, &other, "f", "IncorrectState", format!("{creating} is not 'available'.")),
        (&free, &pending, "f", "IncorrectState", format!("Instance '{pending}' is not 'running'.")),
        // Not running comes before the wrong zone.
        (&free, &elsewhere, "f", "IncorrectState", format!("Instance '{elsewhere}' is not 'running'.")),
        (
            &free,
            &holder,
            "f",
            "InvalidParameterValue",
            "Invalid value '/dev/sdf' for unixDevice. Attachment point /dev/sdf is already in use".into(),
        ),
    ];
    for (volume, instance, device, code, message) in attempts {
        let error = world.attach_volume(volume, instance, &format!("/dev/sd{device}")).unwrap_err();
        assert_eq!((error.code.as_str(), error.message), (code, message));
    }
    world.pass(60);
    assert_eq!(code(world.attach_volume(&free, &elsewhere, "/dev/sdf")), "InvalidVolume.ZoneMismatch");
    assert_eq!(world.ec2.volumes[&free].state, VolumeState::Available);
}

#[test]
fn detach_refuses_as_ec2_does() {
    let mut world = World::new(1);
    let (holder, held) = world.serving_pair();
    let (other, free) = (world.running(), world.available_volume());
    let error = world.detach_volume(&free, None, None, false).unwrap_err();
    assert_eq!(error.to_string(), format!("IncorrectState: Volume '{free}' is in the 'available' state."));
    assert_eq!(code(world.detach_volume(&held, Some(&other), None, false)), "InvalidAttachment.NotFound");
    assert_eq!(code(world.detach_volume(&held, Some(&holder), Some("/dev/sdz"), false)), "InvalidAttachment.NotFound");
    world.terminate(&holder);
    let error = world.detach_volume(&held, Some(&holder), None, false).unwrap_err();
    assert_eq!(error.code, "IncorrectInstanceState");
    assert!(error.message.ends_with("The instance is not in a state in which volumes can be detached."));
}

#[test]
fn a_mounted_volume_stays_busy_until_it_is_unmounted() {
    let mut world = World::new(1);
    let (holder, volume) = world.serving_pair();
    let answer = world.detach_volume(&volume, Some(&holder), None, false).unwrap();
    assert_eq!(answer.state, AttachmentState::Busy);
    world.pass(600);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Busy));
    assert_eq!(world.serving(&volume), Some(holder.as_str()), "the guest does not mind");
    world.release(&holder);
    world.pass(20);
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
    assert!(world.violations().is_empty());
}

#[test]
fn a_released_volume_detaches_and_is_not_mounted_again() {
    let mut world = World::new(1);
    let (holder, volume) = world.serving_pair();
    world.release(&holder);
    world.pass(60);
    assert_eq!(world.mounted_on(&volume), None);
    let answer = world.detach_volume(&volume, Some(&holder), None, false).unwrap();
    assert_eq!(answer.state, AttachmentState::Detaching);
    world.pass(6);
    assert_eq!(world.attachment_state(&volume), None);
}

#[test]
fn force_tears_the_volume_from_the_guest() {
    let mut world = World::new(1);
    let (holder, volume) = world.serving_pair();
    world.detach_volume(&volume, Some(&holder), None, true).unwrap();
    assert!(world.ec2.volumes[&volume].data.corrupted);
    assert_eq!(world.violations().len(), 1);
    world.pass(6);
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
}

#[test]
fn termination_frees_the_volume_only_towards_its_end() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let (holder, volume) = world.serving_pair();
        let other = world.running();
        world.terminate(&holder);
        assert_eq!(code(world.attach_volume(&volume, &other, "/dev/sdf")), "VolumeInUse");
        world.pass(9);
        assert_eq!(world.ec2.volumes[&volume].state, VolumeState::InUse);
        world.pass(90);
        assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
        let data = &world.ec2.volumes[&volume].data;
        assert!(!data.dirty && data.acknowledged > 0 && data.durable == data.acknowledged);
        world.attach_volume(&volume, &other, "/dev/sdf").unwrap();
    }
}

#[test]
fn an_instance_that_dies_while_a_volume_is_attached_gives_it_back() {
    let mut world = World::new(1);
    let (instance, volume) = (world.running(), world.available_volume());
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.reclaim(&instance);
    world.pass(120);
    assert_eq!(world.ec2.volumes[&volume].state, VolumeState::Available);
    assert_eq!(world.ec2.volumes[&volume].attachment.as_ref().map(|held| held.state), None);
}

#[test]
fn an_attachment_that_was_given_up_does_not_complete_a_later_one() {
    let mut world = World::new(1);
    world.latency.attach = crate::world::latency::Range::from_secs(60, 60);
    world.latency.detach = crate::world::latency::Range::from_secs(1, 1);
    let (instance, volume) = (world.running(), world.available_volume());
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.detach_volume(&volume, Some(&instance), None, false).unwrap();
    world.pass(30);
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.pass(35);
    assert_eq!(world.attachment_state(&volume), Some(AttachmentState::Attaching));
}

#[test]
fn a_warning_comes_two_minutes_before_the_end() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.interrupt(&instance, SpotAction::Terminate);
    let event = &world.events("EC2 Spot Instance Interruption Warning")[0];
    assert_eq!(event["resources"][0], format!("arn:aws:ec2:eu-central-1a:instance/{instance}"));
    assert_eq!(event["detail"], serde_json::json!({ "instance-id": instance, "instance-action": "terminate" }));
    world.pass(119);
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
    world.pass(1);
    assert_eq!(world.ec2.state_of(&instance), Some(InstanceState::ShuttingDown));
    assert!(world.ec2.volumes[&volume].data.dirty, "the power went with the volume mounted");
    assert!(world.violations().is_empty());
}

#[test]
fn an_interruption_can_stop_or_hibernate() {
    let mut world = World::new(1);
    let (stopped, hibernated) = (world.running(), world.running());
    world.interrupt(&stopped, SpotAction::Stop);
    world.interrupt(&hibernated, SpotAction::Hibernate);
    world.pass(1);
    assert_eq!(world.ec2.state_of(&stopped), Some(InstanceState::Running));
    assert_eq!(world.ec2.state_of(&hibernated), Some(InstanceState::Stopping));
    world.pass(240);
    assert_eq!(world.ec2.state_of(&stopped), Some(InstanceState::Stopped));
    assert_eq!(world.ec2.state_of(&hibernated), Some(InstanceState::Stopped));
}

#[test]
fn the_image_is_resolved_at_launch() {
    let mut world = World::new(1);
    let template = world.create_launch_template("k3s", "resolve:ssm:/images/k3s", "t3a.medium", true).unwrap();
    assert_eq!(
        code(world.create_launch_template("k3s", "ami-1", "t3a.medium", true)),
        "InvalidLaunchTemplateName.AlreadyExistsException"
    );
    let request = RunInstances { launch_template_id: Some(template.id.clone()), ..RunInstances::default() };
    assert_eq!(code(world.run_instances(request.clone())), "InvalidParameterValue");
    for image in ["ami-00000000000000001", "ami-00000000000000002"] {
        world.add_image(ImageSpec { id: Some(image.to_owned()), ..ImageSpec::default() });
        let put = crate::world::ssm::PutParameter {
            name: "/images/k3s".to_owned(),
            value: image.to_owned(),
            parameter_type: Some("String".to_owned()),
            overwrite: true,
            ..Default::default()
        };
        world.put_parameter(put).unwrap();
        let id = world.run_instances(request.clone()).unwrap().remove(0);
        assert_eq!(world.ec2.instances[&id].image_id, image);
        assert!(world.ec2.instances[&id].spot);
    }
    world.delete_launch_template("k3s").unwrap();
    assert_eq!(code(world.run_instances(request)), "InvalidLaunchTemplateId.NotFound");
}

/// CreateTags is all or nothing, and a tag that is there already needs no room.
#[test]
fn a_resource_has_at_most_fifty_tags() {
    let mut world = World::new(1);
    let ids = [world.running(), world.running()];
    let numbered = |numbers: std::ops::Range<u32>| -> Vec<_> {
        numbers.map(|number| (format!("key-{number}"), String::new())).collect()
    };
    let full = ids[1].clone();
    world.create_tags(std::slice::from_ref(&full), &numbered(0..50)).unwrap();
    assert_eq!(code(world.create_tags(&ids, &numbered(50..51))), "TagLimitExceeded");
    assert!(world.ec2.instances[&ids[0]].tags.is_empty(), "the other one is not tagged either");
    world.create_tags(&ids, &numbered(0..50)).unwrap();
    world.ec2.tamper_with_instance(&full, |instance| drop(instance.tags.remove("key-0")));
    world.create_tags(std::slice::from_ref(&full), &[("aws:reserved".to_owned(), String::new())]).unwrap_err();
    world.create_tags(&[full], &numbered(50..51)).unwrap();
}

#[test]
fn tags_overwrite_and_go() {
    let mut world = World::new(1);
    let ids = [world.running(), world.available_volume()];
    let tag = |value: &str| [("a".to_owned(), value.to_owned())];
    world.create_tags(&ids, &tag("1")).unwrap();
    world.create_tags(&ids, &tag("2")).unwrap();
    assert_eq!(world.ec2.volumes[&ids[1]].tags["a"], "2");
    world.delete_tags(&ids, &[("a".to_owned(), Some("1".to_owned()))]).unwrap();
    assert_eq!(world.ec2.instances[&ids[0]].tags["a"], "2", "the value differs");
    world.delete_tags(&ids, &[("a".to_owned(), None)]).unwrap();
    assert!(world.ec2.instances[&ids[0]].tags.is_empty());
    let unknown = ["vol-00000000000000000".to_owned()];
    assert_eq!(code(world.create_tags(&unknown, &tag("1"))), "InvalidVolume.NotFound");
}
