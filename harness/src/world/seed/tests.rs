use super::*;
use crate::world::invariants::{check_always, check_quiet};
use crate::world::testing::settled;

#[test]
fn a_settled_node_serves_and_is_quiet() {
    let (world, node) = settled(1, NodeSeed::default());
    assert_eq!(check_quiet(&world, &node), Vec::<String>::new());
    assert_eq!(check_always(&world), Vec::<String>::new());
    let holder = world.serving(&node.volume).unwrap();
    assert_eq!(world.instances[holder].tags["durin:volume-id"], node.volume);
    assert_eq!(world.instances[holder].tags["aws:autoscaling:groupName"], "k3s");
    assert_eq!(world.instances.len(), 1, "the group wants no other");
}

#[test]
fn a_group_left_alone_launches_its_first_instance() {
    let mut world = World::from_seed(&Seed::one_node()).unwrap();
    world.pass_until_one(crate::world::autoscaling::LifecycleState::PendingWait);
}

#[test]
fn nodes_share_a_zone_and_have_their_own_ttl() {
    let other = NodeSeed {
        name: "other".into(),
        record_name: "other.durin.internal".into(),
        record_ttl_s: Some(15),
        ..NodeSeed::default()
    };
    let mut world = World::from_seed(&Seed { nodes: vec![NodeSeed::default(), other], ..Seed::default() }).unwrap();
    let nodes = world.settle_nodes().unwrap();
    assert_eq!(nodes.len(), 2);
    assert_eq!(nodes[0].zone_id, nodes[1].zone_id);
    let record = world.zones[&nodes[1].zone_id].record_set("other.durin.internal", "A").unwrap();
    assert_eq!(record.ttl_s, Some(15));
    for node in &nodes {
        assert_eq!(check_quiet(&world, node), Vec::<String>::new());
    }
}

#[test]
fn a_world_begins_when_it_is_told() {
    let seed = Seed { start: Some("2027-03-04T05:06:07Z".into()), ..Seed::default() };
    assert_eq!(World::from_seed(&seed).unwrap().now().iso_seconds(), "2027-03-04T05:06:07Z");
    assert!(World::from_seed(&Seed { start: Some("tomorrow".into()), ..Seed::default() }).is_err());
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let story = |seed| {
        let (mut world, node) = settled(seed, NodeSeed::default());
        let holder = world.serving(&node.volume).unwrap().to_owned();
        world.interrupt(&holder, crate::world::ec2::SpotAction::Terminate);
        world.pass(3600);
        format!("{:?}", world.history)
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
    assert!(told.contains(&format!("nobody holds {}", node.volume)), "{told}");
}
