//! `durin-node-lifecycle`: a launch or terminate lifecycle action is waiting.
//!
//! The event says which group to look at and which action to complete; the loop decides where
//! the volume and the record belong from what it sees. So a late, duplicated or reordered event changes nothing.

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::{Event, Received};
use durin::failure::{Failure, Subjects};
use durin::news::{self, Occasion};
use durin::node::{self, Hint};
use durin::outcome::answer;
use serde_json::Value;

/// Handles one event of the Auto Scaling group's lifecycle hooks.
///
/// # Errors
/// When the event is not one of those, a person is needed, AWS fails for good, or the deadline comes first.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let occasion = Occasion::of(&event, aws.clock.now());
    news::of_failure(aws, &occasion, act(aws, event, deadline).await).await
}

async fn act(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let Received { kind, event } = Received::parse(event)?;
    let Event::LifecycleAction(action) = event else { return Err(kind.not_for_this_function().into()) };
    let group = action.group.clone();
    let outcome = node::look_after(aws, &group, Hint::Action(action), deadline).await;
    answer(Subjects::Nodes, vec![(group.to_string(), outcome)], Vec::new())
}
