//! The steps that a node can need next. Every one that does nothing carries its reason.

use crate::declaration::TagError;
use crate::ids::{GroupName, HostedZoneId, InstanceId, RecordName, VolumeId};
use crate::lifecycle::Transition;
use crate::node::observed::{ARecord, KeyProblem};
use crate::risk::Risk;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Attach {
        /// It runs and is in the volume's zone.
        successor: InstanceId,
    },
    /// Mark an instance as at risk, for every function to see.
    Mark {
        instance: InstanceId,
        risk: Risk,
    },
    /// Have the group launch a replacement for a holder that is going to be taken away. The holder goes on serving,
    /// held by the terminate hook.
    Replace {
        /// It runs, and is a member of the group.
        holder: InstanceId,
    },
    /// Have the group launch a successor beside a holder that has to go some day, by asking it for two instances.
    LaunchFirst {
        /// It is in service, and goes on serving.
        holder: InstanceId,
    },
    /// End one of two instances, and ask the group for one again.
    EndSpare {
        /// It is a member of the group, and does not hold the volume.
        instance: InstanceId,
    },
    /// Ask the group for one instance again: the second has not come.
    RestoreCapacity {
        /// The only instance in service.
        holder: InstanceId,
    },
    /// Have a holder that has let go of the volume serve again.
    Resume {
        /// It runs, and nobody is there to follow it.
        holder: InstanceId,
    },
    /// Have the holder stop k3s, end its containers, sync and unmount.
    Release {
        /// It runs, and its agent is online.
        holder: InstanceId,
    },
    /// Detach the volume from a holder that has released it, or is stopped.
    Detach {
        /// Nothing on it can write to the volume any more.
        holder: InstanceId,
    },
    /// Terminate a holder that is alive and has to go; EC2 frees the volume when it is gone.
    Terminate {
        /// It is a member of the group, or was.
        holder: InstanceId,
    },
    /// Write down in the zone that the name is the node's, provided that nothing there claims it.
    ClaimName,
    /// Move the record, provided that it still stands as it was read.
    PointRecord {
        /// As it was read; none if there was none.
        from: Option<ARecord>,
        to: ARecord,
    },
    Complete {
        instance: InstanceId,
        transition: Transition,
        result: ActionResult,
    },
    Wait(WaitFor),
    Done(Done),
    /// Nothing that a function should do: a person has to mend the set-up.
    Blocked(Blocked),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionResult {
    Continue,
    /// Give the launch up; the group terminates the instance and launches another.
    Abandon,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitFor {
    /// EC2 is still making the volume.
    #[error("the volume to become available")]
    Volume,
    #[error("{successor} to run")]
    Running { successor: InstanceId },
    #[error("{successor} to have an address")]
    Address { successor: InstanceId },
    /// The successor runs, but its operating system is still coming up; the holder serves meanwhile.
    #[error("{successor} to boot")]
    Booted { successor: InstanceId },
    /// The holder is going to go, and its group has not launched a replacement yet; the holder serves meanwhile.
    #[error("the group to launch a replacement of {holder}")]
    Replacement { holder: InstanceId },
    #[error("{holder} to release the volume")]
    Released { holder: InstanceId },
    /// It had let go of the volume, and nobody followed.
    #[error("{holder} to serve again")]
    Resumed { holder: InstanceId },
    /// Only an instance in service is replaced before it ends.
    #[error("{holder} to go into service")]
    InService { holder: InstanceId },
    /// The volume is on its way to the successor.
    #[error("the volume to be attached to {successor}")]
    Attached { successor: InstanceId },
    /// The volume is on its way back from the holder.
    #[error("the volume to leave {holder}")]
    Detached { holder: InstanceId },
    /// The holder is dying; EC2 frees the volume when it is gone.
    #[error("{holder} to be gone and EC2 to free the volume")]
    HolderGone { holder: InstanceId },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Done {
    /// The holder is the group's instance, the record names it, no action of ours waits.
    #[error("{holder} holds the volume and the record names it")]
    Serves { holder: InstanceId },
    /// The group has no instance that could take over; its next launch comes with an event of its own.
    #[error("the group has no instance that could take over yet")]
    NoSuccessor,
    /// The holder has to go some day. The group tries on its own to launch the second instance that it was asked for, and
    /// that launch comes with an event of its own.
    #[error("{holder} serves until the group has capacity for its successor")]
    AwaitsCapacity { holder: InstanceId },
    /// The lifecycle action was about the warm pool or a root volume.
    #[error("{instance} goes to or from the warm pool, or has its root volume replaced: the node stays where it is")]
    NoMove { instance: InstanceId },
    /// The instance that was warned is gone, or has none of our tags.
    #[error("{instance} is gone, or has no {} tag: it is not an instance of a Durin node", crate::tags::VOLUME_ID)]
    NotANode { instance: InstanceId },
    /// The group has none of our tags.
    #[error("the Auto Scaling group {group} has no {} tag: it is not a Durin node", crate::tags::VOLUME_ID)]
    NotOurs { group: GroupName },
}

/// A mistake in the set-up: what is wrong, and what a person can do about it. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    #[error(transparent)]
    Tags(#[from] TagError),
    #[error("the Auto Scaling group {group} has desired capacity {desired}, but a node is one instance: set it to 1")]
    DesiredCapacity { group: GroupName, desired: i32 },
    /// The tag names a volume that EC2 does not list.
    #[error(
        "the tag durin:volume-id of the Auto Scaling group {group} names {volume}, which does not exist in this region: correct the tag or restore the volume"
    )]
    NoSuchVolume { group: GroupName, volume: VolumeId },
    /// The volume cannot be attached any more.
    #[error(
        "the volume {volume} is in the state {state:?}: restore it from a snapshot and correct the tag durin:volume-id"
    )]
    UnusableVolume { volume: VolumeId, state: String },
    #[error(
        "the Launch process of the Auto Scaling group {group} is suspended, so nothing could follow {holder}, which has to \
         go: aws autoscaling resume-processes --auto-scaling-group-name {group} --scaling-processes Launch"
    )]
    LaunchSuspended { group: GroupName, holder: InstanceId },
    #[error(
        "{holder} has to go, and the Auto Scaling group {group} may not launch its successor first: aws autoscaling \
         update-auto-scaling-group --auto-scaling-group-name {group} --max-size 2"
    )]
    MaximumTooSmall { group: GroupName, holder: InstanceId },
    #[error(
        "{successor} has {by} attached as /dev/sdf, where {volume} belongs: remove that device from the image or the launch \
         template"
    )]
    DeviceTaken { volume: VolumeId, successor: InstanceId, by: VolumeId },
    /// Attached, the volume stays usable; detached, it could not be attached again.
    #[error("EC2 could not attach {volume}, because its key {key} {problem}")]
    KeyUnusable { volume: VolumeId, key: String, problem: KeyProblem },
    #[error(
        "{holder} holds the volume, but has no private IPv4 address for the record: give the Auto Scaling group {group} \
         subnets with IPv4"
    )]
    NoAddress { group: GroupName, holder: InstanceId },
    #[error(
        "the Auto Scaling groups {group} and {other} both declare the record {name} in the hosted zone {zone}, which \
         Durin therefore moves only for the one that its TXT record names: correct the tag durin:record-name of the other"
    )]
    SharedRecord { group: GroupName, other: GroupName, name: RecordName, zone: HostedZoneId },
    #[error(
        "the Auto Scaling groups {group} and {other} both declare the volume {volume}, which Durin therefore attaches only \
         to the one that its tag durin:node names: correct the tag durin:volume-id of the other"
    )]
    SharedVolume { group: GroupName, other: GroupName, volume: VolumeId },
    #[error(
        "{name} in the hosted zone {zone} could not be brought up to date ({problem}); the volume does not wait for it, and \
         the next run tries again"
    )]
    RecordUnavailable { name: RecordName, zone: HostedZoneId, problem: String },
    /// The volume's own tag names another group.
    #[error(
        "the tag durin:volume-id of the Auto Scaling group {group} names {volume}, which is tagged durin:node={node}: correct \
         the group's tag, or, if the volume is this node's now, run aws ec2 create-tags --resources {volume} --tags \
         'Key=durin:node,Value={group}'"
    )]
    VolumeOfAnotherNode { group: GroupName, volume: VolumeId, node: String },
    /// The volume is free, and only the group's tag says that it is the node's.
    #[error(
        "the tag durin:volume-id of the Auto Scaling group {group} names {volume}, which has no tag durin:node that agrees: \
         correct the group's tag, or, if the volume is this node's, run aws ec2 create-tags --resources {volume} --tags \
         'Key=durin:node,Value={group}'"
    )]
    VolumeOfNoNode { group: GroupName, volume: VolumeId },
    /// The volume is attached to several instances.
    #[error(
        "the volume {volume} is attached to several instances: detach it from all but the node's and switch Multi-Attach off"
    )]
    MultiAttach { volume: VolumeId },
    /// The volume is attached to an instance that is none of the group's.
    #[error(
        "the volume {volume} is attached to {holder}, which is not an instance of the node's group: detach it there, and the node takes it back"
    )]
    ForeignHolder { volume: VolumeId, holder: InstanceId },
    /// The successor runs in another zone than the volume.
    #[error(
        "the volume {volume} is in {volume_zone}, but the Auto Scaling group {group} launched {successor} in {successor_zone}: give the group only subnets in {volume_zone}"
    )]
    ZoneMismatch {
        group: GroupName,
        volume: VolumeId,
        volume_zone: String,
        successor: InstanceId,
        successor_zone: String,
    },
    /// The tag names a zone that Route 53 does not have.
    #[error(
        "the tag durin:hosted-zone-id of the Auto Scaling group {group} names {zone}, which does not exist: correct the tag"
    )]
    NoSuchZone { group: GroupName, zone: HostedZoneId },
    /// The functions' roles do not name the zone. A tag alone must not open one.
    #[error(
        "the functions may not write in the hosted zone {zone}, which the tag durin:hosted-zone-id of the Auto Scaling group {group} names: if its owner agrees, run just deploy --hosted-zone {zone}; else correct the tag"
    )]
    ZoneNotAllowed { group: GroupName, zone: HostedZoneId },
    /// What stands under the node's name is nothing that Durin writes.
    #[error(
        "{name} in the hosted zone {zone} is {what}, which Durin never touches: remove it, or correct the tag durin:record-name"
    )]
    ForeignRecord { name: RecordName, zone: HostedZoneId, what: String },
    /// Route 53 refuses the record for good, for example because its name is not in the zone.
    #[error(
        "Route 53 refuses {name} in the hosted zone {zone} ({problem}): correct the tags durin:record-name and durin:hosted-zone-id"
    )]
    RecordRefused { name: RecordName, zone: HostedZoneId, problem: String },
    /// EC2 refuses to attach for good.
    #[error(
        "EC2 refuses to attach {volume} to {successor} ({problem}): free the device /dev/sdf on the instance, or one of its attachments"
    )]
    AttachRefused { volume: VolumeId, successor: InstanceId, problem: String },
    /// The holder must go but is protected against termination.
    #[error(
        "{holder} holds the volume and has to go, but EC2 refuses to terminate it ({problem}): switch its termination protection off"
    )]
    TerminationRefused { holder: InstanceId, problem: String },
}

