//! A node that is being looked after, and observing it. Observing never writes.

use std::collections::BTreeMap;

use durin_decisions::node::{Blocked, Done, Observed, Release, may_have_to_release};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::cached::Cached;
use super::read;
use super::view::View;
use super::writes::Writes;
use crate::aws::Aws;
use crate::declaration::Declaration;
use crate::failure::Failure;
use crate::ids::{GroupName, InstanceId};
use crate::lifecycle::LifecycleAction;
use crate::risk::Warning;

/// How many record sets are read at once: Route 53 allows an account five requests a second.
const RECORDS_AT_ONCE: usize = 4;

/// One node: what its tags say, what the event said, what was read, and what was written since.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) declaration: Declaration,
    /// Actions of other people's hooks are not ours to complete, and are left out.
    pub(super) action: Option<LifecycleAction>,
    pub(super) warning: Option<Warning>,
    pub(super) view: View,
    pub(super) writes: Writes,
}

/// A group that is no node, although an event names it.
pub(super) enum Lookup {
    Node(Box<Node>),
    NotOurs(Done),
}

/// All nodes of the region, and what is wrong with the groups that try to declare one.
pub(super) struct Nodes {
    pub(super) nodes: Vec<Node>,
    pub(super) mistakes: Vec<Blocked>,
}

impl Node {
    fn new(declaration: Declaration, view: View) -> Node {
        Node { declaration, action: None, warning: None, view, writes: Writes::default() }
    }

    /// Finds the node of a group: one API call.
    ///
    /// # Errors
    /// When the call fails, or the group's tags are wrong.
    pub(super) async fn of_group(aws: &Aws, name: &GroupName) -> Result<Lookup, Failure> {
        let now = aws.clock.now();
        let not_ours = || Lookup::NotOurs(Done::NotOurs { group: name.clone() });
        let Some(found) = read::group(aws, name).await? else { return Ok(not_ours()) };
        let declaration = Declaration::from_tags(name, &found.tags).map_err(Blocked::Tags)?;
        Ok(match declaration {
            Some(declaration) => Lookup::Node(Box::new(Node::new(declaration, View::of_group(now, found.group)))),
            None => not_ours(),
        })
    }

    pub(super) fn name(&self) -> &GroupName {
        &self.declaration.group
    }

    /// Reads what is not known well enough, and puts together what a decision needs.
    ///
    /// # Errors
    /// When a call fails, or Route 53 does not have the zone.
    pub(super) async fn observe(&mut self, aws: &Aws) -> Result<Observed, Failure> {
        let seen = self.view.look(aws, &self.declaration).await?;
        let mut observed = Observed {
            declaration: self.declaration.clone(),
            group: seen.group.clone(),
            instances: self.writes.marked(seen.instances),
            volume: seen.volume.cloned(),
            record: seen.record.clone(),
            release: None,
            warning: self.warning.clone(),
            action: self.action.clone(),
            completed: self.writes.completed().clone(),
        };
        if let Some(holder) = may_have_to_release(&observed, aws.clock.now()) {
            let asked = observed.group.members.keys().chain([&holder.instance]).collect();
            self.view.ask_systems_manager(aws, &self.declaration, holder, &asked).await;
        }
        observed.release =
            self.view.release().map(|release| Release { state: self.writes.release_state(release.state), ..release });
        Ok(observed)
    }
}

/// Every node of the region. One call for a hundred groups.
///
/// # Errors
/// When the call fails.
pub(super) async fn every_node(aws: &Aws) -> Result<Nodes, Failure> {
    let now = aws.clock.now();
    let (mut nodes, mut mistakes) = (Vec::new(), Vec::new());
    for found in read::every_declared_group(aws).await? {
        match Declaration::from_tags(&found.name, &found.tags) {
            Ok(Some(declaration)) => nodes.push(Node::new(declaration, View::of_group(now, found.group))),
            Ok(None) => {}
            Err(mistake) => mistakes.push(mistake.into()),
        }
    }
    Ok(Nodes { nodes, mistakes })
}

/// Reads many nodes at once, in the same order as one: the calls do not grow with the number of nodes, but for one
/// record read a node. Where the zone is not there, the record stays unread, for [`Node::observe`] to complain about.
///
/// # Errors
/// When a call fails.
pub(super) async fn read_together(aws: &Aws, nodes: &mut [Node]) -> Result<(), Failure> {
    let names: Vec<GroupName> = nodes.iter().map(|node| node.name().clone()).collect();
    let volume_ids: Vec<_> = nodes.iter().map(|node| node.declaration.volume.clone()).collect();
    // Collected first: a stream that maps as it goes cannot be proven to be Send.
    let reads: Vec<_> = nodes.iter().map(|node| read::record(aws, &node.declaration)).collect();
    let records = stream::iter(reads).buffered(RECORDS_AT_ONCE).try_collect::<Vec<_>>();
    let (mut instances, records) = tokio::try_join!(read::instances_by_group(aws, &names), records)?;
    let mut volumes = read::volumes(aws, &volume_ids).await?;
    let now = aws.clock.now();
    for (node, record) in nodes.iter_mut().zip(records) {
        let of_group = instances.remove(node.name()).unwrap_or_default();
        node.view.instances = Cached::read_at(now, of_group);
        node.view.record = record.map_or_else(Cached::unread, |record| Cached::read_at(now, record));
        node.view.volume = Cached::read_at(now, volumes.remove(&node.declaration.volume));
    }
    let strangers: Vec<InstanceId> = nodes.iter().filter_map(|node| node.view.unlisted_holder()).collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let found = read::instances(aws, &strangers, &names).await?;
    for node in nodes.iter_mut() {
        let stranger = node.view.unlisted_holder().and_then(|id| found.get_key_value(&id));
        if let (Some((id, instance)), Some(known)) = (stranger, node.view.instances.get_mut()) {
            known.extend(BTreeMap::from([(id.clone(), instance.clone())]));
        }
    }
    Ok(())
}
