//! A node that is being looked after, and observing it. Observing never writes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use durin_decisions::node::{
    Agents, Attachment, Blocked, Done, Instance, Observed, Record, Release, ReleaseState, Standstill, Stop, Volume,
    Words, release_matters, retires,
};
use durin_decisions::shell::node_tag;

use super::cached::Cached;
use super::commands::{refusals, release_state};
use super::hand_off::Holders;
use super::said::Said;
use super::view::View;
use super::writes::Writes;
use super::{checks, read, records};
use crate::aws::Aws;
use crate::declaration::Declaration;
use crate::failure::Failure;
use crate::ids::{GroupName, InstanceId};
use crate::lifecycle::{LifecycleAction, Transition};
use crate::risk::{Risk, RiskReason, Warning};
use crate::tags;

/// One node: what its tags say, what the event said, what was read, and what was written since.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) declaration: Declaration,
    /// Other nodes that want the same.
    twins: Twins,
    /// Actions of other people's hooks are not ours to complete, and are left out.
    pub(super) action: Option<LifecycleAction>,
    pub(super) warning: Option<Warning>,
    /// Whether this run has seen an instance of the group with the volume.
    has_held: bool,
    /// The record's address, if an instance of the group had it at some look: EC2 forgets the address of a dead one at once.
    own_address: Option<String>,
    standstill: Standstill,
    /// Whose agents this run has seen online.
    pub(super) booted: BTreeSet<InstanceId>,
    /// Those that this run has seen without an agent.
    pub(super) silent: BTreeSet<InstanceId>,
    /// Whether another run goes ahead, as it was seen at the last look; and since when this one has left the asking to that.
    pub(super) follows: bool,
    pub(super) leaves_asking_since: Option<SystemTime>,
    /// The beginning of what the last question was about.
    pub(super) asks_about: Option<SystemTime>,
    /// What the instances have said of themselves, as far as this run has heard it.
    pub(super) words: Words,
    /// What holders have said, since they were given the volume, when they were asked whether they serve; the last first.
    pub(super) said_of_serving: BTreeMap<InstanceId, Vec<Said>>,
    /// The lifecycle actions that this run has seen its group show.
    seen_waiting: BTreeSet<(InstanceId, Transition)>,
    /// The attachment of which its holder says that it has released it, although no command is known that asked for it: a
    /// person has, or EC2's warning on the instance, or one of long ago. The holder is asked once to serve again.
    pub(super) says_it_has_released: Option<Attachment>,
    /// The commands whose refusal this run has reported.
    refusals: BTreeSet<String>,
    /// Who has had the volume while this run has looked.
    pub(super) holders: Holders,
    pub(super) view: View,
    pub(super) writes: Writes,
}

/// The groups that declare a node with the same volume or the same record.
#[derive(Clone, Debug, Default)]
struct Twins {
    of_volume: Option<GroupName>,
    of_record: Option<GroupName>,
}

impl Twins {
    fn of(declaration: &Declaration, all: &[Declaration]) -> Twins {
        let other = |shares: &dyn Fn(&Declaration) -> bool| {
            let is_twin = |it: &&Declaration| it.group != declaration.group && shares(it);
            all.iter().find(is_twin).map(|it| it.group.clone())
        };
        Twins {
            of_volume: other(&|it| it.volume == declaration.volume),
            of_record: other(&|it| (&it.zone, &it.record) == (&declaration.zone, &declaration.record)),
        }
    }
}

