//! What was seen of a node, without AWS types: all that deciding needs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use super::claim::Claim;
use super::record::Record;
use super::word::Words;
use crate::declaration::Declaration;
use crate::ids::{GroupName, ImageId, InstanceId, VolumeId};
use crate::lifecycle::{LifecycleAction, Transition};
use crate::risk::{Risk, Warning};

/// The device that the volume is attached as. On Nitro instances the kernel names it `/dev/nvme…` nevertheless, and the
/// node finds it by the volume id in its serial number.
pub const DEVICE: &str = "/dev/sdf";

/// A node as it was just seen.
#[derive(Clone, Debug)]
pub struct Observed {
    pub declaration: Declaration,
    /// Another group that declares a node with the same record.
    pub record_shared_with: Option<GroupName>,
    /// Another group that declares a node with the same volume.
    pub volume_shared_with: Option<GroupName>,
    pub group: Group,
    /// EC2's view of all instances that matter: the group's, those that were, and the holder. One that is missing here
    /// may be gone, or too new for a stale read: *missing* is not *dead*.
    pub instances: BTreeMap<InstanceId, Instance>,
    /// The data volume; none if EC2 does not list it.
    pub volume: Option<Volume>,
    /// What keeps EC2 from using the volume's key, if KMS was asked and says so.
    pub key: Option<UnusableKey>,
    /// Since when this run has seen the volume and its holder as they are; none if nobody has noted it, and then nothing is
    /// known to last ([`super::Standstill`]).
    pub volume_stands_since: Option<SystemTime>,
    /// The same of the group: its number and its members.
    pub group_stands_since: Option<SystemTime>,
    /// Since when Systems Manager has not told this run about agents, whenever it was asked.
    pub silent_since: Option<SystemTime>,
    /// Whether this run has seen an instance of the group with the volume.
    pub has_held: bool,
    /// The A record. It was read before the volume, so that a write based on it fails if the volume moved in between.
    pub record: Record,
    /// Whose its name is.
    pub claim: Claim,
    /// Who could release the volume, or has. Known only while somebody alive may have to.
    pub release: Option<Release>,
    /// The instances whose agents this run has seen online: they have booted, also when nobody asks about agents any more.
    pub booted: BTreeSet<InstanceId>,
    /// What the instances have said of themselves.
    pub words: Words,
    /// The instances of which it is known that they can be asked, because they have answered since they were given the volume.
    pub have_answered: BTreeSet<InstanceId>,
    pub warning: Option<Warning>,
    /// The lifecycle action that the event spoke of, if it is one of our hooks'.
    pub action: Option<LifecycleAction>,
    /// The lifecycle actions that this run has seen the group show: one that it shows no more is over.
    pub seen_waiting: BTreeSet<(InstanceId, Transition)>,
    /// The lifecycle actions that were completed since; the group may still show them.
    pub completed: BTreeSet<(InstanceId, Transition)>,
    /// The lifecycle actions that Auto Scaling has denied since, and when first. They may be over, or they may not have
    /// begun: only the group knows.
    pub denied: BTreeMap<(InstanceId, Transition), SystemTime>,
    /// The instances beside the holder that the group has refused to end, because it was at something else, and when first.
    pub end_refused: BTreeMap<InstanceId, SystemTime>,
    /// When this run last asked the group to replace the holder. The group was at something else, or does not show yet that it
    /// does.
    pub replacement_asked: Option<SystemTime>,
}

impl Observed {
    /// Whether the node should be somewhere and is nowhere: no living instance of its group has the volume attached, or
    /// the one that has it has let go of it. A moment of this is part of every hand-off.
    pub fn lacks_holder(&self) -> bool {
        let released = self.release.as_ref().map_or(ReleaseState::NotStarted, |release| release.state);
        lacks_holder(&self.group, &self.instances, self.volume.as_ref(), released)
    }

