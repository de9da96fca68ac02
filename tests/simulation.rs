//! Random disorder: interruptions, recommendations, terminations, refreshes, retirements, changed subnets; lost, doubled
//! and late events; faults of every service, deaths between calls, agents that fail. Every history ends well.

use std::time::Duration;

use durin_harness::Kill;
use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::autoscaling::{Group, MaintenancePolicy, StartInstanceRefresh, UpdateAutoScalingGroup};
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::ec2::network::SUBNETS;
use durin_harness::world::eventbridge::{Disorder, DisorderKind};
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::AgentMode;
use durin_tests::{HEALTH, LAUNCH, NODE_FUNCTIONS, Story, TERMINATE, WARNING, seeds};

const EVENTS: [&str; 5] = [LAUNCH, TERMINATE, WARNING, "EC2 Instance Rebalance Recommendation", HEALTH];
const OPERATIONS: [&str; 6] = ["ec2:*", "autoscaling:*", "route53:*", "ssm:*", "ec2:AttachVolume", "*"];

#[test]
fn every_history_ends_well() {
    seeds::play("every_history_ends_well", 1..=60, history);
}

async fn history(seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let node = NodeSeed { capacity_rebalance: Some(dice.bool()), ..NodeSeed::default() };
    let story = Story::of(&Seed { seed, nodes: vec![node], ..Seed::default() });
    let launches_first = dice.bool();
    story.world(|world| {
        let policy = MaintenancePolicy { min_healthy: 100, max_healthy: 200 };
        let set = |group: &mut Group| group.maintenance_policy = launches_first.then_some(policy);
        world.autoscaling.tamper_with_group("k3s", set);
    });
    for _ in 0..dice.u32(1..=3) {
        disturb(&story, &mut dice);
        strike(&story, &mut dice);
        story.aws().pass(Duration::from_secs(dice.u64(0..400))).await;
    }
    // Faults stop; from here on the node has to heal.
    story.world(|world| {
        world.events.end_disorders();
        world.faults.end();
        world.ec2.launch_with_agents(AgentMode::Online);
        world.autoscaling.end_shortages();
    });
    // A node may be whole while its group still waits to try a launch again: what it has begun has to be over first.
    let is_over = |world: &World| {
        world.autoscaling.groups().values().all(|group| {
            group.active_refresh().is_none() && group.members.iter().all(|member| member.leaves_for.is_none())
        })
    };
    story.until("no replacement is under way", is_over).await;
    story.ends_well().await;
}

/// What goes wrong around it.
fn disturb(story: &Story, dice: &mut fastrand::Rng) {
    let later = Duration::from_secs(dice.u64(0..300));
    let kinds =
        [DisorderKind::Lost, DisorderKind::Doubled(later), DisorderKind::Late(later), DisorderKind::Unreachable(later)];
    for event in EVENTS.into_iter().filter(|_| dice.u8(0..3) == 0).collect::<Vec<_>>() {
        let kind = kinds[dice.usize(..kinds.len())];
        let disorder = Disorder { detail_type: event.to_owned(), kind, times: dice.u32(1..4) };
        story.world(|world| world.events.add_disorder(disorder));
    }
    for _ in 0..dice.u32(0..3) {
        let operation = OPERATIONS[dice.usize(..OPERATIONS.len())];
        let kind = FaultKind::ALL[dice.usize(..FaultKind::ALL.len())];
        story.fault(operation, kind, dice.u32(1..12));
    }
    for _ in 0..dice.u32(0..3) {
        let function = NODE_FUNCTIONS[dice.usize(..NODE_FUNCTIONS.len())].to_owned();
        story.aws().plan_kill(Kill { function, after_calls: dice.u32(1..40) });
    }
    let modes = [
        AgentMode::Online,
        AgentMode::Offline,
        AgentMode::Slow,
        AgentMode::Failing,
        AgentMode::Hanging,
        AgentMode::Gone,
    ];
    let mode = if dice.bool() { AgentMode::Online } else { modes[dice.usize(..modes.len())] };
    story.world(|world| {
        world.ec2.launch_with_agents(mode);
        let ids: Vec<_> = world.ec2.instances().keys().cloned().collect();
        ids.iter().for_each(|id| world.set_agent_mode(id, mode));
    });
}

/// What happens to some instance of the group.
fn strike(story: &Story, dice: &mut fastrand::Rng) {
    let group = story.node().group.clone();
    let what = dice.u8(0..11);
    let failures = dice.u32(0..3);
    let index = dice.usize(..);
    story.world(|world| {
        let members: Vec<_> =
            world.autoscaling.groups()[&group].members.iter().map(|it| it.instance_id.clone()).collect();
        let Some(id) = members.get(index % members.len().max(1)).cloned() else { return };
        match what {
            0 | 1 => world.interrupt(&id, SpotAction::Terminate),
            2 => world.interrupt(&id, SpotAction::Stop),
            3 => world.recommend_rebalance(&id),
            4 => world.reclaim(&id),
            // A person may be told that it cannot be terminated any more.
            5 => drop(world.terminate_instance_in_auto_scaling_group(&id, false)),
            6 => drop(world.terminate_instances(&[id])),
            7 => world.schedule_retirement(&id),
            8 => drop(world.set_instance_health(&id, false, false)),
            9 => change_subnet(world, &group),
            _ => {
                let bounds = [(None, None), (Some(100), Some(110)), (Some(0), Some(100))];
                let (min_healthy, max_healthy) = bounds[index % bounds.len()];
                let request =
                    StartInstanceRefresh { group: group.clone(), min_healthy, max_healthy, ..Default::default() };
                // One may be under way.
                drop(world.start_instance_refresh(request));
            }
        }
        world.autoscaling.fail_next_launches(&group, failures);
    });
}

/// To the other subnet of the same zone.
fn change_subnet(world: &mut World, group: &str) {
    let is_in_first = world.autoscaling.groups()[group].subnets == [SUBNETS[0].0];
    let subnet = if is_in_first { SUBNETS[3].0 } else { SUBNETS[0].0 };
    let request = UpdateAutoScalingGroup {
        name: group.to_owned(),
        subnets: Some(vec![subnet.to_owned()]),
        ..UpdateAutoScalingGroup::default()
    };
    world.update_auto_scaling_group(request).expect("updated");
}
