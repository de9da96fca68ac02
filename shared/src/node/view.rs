//! What was read of one node: a cache, and the order in which it is filled.
//!
//! The record is read before the volume. If the volume moves in between, the record that we know is the older one, and a
//! write based on it fails instead of undoing what another function just did.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use durin_decisions::node::{
    Attachment, Blocked, Group, Instance, Record, Release, ReleaseState, Volume, WaitFor, lacks_holder,
};

use super::cached::Cached;
use super::read;
use crate::aws::Aws;
use crate::declaration::Declaration;
use crate::failure::Failure;
use crate::ids::InstanceId;

/// Maximum age of anything that we are not waiting for. Losing sight of the group for that long while the volume is polled
/// costs nothing: the attachment is the fence.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// Parts that a step has changed or time has aged are read again, others are not. What is unread is unknown: only
/// [`View::look`], which reads all of it, shows it to a decision.
#[derive(Debug)]
pub(super) struct View {
    pub(super) group: Cached<Group>,
    pub(super) instances: Cached<BTreeMap<InstanceId, Instance>>,
    /// Of any age: a write based on an old one fails.
    pub(super) record: Cached<Record>,
    /// `None` if EC2 was asked and does not list it.
    pub(super) volume: Cached<Option<Volume>>,
    agents: Cached<BTreeSet<InstanceId>>,
    pub(super) release_state: Cached<ReleaseState>,
}

/// All that every decision needs, read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) group: &'a Group,
    pub(super) instances: &'a BTreeMap<InstanceId, Instance>,
    pub(super) record: &'a Record,
    pub(super) volume: Option<&'a Volume>,
}

impl View {
    pub(super) fn of_group(read: SystemTime, group: Group) -> View {
        View {
            group: Cached::read_at(read, group),
            instances: Cached::unread(),
            record: Cached::unread(),
            volume: Cached::unread(),
            agents: Cached::unread(),
            release_state: Cached::unread(),
        }
    }

    /// Reads what is not known, or not known well enough, in as few round trips as the order allows.
    ///
    /// # Errors
    /// When a call fails, or Route 53 does not have the zone.
    pub(super) async fn look(&mut self, aws: &Aws, node: &Declaration) -> Result<Seen<'_>, Failure> {
        self.age(aws.clock.now());
        let View { group, instances, record, volume, .. } = self;
        let (clock, names) = (&aws.clock, std::slice::from_ref(&node.group));
        let (group, instances, record) = tokio::try_join!(
            group.get_or_read(clock, async {
                Ok::<_, Failure>(read::group(aws, &node.group).await?.map_or_else(Group::gone, |found| found.group))
            }),
            instances.get_or_read(clock, read::instances_of_groups(aws, names)),
            record.get_or_read(clock, async {
                let no_such_zone = || Blocked::NoSuchZone { group: node.group.clone(), zone: node.zone.clone() };
                read::record(aws, node).await?.ok_or_else(|| no_such_zone().into())
            }),
        )?;
        let volume = volume.get_or_read(clock, async {
            let mut found = read::volumes(aws, std::slice::from_ref(&node.volume)).await?;
            Ok::<_, Failure>(found.remove(&node.volume))
        });
        let volume = volume.await?.as_ref();
        if let Some(stranger) = unlisted_holder(volume, instances) {
            instances.extend(read::instances(aws, &[stranger], names).await?);
        }
        Ok(Seen { group, instances, record, volume })
    }

    /// Asks Systems Manager for what is not known. Fail open: without an answer no agent is online and no release was
    /// sent, and the node still moves, only slower.
    pub(super) async fn ask_systems_manager(
        &mut self,
        aws: &Aws,
        node: &Declaration,
        holder: &Attachment,
        asked: &BTreeSet<&InstanceId>,
    ) {
        let warn = |failure: &Failure| {
            tracing::warn!(node = %node.group, reason = failure.chain(), "Systems Manager cannot be asked");
        };
        tokio::join!(
            self.agents
                .get_or_ask(&aws.clock, async { read::agents(aws, asked).await.inspect_err(warn).unwrap_or_default() }),
            self.release_state.get_or_ask(&aws.clock, async {
                read::release(aws, holder).await.inspect_err(warn).unwrap_or(ReleaseState::NotStarted)
            }),
        );
    }

    /// What Systems Manager said, if it was asked.
    pub(super) fn release(&self) -> Option<Release> {
        Some(Release { agents: self.agents.get()?.clone(), state: *self.release_state.get()? })
    }

    /// Whether the node was nowhere when it was last read; `None` if it was not read.
    pub(super) fn lacks_holder(&self) -> Option<bool> {
        Some(lacks_holder(self.group.get()?, self.instances.get()?, self.volume.get()?.as_ref()))
    }

    /// The holder of the volume, if EC2 has not been asked about that instance.
    pub(super) fn unlisted_holder(&self) -> Option<InstanceId> {
        unlisted_holder(self.volume.get()?.as_ref(), self.instances.get()?)
    }

    /// Forgets what is waited for, so that the next look sees it move; the rest is read again only when it is old.
    pub(super) fn forget_awaited(&mut self, wait: &WaitFor) {
        match wait {
            WaitFor::Running { .. } | WaitFor::Address { .. } => self.instances.forget(),
            WaitFor::Booted { .. } => self.agents.forget(),
            WaitFor::Released { .. } => self.release_state.forget(),
            WaitFor::Replacement { .. } => self.group.forget(),
            WaitFor::Volume | WaitFor::Attached { .. } | WaitFor::Detached { .. } | WaitFor::HolderGone { .. } => {
                self.volume.forget();
            }
        }
    }

    pub(super) fn forget_all(&mut self) {
        self.group.forget();
        self.instances.forget();
        self.record.forget();
        self.volume.forget();
        self.agents.forget();
        self.release_state.forget();
    }

    fn age(&mut self, now: SystemTime) {
        self.group.forget_if_older(FRESH_FOR, now);
        self.instances.forget_if_older(FRESH_FOR, now);
        self.volume.forget_if_older(FRESH_FOR, now);
        self.agents.forget_if_older(FRESH_FOR, now);
        self.release_state.forget_if_older(FRESH_FOR, now);
    }
}

fn unlisted_holder(volume: Option<&Volume>, known: &BTreeMap<InstanceId, Instance>) -> Option<InstanceId> {
    let holder = &volume?.attachments.first()?.instance;
    (!known.contains_key(holder)).then(|| holder.clone())
}