/// By then the record of a hand-off has followed the volume, or somebody was told why not.
const SETTLED_AFTER: Duration = Duration::from_secs(20 * 60);

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
    fn new(declaration: Declaration, twins: Twins, view: View) -> Node {
        Node {
            declaration,
            twins,
            action: None,
            warning: None,
            has_held: false,
            own_address: None,
            standstill: Standstill::default(),
            booted: BTreeSet::new(),
            silent: BTreeSet::new(),
            follows: false,
            leaves_asking_since: None,
            asks_about: None,
            words: Words::default(),
            said_of_serving: BTreeMap::new(),
            seen_waiting: BTreeSet::new(),
            says_it_has_released: None,
            refusals: BTreeSet::new(),
            holders: Holders::default(),
            view,
            writes: Writes::default(),
        }
    }

    /// Finds the node of a group. One call for a hundred groups, because another may declare the same volume or record.
    ///
    /// # Errors
    /// When the call fails, or the group's tags are wrong.
    pub(super) async fn of_group(aws: &Aws, name: &GroupName) -> Result<Lookup, Failure> {
        let now = aws.clock.now();
        let mut groups = read::every_declared_group(aws).await?;
        let declared = groups.iter().filter_map(|it| Declaration::from_tags(&it.name, &it.tags).ok()?);
        let declarations: Vec<Declaration> = declared.collect();
        let found = groups.iter().position(|it| it.name == *name).map(|place| groups.swap_remove(place));
        let Some(found) = found else { return Ok(Lookup::NotOurs(Done::NotOurs { group: name.clone() })) };
        let declaration = Declaration::from_tags(name, &found.tags).map_err(Blocked::Tags)?;
        Ok(match declaration {
            Some(declaration) => {
                let twins = Twins::of(&declaration, &declarations);
                Lookup::Node(Box::new(Node::new(declaration, twins, View::of_group(now, found.group))))
            }
            None => Lookup::NotOurs(Done::NotOurs { group: name.clone() }),
        })
    }

    pub(super) fn name(&self) -> &GroupName {
        &self.declaration.group
    }

    /// Reads what is not known well enough, and puts together what a decision needs.
    ///
    /// # Errors
    /// When a call fails that the volume depends on.
    pub(super) async fn observe(&mut self, aws: &Aws) -> Result<Observed, Failure> {
        let seen = self.view.look(aws, &self.declaration).await?;
        let (group, instances) = (seen.group, seen.instances);
        self.seen_waiting.extend(group.waiting().map(|(id, transition)| (id.clone(), transition)));
        let holder = seen.volume.and_then(|volume| volume.attachments.first()).map(|held| &held.instance);
        let is_ours = |id| group.members.contains_key(id) || instances.get(id).is_some_and(|it| it.of_group);
        if !self.has_held && holder.is_some_and(is_ours) {
            self.has_held = true;
            warn_of_tag(&self.declaration, seen.volume);
        }
        let is_own = |address: &str| {
            let ours = instances.iter().filter(|(id, _)| is_ours(*id));
            let mut addresses = ours.filter_map(|(_, instance)| instance.private_ip);
            addresses.any(|own| own.to_string() == address) || self.own_address.as_deref() == Some(address)
        };
        let claim = self.writes.claim(&seen.name.claim);
        let record =
            claim.restrict(seen.name.record.clone(), &self.declaration.group, &self.declaration.record, is_own);
        if let Record::Simple(ours) = &record {
            self.own_address = Some(ours.address.clone());
        }
        let mut observed = Observed {
            declaration: self.declaration.clone(),
            record_shared_with: self.twins.of_record.clone(),
            volume_shared_with: self.twins.of_volume.clone(),
            group: seen.group.clone(),
            instances: self.writes.marked(seen.instances, aws.clock.now()),
            volume: seen.volume.cloned(),
            key: None,
            volume_stands_since: None,
            group_stands_since: None,
            silent_since: None,
            has_held: self.has_held,
            record,
            claim,
            release: None,
            booted: BTreeSet::new(),
            words: self.words.clone(),
            have_answered: self
                .said_of_serving
                .iter()
                .filter(|(_, it)| !it.is_empty())
                .map(|(id, _)| id.clone())
                .collect(),
            warning: self.warning.clone(),
            action: self.action.clone(),
            seen_waiting: self.seen_waiting.clone(),
            completed: self.writes.completed().clone(),
            denied: self.writes.denied().clone(),
            end_refused: self.writes.end_refused().clone(),
            replacement_asked: self.writes.replacement_asked(),
        };
        observed.forget_own_device();
        // A mark says that the host retires, and EC2 alone knows when, and whether it still does.
        if observed.instances.values().any(retires) {
            let stops = self.view.ask_about_stops(aws, &self.declaration).await;
            let stop = |id: &InstanceId| match stops {
                Some(stops) => stops.get(id).copied().map_or(Stop::None, Stop::At),
                None => Stop::Unknown,
            };
            observed.instances.iter_mut().for_each(|(id, instance)| instance.stop = stop(id));
        }
        self.standstill.note(&mut observed, aws.clock.now());
        self.holders.note(&observed);
        observed.release = self.ask_about_release(aws, &observed).await;
        self.standstill.note_silence(&mut observed, aws.clock.now());
        if self.key_matters(&observed, aws.clock.now()) {
            observed.key = self.view.ask_about_key(aws, &self.declaration).await;
        }
        if let Some(Release { agents: Agents::Listed { online, .. }, .. }) = &observed.release {
            self.booted.extend(online.iter().cloned());
            self.silent.extend(observed.group.members.keys().filter(|id| !online.contains(*id)).cloned());
        }
        observed.booted = self.booted.clone();
        self.hear(aws, &mut observed).await;
        Ok(observed)
    }

    /// Before a holder is asked to let go, and when EC2 has not done what it said: then the volume is free again.
    fn key_matters(&self, observed: &Observed, now: SystemTime) -> bool {
        let holder = observed.volume.as_ref().and_then(|volume| volume.attachments.first());
        let goes = holder.and_then(|held| observed.instances.get(&held.instance)).is_some_and(retires);
        let is_free = observed.volume.as_ref().is_some_and(|volume| volume.attachments.is_empty());
        let is_asked = self.view.key_matters && release_matters(observed, false, now).is_some();
        goes || is_asked || (is_free && self.writes.has_attached())
    }

    async fn ask_about_release(&mut self, aws: &Aws, observed: &Observed) -> Option<Release> {
        let now = aws.clock.now();
        let has_asked = self.writes.sent().map(|sent| &sent.attachment.instance);
        let is_holder = |asked: &InstanceId| self.view.holder().is_some_and(|holder| holder.instance == *asked);
        let may_have_released = has_asked.is_some_and(is_holder)
            || self.says_it_has_released.as_ref().is_some_and(|said| is_holder(&said.instance))
            || self.view.may_have_been_asked();
        let holder = release_matters(observed, may_have_released, now)?;
        let asked = observed.group.members.keys().chain([&holder.instance]).collect();
        // A holder that stays is asked about its agent only if it has to be sent anything.
        if release_matters(observed, false, now).is_none() {
            if let Err(failure) = self.view.read_commands(aws, holder).await {
                self.writes.note_left_out(failure);
                return None;
            }
            if self.release_state(holder) == ReleaseState::NotStarted {
                return Some(Release { agents: Agents::Unknown, state: ReleaseState::NotStarted });
            }
        }
        let agents = self.view.ask_systems_manager(aws, &self.declaration, holder, &asked).await;
        self.report_refusals(holder);
        let state = self.release_state(holder);
        if state != ReleaseState::NotStarted {
            self.view.know_whether_asked(holder.instance.clone(), true, now);
        }
        Some(Release { agents, state })
    }

    /// Whether an address in the record is a stranger's, although the same holder has been in service for long: then somebody
    /// else writes the record. EC2 forgets the addresses of instances that are gone, but not for so long.
    pub(super) fn is_written_by_others(&self, address: &str, now: SystemTime) -> bool {
        let is_own = |instance: &Instance| instance.private_ip.is_some_and(|own| own.to_string() == address);
        let is_known = self.view.instances.get().is_some_and(|known| known.values().any(is_own));
        let has_settled = self.view.settled_holder().and_then(|holder| holder.since);
        !is_known && has_settled.is_some_and(|since| since + SETTLED_AFTER < now)
    }

    /// Whether another run is at work that has just given the volume to its holder.
    pub(super) fn was_attached_by_another(&self) -> bool {
        !self.writes.has_attached() && self.view.was_just_attached()
    }

    /// Once each: the state says that the holder has refused, and the log says why.
    fn report_refusals(&mut self, holder: &Attachment) {
        let listed = self.view.commands.get().map(Vec::as_slice).unwrap_or_default();
        for (id, reason) in refusals(listed, holder) {
            if self.refusals.insert(id.to_owned()) {
                tracing::warn!(node = %self.declaration.group, instance = %holder.instance, reason, "not done");
            }
        }
    }

    fn release_state(&self, holder: &Attachment) -> ReleaseState {
        let listed = self.view.commands.get().map(Vec::as_slice).unwrap_or_default();
        match release_state(listed, holder, self.writes.sent()) {
            ReleaseState::NotStarted if self.says_it_has_released.as_ref() == Some(holder) => ReleaseState::Marked,
            state => state,
        }
    }
}

