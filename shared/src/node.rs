//! Looking after nodes: one whose group or instance an event names, or all of them.
//!
//! Every event, and the schedule, run the same loop ([`run`]). Running it again after success does nothing.

mod applied;
mod apply;
mod ask;
mod cached;
mod changes;
mod checks;
mod claim;
mod commands;
mod convert;
mod documents;
mod following;
mod hand_off;
mod handed_over;
mod hear;
mod look;
mod observe;
mod read;
mod records;
mod roll_call;
mod run;
mod said;
mod view;
mod watch;
mod words;
mod writes;

use std::collections::BTreeMap;
use std::time::SystemTime;

use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt};

pub use documents::{DOCUMENTS, DocumentVersions, NotAVersion};
pub use durin_decisions::node::{ActionResult, Blocked, DEVICE, Done, Hook, LONGEST_PERIOD, hook_problem};
use durin_decisions::node::{Attachment, Instance};

use crate::aws::Aws;
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{GroupName, InstanceId};
use crate::lifecycle::LifecycleAction;
use crate::risk::Warning;
use handed_over::{cannot_be_asked, does_not_serve, was_never_heard};
pub use look::{Beginning, HolderWord, Look, Looks, Released, hooks_of, look_at};
use observe::{Lookup, Node, every_node, read_together};
use roll_call::{Denial, roll_call};
use run::run;
pub use watch::{watch_over_launch, watch_over_warned};

/// How many of the instances that one event warns are worked on at once. AWS Health names hundreds, which is no reason to
/// ask for hundreds of instances at once; and what is done about a retirement does not wait for anything.
const NODES_AT_ONCE: usize = 8;

/// The result for each node, by the name under which it was asked for.
pub type Outcomes = Vec<(String, Result<Done, Failure>)>;

/// An event's message about a node, besides asking for a look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    Action(LifecycleAction),
    Warning(Warning),
}

/// Works on the node of a group until nothing is left to do, and returns the reason why.
///
/// # Errors
/// When a person is needed, AWS fails for good, or the deadline comes first.
pub async fn look_after(aws: &Aws, group: &GroupName, hint: Hint, deadline: Deadline) -> Result<Done, Failure> {
    let mut node = match Node::of_group(aws, group).await? {
        Lookup::Node(node) => node,
        Lookup::NotOurs(done) => {
            tracing::info!(node = %group, step = "done", reason = %done);
            return Ok(done);
        }
    };
    match hint {
        Hint::Action(action) => node.action = Some(action).filter(LifecycleAction::is_ours),
        Hint::Warning(warning) => node.warning = Some(warning),
    }
    run(aws, &mut node, deadline).await
}

/// Looks after the node of each warned instance, and no others: instances that belong to no node, or are not alive any
/// more, cost one call together.
///
/// # Errors
/// When we cannot read which nodes the instances belong to.
pub async fn look_after_warned(aws: &Aws, warnings: Vec<Warning>, deadline: Deadline) -> Result<Outcomes, Failure> {
    let ids: Vec<InstanceId> = warnings.iter().map(|warning| warning.instance.clone()).collect();
    let known = read::declared_instances(aws, &ids).await?;
    let work = warnings.into_iter().map(|warning| hand_over(aws, &known, warning, deadline)).collect();
    Ok(several_at_once(work).await)
}

async fn hand_over(
    aws: &Aws,
    known: &BTreeMap<InstanceId, (GroupName, Instance)>,
    warning: Warning,
    deadline: Deadline,
) -> (String, Result<Done, Failure>) {
    let instance = warning.instance.clone();
    let outcome = match known.get(&instance) {
        Some((group, _)) => {
            look_after(aws, group, Hint::Warning(warning), deadline).await.map_err(|failure| failure.of(group.as_str()))
        }
        None => {
            let done = Done::NotANode { instance: instance.clone() };
            tracing::info!(instance = %instance, step = "done", reason = %done);
            Ok(done)
        }
    };
    (instance.to_string(), outcome)
}

