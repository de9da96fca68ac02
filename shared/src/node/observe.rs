//! Reading a node from AWS. Reading never writes, and whatever is missing stays unknown.
//!
//! The order matters: the record is read before the volume. If the volume moves in between, the record that we know is
//! the older one, and a write based on it fails instead of undoing what somebody else just did.

mod convert;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use durin_decisions::node::{
    Attachment, Blocked, Done, Group, Instance, Observed, Record, Release, ReleaseState, Volume, WaitFor,
    may_have_to_release,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::aws::Aws;
use crate::declaration::Declaration;
use crate::failure::Failure;
use crate::ids::{GroupName, InstanceId};
use crate::lifecycle::{LifecycleAction, Transition};
use crate::risk::{Risk, Warning};

/// How old may be what is not waited for. Losing sight of the group for so long while the volume is polled costs nothing:
/// the attachment is the fence.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// How many record sets are read at once: Route 53 allows an account five requests a second.
const RECORDS_AT_ONCE: usize = 4;

/// One node, and what is known of it. Parts that a step has changed or time has aged are read again, others are not.
pub struct View {
    declaration: Declaration,
    group: Option<(SystemTime, Group)>,
    instances: Option<(SystemTime, BTreeMap<InstanceId, Instance>)>,
    record: Option<Record>,
    /// With `None`, EC2 was asked and does not list it.
    volume: Option<(SystemTime, Option<Volume>)>,
    agents: Option<(SystemTime, BTreeSet<InstanceId>)>,
    release: Option<(SystemTime, ReleaseState)>,
    warning: Option<Warning>,
    /// When we have sent a release ourselves: a read may not show it yet.
    sent: Option<SystemTime>,
    /// Systems Manager has refused to send a release.
    refused: bool,
    /// Risks that we have marked ourselves: a read may not show the tag yet.
    marked: BTreeMap<InstanceId, Risk>,
    action: Option<LifecycleAction>,
    completed: BTreeSet<(InstanceId, Transition)>,
}

impl View {
    /// Finds the node of a group: one API call. `Err(Done)` if it is not ours.
    ///
    /// # Errors
    /// When the call fails, or the group's tags are wrong.
    pub async fn of_group(aws: &Aws, name: &GroupName) -> Result<Result<View, Done>, Failure> {
        let now = aws.clock.now();
        let not_ours = || Done::NotOurs { group: name.clone() };
        let Some(found) = read::group(aws, name).await? else { return Ok(Err(not_ours())) };
        let declaration = Declaration::from_tags(name, &found.tags).map_err(Blocked::Tags)?;
        Ok(declaration.map(|declaration| View::new(declaration, now, found.group)).ok_or_else(not_ours))
    }

    fn new(declaration: Declaration, now: SystemTime, group: Group) -> View {
        View {
            declaration,
            group: Some((now, group)),
            instances: None,
            record: None,
            volume: None,
            agents: None,
            release: None,
            warning: None,
            sent: None,
            refused: false,
            marked: BTreeMap::new(),
            action: None,
            completed: BTreeSet::new(),
        }
    }

    /// The node's group, which gives it its name.
    pub fn name(&self) -> &GroupName {
        &self.declaration.group
    }

    /// What its tags say.
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// What the event has warned of.
    pub fn warned(&mut self, warning: Warning) {
        self.warning = Some(warning);
    }

    /// The action that the event spoke of. Actions of other people's hooks are not ours to complete.
    pub fn expect(&mut self, action: LifecycleAction) {
        self.action = Some(action).filter(LifecycleAction::is_ours);
    }

    /// The action that the event spoke of, if it is ours.
    pub fn action(&self) -> Option<&LifecycleAction> {
        self.action.as_ref()
    }

    /// Reads what is not known, or not known well enough, in as few round trips as its order allows.
    ///
    /// # Errors
    /// When a call fails, or Route 53 does not have the zone.
    pub async fn observe(&mut self, aws: &Aws) -> Result<Observed, Failure> {
        self.age(aws.clock.now());
        let names = [self.declaration.group.clone()];
        let (group, instances, record) = tokio::try_join!(
            async {
                match self.group.is_some() {
                    true => Ok(None),
                    false => read::group(aws, &self.declaration.group).await.map(Some),
                }
            },
            async {
                match self.instances.is_some() {
                    true => Ok(None),
                    false => read::instances_of_groups(aws, &names).await.map(Some),
                }
            },
            async {
                match self.record.is_some() {
                    true => Ok(None),
                    false => read::record(aws, &self.declaration).await.map(Some),
                }
            },
        )?;
        let now = aws.clock.now();
        if let Some(found) = group {
            self.group = Some((now, found.map_or_else(Group::gone, |found| found.group)));
        }
        if let Some(instances) = instances {
            self.instances = Some((now, instances));
        }
        if let Some(record) = record {
            self.record = Some(record);
        }
        if self.volume.is_none() {
            let mut volumes = read::volumes(aws, std::slice::from_ref(&self.declaration.volume)).await?;
            self.volume = Some((aws.clock.now(), volumes.remove(&self.declaration.volume)));
        }
        if let Some(stranger) = self.unknown_holder() {
            let found = read::instances(aws, std::slice::from_ref(&stranger), &names).await?;
            self.add_instances(found);
        }
        let observed = self.observed();
        let Some(holder) = may_have_to_release(&observed, aws.clock.now()) else { return Ok(observed) };
        let asked = observed.group.members.keys().chain([&holder.instance]).collect();
        self.ask_systems_manager(aws, holder, &asked).await;
        Ok(self.observed())
    }