    /// Whether the instance is known to have booted.
    pub fn has_booted(&self, id: &InstanceId) -> bool {
        self.booted.contains(id) || self.release.as_ref().is_some_and(|release| release.agents.is_online(id))
    }

    /// Whether the volume and its holder have been as they are for longer than that.
    pub(super) fn stands_for(&self, span: Duration, now: SystemTime) -> bool {
        self.volume_stands_since.is_some_and(|since| since + span < now)
    }

    /// Whether the group's number and members have been as they are for longer than that.
    pub(super) fn group_stands_for(&self, span: Duration, now: SystemTime) -> bool {
        self.group_stands_since.is_some_and(|since| since + span < now)
    }

    /// Whether Systems Manager has been silent for longer than that.
    pub(super) fn is_silent_for(&self, span: Duration, now: SystemTime) -> bool {
        self.silent_since.is_some_and(|since| since + span < now)
    }

    /// The holder has said that it serves from the volume.
    pub fn know_arrival(&mut self) {
        if let Some(volume) = &mut self.volume {
            volume.know_arrival();
        }
    }

    /// The node's own volume is in nobody's way.
    pub fn forget_own_device(&mut self) {
        for instance in self.instances.values_mut() {
            instance.device_taken_by.take_if(|volume| *volume == self.declaration.volume);
        }
    }
}

/// [`Observed::lacks_holder`], of so much of a node as it needs.
pub fn lacks_holder(
    group: &Group,
    instances: &BTreeMap<InstanceId, Instance>,
    volume: Option<&Volume>,
    release: ReleaseState,
) -> bool {
    let is_held = volume.and_then(|volume| volume.attachments.first()).is_some_and(|held| {
        let instance = instances.get(&held.instance);
        let lives = instance.is_some_and(|it| matches!(it.state, InstanceState::Pending | InstanceState::Running));
        let is_ours = instance.is_some_and(|it| it.of_group) || group.members.contains_key(&held.instance);
        lives && is_ours && held.state == AttachmentState::Attached
    });
    let has_let_go = match release {
        ReleaseState::NotStarted
        | ReleaseState::Running { .. }
        | ReleaseState::Failed { .. }
        | ReleaseState::Undelivered { .. }
        | ReleaseState::Unanswered { .. } => false,
        ReleaseState::Marked
        | ReleaseState::Released { .. }
        | ReleaseState::Resuming { .. }
        | ReleaseState::StillResuming { .. }
        | ReleaseState::ResumeFailed { .. } => true,
    };
    group.desired_capacity > 0 && (!is_held || has_let_go)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub desired_capacity: i32,
    /// The zones in which it may launch instances, such as `eu-central-1a`.
    pub zones: BTreeSet<String>,
    /// The fewest instances that it may be asked for.
    pub min_size: i32,
    /// The most instances that it may be asked for.
    pub max_size: i32,
    /// Whether its Launch process is suspended: then an instance that ends has no successor.
    pub launch_suspended: bool,
    /// Capacity Rebalancing: the group launches a replacement when an instance is warned.
    pub rebalances: bool,
    /// A tag that it propagates to its instances, with a key that metadata forbids.
    pub tag_not_for_metadata: Option<String>,
    /// A tag of the node that it does not propagate to its instances.
    pub tag_not_propagated: Option<String>,
    /// Its instances. A group of 1 may well list two.
    pub members: BTreeMap<InstanceId, Lifecycle>,
}

impl Group {
    /// The lifecycle actions that it shows, of whichever hook.
    pub fn waiting(&self) -> impl Iterator<Item = (&InstanceId, Transition)> {
        self.members.iter().filter_map(|(id, state)| match state {
            Lifecycle::Launching { waits: true } => Some((id, Transition::Launching)),
            Lifecycle::Terminating { waits: true } => Some((id, Transition::Terminating)),
            Lifecycle::Launching { waits: false }
            | Lifecycle::Terminating { waits: false }
            | Lifecycle::InService
            | Lifecycle::Retained
            | Lifecycle::Standby
            | Lifecycle::Elsewhere => None,
        })
    }

