//! Each check is seen to fire: one that never did may be blind.

use std::collections::BTreeSet;

use super::*;
use crate::world::guest::Cordon;
use crate::world::route53::normalise_name;

type Break = fn(&mut World, &mut NodeNames);

fn holder(world: &World, node: &NodeNames) -> String {
    world.serving(&node.volume).unwrap().to_owned()
}

fn image_of_family(world: &World) -> String {
    world.ssm.parameters[IMAGE_PARAMETER].versions[0].value.clone()
}

fn complaints(world: &World, node: &NodeNames) -> Vec<String> {
    check_always(world).into_iter().chain(check_quiet(world, node)).collect()
}

fn mount_on_another(world: &mut World, node: &mut NodeNames) {
    let other = world.running();
    world.ec2.tamper_with_instance(&other, |instance| instance.guest.mounted = Some(node.volume.clone()));
}

const COMPLAINTS: [(Break, &str); 14] = [
    (mount_on_another, " at once"),
    (mount_on_another, "mounted, which is not attached to it"),
    (|world, node| world.ec2.tamper_with_volume(&node.volume, |it| it.data.corrupted = true), "is corrupted"),
    (
        |world, node| world.ec2.tamper_with_volume(&node.volume, |it| it.data.acknowledged += 3),
        "has lost 3 acknowledged writes",
    ),
    (
        |world, _| {
            let image = image_of_family(world);
            world.disable_image(&image).unwrap();
        },
        "which cannot be launched",
    ),
    (|_, node| node.group = "nobody".into(), "the group nobody does not exist"),
    (begin_to_terminate, "still waits for durin-terminate to be completed"),
    (begin_to_terminate, "k3s should have one InService instance and has ["),
    (|_, node| node.volume = "vol-0".into(), "the volume vol-0 does not exist"),
    (|world, node| world.ec2.tamper_with_volume(&node.volume, |it| it.attachment = None), "no instance holds vol-"),
    (
        |world, node| {
            let other = world.running();
            world.ec2.tamper_with_volume(&node.volume, |it| it.attachment.as_mut().unwrap().instance_id = other);
        },
        "and is not the InService instance of k3s",
    ),
    (
        |world, node| {
            let holder = holder(world, node);
            world.ec2.tamper_with_instance(&holder, |instance| instance.guest.serving_since = None);
        },
        "k3s does not serve on i-",
    ),
    (
        |world, node| world.ec2.tamper_with_volume(&node.volume, |it| it.data.cordon = Some(Cordon::Somebodys)),
        " is cordoned: nothing",
    ),
    (
        |world, node| {
            let name = normalise_name(&node.record_name);
            world.route53.tamper_with_records(&name, |set| set.values = vec!["192.0.2.1".to_owned()]);
        },
        "points at [192.0.2.1], and the holder i-",
    ),
];

fn begin_to_terminate(world: &mut World, node: &mut NodeNames) {
    let holder = holder(world, node);
    world.terminate_instance_in_auto_scaling_group(&holder, false).unwrap();
    world.pass_until_one(LifecycleState::TerminatingWait);
}

#[test]
fn each_complaint_is_heard() {
    for (break_it, expected) in COMPLAINTS {
        let (mut world, mut node) = settled(1, NodeSeed::default());
        assert_eq!(complaints(&world, &node), Vec::<String>::new());
        break_it(&mut world, &mut node);
        let complaints = complaints(&world, &node);
        assert!(complaints.iter().any(|complaint| complaint.contains(expected)), "{expected}: {complaints:?}");
    }
}

/// A new kind has to be named here, and to be broken below.
fn kind(violation: &Violation) -> &'static str {
    match violation {
        Violation::WritesLost { .. } => "writes lost",
        Violation::MountedTwice { .. } => "mounted twice",
        Violation::DetachedByForce { .. } => "detached by force",
        Violation::DeregisteredInUse { .. } => "deregistered in use",
        Violation::DeletedInUse { .. } => "deleted in use",
        Violation::OfAnotherFamily { .. } => "of another family",
        Violation::Older { .. } => "older",
        // Where functions run: see their own tests.
        Violation::WithoutHandler { .. } => "without handler",
    }
}

const VIOLATIONS: [(Break, &[&str]); 6] = [
    (
        |world, node| {
            let holder = holder(world, node);
            world.ec2.tamper_with_volume(&node.volume, |it| it.data.acknowledged += 3);
            world.panic_kernel(&holder);
            world.pass(120);
        },
        &["writes lost"],
    ),
    (
        |world, node| {
            let (volume, other) = (node.volume.clone(), world.running());
            world.ec2.tamper_with_volume(&volume, |it| {
                it.attachment.as_mut().unwrap().instance_id.clone_from(&other);
            });
            world.on_device(&other, &volume);
            world.pass(10);
        },
        &["mounted twice"],
    ),
    (|world, node| drop(world.detach_volume(&node.volume, None, None, true).unwrap()), &["detached by force"]),
    (
        |world, _| {
            let image = image_of_family(world);
            let snapshot = world.ec2.images[&image].block_devices[0].snapshot_id.clone();
            world.deregister_image(&image, false).unwrap();
            world.pass(10);
            // The image can be registered again from its snapshot, as long as there is one.
            world.delete_snapshot(&snapshot).unwrap();
        },
        &["deleted in use", "deregistered in use"],
    ),
    (|world, _| drop(publish(world, PUBLIC_IMAGE)), &["of another family"]),
    (
        |world, _| {
            let first = image_of_family(world);
            let newer = world.add_image(ImageSpec::named("k3s-2").tagged(FAMILY_TAG, IMAGE_PARAMETER));
            publish(world, &newer);
            publish(world, &first);
        },
        &["older"],
    ),
];

#[test]
fn each_violation_is_noted() {
    for (break_it, expected) in VIOLATIONS {
        let (mut world, mut node) = settled(1, NodeSeed::default());
        assert_eq!(world.violations(), []);
        break_it(&mut world, &mut node);
        let noted: BTreeSet<_> = world.violations().iter().map(kind).collect();
        assert_eq!(noted, expected.iter().copied().collect(), "{:?}", world.violations());
    }
}
