//! `durin-node-resync`: what others missed. On its schedule, the same loop for every node of the region, so that a lost event
//! costs at most one period, and drift is repaired; on warnings and launches, a look whether the function that acts on them
//! does.

use std::time::SystemTime;

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::{Event, Received};
use durin::failure::{Failure, Subjects};
use durin::lifecycle::Transition;
use durin::news::{self, Occasion};
use durin::node::{self, LONGEST_PERIOD};
use durin::outcome::answer;
use serde_json::Value;

/// Handles one tick of the schedule, for which all nodes are read together, and healthy ones cost nothing more; or watches over the
/// run that a warning or a launch has started.
///
/// # Errors
/// When the event is neither, a read of all nodes fails, or some node needs a person or more time. The other nodes were still
/// handled.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let now = aws.clock.now();
    let (occasion, due) = (Occasion::hourly(&event, LONGEST_PERIOD, now), news::time_of(&event).unwrap_or(now));
    news::of_failure(aws, &occasion, act(aws, event, due, deadline).await).await
}

async fn act(aws: &Aws, event: Value, due: SystemTime, deadline: Deadline) -> Result<Value, Failure> {
    let Received { kind, event } = Received::parse(event)?;
    // What they await is nested too deeply for the compiler to lay out in one piece.
    let (outcomes, mistakes) = match event {
        Event::Schedule => Box::pin(node::look_after_all(aws, due, deadline)).await?,
        Event::Warnings(warnings) => (Box::pin(node::watch_over_warned(aws, warnings, deadline)).await?, Vec::new()),
        Event::LifecycleAction(action) if action.is_ours() && action.transition == Transition::Launching => {
            let group = action.group.to_string();
            (vec![(group, Box::pin(node::watch_over_launch(aws, action, deadline)).await)], Vec::new())
        }
        Event::LifecycleAction(_) | Event::ImageReady(_) | Event::NotOurs => {
            return Err(kind.not_for_this_function().into());
        }
    };
    answer(Subjects::Nodes, outcomes, mistakes.into_iter().map(Failure::from).collect())
}
