//! `durin-spot-interruption`: EC2 warns that it will take an instance's capacity back, or recommends to leave.
//!
//! The warning is written on the instance for every function to see; then the node loop runs until the node has moved to
//! a successor that is already booted, or until the deadline.

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::Event;
use durin::failure::Failure;
use durin::node::{self, View};
use serde_json::{Value, json};

/// Handles one warning.
///
/// # Errors
/// When the event is no warning, a person is needed, AWS fails for good, or the deadline comes first.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let warning = match Event::parse(event)? {
        Event::Warning(warning) => warning,
        other @ (Event::LifecycleAction(_) | Event::Schedule | Event::ImageReady(_) | Event::NotOurs { .. }) => {
            return Err(Failure::not_for_this_function(&other));
        }
    };
    let instance = warning.instance.clone();
    let outcome = match View::of_instance(aws, warning).await? {
        Ok(mut view) => node::run(aws, &mut view, deadline).await?,
        Err(not_a_node) => not_a_node,
    };
    Ok(json!({"instance": instance.as_str(), "outcome": outcome.to_string()}))
}
