//! Watching over a run that is the only one to know something.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use durin_decisions::node::{Done, Instance, is_news, is_warned, launch_has_company, warning_has_company};

use super::cached::Cached;
use super::observe::{Lookup, Node};
use super::run::run;
use super::{Outcomes, read, several_at_once};
use crate::aws::Aws;
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{GroupName, InstanceId};
use crate::lifecycle::{LifecycleAction, Passage};
use crate::risk::Warning;

/// How long the other run gets for what only it can do: a cold start and a dozen calls.
const AWHILE: Duration = Duration::from_secs(8);

/// Looks, after a while, whether the runs for these warnings have set off what they have to, and does it in their stead where
/// they have not. Where all is well this takes two calls.
///
/// # Errors
/// As for [`look_after_warned`](super::look_after_warned).
pub async fn watch_over_warned(aws: &Aws, warnings: Vec<Warning>, deadline: Deadline) -> Result<Outcomes, Failure> {
    pass_a_while(aws, deadline).await?;
    let ids: Vec<InstanceId> = warnings.iter().map(|warning| warning.instance.clone()).collect();
    let known = read::declared_instances(aws, &ids).await?;
    let work = warnings.into_iter().map(|warning| async {
        let instance = warning.instance.clone();
        (instance.to_string(), watch_over(aws, &known, warning, deadline).await)
    });
    Ok(several_at_once(work.collect()).await)
}

/// The same for the run of a launch, if no other run knows what it is for: then this one follows it to the end.
///
/// # Errors
/// As for [`look_after`](super::look_after).
pub async fn watch_over_launch(aws: &Aws, action: LifecycleAction, deadline: Deadline) -> Result<Done, Failure> {
    let (group, instance) = (action.group, action.instance);
    match action.passage {
        Passage::Service => {}
        Passage::WarmPool | Passage::InPlace => return Ok(Done::NoMove { instance }),
    }
    pass_a_while(aws, deadline).await?;
    let mut node = match Node::of_group(aws, &group).await? {
        Lookup::Node(node) => node,
        Lookup::NotOurs(done) => return Ok(done),
    };
    let Some(known) = node.view.group.get() else { return Ok(Done::NotOurs { group }) };
    if launch_has_company(&instance, known) {
        return Ok(Done::Underway { instance });
    }
    let members: BTreeSet<InstanceId> = known.members.keys().cloned().collect();
    let instances = read::instances_of_groups(aws, &[group]).await?;
    let now = aws.clock.now();
    if instances.iter().any(|(id, known)| members.contains(id) && is_warned(known, now)) {
        return Ok(Done::Underway { instance });
    }
    node.view.instances = Cached::read_at(now, instances);
    follow(aws, &mut node, instance, deadline).await
}

async fn pass_a_while(aws: &Aws, deadline: Deadline) -> Result<(), Failure> {
    if !deadline.allows(aws.clock.now(), AWHILE) {
        return Err(Failure::OutOfTime { waiting_for: "the run that the event has started".to_owned() });
    }
    aws.clock.sleep(AWHILE).await;
    Ok(())
}

async fn watch_over(
    aws: &Aws,
    known: &BTreeMap<InstanceId, (GroupName, Instance)>,
    warning: Warning,
    deadline: Deadline,
) -> Result<Done, Failure> {
    let instance = warning.instance.clone();
    let Some((group, warned)) = known.get(&instance) else { return Ok(Done::NotANode { instance }) };
    let mut node = match Node::of_group(aws, group).await? {
        Lookup::Node(node) => node,
        Lookup::NotOurs(done) => return Ok(done),
    };
    let now = aws.clock.now();
    if node.view.group.get().is_some_and(|group| warning_has_company(&warning, warned, group, now)) {
        return Ok(Done::Underway { instance });
    }
    // Of a marked instance all runs know, and this one follows the one that has marked it.
    node.warning = Some(warning).filter(|warning| is_news(warning, warned, now));
    follow(aws, &mut node, instance, deadline).await
}

/// Should the time be over first, Lambda has long invoked the other function again.
async fn follow(aws: &Aws, node: &mut Node, instance: InstanceId, deadline: Deadline) -> Result<Done, Failure> {
    match run(aws, node, deadline).await {
        Err(Failure::OutOfTime { .. }) => Ok(Done::Underway { instance }),
        outcome => outcome,
    }
}
