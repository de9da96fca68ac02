use super::*;
use crate::testing::{node_template, settled};
use crate::world::autoscaling::{ActionResult, LifecycleState};
use crate::world::ec2::SpotAction;
use crate::world::invariants::{check_always, check_quiet};
use crate::world::steady::NodeNames;

#[test]
fn a_settled_node_serves_and_is_quiet() {
    let (world, node) = settled(1, NodeSeed::default());
    assert_eq!(check_quiet(&world, &node), Vec::<String>::new());
    assert_eq!(check_always(&world), Vec::<String>::new());
    let holder = world.serving(&node.volume).unwrap();
    assert_eq!(world.ec2.instances()[holder].tags["durin:volume-id"], node.volume);
    assert_eq!(world.ec2.instances()[holder].tags["aws:autoscaling:groupName"], "k3s");
    assert_eq!(world.ec2.instances().len(), 1, "the group wants no other");
}

#[test]
fn a_group_left_alone_launches_its_first_instance() {
    let mut world = World::from_seed(&Seed::one_node(), &node_template()).unwrap();
    world.pass_until_one(LifecycleState::PendingWait);
}

#[test]
fn nodes_share_a_zone_and_have_their_own_ttl() {
    let other = NodeSeed {
        name: "other".into(),
        record_name: "other.durin.internal".into(),
        record_ttl_s: Some(15),
        ..NodeSeed::default()
    };
    let mut world =
        World::from_seed(&Seed { nodes: vec![NodeSeed::default(), other], ..Seed::default() }, &node_template())
            .unwrap();
    let nodes = world.settle_nodes().unwrap();
    assert_eq!(nodes.len(), 2);
    assert_eq!(nodes[0].zone_id, nodes[1].zone_id);
    let record = world.route53.zones()[&nodes[1].zone_id].record_set("other.durin.internal", "A").unwrap();
    assert_eq!(record.ttl_s, Some(15));
    for node in &nodes {
        assert_eq!(check_quiet(&world, node), Vec::<String>::new());
    }
}

#[test]
fn a_world_begins_when_it_is_told() {
    let seed = Seed { start: Some("2027-03-04T05:06:07Z".into()), ..Seed::default() };
    assert_eq!(World::from_seed(&seed, &node_template()).unwrap().now().iso_seconds(), "2027-03-04T05:06:07Z");
    assert!(World::from_seed(&Seed { start: Some("tomorrow".into()), ..Seed::default() }, &node_template()).is_err());
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let story = |seed| {
        let (mut world, node) = settled(seed, NodeSeed::default());
        let holder = world.serving(&node.volume).unwrap().to_owned();
        world.interrupt(&holder, SpotAction::Terminate);
        world.pass(3600);
        format!("{:?}", world.history())
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}

#[test]
fn what_is_wrong_with_a_node_is_told() {
    let (mut world, node) = settled(1, NodeSeed::default());
    let holder = world.serving(&node.volume).unwrap().to_owned();
    world.reclaim(&holder);
    world.pass(200);
    let told = check_quiet(&world, &node).join("\n");
    assert!(told.contains("still waits for durin-terminate to be completed"), "{told}");
    assert!(told.contains(&format!("no instance holds {}", node.volume)), "{told}");
}

/// Somebody completes every lifecycle action, and everything else is left to chance.
#[test]
fn however_it_is_shaken_a_group_comes_back_and_no_write_is_lost() {
    for seed in 0..60 {
        let (mut world, node) =
            settled(seed, NodeSeed { capacity_rebalance: Some(seed % 2 == 0), ..NodeSeed::default() });
        let mut dice = fastrand::Rng::with_seed(seed);
        for _ in 0..60 {
            shake(&mut world, &node, &mut dice);
            assert_eq!(check_always(&world), Vec::<String>::new(), "seed {seed}");
        }
        world.autoscaling.end_shortages();
        for _ in 0..60 {
            complete_all(&mut world);
            world.pass(60);
        }
        let members: Vec<_> = world.autoscaling.groups()["k3s"].members.iter().map(|member| member.lifecycle).collect();
        assert_eq!(members, [LifecycleState::InService], "seed {seed}");
        assert!(world.violations().is_empty());
        assert!(world.ec2.instances().len() <= 40, "the terminated are forgotten");
    }
}

fn shake(world: &mut World, node: &NodeNames, dice: &mut fastrand::Rng) {
    let ids: Vec<_> = world.ec2.instances().keys().cloned().collect();
    let instance = &ids[dice.usize(..ids.len())];
    let volume = &node.volume;
    // Refusals are as welcome as anything.
    match dice.u8(..12) {
        0 => world.reclaim(instance),
        1 => world.interrupt(instance, SpotAction::Terminate),
        2 => world.interrupt(instance, SpotAction::Stop),
        3 => world.recommend_rebalance(instance),
        4 => drop(world.terminate_instances(std::slice::from_ref(instance))),
        5 => drop(world.terminate_instance_in_auto_scaling_group(instance, false)),
        6 => drop(world.attach_volume(volume, instance, "/dev/sdf")),
        7 => drop(world.detach_volume(volume, Some(instance), None, false)),
        8 => drop(world.release(instance)),
        9 => drop(world.set_instance_health(instance, false, false)),
        10 => world.autoscaling.fail_next_launches("k3s", 1),
        _ => complete_all(world),
    }
    world.pass(dice.u64(..90));
}

fn complete_all(world: &mut World) {
    let members = world.autoscaling.groups()["k3s"].members.clone();
    for member in members {
        if let Some(action) = member.action {
            world.complete(&action.hook, &member.instance_id, ActionResult::Continue).unwrap();
        }
    }
}