    /// A group that is not there any more: it has no members and wants none.
    pub fn gone() -> Group {
        Group {
            desired_capacity: 0,
            zones: BTreeSet::new(),
            min_size: 0,
            max_size: 0,
            launch_suspended: false,
            rebalances: false,
            tag_not_for_metadata: None,
            tag_not_propagated: None,
            members: BTreeMap::new(),
        }
    }
}

/// Where an instance is in its group's life cycle: Auto Scaling's `LifecycleState`, of which we tell these apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// `Pending`, `Pending:Wait`, `Pending:Proceed`.
    Launching { waits: bool },
    /// `InService`, and the states of a root volume that is replaced in place.
    InService,
    /// `Terminating`, `Terminating:Wait`, `Terminating:Proceed`, `Terminated`.
    Terminating { waits: bool },
    /// `Terminating:Retained`: runs on forever, counts for nothing, and may still hold the volume.
    Retained,
    /// `EnteringStandby`, `Standby`: set aside by a person.
    Standby,
    /// All others: `Detaching`, `Detached`, `Quarantined`, the `Warmed:` states, and those of the future.
    Elsewhere,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub state: InstanceState,
    /// When it was launched. If EC2 does not say, the instance is not taken as booted because of its age.
    pub launched: Option<SystemTime>,
    /// That it was launched from.
    pub image: Option<ImageId>,
    pub zone: String,
    pub private_ip: Option<Ipv4Addr>,
    /// Whether its `aws:autoscaling:groupName` tag, which nobody but AWS can write, names the node's group.
    pub of_group: bool,
    /// What it is warned of, as its tag says.
    pub risk: Option<Risk>,
    pub stop: Stop,
    /// Whether it was launched so that it can hibernate (`HibernationOptions.Configured`). Then `stopped` does not say that
    /// it has unmounted anything: its memory is on the disk, and it goes on where it was when it is started.
    pub hibernates: bool,
    /// What EC2 has attached where the node's volume belongs, if that is anything else.
    pub device_taken_by: Option<VolumeId>,
    /// Whether it has the tag `durin:volume-id`: the functions' roles let them ask, and attach a volume to, no other instance.
    pub is_declared: bool,
    /// Whether its metadata shows its tags; none if EC2 does not say.
    pub tags_in_metadata: Option<bool>,
}

/// Whether EC2 is going to stop or retire an instance: its scheduled events of the kinds `instance-stop` and
/// `instance-retirement` that are neither completed nor cancelled (DescribeInstanceStatus).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// Nobody has asked, or EC2 has not answered. A mark of a retirement is believed.
    #[default]
    Unknown,
    /// EC2 was asked, and there is no such event: a retirement that was marked has been called off.
    None,
    /// The earliest `NotBefore`. EC2 may do it later, never sooner.
    At(SystemTime),
}

impl Stop {
    pub fn time(self) -> Option<SystemTime> {
        match self {
            Stop::Unknown | Stop::None => None,
            Stop::At(time) => Some(time),
        }
    }
}

impl Instance {
    /// Whether it is one of the group's that finds no tags in its metadata.
    pub fn hides_tags(&self) -> bool {
        self.of_group && self.tags_in_metadata == Some(false)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    Pending,
    Running,
    Stopping,
    Stopped,
    /// `shutting-down` or `terminated`: it will not run again.
    Dead,
}

/// What Systems Manager says of the holder and its successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    pub agents: Agents,
    pub state: ReleaseState,
}

/// What Systems Manager lists of agents. Not to know is not to have none: an instance that it does not list has not booted,
/// or its image has no agent; of one whose agent is unknown nothing follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agents {
    Listed {
        online: BTreeSet<InstanceId>,
        /// Once online, and not heard of now. Their images have an agent, and they may serve.
        lost: BTreeSet<InstanceId>,
    },
    /// Systems Manager has given no answer.
    Unknown,
}

