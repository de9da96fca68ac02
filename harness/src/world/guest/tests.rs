mod boot;
mod reboot;
mod released;
mod resumed;
mod situations;

use super::*;
use crate::world::World;
use crate::world::history::Fact;
use crate::world::invariants::check_always;
use crate::world::latency::Range;
use crate::world::ssm::PingStatus;
use crate::world::violation::Violation;

fn facts(world: &World, instance: &str) -> Vec<GuestFact> {
    let entries = world.history().iter();
    let of_guest = entries.filter_map(|entry| {
        if let Fact::Guest { instance, fact } = &entry.fact { Some((instance, fact)) } else { None }
    });
    of_guest.filter(|(id, _)| *id == instance).map(|(_, fact)| fact.clone()).collect()
}

#[test]
fn writes_are_counted_when_somebody_looks() {
    let mut world = World::new(1);
    let (_, volume) = world.serving_pair();
    world.settle();
    let before = world.ec2.volumes[&volume].data.durable;
    world.advance_to(world.now() + Duration::from_millis(250));
    world.settle();
    world.advance_to(world.now() + Duration::from_millis(250));
    world.settle();
    let data = &world.ec2.volumes[&volume].data;
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
    let (formatted, mounted) =
        (GuestFact::Formatted { volume: volume.clone() }, GuestFact::Mounted { volume, found: 0 });
    let facts: Vec<_> = facts(&world, &instance).into_iter().filter(|fact| *fact != GuestFact::AgentOnline).collect();
    assert_eq!(facts, [GuestFact::Booted, formatted, mounted, GuestFact::K3sUp, GuestFact::WorkloadUp]);
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
    let data = &world.ec2.volumes[&volume].data;
    assert!(data.durable >= 1000 && data.unclean_mounts == 0);
    assert!(facts(&world, &second).iter().any(|fact| matches!(fact, GuestFact::Mounted { .. })));
    assert!(world.violations().is_empty() && check_always(&world).is_empty());
}

#[test]
fn power_loss_loses_no_acknowledged_write() {
    let mut world = World::new(3);
    let (first, volume) = world.serving_pair();
    world.pass(10);
    world.reclaim(&first);
    let acknowledged = world.ec2.volumes[&volume].data.acknowledged;
    let second = world.running();
    world.pass(120);
    assert_eq!(world.ec2.volumes[&volume].data.acknowledged, acknowledged, "nobody writes any more");
    world.attach_volume(&volume, &second, "/dev/sdf").unwrap();
    world.pass(40);
    world.settle();
    let data = &world.ec2.volumes[&volume].data;
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
    world.ec2.volumes.get_mut(&volume).unwrap().data.durable -= 7;
    assert_eq!(check_always(&world), [format!("{volume} has lost 7 acknowledged writes")]);
    world.start_instances(std::slice::from_ref(&instance)).unwrap();
    world.pass(90);
    assert_eq!(world.violations(), [Violation::WritesLost { volume, instance, lost: 7 }]);
}

#[test]
fn a_second_mount_is_corruption() {
    let mut world = World::new(1);
    let (first, volume) = world.serving_pair();
    let second = world.running();
    // EBS would not let this happen: the attachment is moved behind its back.
    let held = world.ec2.volumes.get_mut(&volume).unwrap().attachment.as_mut().unwrap();
    held.instance_id.clone_from(&second);
    world.on_device(&second, &volume);
    world.pass(30);
    assert!(check_always(&world).iter().any(|text| text.contains("at once")));
    assert!(world.ec2.volumes[&volume].data.corrupted);
    assert_eq!(world.violations(), [Violation::MountedTwice { volume, instance: second, other: first }]);
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
    assert!(!facts(&world, &instance).contains(&GuestFact::K3sUp));
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
    assert_eq!(facts(&world, &instance), []);
}

