//! Why nothing is done until a person has acted.

use std::time::SystemTime;

use crate::declaration::TagError;
use crate::ids::{GroupName, HostedZoneId, InstanceId, RecordName, VolumeId};
use crate::lifecycle::Transition;
use crate::node::hooks::HookProblem;
use crate::node::observed::KeyProblem;
use crate::shell::{node_tag, quoted};
use crate::times::timestamp;

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
        "the Launch process of the Auto Scaling group {group} is suspended, so it cannot launch a successor for {holder}, which \
         has to go: aws autoscaling resume-processes --auto-scaling-group-name {} --scaling-processes Launch",
        quoted(.group.as_str())
    )]
    LaunchSuspended { group: GroupName, holder: InstanceId },
    /// Its holder serves on, unless EC2 takes it.
    #[error(
        "{newcomer} was launched to be the node of the Auto Scaling group {group} and is not fit for it ({why}): publish an \
         image that is (just rollback, or a new bake)"
    )]
    Unfit { group: GroupName, newcomer: InstanceId, why: String },
    /// Its holder serves on, unless EC2 takes it or its group ends it.
    #[error(
        "{newcomer} was launched to be the node of the Auto Scaling group {group}, but cannot be asked whether it is fit for it \
         ({why}), while {holder} can, and keeps the volume: publish an image that has the durin-node of this release (just \
         rollback, or a new bake), or restore the document or permission that is missing"
    )]
    CannotAnswer { group: GroupName, newcomer: InstanceId, holder: InstanceId, why: String },
    /// The newcomer is given up in the end, and its holder stays: silence does not tell an image without an agent from one that
    /// does not boot.
    #[error(
        "{newcomer} was launched to be the node of the Auto Scaling group {group}, but its Systems Manager agent does not come \
         online, and neither is that of {holder}, which has the volume and could not release it in order: publish an image that \
         has the agent (just rollback, or a new bake), and restart amazon-ssm-agent on {holder}; or, if your images do without \
         the agent, end {holder} (aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {holder} \
         --no-should-decrement-desired-capacity)"
    )]
    NeitherIsOnline { group: GroupName, newcomer: InstanceId, holder: InstanceId },
    /// The holder stays, as far as anybody knows in good health.
    #[error(
        "{newcomer} was launched to follow {holder}, which is the node of the Auto Scaling group {group}, but Systems Manager \
         does not answer the functions, so Durin cannot tell whether the agent of {newcomer} is online, and {holder} stays until \
         it can: see whether Systems Manager has an outage in this region (AWS Health), and which call it refuses (the log of \
         durin-node-lifecycle)"
    )]
    NothingIsHeard { group: GroupName, newcomer: InstanceId, holder: InstanceId },
    /// The holder serves, and the next newcomer is likely to end like this one. Beside a host that retires it is launched an
    /// hour later; and if two have cost an outage, the holder lets go for no third within an hour.
    #[error(
        "{newcomer} was launched to follow {holder}, which is the node of the Auto Scaling group {group}, but ended without \
         taking over, and the next one may do the same: see why (aws ec2 get-console-output --instance-id {newcomer} shows it \
         for an hour), and publish an image that boots and has the agent (just rollback, or a new bake); if {holder} should go \
         without waiting for that, end it (aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {holder} \
         --no-should-decrement-desired-capacity)"
    )]
    FollowedInVain { group: GroupName, holder: InstanceId, newcomer: InstanceId },
    #[error(
        "the Auto Scaling group {group} has two instances, of which {holder} is the node; Durin does not end {spare} while the \
         group's Launch process is suspended, because the group could replace neither: aws autoscaling resume-processes \
         --auto-scaling-group-name {} --scaling-processes Launch",
        quoted(.group.as_str())
    )]
    SpareWhileLaunchSuspended { group: GroupName, holder: InstanceId, spare: InstanceId },
    #[error(
        "the Launch process of the Auto Scaling group {group} is suspended, and it has no instance that could be the node: \
         aws autoscaling resume-processes --auto-scaling-group-name {} --scaling-processes Launch",
        quoted(.group.as_str())
    )]
    NobodyWhileLaunchSuspended { group: GroupName },
    /// It is kept, because it could serve again.
    #[error(
        "{holder} has taken over from {spare} in the Auto Scaling group {group}, but has not said that it serves; until it does, \
         Durin keeps {spare}, which could serve again: see what is wrong (journalctl -u k3s on {holder}); to have {spare} serve \
         again, run aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {holder} \
         --should-decrement-desired-capacity; if {holder} does serve, run the same with --instance-id {spare}"
    )]
    NotKnownToServe { group: GroupName, holder: InstanceId, spare: InstanceId },
    /// It serves until a day before that.
    #[error(
        "EC2 will stop {holder} at {}, and the Auto Scaling group {group} finds no capacity for its successor; a day before that, \
         Durin ends {holder} even without a successor: give the group more instance types, or an On-Demand instance (aws autoscaling \
         describe-scaling-activities --auto-scaling-group-name {} --max-items 3 shows what is missing)",
        timestamp(*.stop), quoted(.group.as_str())
    )]
    NoCapacity { group: GroupName, holder: InstanceId, stop: SystemTime },
    #[error(
        "{holder} has to go, but the Auto Scaling group {group} is not allowed to launch its successor first: aws autoscaling \
         update-auto-scaling-group --auto-scaling-group-name {} --max-size 2",
        quoted(.group.as_str())
    )]
    MaximumTooSmall { group: GroupName, holder: InstanceId },
    #[error(
        "the Auto Scaling group {group} has a minimum size of {min}, but a node is one instance: aws autoscaling \
         update-auto-scaling-group --auto-scaling-group-name {} --min-size 1",
        quoted(.group.as_str())
    )]
    MinimumTooLarge { group: GroupName, min: i32 },
    /// Time and again.
    #[error(
        "the Auto Scaling group {group} refuses to end {instance}, which is not the node: aws autoscaling \
         describe-scaling-activities --auto-scaling-group-name {} shows what it is doing; once that is over, run aws \
         autoscaling terminate-instance-in-auto-scaling-group --instance-id {instance} --should-decrement-desired-capacity",
        quoted(.group.as_str())
    )]
    EndRefused { group: GroupName, instance: InstanceId },
    #[error(
        "{successor} has {by} attached as /dev/sdf, where {volume} belongs: remove that device from the image or the launch \
         template"
    )]
    DeviceTaken { volume: VolumeId, successor: InstanceId, by: VolumeId },
    /// Whoever holds the volume keeps it, unless EC2 takes the holder.
    #[error(
        "{successor} has no tag durin:volume-id, so the functions may neither ask it nor attach {volume} to it: have the Auto \
         Scaling group {group} propagate that tag (PropagateAtLaunch=true), and run aws ec2 create-tags --resources \
         {successor} --tags Key=durin:volume-id,Value={volume}"
    )]
    NotDeclared { group: GroupName, volume: VolumeId, successor: InstanceId },
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
    /// The functions' roles do not let them move it.
    #[error(
        "{volume} is not tagged durin:volume=data, so the functions may not move it: if it is the data volume of the node \
         {group}, run aws ec2 create-tags --resources {volume} --tags Key=durin:volume,Value=data"
    )]
    NotTaggedAsData { group: GroupName, volume: VolumeId },
    /// The volume's own tag names another group.
    #[error(
        "the tag durin:volume-id of the Auto Scaling group {group} names {volume}, which is tagged durin:node={node}: correct \
         the group's tag, or, if the volume is this node's now, run aws ec2 create-tags --resources {volume} --tags \
         {}",
        node_tag(.group.as_str())
    )]
    VolumeOfAnotherNode { group: GroupName, volume: VolumeId, node: String },
    /// The volume is free, and only the group's tag says that it is the node's.
    #[error(
        "the tag durin:volume-id of the Auto Scaling group {group} names {volume}, which has no tag durin:node that agrees: \
         correct the group's tag, or, if the volume is this node's, run aws ec2 create-tags --resources {volume} --tags \
         {}",
        node_tag(.group.as_str())
    )]
    VolumeOfNoNode { group: GroupName, volume: VolumeId },
    /// The run fails, and is tried again.
    #[error(
        "the Auto Scaling group {group} shows {instance} waiting in a lifecycle hook at {}, but Auto Scaling says that it does \
         not wait for {}: the function tries again; if the instance is still waiting then, it waits for another hook (aws \
         autoscaling describe-lifecycle-hooks --auto-scaling-group-name {})",
        .transition.name(), .transition.hook(), quoted(.group.as_str())
    )]
    ActionDenied { group: GroupName, instance: InstanceId, transition: Transition },
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
    /// EC2 has had more time to free it than the end of an instance takes.
    #[error(
        "{volume} is still attached to {holder}, which is terminated or no longer listed by EC2: run aws ec2 \
         detach-volume --volume-id {volume} --instance-id {holder}; if EC2 refuses that, only AWS Support can free the volume"
    )]
    NeverFreed { volume: VolumeId, holder: InstanceId },
    #[error(
        "EC2 has been busy with {volume} for minutes, and nothing can be attached meanwhile: look at it with aws ec2 \
         describe-volumes --volume-ids {volume}; if it stays like that, only AWS Support can free it"
    )]
    NeverAvailable { volume: VolumeId },
    /// By a person: Durin asks EC2 for a detachment only after a release.
    #[error(
        "somebody has asked EC2 to detach {volume} from {holder}, which, as far as Durin knows, has it mounted, so that EC2 \
         detaches it only once it is unmounted: to hand the node over in order, run aws autoscaling \
         terminate-instance-in-auto-scaling-group --instance-id {holder} --no-should-decrement-desired-capacity"
    )]
    DetachedWhileMounted { volume: VolumeId, holder: InstanceId },
    #[error(
        "{holder} has released the volume, no successor has come, and Systems Manager cannot reach it to have it serve again. If \
         it does not serve: aws ec2 reboot-instances --instance-ids {holder}"
    )]
    CannotBeAsked { holder: InstanceId },
    /// It is asked again.
    #[error(
        "{holder} has released the volume, no successor has come, and for ten minutes {holder} has answered that it cannot serve \
         from the volume again yet (its file system is still being checked, or something has its device open): look at \
         journalctl -u durin-volume on it, and end whatever has the device open for no good reason (fuser -v DEVICE lists it)"
    )]
    ServesNotYet { holder: InstanceId },
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
    /// It serves now; the next launch may be in vain.
    #[error(
        "the Auto Scaling group {group} may launch instances in {zone}, to which {volume} cannot follow: give the group only subnets in {volume_zone}"
    )]
    ZoneElsewhere { group: GroupName, zone: String, volume: VolumeId, volume_zone: String },
    /// It serves now; the next hand-off may be cut short, or nobody may hear of it.
    #[error(
        "the lifecycle hook {} of the Auto Scaling group {group} is not what a node needs ({}): {}",
        .problem.transition.hook(), .problem.flaw, .problem.cure(.group)
    )]
    Hook { group: GroupName, problem: HookProblem },
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
        "EC2 refuses to attach {volume} to {successor} ({problem}): check what is attached to the instance, at /dev/sdf above all, and what the functions' roles allow"
    )]
    AttachRefused { volume: VolumeId, successor: InstanceId, problem: String },
    /// The holder must go but is protected against termination.
    #[error(
        "{holder} holds the volume and has to go, but EC2 refuses to terminate it ({problem}): switch its termination protection off"
    )]
    TerminationRefused { holder: InstanceId, problem: String },
}
