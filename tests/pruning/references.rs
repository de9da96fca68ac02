//! The ways in which something can refer to an image: each makes one thing that does.

use std::time::Duration;

use durin::tags::KEEP;
use durin_harness::seed::IMAGE_PARAMETER;
use durin_harness::world::World;
use durin_harness::world::autoscaling::{CreateLaunchConfiguration, MixedInstancesPolicy, Override};
use durin_harness::world::ec2::images::LaunchPermission;
use durin_harness::world::ec2::requests::{
    Fleet, LaunchSpecification, LaunchTemplateConfig, Requests, SpotFleet, SpotInstanceRequest,
};
use durin_harness::world::ec2::{InstanceState, LaunchTemplateData, RunInstances};
use durin_harness::world::ssm::PutParameter;

/// An image of another account, and one that does not exist.
const OTHER: &str = "ami-0123456789abcdef0";
const ANOTHER: &str = "ami-0123456789abcdef1";

pub(crate) fn a_running_instance(world: &mut World, image: &str) {
    run(world, image);
}

pub(crate) fn a_stopped_instance(world: &mut World, image: &str) {
    let id = run(world, image);
    world.ec2.tamper_with_instance(&id, |instance| instance.state = InstanceState::Stopped);
}

pub(crate) fn a_launch_configuration(world: &mut World, image: &str) {
    let request = CreateLaunchConfiguration { name: "old".into(), image_id: image.to_owned(), ..Default::default() };
    world.create_launch_configuration(request).expect("created");
}

pub(crate) fn the_default_version_of_a_template(world: &mut World, image: &str) {
    let id = template(world, "web", image);
    version(world, &id, OTHER);
}

pub(crate) fn the_latest_version_of_a_template(world: &mut World, image: &str) {
    let id = template(world, "web", OTHER);
    version(world, &id, image);
}

pub(crate) fn a_version_that_only_image_references_list(world: &mut World, image: &str) {
    let id = template(world, "web", OTHER);
    version(world, &id, image);
    version(world, &id, OTHER);
}

pub(crate) fn resolved_by_a_version_that_a_group_overrides_with(world: &mut World, image: &str) {
    parameter(world, "/web/image", &[OTHER, image, OTHER, ANOTHER]);
    let id = template(world, "web", OTHER);
    let number = version(world, &id, "resolve:ssm:/web/image:2");
    version(world, &id, OTHER);
    let special = Override { launch_template: Some((id, number.to_string())), ..Override::default() };
    override_in_group(world, special);
}

/// The first of thirteen versions, which only a group names.
fn pinned_by_a_group(world: &mut World, image: &str, others: &[(&str, &str)]) -> String {
    let id = template_with_newer_versions(world, image);
    let named = |(template, version): &(&str, &str)| Override {
        launch_template: Some((template.to_string(), version.to_string())),
        ..Override::default()
    };
    let pinned = Override { launch_template: Some((id.clone(), "1".to_owned())), ..Override::default() };
    let own = others
        .iter()
        .map(|(template, version)| if template.is_empty() { (&*id, *version) } else { (*template, *version) });
    let overrides = std::iter::once(pinned).chain(own.map(|it| named(&it))).collect();
    world.autoscaling.tamper_with_group("k3s", |group| {
        group.mixed_instances_policy = Some(MixedInstancesPolicy { overrides, spot: true });
    });
    id
}

fn template_with_newer_versions(world: &mut World, image: &str) -> String {
    let id = template(world, "web", image);
    for _ in 0..12 {
        version(world, &id, OTHER);
    }
    world.set_default_version(&id, "12").expect("set");
    id
}

pub(crate) fn a_version_beside_one_that_is_gone(world: &mut World, image: &str) {
    pinned_by_a_group(world, image, &[("", "99")]);
}

pub(crate) fn a_version_beside_hundreds_of_which_some_are_gone(world: &mut World, image: &str) {
    let numbers: Vec<String> = (2..=13).chain(500..800).map(|number| number.to_string()).collect();
    let others: Vec<_> = numbers.iter().map(|number| ("", number.as_str())).collect();
    pinned_by_a_group(world, image, &others);
}

pub(crate) fn a_version_beside_templates_that_are_gone(world: &mut World, image: &str) {
    let gone = ["a", "z"].map(|name| template(world, name, OTHER));
    pinned_by_a_group(world, image, &[(&gone[0], "1"), (&gone[0], "$Latest"), (&gone[1], "$Default"), (&gone[1], "7")]);
    gone.iter().for_each(|id| drop(world.delete_launch_template(id).expect("deleted")));
}

