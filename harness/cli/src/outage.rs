//! When the API behind the record answers: k3s serves on the volume's holder, and the record points there, also in the
//! caches of those who asked just before it moved.

use std::time::Duration;

use durin_harness::LocalAws;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::seed::NodeNames;

/// A span in which the node's API did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When k3s stopped, or the record stopped pointing at it.
    pub began: Time,
    /// When k3s served again.
    pub served: Time,
    /// When the last cache had forgotten the old address.
    pub resolved: Time,
}

impl Outage {
    /// How long clients were without an answer.
    pub fn length(&self) -> Duration {
        self.served.max(self.resolved).since(self.began)
    }
}

/// Waits for the node's next outage, and for its end. `None` if that takes longer than `within`.
pub async fn next(aws: &LocalAws, node: &NodeNames, within: Duration) -> Option<Outage> {
    let watched = node.clone();
    if !aws.until(within, move |world| !is_served(world, &watched)).await {
        return None;
    }
    let began = aws.world(|world| world.now());
    let old = aws.world(|world| address_in_record(world, node));
    let watched = node.clone();
    // The record cannot move before the volume has, and so moves within the outage.
    if !aws.until(within, move |world| address_in_record(world, &watched) != old).await {
        return None;
    }
    let ttl = Duration::from_secs(u64::from(node.record_ttl_s));
    let resolved = aws.world(|world| world.now()) + ttl;
    let watched = node.clone();
    if !aws.until(within, move |world| is_served(world, &watched)).await {
        return None;
    }
    Some(Outage { began, served: aws.world(|world| world.now()), resolved })
}

/// Whether k3s serves on the instance that the record names.
pub fn is_served(world: &World, node: &NodeNames) -> bool {
    let serving = world.serving(&node.volume).and_then(|id| world.instances.get(id));
    serving.is_some_and(|instance| address_in_record(world, node).as_deref() == Some(&instance.private_ip))
}

fn address_in_record(world: &World, node: &NodeNames) -> Option<String> {
    world.zones.get(&node.zone_id)?.record_set(&node.record_name, "A")?.values.first().cloned()
}