/// Looks after every node of the region, and returns the outcomes, with the mistakes of groups that try to declare a
/// node. All nodes are read together, and healthy ones cost nothing more. `due`: when the schedule asked for it.
///
/// # Errors
/// When a read of all nodes fails.
pub async fn look_after_all(
    aws: &Aws,
    due: SystemTime,
    deadline: Deadline,
) -> Result<(Outcomes, Vec<Blocked>), Failure> {
    let observe::Nodes { mut nodes, mistakes } = every_node(aws).await?;
    read_together(aws, &mut nodes).await?;
    log(&nodes);
    let holders: Vec<(String, Attachment)> =
        nodes.iter().filter_map(|node| Some((node.name().to_string(), node.view.settled_holder()?.clone()))).collect();
    let asked: Vec<Attachment> = holders.iter().map(|(_, holder)| holder.clone()).collect();
    // All at once: a node that waits for EC2 must not keep the others waiting.
    let number = nodes.len();
    let checks_hooks = |node: &Node| checks::are_due(node.name(), number, due);
    let work: Vec<_> = nodes
        .iter_mut()
        .map(|node| {
            let checks_hooks = checks_hooks(node);
            resync(aws, node, checks_hooks, deadline)
        })
        .collect();
    let (mut outcomes, answers) = join(join_all(work), roll_call(aws, &asked)).await;
    for ((name, outcome), node) in outcomes.iter_mut().zip(&mut nodes) {
        let Some((_, holder)) = holders.iter().find(|(node, _)| node == name) else { continue };
        let still_has_it = matches!(&*outcome, Ok(Done::Serves { holder: serves }) if *serves == holder.instance)
            || node.view.settled_holder() == Some(holder);
        if let Some(denial) = answers.denial(holder).filter(|_| still_has_it) {
            let looked = std::mem::replace(outcome, Ok(Done::Serves { holder: holder.instance.clone() }));
            *outcome = denied(aws, node, holder, denial, looked, deadline).await;
        }
    }
    Ok((outcomes, mistakes))
}

/// What comes of a tick for a node whose holder does not say that it serves, whatever else there is to tell of it.
async fn denied(
    aws: &Aws,
    node: &mut Node,
    holder: &Attachment,
    denial: Denial,
    looked: Result<Done, Failure>,
    deadline: Deadline,
) -> Result<Done, Failure> {
    let id = &holder.instance;
    match denial {
        Denial::DoesNotServe { why } => Err(does_not_serve(id, &why).beside(looked.err())),
        Denial::WasNeverHeard => Err(was_never_heard(id).beside(looked.err())),
        // It may have let go longer ago than the schedule asks about all nodes at once.
        Denial::HasLostItsAgent => {
            node.view.know_whether_asked(id.clone(), true, aws.clock.now());
            match (run(aws, node, deadline).await, looked) {
                (Ok(Done::Serves { .. } | Done::AwaitsCapacity { .. }), _) => Err(cannot_be_asked(id)),
                (Err(again), Err(_)) => Err(cannot_be_asked(id).beside(Some(again))),
                (looked, _) => looked,
            }
        }
        Denial::HasReleased => {
            node.says_it_has_released = Some(holder.clone());
            run(aws, node, deadline).await
        }
    }
}

async fn resync(aws: &Aws, node: &mut Node, checks_hooks: bool, deadline: Deadline) -> (String, Result<Done, Failure>) {
    let outcome = match run(aws, node, deadline).await {
        Ok(done) if checks_hooks => checks::of_node(aws, node).await.map_or(Ok(done), |blocked| Err(blocked.into())),
        outcome => outcome,
    };
    (node.name().to_string(), outcome)
}

/// Logged before anything is done about it, since the tick may be cut off. `infra/rules.yaml` makes a metric of the
/// second line.
fn log(nodes: &[Node]) {
    let without_holder: Vec<&Node> = nodes.iter().filter(|node| node.view.lacks_holder() == Some(true)).collect();
    for node in &without_holder {
        tracing::warn!(node = %node.name(), volume = %node.declaration.volume, "no instance of the node has its volume");
    }
    tracing::info!(nodes = nodes.len(), without_holder = without_holder.len(), "looked at every node");
}

/// Takes a collected vector: a stream that maps as it goes cannot be proven to be Send.
async fn several_at_once(work: Vec<impl Future<Output = (String, Result<Done, Failure>)>>) -> Outcomes {
    stream::iter(work).buffer_unordered(NODES_AT_ONCE).collect().await
}

impl From<Blocked> for Failure {
    fn from(blocked: Blocked) -> Failure {
        Failure::Blocked(blocked.into())
    }
}
