//! `durin-node-resync`: the schedule. The same loop for every node of the region, so that a lost event costs at most
//! one period, and drift is repaired.

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::{Event, Received};
use durin::failure::{Failure, Subjects};
use durin::node;
use durin::outcome::answer;
use serde_json::Value;

/// Handles one tick of the schedule: all nodes are read together, and healthy ones cost nothing more.
///
/// # Errors
/// When the event is not a schedule's, a read of all nodes fails, or some node needs a person or more time.
/// The other nodes were still handled.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let Received { kind, event } = Received::parse(event)?;
    let Event::Schedule = event else { return Err(kind.not_for_this_function().into()) };
    let (outcomes, mistakes) = node::look_after_all(aws, deadline).await?;
    answer(Subjects::Nodes, outcomes, mistakes.into_iter().map(Failure::from).collect())
}
