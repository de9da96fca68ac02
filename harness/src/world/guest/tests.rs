use super::*;
use crate::world::World;
use crate::world::history::What;
use crate::world::invariants::check_always;

fn told(world: &World, instance: &str) -> Vec<String> {
    let entries = world.history.entries.iter();
    let of_guest = entries.filter_map(|entry| {
        if let What::Guest { instance, text } = &entry.what { Some((instance, text)) } else { None }
    });
    of_guest.filter(|(id, _)| *id == instance).map(|(_, text)| text.clone()).collect()
}

#[test]
fn writes_are_counted_when_somebody_looks() {
    let mut world = World::new(1);
    let (_, volume) = world.serving_pair();
    world.settle();
    let before = world.volumes[&volume].data.durable;
    world.advance_to(world.now() + Duration::from_millis(250));
    world.settle();
    world.advance_to(world.now() + Duration::from_millis(250));
    world.settle();
    let data = &world.volumes[&volume].data;
    assert_eq!(data.durable - before, 5, "nothing is lost to rounding");
    assert_eq!(data.acknowledged, data.durable);
}

#[test]
fn a_volume_that_is_attached_before_boot_is_mounted_at_boot() {
    let mut world = World::new(1);
    let volume = world.available_volume();
    let instance = world.launch_in("eu-central-1a");
    world.latency.boot = crate::world::latency::Range::from_secs(100, 100);
    world.pass(26);
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.pass(60);
    assert_eq!(world.mounted_on(&volume), None);
    world.pass(80);
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
    let steps = ["booted", &format!("mounted {volume}, found 0 writes"), "k3s is up"];
    let told: Vec<_> = told(&world, &instance).into_iter().filter(|text| text != "agent is online").collect();
    assert_eq!(told, steps);
}

#[test]
fn a_handed_over_volume_has_every_acknowledged_write() {
    let mut world = World::new(2);
    let (first, volume) = world.serving_pair();
    let second = world.running();
    world.pass(100);
    world.release(&first);
    world.pass(20);
    world.detach_volume(&volume, Some(&first), None, false).unwrap();
    world.pass(10);
    world.attach_volume(&volume, &second, "/dev/sdf").unwrap();
    world.pass(40);
    assert_eq!(world.serving(&volume), Some(second.as_str()));
    let data = &world.volumes[&volume].data;
    assert!(data.durable >= 1000 && data.unclean_mounts == 0);
    assert!(told(&world, &second).iter().any(|text| text.starts_with("mounted vol-")));
    assert!(world.violations().is_empty() && check_always(&world).is_empty());
}

#[test]
fn power_loss_loses_no_acknowledged_write() {
    let mut world = World::new(3);
    let (first, volume) = world.serving_pair();
    world.pass(10);
    world.reclaim(&first);
    let acknowledged = world.volumes[&volume].data.acknowledged;
    let second = world.running();
    world.pass(120);
    assert_eq!(world.volumes[&volume].data.acknowledged, acknowledged, "nobody writes any more");
    world.attach_volume(&volume, &second, "/dev/sdf").unwrap();
    world.pass(40);
    world.settle();
    let data = &world.volumes[&volume].data;
    assert!(data.durable > acknowledged && data.unclean_mounts == 1);
    assert!(world.violations().is_empty());
}

#[test]
fn a_missing_write_is_seen_at_the_next_mount() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.pass(10);
    world.stop_instances(std::slice::from_ref(&instance)).unwrap();
    world.pass(90);
    world.volumes.get_mut(&volume).unwrap().data.durable -= 7;
    assert_eq!(check_always(&world), [format!("{volume} has lost 7 acknowledged writes")]);
    world.start_instances(std::slice::from_ref(&instance)).unwrap();
    world.pass(90);
    assert_eq!(world.violations(), [format!("{volume} lost 7 acknowledged writes before {instance} mounted it")]);
}

#[test]
fn a_second_mount_is_corruption() {
    let mut world = World::new(1);
    let (first, volume) = world.serving_pair();
    let second = world.running();
    // EBS would not let this happen: the attachment is moved behind its back.
    let held = world.volumes.get_mut(&volume).unwrap().attachment.as_mut().unwrap();
    held.instance_id.clone_from(&second);
    world.guest_sees_device(&second, &volume);
    world.pass(30);
    assert_eq!(world.violations(), [format!("{second} mounted {volume} while {first} still had it mounted")]);
    assert!(check_always(&world).iter().any(|text| text.contains("at once")));
    assert!(world.volumes[&volume].data.corrupted);
}

#[test]
fn a_release_gives_up_a_start_under_way() {
    let mut world = World::new(1);
    let (instance, volume) = (world.running(), world.available_volume());
    world.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
    world.pass_until(30, |world| world.mounted_on(&volume).is_some());
    world.release(&instance);
    world.pass(120);
    assert_eq!(world.mounted_on(&volume), None);
    assert!(!told(&world, &instance).contains(&"k3s is up".to_owned()));
}

#[test]
fn an_instance_that_ends_while_it_boots_never_comes_up() {
    let mut world = World::new(1);
    world.latency.boot = crate::world::latency::Range::from_secs(20, 20);
    world.latency.shutting_down = crate::world::latency::Range::from_secs(60, 60);
    let instance = world.launch_in("eu-central-1a");
    world.pass(26);
    assert_eq!(world.release(&instance), Duration::ZERO, "there is nothing to release yet");
    world.terminate(&instance);
    world.pass(100);
    assert_eq!(told(&world, &instance), Vec::<String>::new());
}