/// Nothing fails, because the node keeps its volume, until that is free while no function looks.
fn warn_of_tag(node: &Declaration, volume: Option<&Volume>) {
    let says = volume.and_then(|volume| volume.node.as_deref());
    if says != Some(node.group.as_str()) {
        tracing::warn!(
            node = %node.group,
            volume = %node.volume,
            says = says.unwrap_or_default(),
            "the volume's tag {} does not name the node that has it: run aws ec2 create-tags --resources {} --tags {}",
            tags::NODE,
            node.volume,
            node_tag(node.group.as_str()),
        );
    }
}

/// Every node of the region. One call for a hundred groups.
///
/// # Errors
/// When the call fails.
pub(super) async fn every_node(aws: &Aws) -> Result<Nodes, Failure> {
    let now = aws.clock.now();
    let (mut found, mut mistakes) = (Vec::new(), Vec::new());
    for group in read::every_declared_group(aws).await? {
        match Declaration::from_tags(&group.name, &group.tags) {
            Ok(Some(declaration)) => found.push((declaration, group.group)),
            Ok(None) => {}
            Err(mistake) => mistakes.push(mistake.into()),
        }
    }
    let declarations: Vec<Declaration> = found.iter().map(|(declaration, _)| declaration.clone()).collect();
    let node = |(declaration, group)| {
        let twins = Twins::of(&declaration, &declarations);
        Node::new(declaration, twins, View::of_group(now, group))
    };
    Ok(Nodes { nodes: found.into_iter().map(node).collect(), mistakes })
}