    /// Fail open: without Systems Manager nobody's agent is online, and the node moves all the same, only slower.
    async fn ask_systems_manager(&mut self, aws: &Aws, holder: &Attachment, asked: &BTreeSet<&InstanceId>) {
        let (agents, release) = tokio::join!(
            async {
                match self.agents.is_some() {
                    true => None,
                    false => Some(read::agents(aws, asked).await),
                }
            },
            async {
                match self.release.is_some() {
                    true => None,
                    false => Some(read::release(aws, holder).await),
                }
            },
        );
        let now = aws.clock.now();
        let warn = |failure: &Failure| {
            tracing::warn!(node = %self.declaration.group, reason = failure.chain(), "Systems Manager cannot be asked");
        };
        if let Some(agents) = agents {
            self.agents = Some((now, agents.inspect_err(warn).unwrap_or_default()));
        }
        if let Some(release) = release {
            self.release = Some((now, release.inspect_err(warn).unwrap_or(ReleaseState::NotStarted)));
        }
    }

    /// Whether the node was nowhere when it was last read: [`Observed::lacks_holder`].
    pub fn lacks_holder(&self) -> bool {
        self.observed().lacks_holder()
    }

    /// Forgets what is waited for, so that the next look sees it move; the rest is read again only when it is old.
    pub fn forget_awaited(&mut self, wait: &WaitFor) {
        match wait {
            WaitFor::Running { .. } | WaitFor::Address { .. } => self.instances = None,
            WaitFor::Booted { .. } => self.agents = None,
            WaitFor::Released { .. } => self.release = None,
            WaitFor::Replacement { .. } => self.group = None,
            WaitFor::Volume | WaitFor::Attached { .. } | WaitFor::Detached { .. } | WaitFor::HolderGone { .. } => {
                self.volume = None;
            }
        }
    }

    /// Forgets the volume, because a step has changed it.
    pub fn forget_volume(&mut self) {
        self.volume = None;
    }

    /// A release was sent; a read may not show it for a second or two.
    pub fn was_sent(&mut self, now: SystemTime) {
        self.release = None;
        self.sent = Some(now);
    }

    /// Forgets the group, because a step has changed it.
    pub fn forget_group(&mut self) {
        self.group = None;
    }

    /// Forgets the record, because somebody else has changed it.
    pub fn forget_record(&mut self) {
        self.record = None;
    }

    /// Forgets everything that was read, for a second look before something irreversible.
    pub fn forget_all(&mut self) {
        self.group = None;
        self.instances = None;
        self.record = None;
        self.volume = None;
        self.agents = None;
        self.release = None;
    }

    /// Systems Manager has refused to send a release: from now on it counts as failed.
    pub fn was_refused(&mut self) {
        self.refused = true;
    }

    /// An instance was marked; a read may not show it yet.
    pub fn was_marked(&mut self, instance: InstanceId, risk: Risk) {
        self.marked.insert(instance, risk);
    }

    /// The record, as our own accepted write has left it: a compare-and-swap that succeeded is as good as a read.
    pub fn record_is(&mut self, record: Record) {
        self.record = Some(record);
    }

    /// An action was completed; the group may show it for a while yet.
    pub fn was_completed(&mut self, instance: InstanceId, transition: Transition) {
        self.completed.insert((instance, transition));
    }

    fn age(&mut self, now: SystemTime) {
        let stale = |read: SystemTime| now.duration_since(read).is_ok_and(|age| age > FRESH_FOR);
        self.group = self.group.take().filter(|(read, _)| !stale(*read));
        self.instances = self.instances.take().filter(|(read, _)| !stale(*read));
        self.volume = self.volume.take().filter(|(read, _)| !stale(*read));
        self.agents = self.agents.take().filter(|(read, _)| !stale(*read));
        self.release = self.release.take().filter(|(read, _)| !stale(*read));
    }

