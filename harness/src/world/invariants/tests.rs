mod firing;

use super::*;
use crate::seed::{IMAGE_PARAMETER, NodeSeed};
use crate::testing::settled;
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ec2::requests::{LaunchSpecification, SpotInstanceRequest};
use crate::world::ec2::{ImageSpec, LaunchTemplateData, SnapshotSpec};
use crate::world::ssm::PutParameter;

fn publish(world: &mut World, image: &str) -> Vec<Violation> {
    let request = PutParameter {
        name: IMAGE_PARAMETER.into(),
        value: image.to_owned(),
        overwrite: true,
        ..PutParameter::default()
    };
    world.put_parameter(request).unwrap();
    world.pass_until_validated();
    world.violations()
}

#[test]
fn a_family_goes_forward_unless_it_is_pinned() {
    let (mut world, _) = settled(1, NodeSeed::default());
    let first = world.ssm.parameters[IMAGE_PARAMETER].versions[0].value.clone();
    let newer = ImageSpec::named("k3s-2").tagged(FAMILY_TAG, IMAGE_PARAMETER);
    let newer = world.add_image(newer);
    assert_eq!(publish(&mut world, &newer), []);
    assert_eq!(publish(&mut world, &newer), [], "the same again is no step back");
    world.tag_parameter(IMAGE_PARAMETER, vec![(PIN_TAG.to_owned(), String::new())], &[]).unwrap();
    assert_eq!(publish(&mut world, &first), [], "somebody wants that");
    world.tag_parameter(IMAGE_PARAMETER, Vec::new(), &[PIN_TAG.to_owned()]).unwrap();
    assert_eq!(publish(&mut world, &newer), []);
    let older = Violation::Older { parameter: IMAGE_PARAMETER.into(), image: first.clone() };
    assert_eq!(publish(&mut world, &first), [older]);
}

#[test]
fn a_family_names_its_own_images_that_can_be_launched() {
    let (mut world, _) = settled(1, NodeSeed::default());
    assert_eq!(check_always(&world), Vec::<String>::new());
    let first = world.ssm.parameters[IMAGE_PARAMETER].versions[0].value.clone();
    let foreign = Violation::OfAnotherFamily { parameter: IMAGE_PARAMETER.into(), image: PUBLIC_IMAGE.into() };
    assert_eq!(publish(&mut world, PUBLIC_IMAGE), [foreign]);
    world.add_version(PutParameter { name: IMAGE_PARAMETER.into(), value: first.clone(), ..PutParameter::default() });
    world.disable_image(&first).unwrap();
    let [told] = &check_always(&world)[..] else { panic!("one violation") };
    assert!(told.contains("cannot be launched"), "{told}");
}

#[test]
fn what_is_referred_to_is_not_to_be_deleted() {
    let (mut world, _) = settled(1, NodeSeed::default());
    let first = world.ssm.parameters[IMAGE_PARAMETER].versions[0].value.clone();
    let stale = world.add_image(ImageSpec::named("stale"));
    world.deregister_image(&stale, true).unwrap();
    assert_eq!(world.violations(), []);
    world.deregister_image(&first, false).unwrap();
    let [violation] = &world.violations()[..] else { panic!("one violation") };
    let told = violation.to_string();
    assert!(told.contains(IMAGE_PARAMETER) && told.contains("i-"), "the parameter and the instance: {told}");
}

#[test]
fn a_snapshot_can_be_referred_to_without_an_image() {
    let (mut world, _) = settled(1, NodeSeed::default());
    let snapshots = ["template", "request", "free"].map(|_| world.add_snapshot(SnapshotSpec::default()));
    let device = |snapshot: &String| vec![("/dev/sdb".to_owned(), snapshot.clone())];
    let data = LaunchTemplateData { block_devices: device(&snapshots[0]), ..LaunchTemplateData::default() };
    world.create_launch_template_with("with-disk", data, None, Default::default()).unwrap();
    let specification = LaunchSpecification { block_devices: device(&snapshots[1]), ..Default::default() };
    world.ec2.requests.spot_instances =
        vec![SpotInstanceRequest { id: "sir-1".into(), specification, ..Default::default() }];
    world.delete_snapshot(&snapshots[2]).unwrap();
    assert_eq!(world.violations(), []);
    world.delete_snapshot(&snapshots[0]).unwrap();
    world.delete_snapshot(&snapshots[1]).unwrap();
    let told = world.violations().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(told.contains("with-disk:1") && told.contains("sir-1"), "{told}");
}