impl Agents {
    pub fn is_online(&self, instance: &InstanceId) -> bool {
        match self {
            Agents::Listed { online, .. } => online.contains(instance),
            Agents::Unknown => false,
        }
    }

    /// Whether its agent was ever online.
    pub fn lists(&self, instance: &InstanceId) -> bool {
        match self {
            Agents::Listed { online, lost } => online.contains(instance) || lost.contains(instance),
            Agents::Unknown => false,
        }
    }
}

/// How far the release of the holder is, by the commands that were sent to it since the volume was attached.
///
/// A success is evidence of one moment. The instance may have been rebooted since, and then it has the volume mounted
/// again, so an old one only says whom to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseState {
    /// Not asked for, or taken back.
    NotStarted,
    /// It has let go of an earlier attachment, and not been rebooted since as far as anybody knows: what it left behind keeps
    /// it from mounting the volume, and says nothing of this attachment.
    Marked,
    /// It runs, or is on its way.
    Running { since: SystemTime },
    /// Stopped, synced, unmounted: last seen so at this time.
    Released { at: SystemTime },
    /// It failed, timed out or was cancelled on the way. k3s may be stopped.
    Failed { at: SystemTime },
    /// It never reached the holder, so nothing was stopped: Systems Manager has refused it, or says that it was not delivered.
    Undelivered { at: SystemTime },
    /// Systems Manager has not answered, and lists no such command: it may be on its way, or it was never taken.
    Unanswered {
        /// Of the first of such attempts, in a row.
        since: SystemTime,
        /// Of the last one.
        at: SystemTime,
    },
    /// The holder has been asked to serve again.
    Resuming { since: SystemTime },
    /// It has answered that it cannot yet and that nothing has failed, first and last at these times: a check of the file
    /// system takes as long as it takes, and whoever has the volume's device open may be repairing it.
    StillResuming { since: SystemTime, at: SystemTime },
    /// It has not come to serve again, so many times since it let go, and last at this time.
    ResumeFailed { at: SystemTime, times: usize },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    pub state: VolumeState,
    pub zone: String,
    /// Whether it is tagged as a data volume. The functions' roles allow them to move no other.
    pub is_data: bool,
    /// The group whose node it belongs to, by its own tag.
    pub node: Option<String>,
    /// The ARN of its key, if it is encrypted.
    pub key: Option<String>,
    /// Its attachments: at most one, unless somebody switched on multi-attach.
    pub attachments: Vec<Attachment>,
}

impl Volume {
    /// It is mounted, so it has arrived, whatever EC2 said before.
    pub fn know_arrival(&mut self) {
        for held in &mut self.attachments {
            if held.state == AttachmentState::Attaching {
                held.state = AttachmentState::Attached;
            }
        }
    }
}

/// A volume that is attached stays so, but could be attached to nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusableKey {
    /// Its ARN.
    pub arn: String,
    pub problem: KeyProblem,
}

/// AWS KMS Developer Guide, "Key states of AWS KMS keys".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    #[error("is disabled: enable it (aws kms enable-key)")]
    Disabled,
    #[error("is going to be deleted: keep it (aws kms cancel-key-deletion, then aws kms enable-key)")]
    PendingDeletion,
    /// It has been deleted, or is in a state in which nobody can use it.
    #[error("cannot be used: copy a snapshot of the volume under another key while an instance still has it attached")]
    Unavailable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeState {
    Creating,
    Available,
    InUse,
    /// `deleting`, `deleted`, `error`, and all others that cannot be attached.
    Unusable(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub instance: InstanceId,
    pub state: AttachmentState,
    /// When it was asked for. A release from before then was another one; if EC2 does not say, none counts.
    pub since: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachmentState {
    Attaching,
    Attached,
    /// `detaching`, or `busy`: EC2 was asked to detach, but the holder still has it mounted.
    Detaching,
}