    fn unknown_holder(&self) -> Option<InstanceId> {
        let (_, volume) = self.volume.as_ref()?;
        let holder = &volume.as_ref()?.attachments.first()?.instance;
        let (_, known) = self.instances.as_ref()?;
        (!known.contains_key(holder)).then(|| holder.clone())
    }

    fn add_instances(&mut self, found: BTreeMap<InstanceId, Instance>) {
        if let Some((_, known)) = &mut self.instances {
            known.extend(found);
        }
    }

    fn observed(&self) -> Observed {
        let mut instances = self.instances.as_ref().map(|(_, known)| known.clone()).unwrap_or_default();
        for (id, risk) in &self.marked {
            if let Some(instance) = instances.get_mut(id).filter(|instance| risk.adds_to(instance.risk)) {
                instance.risk = Some(*risk);
            }
        }
        let release = self.agents.as_ref().zip(self.release.as_ref()).map(|((_, agents), (_, state))| Release {
            agents: agents.clone(),
            state: match (state, self.sent) {
                (ReleaseState::NotStarted, _) if self.refused => ReleaseState::Failed,
                (ReleaseState::NotStarted, Some(since)) => ReleaseState::Running { since },
                (known, _) => *known,
            },
        });
        Observed {
            declaration: self.declaration.clone(),
            group: self.group.as_ref().map_or_else(Group::gone, |(_, group)| group.clone()),
            instances,
            release,
            warning: self.warning.clone(),
            volume: self.volume.as_ref().and_then(|(_, volume)| volume.clone()),
            record: self.record.clone().unwrap_or(Record::Absent),
            action: self.action.clone(),
            completed: self.completed.clone(),
        }
    }
}

/// The groups of the instances that were warned, but for those that are not a node's or not alive any more: one API call,
/// and none for no warnings.
///
/// # Errors
/// When the call fails.
pub async fn groups_of(aws: &Aws, warnings: &[Warning]) -> Result<BTreeMap<InstanceId, GroupName>, Failure> {
    let ids: Vec<InstanceId> = warnings.iter().map(|warning| warning.instance.clone()).collect();
    read::groups_of(aws, &ids).await
}

/// Every node of the region, and what is wrong with the groups that mean to be one. One call for a hundred groups.
///
/// # Errors
/// When the call fails.
pub async fn find_all(aws: &Aws) -> Result<(Vec<View>, Vec<Blocked>), Failure> {
    let now = aws.clock.now();
    let (mut views, mut mistakes) = (Vec::new(), Vec::new());
    for found in read::every_declared_group(aws).await? {
        match Declaration::from_tags(&found.name, &found.tags) {
            Ok(Some(declaration)) => views.push(View::new(declaration, now, found.group)),
            Ok(None) => {}
            Err(mistake) => mistakes.push(mistake.into()),
        }
    }
    Ok((views, mistakes))
}

/// Reads many nodes at once, in the same order as one: the calls do not grow with the number of nodes, but for one
/// record read a node. Nodes whose zone is not there are left for [`View::observe`] to complain about.
///
/// # Errors
/// When a call fails.
pub async fn observe_all(aws: &Aws, views: &mut [View]) -> Result<(), Failure> {
    let names: Vec<GroupName> = views.iter().map(|view| view.declaration.group.clone()).collect();
    let volume_ids: Vec<_> = views.iter().map(|view| view.declaration.volume.clone()).collect();
    // Collected first: a stream that maps as it goes cannot be proven to be Send.
    let reads: Vec<_> = views.iter().map(|view| read::record(aws, &view.declaration)).collect();
    let records = stream::iter(reads).buffered(RECORDS_AT_ONCE).map(known_or_left_open).try_collect::<Vec<_>>();
    let (instances, records) = tokio::try_join!(read::instances_of_groups_each(aws, &names), records)?;
    let mut volumes = read::volumes(aws, &volume_ids).await?;
    let now = aws.clock.now();
    let mut instances = instances;
    for (view, record) in views.iter_mut().zip(records) {
        view.instances = Some((now, instances.remove(&view.declaration.group).unwrap_or_default()));
        view.record = record;
        view.volume = Some((now, volumes.remove(&view.declaration.volume)));
    }
    let strangers: Vec<InstanceId> = views.iter().filter_map(View::unknown_holder).collect();
    if !strangers.is_empty() {
        let found = read::instances(aws, &strangers, &names).await?;
        for view in views.iter_mut() {
            if let Some((id, instance)) = view.unknown_holder().and_then(|id| found.get_key_value(&id)) {
                view.add_instances(BTreeMap::from([(id.clone(), instance.clone())]));
            }
        }
    }
    Ok(())
}

fn known_or_left_open(record: Result<Record, Failure>) -> Result<Option<Record>, Failure> {
    match record {
        Ok(record) => Ok(Some(record)),
        Err(Failure::Blocked(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}