pub(crate) fn a_fleet_beside_one_whose_version_is_gone(world: &mut World, image: &str) {
    let id = template_with_newer_versions(world, image);
    let config = |version: &str| LaunchTemplateConfig {
        template_id: Some(id.clone()),
        version: version.to_owned(),
        ..LaunchTemplateConfig::default()
    };
    let fleet = |id: &str, version| Fleet { id: id.into(), state: "active".into(), configs: vec![config(version)] };
    let fleets = vec![fleet("fleet-1", "99"), fleet("fleet-2", "1"), fleet("fleet-3", "100")];
    world.ec2.add_requests(Requests { fleets, ..Requests::default() });
}

fn override_in_group(world: &mut World, special: Override) {
    let policy = MixedInstancesPolicy { overrides: vec![Override::default(), special], spot: true };
    world.autoscaling.tamper_with_group("k3s", |group| group.mixed_instances_policy = Some(policy));
}

pub(crate) fn an_image_that_a_group_overrides_with(world: &mut World, image: &str) {
    let special = Override { image_id: Some(image.to_owned()), ..Override::default() };
    override_in_group(world, special);
}

pub(crate) fn a_fleet(world: &mut World, image: &str) {
    let id = template(world, "web", image);
    for _ in 0..12 {
        version(world, &id, OTHER);
    }
    world.set_default_version(&id, "12").expect("set");
    let configs = vec![LaunchTemplateConfig { template_id: Some(id), version: "1".into(), ..Default::default() }];
    let fleet = Fleet { id: "fleet-1".into(), state: "active".into(), configs };
    world.ec2.add_requests(Requests { fleets: vec![fleet], ..Requests::default() });
}

pub(crate) fn a_spot_fleet(world: &mut World, image: &str) {
    let specifications = vec![LaunchSpecification { image_id: image.to_owned(), ..Default::default() }];
    let fleet = SpotFleet { id: "sfr-1".into(), state: "active".into(), specifications, configs: vec![] };
    world.ec2.add_requests(Requests { spot_fleets: vec![fleet], ..Requests::default() });
}

pub(crate) fn a_spot_request(world: &mut World, image: &str) {
    let specification = LaunchSpecification { image_id: image.to_owned(), ..Default::default() };
    let request = SpotInstanceRequest { id: "sir-1".into(), state: "open".into(), specification };
    world.ec2.add_requests(Requests { spot_instances: vec![request], ..Requests::default() });
}

pub(crate) fn the_version_of_a_parameter_before(world: &mut World, image: &str) {
    let put = |value: &str| PutParameter {
        name: "/other/image".into(),
        value: value.to_owned(),
        parameter_type: Some("String".into()),
        data_type: Some("aws:ec2:image".into()),
        overwrite: true,
        ..PutParameter::default()
    };
    for value in [image, OTHER] {
        world.put_parameter(put(value)).expect("written");
        // By hand, and on purpose. The first version is not there yet, and needs no pin.
        drop(world.tag_parameter("/other/image", vec![("durin:pinned".into(), String::new())], &[]));
        let later = world.now() + Duration::from_secs(200);
        world.advance_to(later);
    }
}

pub(crate) fn a_labelled_version_of_the_familys_parameter(world: &mut World, image: &str) {
    let current = world.ssm.parameters()[IMAGE_PARAMETER].versions.last().expect("one").value.clone();
    for value in [image, OTHER, &current] {
        let put = PutParameter {
            name: IMAGE_PARAMETER.into(),
            value: value.to_owned(),
            overwrite: true,
            ..Default::default()
        };
        world.tag_parameter(IMAGE_PARAMETER, vec![("durin:pinned".into(), String::new())], &[]).expect("pinned");
        world.put_parameter(put).expect("written");
        let later = world.now() + Duration::from_secs(200);
        world.advance_to(later);
    }
    world.label_parameter_version(IMAGE_PARAMETER, Some(2), &["tested".to_owned()]).expect("labelled");
}

pub(crate) fn another_account(world: &mut World, image: &str) {
    world.modify_launch_permissions(image, &[LaunchPermission::Account("111122223333".into())], &[]).expect("shared");
}

pub(crate) fn everybody(world: &mut World, image: &str) {
    world.modify_launch_permissions(image, &[LaunchPermission::Everybody], &[]).expect("shared");
}

