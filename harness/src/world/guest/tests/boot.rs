//! Instances that do not come up as they should.

use super::*;
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ec2::{ImageSpec, InstanceState, RunInstances};

fn launch(world: &mut World, image: &str) -> String {
    let request = RunInstances { image_id: Some(image.to_owned()), ..RunInstances::default() };
    let instance = world.run_instances(request).unwrap().remove(0);
    world.pass(120);
    assert_eq!(world.ec2.state_of(&instance), Some(InstanceState::Running));
    instance
}

#[test]
fn a_bad_image_never_comes_up() {
    let mut world = World::new(1);
    let (bad, volume) = (world.add_image(ImageSpec::named("bad")), world.available_volume());
    world.guest_ways.boot_image(&bad, Boot::Never);
    for _ in 0..2 {
        let instance = launch(&mut world, &bad);
        world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
        world.reboot_instances(std::slice::from_ref(&instance)).unwrap();
        world.pass(3600);
        let guest = &world.ec2.instances[&instance].guest;
        assert_eq!((guest.up_since, guest.agent.registered, guest.mounted.as_ref()), (None, None, None));
        assert_eq!(world.managed_instances().count(), 0, "no agent has ever registered");
        world.terminate(&instance);
        world.pass(120);
    }
    let good = launch(&mut world, PUBLIC_IMAGE);
    assert!(world.ec2.instances[&good].guest.agent_online_since.is_some());
}

#[test]
fn an_image_can_have_an_agent_and_no_k3s() {
    let mut world = World::new(1);
    let (bad, volume) = (world.add_image(ImageSpec::named("bad")), world.available_volume());
    world.guest_ways.boot_image(&bad, Boot::WithoutK3s);
    let instance = launch(&mut world, &bad);
    assert!(world.ec2.instances[&instance].guest.agent_online_since.is_some());
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.pass(60);
    world.reboot_instances(&[instance]).unwrap();
    world.pass(3600);
    assert_eq!(world.mounted_on(&volume), None);
}

#[test]
fn the_next_launches_come_before_what_is_said_of_an_image() {
    let mut world = World::new(1);
    world.guest_ways.boot_image(PUBLIC_IMAGE, Boot::WithoutK3s);
    world.guest_ways.boot_next(Boot::Never, 2);
    let boots = |world: &mut World| {
        let instance = launch(world, PUBLIC_IMAGE);
        world.ec2.instances[&instance].guest.boot
    };
    let seen = [(); 3].map(|()| boots(&mut world));
    assert_eq!(seen, [Boot::Never, Boot::Never, Boot::WithoutK3s]);
}
