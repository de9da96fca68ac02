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
use roll_call::{Denial, RollCall, roll_call};
use run::run;
use tokio::sync::OnceCell;
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
    let holders: Vec<Attachment> = nodes.iter().filter_map(|node| node.view.settled_holder().cloned()).collect();
    let tick = Tick { due, deadline, nodes: nodes.len(), holders, answers: OnceCell::new() };
    // All at once: a node that waits for EC2 must not keep the others waiting.
    let work: Vec<_> = nodes.iter_mut().map(|node| look_after_one(aws, node, &tick)).collect();
    let (outcomes, _) = join(join_all(work), tick.answers(aws)).await;
    Ok((outcomes, mistakes))
}

/// One look at all nodes, and what they share of it.
struct Tick {
    due: SystemTime,
    deadline: Deadline,
    nodes: usize,
    /// Whom it asks whether they serve.
    holders: Vec<Attachment>,
    answers: OnceCell<RollCall>,
}

impl Tick {
    /// What the holders have answered, for whoever needs it first.
    async fn answers(&self, aws: &Aws) -> &RollCall {
        self.answers.get_or_init(|| roll_call(aws, &self.holders)).await
    }
}

/// What its holder says is heard as soon as its own run has ended: that of another node may wait for as long as the tick lasts.
async fn look_after_one(aws: &Aws, node: &mut Node, tick: &Tick) -> (String, Result<Done, Failure>) {
    let (name, holder) = (node.name().to_string(), node.view.settled_holder().cloned());
    let outcome = resync(aws, node, tick).await;
    let Some(holder) = holder else { return (name, outcome) };
    let still_has_it = matches!(&outcome, Ok(Done::Serves { holder: serves }) if *serves == holder.instance)
        || node.view.settled_holder() == Some(&holder);
    let denial = tick.answers(aws).await.denial(&holder).filter(|_| still_has_it);
    match denial {
        None => (name, outcome),
        // Its run would be nested too deeply for the compiler to lay out in one piece.
        Some(denial) => (name, Box::pin(denied(aws, node, &holder, denial, outcome, tick.deadline)).await),
    }
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

async fn resync(aws: &Aws, node: &mut Node, tick: &Tick) -> Result<Done, Failure> {
    match run(aws, node, tick.deadline).await {
        Ok(done) if checks::are_due(node.name(), tick.nodes, tick.due) => {
            checks::of_node(aws, node).await.map_or(Ok(done), |blocked| Err(blocked.into()))
        }
        outcome => outcome,
    }
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