/// Reads many nodes at once, in the same order as one: the calls hardly grow with the number of nodes.
///
/// # Errors
/// When a call fails that the volumes depend on.
pub(super) async fn read_together(aws: &Aws, nodes: &mut [Node]) -> Result<(), Failure> {
    if nodes.is_empty() {
        return Ok(());
    }
    let names: Vec<GroupName> = nodes.iter().map(|node| node.name().clone()).collect();
    let volume_ids: Vec<_> = nodes.iter().map(|node| node.declaration.volume.clone()).collect();
    let declarations: Vec<Declaration> = nodes.iter().map(|node| node.declaration.clone()).collect();
    let declarations: Vec<&Declaration> = declarations.iter().collect();
    let names_read = async { Ok(records::names(aws, &declarations).await) };
    let (mut instances, names_read) = tokio::try_join!(read::instances_by_group(aws, &names), names_read)?;
    let (volumes, asked) = tokio::join!(read::volumes(aws, &volume_ids), read::asked_to_release_lately(aws));
    let volumes = volumes?;
    // Then each node asks for itself, and fails of it if it has to know.
    let asked =
        asked.inspect_err(|failure| tracing::warn!(reason = failure.chain(), "Systems Manager cannot be asked"));
    let now = aws.clock.now();
    for (node, name) in nodes.iter_mut().zip(names_read) {
        let of_group = instances.remove(node.name()).unwrap_or_default();
        node.view.instances = Cached::read_at(now, of_group);
        node.view.name = Cached::read_at(now, name);
        // Two groups may name the same one.
        node.view.volume = Cached::read_at(now, volumes.get(&node.declaration.volume).cloned());
        if let Ok(asked) = &asked {
            node.view.note_asked_lately(asked, now);
        }
    }
    read_strangers(aws, nodes, &names).await?;
    read_stops(aws, nodes).await;
    for node in nodes.iter_mut() {
        if let Some(holder) = node.view.asked_holder() {
            // Asked again, and reported, when the node is looked after.
            let _ = node.view.read_commands(aws, &holder).await;
        }
    }
    Ok(())
}

/// One call for all nodes: when a host retires, and once an hour, because the event that says so may be lost. What it shows
/// that nobody was told of counts as a warning.
async fn read_stops(aws: &Aws, nodes: &mut [Node]) {
    let now = aws.clock.now();
    let has_retiring = |node: &Node| node.view.instances.get().is_some_and(|known| known.values().any(retires));
    let some = nodes.iter().position(has_retiring).or_else(|| checks::is_hourly(now).then_some(0));
    let Some(first) = some.and_then(|place| nodes.get_mut(place)) else { return };
    let declaration = first.declaration.clone();
    let stops = first.view.ask_about_stops(aws, &declaration).await.cloned();
    for node in nodes.iter_mut() {
        let unmarked = node.view.instances.get().and_then(|known| {
            let stops = |id: &InstanceId| stops.as_ref().is_some_and(|stops| stops.contains_key(id));
            known.iter().find(|(id, it)| stops(id) && !retires(it)).map(|(id, _)| id.clone())
        });
        let risk = Risk { reason: RiskReason::Retirement, until: None };
        node.warning = unmarked.map(|instance| Warning { instance, risk, sent: Some(now) });
        node.view.stops = Cached::read_at(now, stops.clone());
    }
}

/// The holders that are not, or not yet, instances of their node's group.
async fn read_strangers(aws: &Aws, nodes: &mut [Node], names: &[GroupName]) -> Result<(), Failure> {
    let strangers: Vec<InstanceId> = nodes.iter().filter_map(|node| node.view.unlisted_holder()).collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let found = read::instances(aws, &strangers, names).await?;
    for node in nodes.iter_mut() {
        let stranger = node.view.unlisted_holder().and_then(|id| found.get_key_value(&id));
        if let (Some((id, instance)), Some(known)) = (stranger, node.view.instances.get_mut()) {
            known.extend(BTreeMap::from([(id.clone(), instance.clone())]));
        }
    }
    Ok(())
}
