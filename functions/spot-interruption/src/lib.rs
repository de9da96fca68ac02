//! `durin-spot-interruption`: EC2 warns that it will take an instance's capacity back or recommends to leave, or AWS Health
//! announces that the host of an instance retires.
//!
//! The warning is written on the instance for every function to see; then the node loop runs until the node has moved to
//! a successor that is already booted, or until the deadline.

use std::collections::BTreeMap;

use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::Event;
use durin::failure::{Failure, Several};
use durin::ids::{GroupName, InstanceId};
use durin::node::{self, Done, View};
use durin::outcome::answer;
use durin::risk::Warning;
use futures_util::future::join_all;
use serde_json::Value;

/// Handles one event: each of the instances that it warns.
///
/// # Errors
/// When the event is no warning, a person is needed, AWS fails for good, or the deadline comes first. Other instances that
/// the event warned were looked after all the same.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let warnings = match Event::parse(event)? {
        Event::Warnings(warnings) => warnings,
        other @ (Event::LifecycleAction(_) | Event::Schedule | Event::ImageReady(_) | Event::NotOurs { .. }) => {
            return Err(Failure::not_for_this_function(&other));
        }
    };
    let groups = node::groups_of(aws, &warnings).await?;
    let outcomes = join_all(warnings.into_iter().map(|warning| hand_over(aws, &groups, warning, deadline))).await;
    answer(Several::Nodes, outcomes, Vec::new())
}

async fn hand_over(
    aws: &Aws,
    groups: &BTreeMap<InstanceId, GroupName>,
    warning: Warning,
    deadline: Deadline,
) -> (String, Result<Done, Failure>) {
    let instance = warning.instance.clone();
    let outcome = match groups.get(&instance) {
        Some(group) => run(aws, group, warning, deadline).await,
        None => Ok(Done::NotANode { instance: instance.clone() }),
    };
    (instance.to_string(), outcome)
}

async fn run(aws: &Aws, group: &GroupName, warning: Warning, deadline: Deadline) -> Result<Done, Failure> {
    match View::of_group(aws, group).await? {
        Ok(mut view) => {
            view.warned(warning);
            node::run(aws, &mut view, deadline).await
        }
        Err(not_ours) => Ok(not_ours),
    }
}
