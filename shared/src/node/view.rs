//! What was read of one node: a cache, and the order in which it is filled.
//!
//! The record is read before the volume. If the volume moves in between, the record that we know is the older one, and a
//! write based on it fails instead of undoing what another function just did.

mod forget;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use durin_decisions::node::{
    Agents, Attachment, AttachmentState, Claim, Group, Instance, KeyProblem, Lifecycle, Record, RecordProblem,
    ReleaseState, UnusableKey, Volume, VolumeState, is_warned, lacks_holder,
};

use super::cached::Cached;
use super::commands::{Command, release_state};
use super::documents::Document;
use super::following::Role;
use super::read;
use super::records::{self, Name};
use crate::aws::{Aws, if_soon};
use crate::declaration::Declaration;
use crate::failure::Failure;
use crate::ids::InstanceId;
use crate::lifecycle::Transition;

/// Maximum age of anything that we are not waiting for. Losing sight of the group for that long while the volume is polled
/// costs nothing: the attachment is the fence, and before anything that cannot be given back its grounds are read anew.
const FRESH_FOR: Duration = Duration::from_secs(45);

/// The same for a run that follows, which only looks whether another gets on, and reads all anew before it takes over; and
/// for what a newcomer would be given, while there is none.
const FRESH_FOR_A_FOLLOWER: Duration = Duration::from_secs(90);

/// Maximum age of a group that shows no newcomer in its launch hook: as soon as there is one, its own run goes ahead.
const FRESH_WITHOUT_A_NEWCOMER: Duration = Duration::from_secs(10);

/// Maximum age of the instances while a newcomer boots or is given the volume: it may die, and the next one be waited for.
const DEATH_IS_SEEN_WITHIN: Duration = Duration::from_secs(30);

/// What was read so recently is of the moment.
const OF_THE_MOMENT: Duration = Duration::from_secs(2);

/// Whose agent was online then is good enough for a release, which is sent to one of them for another's sake.
const AGENTS_KNOWN_FOR: Duration = Duration::from_secs(10);

/// An instance that had no volume for so long was none's newcomer: a spare, or one that had it before.
const NEWCOMER_FOR: Duration = Duration::from_secs(15 * 60);

/// How long Route 53 is left alone after it has failed.
const RECORD_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Parts that a step has changed or time has aged are read again, others are not. What is unread is unknown: only
/// [`View::look`], which reads all of it, shows it to a decision.
#[derive(Debug)]
pub(super) struct View {
    pub(super) group: Cached<Group>,
    pub(super) instances: Cached<BTreeMap<InstanceId, Instance>>,
    /// Of any age: a write based on an old one fails.
    pub(super) name: Cached<Name>,
    /// `None` if EC2 was asked and does not list it.
    pub(super) volume: Cached<Option<Volume>>,
    /// Of any age: the time is days away. `None` if EC2 has not answered.
    pub(super) stops: Cached<Option<BTreeMap<InstanceId, SystemTime>>>,
    agents: Cached<Agents>,
    /// Of any age: whatever is wrong with a key, a person has to mend it.
    key: Cached<Option<KeyProblem>>,
    /// Whether this run has come to a step that cannot be given back.
    pub(super) key_matters: bool,
    /// What the holder was asked for.
    pub(super) commands: Cached<Vec<Command>>,
    /// What the instances were asked that say something of themselves.
    answers: BTreeMap<InstanceId, Cached<Vec<Command>>>,
    /// Of an instance that had the volume: whether it was asked lately to let go, if somebody has looked.
    asked_lately: Cached<(InstanceId, bool)>,
    begun: SystemTime,
    fresh_for: Duration,
    follows: bool,
}

/// All that every decision needs, read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    pub(super) group: &'a Group,
    pub(super) instances: &'a BTreeMap<InstanceId, Instance>,
    pub(super) name: &'a Name,
    pub(super) volume: Option<&'a Volume>,
}

impl View {
    pub(super) fn of_group(read: SystemTime, group: Group) -> View {
        View {
            group: Cached::read_at(read, group),
            instances: Cached::unread(),
            name: Cached::unread(),
            volume: Cached::unread(),
            stops: Cached::unread(),
            agents: Cached::unread(),
            key: Cached::unread(),
            key_matters: false,
            commands: Cached::unread(),
            answers: BTreeMap::new(),
            asked_lately: Cached::unread(),
            begun: read,
            fresh_for: FRESH_FOR,
            follows: false,
        }
    }