#[test]
fn a_release_stops_k3s_then_ends_the_workload_then_unmounts() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    assert_eq!(world.workload_serving(&volume), None, "pods start after k3s");
    world.pass_until(20, |world| world.workload_serving(&volume).is_some());
    let exactly = |seconds| Range::from_secs(seconds, seconds);
    (world.latency.drain, world.latency.k3s_stop, world.latency.unmount) = (exactly(8), exactly(4), exactly(2));
    assert_eq!(world.release(&instance), Duration::from_secs(11), "what does not end within five seconds is killed");
    assert_eq!(world.serving(&volume), None);
    assert_eq!(world.ec2.instances[&instance].guest.marker, Some(volume.clone()), "before anything is stopped");
    let acknowledged = world.ec2.volumes[&volume].data.acknowledged;
    world.pass(3);
    assert_eq!(world.workload_serving(&volume), Some(instance.as_str()), "containers run on without k3s");
    world.pass(2);
    assert_eq!(world.workload_serving(&volume), None);
    world.pass(5);
    assert_eq!(world.mounted_on(&volume), Some(instance.as_str()));
    world.pass(2);
    assert_eq!(world.mounted_on(&volume), None);
    assert_eq!(world.ec2.volumes[&volume].data.acknowledged, acknowledged, "nothing is written without k3s");
    let facts = facts(&world, &instance);
    let unmounted = GuestFact::Unmounted { volume };
    assert_eq!(
        facts[facts.len() - 4..],
        [GuestFact::WorkloadUp, GuestFact::K3sStopped, GuestFact::WorkloadDown, unmounted]
    );
    assert_eq!(world.release(&instance), Duration::ZERO, "there is nothing left to release");
}

#[test]
fn a_shutdown_ends_the_workload_with_k3s() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.pass(20);
    world.terminate(&instance);
    assert_eq!((world.serving(&volume), world.workload_serving(&volume)), (None, None));
    world.pass(7);
    assert_eq!(world.mounted_on(&volume), None);
    assert!(!facts(&world, &instance).contains(&GuestFact::WorkloadDown));
    assert!(!world.ec2.volumes[&volume].data.dirty);
}

#[test]
fn a_drain_alone_leaves_k3s_serving() {
    let mut world = World::new(1);
    let (instance, volume) = world.serving_pair();
    world.drain(&instance);
    world.pass(60);
    assert_eq!(world.workload_serving(&volume), None, "what has not come up stays down");
    assert_eq!(world.serving(&volume), Some(instance.as_str()));
    world.reclaim(&instance);
    let next = world.running();
    world.pass(120);
    world.attach_volume(&volume, &next, "/dev/sdf").unwrap();
    world.pass_until(60, |world| world.workload_serving(&volume) == Some(next.as_str()));
}

#[test]
fn a_release_does_not_keep_the_agent_from_coming_online() {
    let mut world = World::new(1);
    let instance = world.launch_in("eu-central-1a");
    world.pass_until(120, |world| world.ec2.instances[&instance].guest.up_since.is_some());
    world.release(&instance);
    world.pass_until(20, |world| world.ec2.instances[&instance].guest.agent_online_since.is_some());
}

#[test]
fn instances_to_come_have_the_agent_mode_of_the_world() {
    let mut world = World::new(1);
    world.ec2.agent_mode = AgentMode::Offline;
    let instance = world.launch_in("eu-central-1a");
    world.pass(120);
    assert_eq!(world.ec2.instances[&instance].guest.agent_online_since, None);
    assert_eq!(world.ping_status(&world.ec2.instances[&instance]), None);
    world.set_agent_mode(&instance, AgentMode::Online);
    world.pass(20);
    assert_eq!(world.ping_status(&world.ec2.instances[&instance]), Some(PingStatus::Online));
}

#[test]
fn an_agent_is_lost_some_minutes_after_its_instance_died() {
    let mut world = World::new(1);
    let instance = world.running();
    world.pass(700);
    let last_ping = |world: &World| world.ec2.instances[&instance].guest.last_ping(world.now()).unwrap();
    assert!(world.now().since(last_ping(&world)) < Duration::from_secs(300));
    world.reclaim(&instance);
    let before = last_ping(&world);
    world.pass(90);
    assert_eq!(world.ping_status(&world.ec2.instances[&instance]), Some(PingStatus::Online));
    world.pass(600);
    assert_eq!(world.ping_status(&world.ec2.instances[&instance]), Some(PingStatus::ConnectionLost));
    assert_eq!(last_ping(&world), before);
    world.pass(3600);
    assert_eq!(world.managed_instances().count(), 0, "EC2 has forgotten it");
}
