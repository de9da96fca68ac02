//! `durin-spot-interruption`: EC2 warns that it will take an instance's capacity back or recommends a rebalance, or AWS
//! Health announces that the host of an instance retires.
//!
//! It writes the warning on the instance for every function to see; then it runs the node loop until the node has moved
//! to a successor that is already booted, or until the deadline.

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::{Event, Received};
use durin::failure::{Failure, Subjects};
use durin::news::{self, Occasion};
use durin::node;
use durin::outcome::answer;
use serde_json::Value;

/// Handles one event: each of the instances that it warns about.
///
/// # Errors
/// When the event is not a warning, a person is needed, AWS fails for good, or the deadline comes first. Other
/// instances that the event warned about were still handled.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let occasion = Occasion::of(&event, aws.clock.now());
    news::of_failure(aws, &occasion, act(aws, event, deadline).await).await
}

async fn act(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let Received { kind, event } = Received::parse(event)?;
    let Event::Warnings(warnings) = event else { return Err(kind.not_for_this_function().into()) };
    let outcomes = node::look_after_warned(aws, warnings, deadline).await?;
    answer(Subjects::Nodes, outcomes, Vec::new())
}