    /// Reads what is not known, or not known well enough, in as few round trips as the order allows.
    ///
    /// # Errors
    /// When a call fails that the volume depends on.
    pub(super) async fn look(&mut self, aws: &Aws, node: &Declaration) -> Result<Seen<'_>, Failure> {
        self.age(aws.clock.now());
        let View { group, instances, name, volume, .. } = self;
        let (clock, names) = (&aws.clock, std::slice::from_ref(&node.group));
        let (group, instances, (name, volume)) = tokio::try_join!(
            group.get_or_read(clock, async {
                Ok::<_, Failure>(read::group(aws, &node.group).await?.map_or_else(Group::gone, |found| found.group))
            }),
            instances.get_or_read(clock, read::instances_of_groups(aws, names)),
            async {
                let name = name.get_or_ask(clock, records::name(aws, node)).await;
                let volume = volume.get_or_read(clock, async {
                    let mut found = read::volumes(aws, std::slice::from_ref(&node.volume)).await?;
                    Ok::<_, Failure>(found.remove(&node.volume))
                });
                Ok((name, volume.await?.as_ref()))
            },
        )?;
        if let Some(stranger) = unlisted_holder(volume, instances) {
            instances.extend(read::instances(aws, &[stranger], names).await?);
        }
        Ok(Seen { group, instances, name, volume })
    }

    /// Asks Systems Manager for what is not known. Fail open: without an answer nothing is known of agents, no release was
    /// asked for, and a node that has to move still moves, only slower.
    pub(super) async fn ask_systems_manager(
        &mut self,
        aws: &Aws,
        node: &Declaration,
        holder: &Attachment,
        asked: &BTreeSet<&InstanceId>,
    ) -> Agents {
        let (agents, _) = tokio::join!(
            self.agents.get_or_ask(&aws.clock, ask_for_agents(aws, node, asked)),
            self.commands.get_or_ask(&aws.clock, ask_for_commands(aws, node, holder)),
        );
        agents.clone()
    }

    /// When EC2 stops which instance. Fail open: without an answer no time is known, and marks are believed.
    pub(super) async fn ask_about_stops(
        &mut self,
        aws: &Aws,
        node: &Declaration,
    ) -> Option<&BTreeMap<InstanceId, SystemTime>> {
        self.stops.get_or_ask(&aws.clock, ask_for_stops(aws, node)).await.as_ref()
    }

    /// Asks KMS whether the volume's key can be used. Fail open: who may not ask knows of no problem.
    pub(super) async fn ask_about_key(&mut self, aws: &Aws, node: &Declaration) -> Option<UnusableKey> {
        let arn = self.volume.get()?.as_ref()?.key.clone()?;
        let asked = self.key.get_or_ask(&aws.clock, async {
            if_soon(&aws.clock, "kms:DescribeKey", read::key_problem(aws, &arn)).await.unwrap_or_else(|failure| {
                tracing::warn!(node = %node.group, key = arn, reason = failure.chain(), "KMS cannot be asked");
                None
            })
        });
        let problem = (*asked.await)?;
        Some(UnusableKey { arn, problem })
    }

    /// Reads what the holder was asked for.
    ///
    /// # Errors
    /// When the call fails: then it is not known whether the holder serves.
    pub(super) async fn read_commands(&mut self, aws: &Aws, holder: &Attachment) -> Result<(), Failure> {
        self.commands.get_or_read(&aws.clock, read::commands(aws, holder)).await.map(|_| ())
    }

    /// Whose agents are online, of these. Fail open, as [`View::ask_systems_manager`].
    pub(super) async fn ask_about_agents(
        &mut self,
        aws: &Aws,
        node: &Declaration,
        asked: &BTreeSet<&InstanceId>,
    ) -> &Agents {
        self.agents.get_or_ask(&aws.clock, ask_for_agents(aws, node, asked)).await
    }

    /// What an instance was asked since then. Fail open: without an answer it was asked nothing.
    pub(super) async fn ask_about_answers(
        &mut self,
        aws: &Aws,
        node: &Declaration,
        instance: &InstanceId,
        since: SystemTime,
    ) -> &[Command] {
        let answers = self.answers.entry(instance.clone()).or_insert_with(Cached::unread);
        let listed = async {
            let listed = read::commands_since(aws, instance, since);
            let listed = if_soon(&aws.clock, "ssm:ListCommandInvocations", listed).await;
            listed.unwrap_or_else(|failure| unknown(node, &failure, SYSTEMS_MANAGER, Vec::new()))
        };
        answers.get_or_ask(&aws.clock, listed).await
    }

    /// What an instance has said last to that question, as far as it was read.
    pub(super) fn last_answer(&self, instance: &InstanceId, document: Document) -> Option<&Command> {
        let answers = self.answers.get(instance)?.get()?;
        answers.iter().filter(|it| it.document == document).max_by_key(|it| it.requested)
    }

    pub(super) fn forget_agents(&mut self) {
        self.agents.forget();
    }

    pub(super) fn forget_answers(&mut self, instance: &InstanceId) {
        self.answers.remove(instance);
    }

    /// Whether a holder that stays may have been asked to let go. If that is not known, a newcomer that was given the volume since
    /// this run has begun has not: another hand-off comes with another run, which looks. An older instance may have let go of an
    /// earlier attachment, and has not mounted this one then.
    pub(super) fn may_have_been_asked(&self) -> bool {
        let Some(holder) = self.holder() else { return true };
        let launched = self.instances.get().and_then(|known| known.get(&holder.instance)?.launched);
        let is_newcomer = |since| launched.is_none_or(|launched| since < launched + NEWCOMER_FOR);
        self.was_asked(holder)
            .unwrap_or_else(|| holder.since.is_none_or(|since| since < self.begun || !is_newcomer(since)))
    }

    fn was_asked(&self, holder: &Attachment) -> Option<bool> {
        self.asked_lately.get().filter(|(asked, _)| *asked == holder.instance).map(|(_, was_asked)| *was_asked)
    }

    /// Whoever has asked it: should its successor die, the holder is one again of which nobody would ask.
    pub(super) fn know_whether_asked(&mut self, holder: InstanceId, was_asked: bool, now: SystemTime) {
        self.asked_lately = Cached::read_at(now, (holder, was_asked));
    }

    pub(super) fn note_asked_lately(&mut self, asked: &BTreeSet<InstanceId>, now: SystemTime) {
        if let Some(holder) = self.holder().map(|holder| holder.instance.clone()) {
            let was_asked = asked.contains(&holder);
            self.know_whether_asked(holder, was_asked, now);
        }
    }

    fn shows(&self, instance: &InstanceId, state: &Lifecycle) -> bool {
        self.group.get().and_then(|group| group.members.get(instance)) == Some(state)
    }

    /// Whether the group, as it was last read, shows a lifecycle action of the instance.
    pub(super) fn shows_waiting(&self, instance: &InstanceId) -> bool {
        let member = self.group.get().and_then(|group| group.members.get(instance));
        matches!(member, Some(Lifecycle::Launching { waits: true } | Lifecycle::Terminating { waits: true }))
    }

    /// Whether EC2 takes the instance at a time to come.
    pub(super) fn is_warned(&self, instance: &InstanceId, now: SystemTime) -> bool {
        self.instances.get().and_then(|instances| instances.get(instance)).is_some_and(|known| is_warned(known, now))
    }

    /// Whether the volume was given to its holder after this run has begun, or a moment before. EC2's times are whole seconds.
    pub(super) fn was_just_attached(&self) -> bool {
        let attached = self.holder().and_then(|holder| holder.since);
        attached.is_some_and(|attached| self.begun < attached + OF_THE_MOMENT)
    }

    pub(super) fn holder(&self) -> Option<&Attachment> {
        self.volume.get()?.as_ref()?.attachments.first()
    }

    /// The holder, if it is in service and nothing is known to be under way.
    pub(super) fn settled_holder(&self) -> Option<&Attachment> {
        let holder = self.holder().filter(|holder| holder.state == AttachmentState::Attached)?;
        let serves = || self.commands.get().map(|listed| release_state(listed, holder, None));
        let is_settled = self.was_asked(holder) == Some(false) || serves() == Some(ReleaseState::NotStarted);
        (is_settled && self.shows(&holder.instance, &Lifecycle::InService)).then_some(holder)
    }

    /// The holder, if it was asked lately to let go.
    pub(super) fn asked_holder(&self) -> Option<Attachment> {
        self.holder().filter(|holder| self.was_asked(holder) == Some(true)).cloned()
    }

    /// Whether the node was nowhere when it was last read; `None` if it was not read.
    pub(super) fn lacks_holder(&self) -> Option<bool> {
        let volume = self.volume.get()?.as_ref();
        let release = match (self.commands.get(), self.holder()) {
            (Some(commands), Some(holder)) => release_state(commands, holder, None),
            (None, _) | (_, None) => ReleaseState::NotStarted,
        };
        Some(lacks_holder(self.group.get()?, self.instances.get()?, volume, release))
    }

    /// The holder of the volume, if EC2 has not been asked about that instance.
    pub(super) fn unlisted_holder(&self) -> Option<InstanceId> {
        unlisted_holder(self.volume.get()?.as_ref(), self.instances.get()?)
    }

    /// Notes what EC2 has answered to a change of the attachment; without an answer the volume is read again.
    pub(super) fn know_attachment(&mut self, answered: Option<Attachment>) {
        match (self.volume.get_mut().and_then(Option::as_mut), answered) {
            (Some(volume), Some(attachment)) => {
                volume.state = VolumeState::InUse;
                volume.attachments = vec![attachment];
            }
            (Some(_), None) | (None, _) => self.volume.forget(),
        }
    }

    /// Its holder has said that it serves from it.
    pub(super) fn know_arrival(&mut self) {
        if let Some(volume) = self.volume.get_mut().and_then(Option::as_mut) {
            volume.know_arrival();
        }
    }

    /// Notes what a write has shown of the record.
    pub(super) fn know_record(&mut self, now: SystemTime, record: Record) {
        let claim = self.name.get().map_or(Claim::Absent, |name| name.claim.clone());
        self.name = Cached::read_at(now, Name { record, claim });
    }

    /// A record that could not be read is left alone: nothing that cannot be given back depends on it, and asking again
    /// takes as long as Route 53 likes.
    pub(super) fn forget_all(&mut self) {
        self.group.forget();
        self.instances.forget();
        let known = self.name.get().map(|name| &name.record);
        if !matches!(known, Some(Record::Unavailable(RecordProblem::Unanswered(_)))) {
            self.name.forget();
        }
        self.volume.forget();
        self.agents.forget();
        self.commands.forget();
        self.answers.clear();
    }

    /// How long what was read is good enough for a run.
    pub(super) fn keep_for(&mut self, role: Role) {
        self.follows = role == Role::Follows;
        self.fresh_for = match role {
            Role::Leads => FRESH_FOR,
            Role::Follows => FRESH_FOR_A_FOLLOWER,
        };
    }

    fn age(&mut self, now: SystemTime) {
        let has_newcomer = self
            .group
            .get()
            .is_some_and(|group| group.waiting().any(|(_, transition)| transition == Transition::Launching));
        let (group, rest) = if has_newcomer {
            (self.fresh_for, self.fresh_for)
        } else {
            (FRESH_WITHOUT_A_NEWCOMER, FRESH_FOR_A_FOLLOWER)
        };
        self.group.forget_if_older(group, now);
        self.instances.forget_if_older(rest, now);
        self.volume.forget_if_older(rest, now);
        let knows_of_holder = match (self.agents.get(), self.holder()) {
            (Some(agents), Some(holder)) => agents.is_online(&holder.instance),
            (Some(_), None) | (None, _) => true,
        };
        // Not to hear from the holder may be a moment's failure, and decides how it goes.
        self.agents.forget_if_older(if knows_of_holder { rest } else { OF_THE_MOMENT }, now);
        self.commands.forget_if_older(rest, now);
        self.asked_lately.forget_if_older(FRESH_FOR, now);
        if let Some(Record::Unavailable(_)) = self.name.get().map(|name| &name.record) {
            self.name.forget_if_older(RECORD_AGAIN_AFTER, now);
            if self.name.get().is_none() {
                self.volume.forget();
            }
        }
    }
}

