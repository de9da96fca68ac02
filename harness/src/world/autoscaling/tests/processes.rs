//! What a group does not do while a process is suspended, and that it catches up.

use super::*;
use crate::world::ec2::network::SUBNETS;

fn suspend(world: &mut World, process: Process) {
    world.suspend_processes("k3s", &[process]).unwrap();
}

fn resume(world: &mut World, process: Process) {
    world.resume_processes("k3s", &[process]).unwrap();
}

fn lifecycles(world: &World) -> Vec<LifecycleState> {
    world.autoscaling.groups["k3s"].members.iter().map(|member| member.lifecycle).collect()
}

#[test]
fn without_launch_what_ends_is_not_replaced_until_it_is_resumed() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    suspend(&mut world, Process::Launch);
    world.reclaim(&old);
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
    world.complete("durin-terminate", &old, ActionResult::Continue).unwrap();
    world.pass(3600);
    assert_eq!(lifecycles(&world), []);
    resume(&mut world, Process::Launch);
    world.pass_until_one(LifecycleState::PendingWait);
}

#[test]
fn without_terminate_nothing_in_service_is_ended_by_the_group() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    suspend(&mut world, Process::Terminate);
    world.set_instance_health(&old, false, false).unwrap();
    world.pass(3600);
    assert_eq!(lifecycles(&world), [LifecycleState::InService]);
    assert!(!world.autoscaling.groups["k3s"].member(&old).unwrap().healthy);
    let empty = UpdateAutoScalingGroup { name: "k3s".into(), min_size: Some(0), ..Default::default() };
    world.update_auto_scaling_group(empty).unwrap();
    world.set_desired_capacity("k3s", 0).unwrap();
    world.pass(3600);
    assert_eq!(lifecycles(&world), [LifecycleState::InService]);
    resume(&mut world, Process::Terminate);
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
}

/// EC2 Auto Scaling User Guide: the suspension "applies only to instances that are currently in the InService state".
#[test]
fn without_terminate_a_newcomer_too_many_is_ended_all_the_same() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    let room = UpdateAutoScalingGroup { name: "k3s".into(), max_size: Some(2), ..Default::default() };
    world.update_auto_scaling_group(room).unwrap();
    suspend(&mut world, Process::Terminate);
    world.set_desired_capacity("k3s", 2).unwrap();
    let new = world.pass_until_one(LifecycleState::PendingWait);
    world.set_desired_capacity("k3s", 1).unwrap();
    world.pass(10);
    assert!(world.autoscaling.groups["k3s"].member(&new).is_none_or(|member| member.lifecycle.is_terminating()));
    assert_eq!(world.members_in(LifecycleState::InService)[0].instance_id, old);
}

#[test]
fn without_replace_unhealthy_the_dead_are_marked_and_kept() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    suspend(&mut world, Process::ReplaceUnhealthy);
    world.reclaim(&old);
    world.pass(600);
    let member = world.autoscaling.groups["k3s"].member(&old).unwrap();
    assert_eq!((member.healthy, member.lifecycle), (false, LifecycleState::InService));
    resume(&mut world, Process::ReplaceUnhealthy);
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
}

#[test]
fn without_health_checks_the_dead_look_healthy() {
    let (mut world, old) = in_service(1, NodeSeed::default());
    suspend(&mut world, Process::HealthCheck);
    world.reclaim(&old);
    world.pass(1800);
    let member = world.autoscaling.groups["k3s"].member(&old).unwrap();
    assert_eq!((member.healthy, member.lifecycle), (true, LifecycleState::InService));
    resume(&mut world, Process::HealthCheck);
    assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old);
}

#[test]
fn a_refresh_replaces_nothing_without_its_process_nor_without_launch_and_terminate() {
    for process in [Process::InstanceRefresh, Process::Launch, Process::Terminate] {
        let (mut world, old) = in_service(1, NodeSeed::default());
        suspend(&mut world, process);
        world.start_instance_refresh(StartInstanceRefresh { group: "k3s".into(), ..Default::default() }).unwrap();
        world.pass(1800);
        assert_eq!(lifecycles(&world), [LifecycleState::InService], "{process:?}");
        resume(&mut world, process);
        assert_eq!(world.pass_until_one(LifecycleState::TerminatingWait), old, "{process:?}");
    }
}

#[test]
fn changed_subnets_move_nobody_without_rebalancing() {
    for process in [Process::AzRebalance, Process::Launch] {
        let (mut world, _) = in_service(1, NodeSeed::default());
        suspend(&mut world, process);
        let subnets = Some(vec![SUBNETS[3].0.to_owned()]);
        let update = UpdateAutoScalingGroup { name: "k3s".into(), subnets, ..Default::default() };
        world.update_auto_scaling_group(update).unwrap();
        world.pass(1800);
        assert_eq!(lifecycles(&world), [LifecycleState::InService], "{process:?}");
        resume(&mut world, process);
        world.pass_until_one(LifecycleState::PendingWait);
    }
}

#[test]
fn a_process_is_suspended_once_and_says_since_when() {
    let (mut world, _) = in_service(1, NodeSeed::default());
    let since = world.now().iso_seconds();
    suspend(&mut world, Process::Launch);
    world.pass(60);
    world.suspend_processes("k3s", &Process::ALL).unwrap();
    let suspended = &world.autoscaling.groups["k3s"].suspended;
    assert_eq!(suspended.iter().map(|it| it.process).collect::<Vec<_>>(), Process::ALL);
    let launch = suspended.iter().find(|it| it.process == Process::Launch).unwrap();
    assert_eq!(launch.reason, format!("User suspended at {since}"));
    world.resume_processes("k3s", &Process::ALL).unwrap();
    assert!(world.autoscaling.groups["k3s"].suspended.is_empty());
    assert_eq!(code(world.suspend_processes("nobody", &[])), "ValidationError");
    world.delete_auto_scaling_group("k3s", true).unwrap();
    assert_eq!(code(world.suspend_processes("k3s", &[])), "ValidationError");
}