pub(crate) fn protection(world: &mut World, image: &str) {
    world.enable_image_deregistration_protection(image, false).expect("protected");
}

pub(crate) fn a_tag(world: &mut World, image: &str) {
    world.create_tags(&[image.to_owned()], &[(KEEP.to_owned(), String::new())]).expect("tagged");
}

pub(crate) fn a_tag_on_its_snapshot(world: &mut World, image: &str) {
    tag_its_snapshot(world, image, KEEP, "");
}

/// Its writer meant it.
pub(crate) fn a_tag_on_its_snapshot_that_is_spelt_otherwise(world: &mut World, image: &str) {
    tag_its_snapshot(world, image, "Durin:Keep", "false");
}

fn tag_its_snapshot(world: &mut World, image: &str, key: &str, value: &str) {
    world.create_tags(&[image.replace("ami-", "snap-")], &[(key.to_owned(), value.to_owned())]).expect("tagged");
}

pub(crate) fn a_text_parameter(world: &mut World, image: &str) {
    parameter(world, "/web/image", &[image]);
}

/// Names that page, secrets, and names that need two calls for their values.
pub(crate) fn a_text_parameter_among_many(world: &mut World, image: &str) {
    for number in 0..170 {
        let secret = PutParameter {
            name: format!("/secret/{number}"),
            value: image.to_owned(),
            parameter_type: Some("SecureString".to_owned()),
            ..PutParameter::default()
        };
        world.put_parameter(secret).expect("written");
        if number < 25 {
            parameter(world, &format!("/text/{number}"), &["some text"]);
        }
    }
    parameter(world, "/web/image", &[image]);
}

pub(crate) fn a_text_parameter_with_other_words_around(world: &mut World, image: &str) {
    let value = format!("{{\"eu-central-1\": \"{image}\", \"eu-west-1\": \"{OTHER}\"}}\n");
    parameter(world, "/web/images", &[&value]);
}

pub(crate) fn a_list_parameter(world: &mut World, image: &str) {
    let put = PutParameter {
        name: "/web/images".to_owned(),
        value: format!("{OTHER},{image}"),
        parameter_type: Some("StringList".to_owned()),
        ..PutParameter::default()
    };
    world.put_parameter(put).expect("written");
}

pub(crate) fn the_version_of_a_text_parameter_before(world: &mut World, image: &str) {
    parameter(world, "/web/image", &[image, OTHER]);
}

pub(crate) fn a_labelled_version_of_a_text_parameter(world: &mut World, image: &str) {
    parameter(world, "/web/image", &[image, OTHER, ANOTHER]);
    world.label_parameter_version("/web/image", Some(1), &["tested".to_owned()]).expect("labelled");
}

pub(crate) fn a_text_parameter_that_names_its_snapshot(world: &mut World, image: &str) {
    parameter(world, "/web/snapshot", &[&image.replace("ami-", "snap-")]);
}

pub(crate) fn a_template_that_names_its_snapshot(world: &mut World, image: &str) {
    let snapshot = image.replace("ami-", "snap-");
    let data = LaunchTemplateData {
        image_id: Some(OTHER.into()),
        block_devices: vec![("/dev/sdb".into(), snapshot)],
        ..LaunchTemplateData::default()
    };
    world.create_launch_template_with("web", data, None, Default::default()).expect("a template");
}

pub(crate) fn template(world: &mut World, name: &str, image: &str) -> String {
    world.create_launch_template(name, image, "t3a.medium", false).expect("a template").id
}

fn version(world: &mut World, template: &str, image: &str) -> u64 {
    let data = LaunchTemplateData { image_id: Some(image.to_owned()), ..LaunchTemplateData::default() };
    world.create_launch_template_version(template, data, None).expect("a version")
}

fn parameter(world: &mut World, name: &str, values: &[&str]) {
    for value in values {
        let put = PutParameter {
            name: name.to_owned(),
            value: (*value).to_owned(),
            parameter_type: Some("String".to_owned()),
            overwrite: true,
            ..PutParameter::default()
        };
        world.put_parameter(put).expect("written");
    }
}

fn run(world: &mut World, image: &str) -> String {
    let (image_id, instance_type) = (Some(image.to_owned()), Some("t3a.medium".to_owned()));
    let run = RunInstances { image_id, instance_type, count: 1, ..RunInstances::default() };
    world.run_instances(run).expect("running").remove(0)
}