impl Step {
    pub fn name(&self) -> &'static str {
        match self {
            Step::Attach { .. } => "attach",
            Step::Mark { .. } => "mark",
            Step::Replace { .. } => "replace",
            Step::LaunchFirst { .. } => "launch-first",
            Step::EndSpare { .. } => "end-spare",
            Step::RestoreCapacity { .. } => "restore-capacity",
            Step::Resume { .. } => "resume",
            Step::Release { .. } => "release",
            Step::Detach { .. } => "detach",
            Step::Terminate { .. } => "terminate",
            Step::ClaimName => "claim-name",
            Step::PointRecord { .. } => "point-record",
            Step::Complete { .. } => "complete",
            Step::Wait(_) => "wait",
            Step::Done(_) => "done",
            Step::Blocked(_) => "blocked",
        }
    }

    /// Why, in words for a log or a person.
    pub fn reason(&self) -> String {
        match self {
            Step::Attach { successor } => format!("the volume is free and {successor} runs"),
            Step::Mark { instance, risk } => format!("{instance} is at risk: {risk}"),
            Step::Replace { holder } => format!("{holder} is going to be taken away and has no successor yet"),
            Step::LaunchFirst { holder } => format!("{holder} has to go some day, and its successor is launched first"),
            Step::EndSpare { instance } => format!("a node is one instance, and {instance} is not it"),
            Step::RestoreCapacity { holder } => format!("a node is one instance, and {holder} is it"),
            Step::Resume { holder } => format!("{holder} has let go of the volume, and nobody follows"),
            Step::Release { holder } => format!("{holder} has to release the volume, as late as it can"),
            Step::Detach { holder } => format!("{holder} has let go of the volume"),
            Step::Terminate { holder } => format!("{holder} is alive and has to make way for its successor"),
            Step::ClaimName => "nothing in the zone claims the node's name yet".to_owned(),
            Step::PointRecord { from: Some(from), to } => {
                format!(
                    "the record says {} with TTL {} s, but the holder is at {} with TTL {} s",
                    from.address, from.ttl_s, to.address, to.ttl_s
                )
            }
            Step::PointRecord { from: None, to } => format!("there is no record, and the holder is at {}", to.address),
            Step::Complete { instance, transition: Transition::Launching, result: ActionResult::Continue } => {
                format!("{instance} has the volume and the record")
            }
            Step::Complete { instance, transition: Transition::Launching, result: ActionResult::Abandon } => {
                format!("{instance} cannot take over")
            }
            Step::Complete { instance, transition: Transition::Terminating, .. } => {
                format!("nothing keeps {instance} from going")
            }
            Step::Wait(wait) => format!("waiting for {wait}"),
            Step::Done(done) => done.to_string(),
            Step::Blocked(blocked) => blocked.to_string(),
        }
    }

    /// Whether the step takes something away that cannot be given back, so that it is taken only after a second, fresh
    /// look has come to the same decision.
    pub fn is_irreversible(&self) -> bool {
        match self {
            Step::Terminate { .. }
            | Step::Detach { .. }
            | Step::Release { .. }
            | Step::Resume { .. }
            | Step::Replace { .. }
            | Step::LaunchFirst { .. }
            | Step::EndSpare { .. }
            | Step::RestoreCapacity { .. } => true,
            // A newcomer that is given up is lost for good.
            Step::Complete { transition: Transition::Launching, result: ActionResult::Abandon, .. } => true,
            Step::Attach { .. }
            | Step::Mark { .. }
            | Step::ClaimName
            | Step::PointRecord { .. }
            | Step::Complete { .. }
            | Step::Wait(_)
            | Step::Done(_)
            | Step::Blocked(_) => false,
        }
    }
}
