//! `durin-node-resync`: the schedule. The same loop for every node of the region, so that a lost event costs at most one
//! period, and drift is repaired.

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::Event;
use durin::failure::{Failure, Several};
use durin::node::{self, View};
use durin::outcome::answer;
use futures_util::stream::{self, StreamExt};
use serde_json::Value;

/// How many nodes that need something are looked after at once.
const NODES_AT_ONCE: usize = 8;

/// Handles one tick of the schedule: all nodes are read together, and healthy ones cost nothing more.
///
/// # Errors
/// When the event is no schedule's, a read of all nodes fails, or some node needs a person or more time. The other nodes
/// were looked after all the same.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    match Event::parse(event)? {
        Event::Schedule => {}
        other @ (Event::LifecycleAction(_) | Event::Warnings(_) | Event::ImageReady(_) | Event::NotOurs { .. }) => {
            return Err(Failure::not_for_this_function(&other));
        }
    }
    let (mut nodes, mistakes) = node::find_all(aws).await?;
    node::observe_all(aws, &mut nodes).await?;
    log(&nodes);
    // Collected first: a stream that maps as it goes cannot be proven to be Send.
    let resyncs: Vec<_> = nodes.iter_mut().map(|view| resync(aws, view, deadline)).collect();
    let outcomes: Vec<_> = stream::iter(resyncs).buffer_unordered(NODES_AT_ONCE).collect().await;
    answer(Several::Nodes, outcomes, mistakes.into_iter().map(Failure::from).collect())
}

/// Before anything is done about it, since the tick may be cut off. `infra/rules.yaml` makes a metric of the second line.
fn log(nodes: &[View]) {
    let without_holder: Vec<&View> = nodes.iter().filter(|view| view.lacks_holder()).collect();
    for view in &without_holder {
        tracing::warn!(node = %view.name(), volume = %view.declaration().volume, "no instance of the node has its volume");
    }
    tracing::info!(nodes = nodes.len(), without_holder = without_holder.len(), "looked at every node");
}

async fn resync(aws: &Aws, view: &mut View, deadline: Deadline) -> (String, Result<node::Done, Failure>) {
    (view.name().to_string(), node::run(aws, view, deadline).await)
}
