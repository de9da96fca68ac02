//! `durin-node-lifecycle`: a launch or terminate lifecycle action waits.
//!
//! The event says which group to look at and which action to complete; where the volume and the record belong is decided
//! from what is there. So a late, doubled or reordered event changes nothing.

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::Event;
use durin::failure::Failure;
use durin::node::{self, Done, View};
use serde_json::{Value, json};

/// Handles one event of the Auto Scaling group's lifecycle hooks.
///
/// # Errors
/// When the event is none of those, a person is needed, AWS fails for good, or the deadline comes first.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let action = match Event::parse(event)? {
        Event::LifecycleAction(action) => action,
        other @ (Event::Warnings(_) | Event::Schedule | Event::ImageReady(_) | Event::NotOurs { .. }) => {
            return Err(Failure::not_for_this_function(&other));
        }
    };
    let group = action.group.clone();
    let outcome = match View::of_group(aws, &group).await? {
        Ok(mut view) => {
            view.expect(action);
            node::run(aws, &mut view, deadline).await?
        }
        Err(not_ours) => not_ours,
    };
    if let Done::NotOurs { .. } = outcome {
        tracing::info!(node = %group, step = "done", reason = %outcome);
    }
    Ok(json!({"node": group.as_str(), "outcome": outcome.to_string()}))
}