async fn ask_for_agents(aws: &Aws, node: &Declaration, asked: &BTreeSet<&InstanceId>) -> Agents {
    let read = if_soon(&aws.clock, "ssm:DescribeInstanceInformation", read::agents(aws, asked)).await;
    read.unwrap_or_else(|failure| unknown(node, &failure, SYSTEMS_MANAGER, Agents::Unknown))
}

async fn ask_for_commands(aws: &Aws, node: &Declaration, holder: &Attachment) -> Vec<Command> {
    let listed = if_soon(&aws.clock, "ssm:ListCommandInvocations", read::commands(aws, holder)).await;
    listed.unwrap_or_else(|failure| unknown(node, &failure, SYSTEMS_MANAGER, Vec::new()))
}

async fn ask_for_stops(aws: &Aws, node: &Declaration) -> Option<BTreeMap<InstanceId, SystemTime>> {
    const EVENTS: &str = "EC2's scheduled events cannot be read";
    let stops = if_soon(&aws.clock, "ec2:DescribeInstanceStatus", read::scheduled_stops(aws)).await;
    stops.map_or_else(|failure| unknown(node, &failure, EVENTS, None), Some)
}

const SYSTEMS_MANAGER: &str = "Systems Manager cannot be asked";

fn unknown<T>(node: &Declaration, failure: &Failure, what: &str, instead: T) -> T {
    tracing::warn!(node = %node.group, reason = failure.chain(), "{what}");
    instead
}

fn unlisted_holder(volume: Option<&Volume>, known: &BTreeMap<InstanceId, Instance>) -> Option<InstanceId> {
    let holder = &volume?.attachments.first()?.instance;
    (!known.contains_key(holder)).then(|| holder.clone())
}

#[cfg(test)]
mod tests;
