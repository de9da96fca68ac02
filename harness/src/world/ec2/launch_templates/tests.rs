use super::*;
use crate::testing::code;
use crate::world::ec2::images::{ImageReference, ReferenceScope, VERSION_DEPTH};
use crate::world::ec2::{ImageSpec, InstanceState, RunInstances};
use crate::world::ssm::PutParameter;

fn data(image: &str) -> LaunchTemplateData {
    LaunchTemplateData { image_id: Some(image.to_owned()), ..LaunchTemplateData::default() }
}

fn two_images(world: &mut World) -> [String; 2] {
    ["one", "two"].map(|name| world.add_image(ImageSpec::named(name)))
}

fn put(world: &mut World, value: &str) {
    let request = PutParameter {
        name: "/image".to_owned(),
        value: value.to_owned(),
        parameter_type: Some("String".to_owned()),
        overwrite: true,
        ..PutParameter::default()
    };
    world.put_parameter(request).unwrap();
}

#[test]
fn a_new_version_is_the_latest_and_not_the_default() {
    let mut world = World::new(1);
    let images = two_images(&mut world);
    let id = world.create_launch_template("k3s", &images[0], "t3a.medium", false).unwrap().id;
    assert_eq!(world.create_launch_template_version("k3s", data(&images[1]), None), Ok(2));
    let mut launched = |version: Option<&str>| {
        let request = RunInstances {
            launch_template_id: Some(id.clone()),
            launch_template_version: version.map(str::to_owned),
            ..RunInstances::default()
        };
        let instance = world.run_instances(request)?.remove(0);
        let instance = &world.ec2.instances[&instance];
        Ok((instance.image_id.clone(), instance.tags["aws:ec2launchtemplate:version"].clone()))
    };
    assert_eq!(launched(None).unwrap(), (images[0].clone(), "1".to_owned()));
    assert_eq!(launched(Some("$Default")).unwrap().1, "1");
    assert_eq!(launched(Some("$Latest")).unwrap(), (images[1].clone(), "2".to_owned()));
    assert_eq!(code(launched(Some("3"))), "InvalidLaunchTemplateId.VersionNotFound");
    assert_eq!(world.set_default_version("k3s", "2").unwrap().default_version, 2);
    assert_eq!(code(world.set_default_version("k3s", "9")), "InvalidLaunchTemplateId.VersionNotFound");
}

#[test]
fn a_parameter_is_resolved_by_name_version_and_label() {
    let mut world = World::new(1);
    let images = two_images(&mut world);
    for image in &images {
        put(&mut world, image);
    }
    world.label_parameter_version("/image", Some(1), &["good".to_owned()]).unwrap();
    for (selector, expected) in [("/image", 1), ("/image:1", 0), ("/image:good", 0)] {
        let image = format!("resolve:ssm:{selector}");
        let request = RunInstances { image_id: Some(image), ..RunInstances::default() };
        let id = world.run_instances(request).unwrap().remove(0);
        assert_eq!(world.ec2.instances[&id].image_id, images[expected], "{selector}");
    }
}

#[test]
fn references_are_found_as_far_as_the_scope_goes() {
    let mut world = World::new(1);
    let [image, other] = two_images(&mut world);
    let template = world.create_launch_template("k3s", &image, "t3a.medium", false).unwrap().id;
    let request = RunInstances { image_id: Some(image.clone()), ..RunInstances::default() };
    let instance = world.run_instances(request).unwrap().remove(0);
    put(&mut world, &image);
    let all = ReferenceScope { instances: InstanceState::ALL.to_vec(), version_depth: VERSION_DEPTH, parameters: true };
    let found = |world: &World, scope: &ReferenceScope| {
        let references = world.describe_image_references(&[image.clone(), other.clone()], scope).into_iter();
        references.map(|ImageReference { resource_type, .. }| resource_type).collect::<Vec<_>>()
    };
    assert_eq!(found(&world, &all), ["ec2:Instance", "ec2:LaunchTemplate"], "the parameter is but a text");
    world.ssm.parameters.get_mut("/image").unwrap().data_type = "aws:ec2:image".to_owned();
    assert_eq!(found(&world, &all), ["ec2:Instance", "ec2:LaunchTemplate", "ssm:Parameter"]);
    world.terminate(&instance);
    let alive = ReferenceScope { instances: vec![InstanceState::Running], ..all.clone() };
    assert_eq!(found(&world, &alive), ["ec2:LaunchTemplate", "ssm:Parameter"]);
    for _ in 0..VERSION_DEPTH {
        world.create_launch_template_version(&template, data("resolve:ssm:/image"), None).unwrap();
    }
    assert_eq!(found(&world, &alive), ["ssm:Parameter"], "the version that names it is the eleventh newest");
    let deeper = ReferenceScope { version_depth: 11, ..alive };
    assert_eq!(found(&world, &deeper), ["ec2:LaunchTemplate", "ssm:Parameter"]);
    assert_eq!(world.references_to_image(&image).len(), 3, "dying instance, default version, parameter");
}
