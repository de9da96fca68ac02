//! Many nodes in one region: what they cost together, and that none has to wait for another.

use std::collections::BTreeMap;
use std::time::Duration;

use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::ec2::SpotAction;
use durin_tests::{Story, schedule};
use rstest::rstest;

/// Nodes called `n0`, `n1` and so on. They share a hosted zone, or each has one of its own.
fn fleet(nodes: usize, zones: Zones) -> Seed {
    let node = |number| {
        let hosted_zone = match zones {
            Zones::One => "durin.internal".to_owned(),
            Zones::OneEach => format!("n{number}.internal"),
        };
        NodeSeed {
            name: format!("n{number}"),
            record_name: format!("n{number}.{hosted_zone}"),
            hosted_zone,
            zone: format!("eu-central-1{}", ["a", "b", "c"][number % 3]),
            ..NodeSeed::default()
        }
    };
    Seed { seed: 1, nodes: (0..nodes).map(node).collect(), ..Seed::default() }
}

#[derive(Clone, Copy)]
enum Zones {
    One,
    OneEach,
}

/// How often each operation was called, and the most calls to Route 53 within a second.
fn calls(world: &World, since: usize) -> (BTreeMap<String, usize>, usize) {
    let entries = &world.history()[since..];
    let calls: Vec<_> = entries.iter().filter_map(|entry| Some((entry.at, entry.fact.operation()?))).collect();
    let mut by_operation = BTreeMap::new();
    calls.iter().for_each(|(_, operation)| *by_operation.entry((*operation).to_owned()).or_default() += 1);
    let asked: Vec<_> = calls.iter().filter(|(_, it)| it.starts_with("route53:")).map(|(at, _)| *at).collect();
    let within = |begin: &_| asked.iter().filter(|at| **at >= *begin && **at < *begin + Duration::from_secs(1)).count();
    (by_operation, asked.iter().map(within).max().unwrap_or_default())
}

/// One page of groups for every hundred nodes, one of volumes for every two hundred, and of records for every hundred and
/// fifty: each has two sets. One command asks fifty holders whether they serve, and one page has what fifty have answered.
#[rstest]
#[case::one(1, [7, 7])]
#[case::ten(10, [7, 7])]
#[case::sixty(60, [8, 9])]
#[case::a_hundred(100, [8, 9])]
#[case::three_hundred(300, [17, 22])]
#[tokio::test(start_paused = true)]
async fn a_tick_costs_by_the_page_and_not_by_the_node(#[case] nodes: usize, #[case] expected: [usize; 2]) {
    let story = Story::without_functions(&fleet(nodes, Zones::One));
    for expected in expected {
        let before = story.world(|world| world.history().len());
        let invoked = story.invoke("durin-node-resync", schedule()).await;
        let (operations, _) = story.world(|world| calls(world, before));
        let answer = invoked.outcome.expect("all healthy");
        assert_eq!(answer.as_object().map(|nodes| nodes.len()), Some(nodes));
        // The nodes' hooks are looked at once an hour, those of many by turns.
        let of_hooks = operations.get("autoscaling:DescribeLifecycleHooks").copied().unwrap_or_default();
        assert_eq!(of_hooks, 0, "{operations:?}");
        assert_eq!(operations.values().sum::<usize>() - of_hooks, expected, "{operations:?}");
        story.aws().pass(Duration::from_secs(300)).await;
    }
}

/// Route 53 allows five requests a second, and others ask too.
#[rstest]
#[case::ten(10)]
#[case::sixty(60)]
#[case::a_hundred(100)]
#[tokio::test(start_paused = true)]
async fn a_tick_asks_route_53_at_most_four_times_a_second(#[case] zones: usize) {
    let story = Story::without_functions(&fleet(zones, Zones::OneEach));
    let before = story.world(|world| world.history().len());
    story.invoke("durin-node-resync", schedule()).await.outcome.expect("all healthy");
    let (operations, most) = story.world(|world| calls(world, before));
    assert_eq!(operations["route53:ListResourceRecordSets"], zones);
    assert!(most <= 4, "{most} in a second");
}

/// A minute for one node; more, when its neighbours have emptied the buckets of requests that an account has.
const LONGEST: Duration = Duration::from_secs(240);

/// Each of them is warned in the same second. What they wait for is EC2, not one another.
#[rstest]
#[case::one(1)]
#[case::ten(10)]
#[case::thirty(30)]
#[tokio::test(start_paused = true)]
async fn nodes_that_are_interrupted_together_come_back_together(#[case] nodes: usize) {
    let story = Story::of(&fleet(nodes, Zones::One));
    let before = story.world(|world| holders(world));
    let began = story.world(|world| {
        before.values().for_each(|holder| world.interrupt(holder, SpotAction::Terminate));
        world.now()
    });
    let moved = |world: &World| holders(world).iter().filter(|(node, holder)| before[*node] != **holder).count();
    story.until("all have moved", |world| moved(world) == nodes).await;
    let took = story.world(|world| world.now().since(began));
    assert!(took < LONGEST, "{took:?}\n{}", story.told());
    story.ends_well().await;
}

/// The holder of each node that has one.
fn holders(world: &World) -> BTreeMap<String, String> {
    let volumes = world.ec2.volumes().values();
    let held = volumes.filter_map(|it| Some((it.id.clone(), it.attachment.as_ref()?.instance_id.clone())));
    held.collect()
}
