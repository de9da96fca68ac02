use super::*;
use crate::seed::{IMAGE_PARAMETER, NodeSeed};
use crate::testing::{code, settled};
use crate::world::autoscaling::{CreateAutoScalingGroup, GroupTag, LifecycleState};
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ec2::{ImageSpec, LaunchTemplateData};
use crate::world::ssm::PutParameter;

fn group() -> CreateAutoScalingGroup {
    CreateAutoScalingGroup {
        name: "k3s".to_owned(),
        max_size: 1,
        desired_capacity: Some(1),
        zones: vec!["eu-central-1a".to_owned()],
        ..CreateAutoScalingGroup::default()
    }
}

/// The instance that the group has launched, in service.
fn launched(world: &mut World) -> crate::world::ec2::Instance {
    let id = world.pass_until_one(LifecycleState::InService);
    world.ec2.instances[&id].clone()
}

#[test]
fn a_group_launches_from_a_launch_configuration() {
    let mut world = World::new(1);
    let request = CreateLaunchConfiguration {
        name: "old".to_owned(),
        image_id: PUBLIC_IMAGE.to_owned(),
        instance_type: "t3a.small".to_owned(),
        spot: true,
        ..CreateLaunchConfiguration::default()
    };
    world.create_launch_configuration(request.clone()).unwrap();
    assert_eq!(code(world.create_launch_configuration(request)), "AlreadyExists");
    let unknown = CreateAutoScalingGroup { launch_configuration: Some("new".to_owned()), ..group() };
    assert_eq!(code(world.create_auto_scaling_group(unknown)), "ValidationError");
    let known = CreateAutoScalingGroup { launch_configuration: Some("old".to_owned()), ..group() };
    world.create_auto_scaling_group(known).unwrap();
    let instance = launched(&mut world);
    assert_eq!((instance.image_id.as_str(), instance.instance_type.as_str()), (PUBLIC_IMAGE, "t3a.small"));
    assert!(instance.spot && !instance.tags.contains_key("aws:ec2launchtemplate:id"));
    assert_eq!(code(world.delete_launch_configuration("old")), "ResourceInUse");
    assert_eq!(code(world.delete_launch_configuration("new")), "ValidationError");
}

#[test]
fn the_first_override_of_a_mixed_instances_policy_wins() {
    let mut world = World::new(1);
    let image = world.add_image(ImageSpec::named("other"));
    let own = world.create_launch_template("own", PUBLIC_IMAGE, "t3a.medium", false).unwrap().id;
    let other = world.create_launch_template("other", PUBLIC_IMAGE, "t4g.medium", false).unwrap().id;
    let first = Override {
        instance_type: None,
        launch_template: Some((other.clone(), "$Latest".to_owned())),
        image_id: Some(image.clone()),
    };
    let policy = MixedInstancesPolicy { overrides: vec![first, Override::default()], spot: true };
    let request =
        CreateAutoScalingGroup { launch_template_id: Some(own), mixed_instances_policy: Some(policy), ..group() };
    world.create_auto_scaling_group(request).unwrap();
    let instance = launched(&mut world);
    assert_eq!((instance.image_id, instance.instance_type.as_str()), (image.clone(), "t4g.medium"));
    assert!(instance.spot);
    assert_eq!(instance.tags["aws:ec2launchtemplate:id"], other);
    assert!(world.references_to_image(&image).contains(&"k3s".to_owned()));
}

#[test]
fn what_is_published_is_launched_next() {
    let (mut world, node) = settled(1, NodeSeed::default());
    let image = world.add_image(ImageSpec::named("k3s-2").tagged("durin:image-parameter", IMAGE_PARAMETER));
    let publish =
        PutParameter { name: IMAGE_PARAMETER.into(), value: image.clone(), overwrite: true, ..PutParameter::default() };
    world.put_parameter(publish).unwrap();
    world.pass_until_validated();
    let holder = world.serving(&node.volume).unwrap().to_owned();
    assert_ne!(world.ec2.instances[&holder].image_id, image);
    world.reclaim(&holder);
    let next = world.pass_until_one(LifecycleState::PendingWait);
    assert_eq!(world.ec2.instances[&next].image_id, image);
    assert!(world.violations().is_empty());
}

#[test]
fn a_group_whose_image_is_gone_fails_to_launch_until_it_is_back() {
    let (mut world, node) = settled(1, NodeSeed::default());
    let image = world.ssm.parameters[IMAGE_PARAMETER].versions[0].value.clone();
    world.disable_image(&image).unwrap();
    let holder = world.serving(&node.volume).unwrap().to_owned();
    world.reclaim(&holder);
    world.pass_until(600, |world| world.autoscaling.groups["k3s"].activities[0].status == "Failed");
    let failed = &world.autoscaling.groups["k3s"].activities[0];
    assert!(failed.status_message.contains(&format!("The image ID '{image}' is not available")), "{failed:?}");
    assert!(!world.events("EC2 Instance Launch Unsuccessful").is_empty());
    world.enable_image(&image).unwrap();
    let until = world.now() + std::time::Duration::from_secs(20 * 60);
    world.advance_to(until);
    let launched = world.ec2.instances.values().filter(|instance| instance.image_id == image && instance.id != holder);
    assert_ne!(launched.count(), 0, "it tried again");
}

fn tag(key: &str, propagate_at_launch: bool) -> GroupTag {
    GroupTag { key: key.to_owned(), value: "owned".to_owned(), propagate_at_launch }
}

#[test]
fn a_tag_that_metadata_forbids_fails_every_launch_until_it_is_not_propagated() {
    let (mut world, node) = settled(1, NodeSeed::default());
    let key = "kubernetes.io/cluster/k3s";
    world.create_or_update_tags(vec![("k3s".to_owned(), tag(key, true))]).unwrap();
    world.pass(3600);
    let holder = world.serving(&node.volume).expect("what runs is not touched").to_owned();
    world.reclaim(&holder);
    world.pass_until(600, |world| world.autoscaling.groups["k3s"].activities[0].status == "Failed");
    let expected = r"'kubernetes.io/cluster/k3s' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index') Launching EC2 instance failed.";
    assert_eq!(world.autoscaling.groups["k3s"].activities[0].status_message, expected);
    world.pass(3600);
    assert!(world.autoscaling.groups["k3s"].members.is_empty(), "never");
    world.create_or_update_tags(vec![("k3s".to_owned(), tag(key, false))]).unwrap();
    world.pass_until_one(LifecycleState::PendingWait);
}

#[test]
fn tags_that_metadata_does_not_show_have_any_key() {
    let mut world = World::new(1);
    for (name, tags_in_metadata) in [("unsaid", None), ("hidden", Some(false))] {
        let image_id = Some(PUBLIC_IMAGE.to_owned());
        let data = LaunchTemplateData { image_id, tags_in_metadata, ..LaunchTemplateData::default() };
        let id = world.create_launch_template_with(name, data, None, Default::default()).unwrap().id;
        let tags = BTreeMap::from([("Patch Group".to_owned(), "a".to_owned())]);
        let request = RunInstances { launch_template_id: Some(id), tags, count: 1, ..RunInstances::default() };
        world.run_instances(request.clone()).expect(name);
        let shown = RunInstances { tags_in_metadata: Some(true), ..request };
        assert_eq!(code(world.run_instances(shown)), "InvalidParameterValue");
    }
}
