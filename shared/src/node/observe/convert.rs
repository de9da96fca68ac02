//! From the SDK's types to ours. What AWS leaves out or may invent one day becomes the harmless case.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::types as autoscaling;
use aws_sdk_ec2::types as ec2;
use aws_sdk_route53::types as route53;

use crate::ids::{GroupName, InstanceId, VolumeId};
use crate::node::observed::{
    ARecord, Attachment, AttachmentState, Group, Instance, InstanceState, Lifecycle, Record, Volume, VolumeState,
};

/// The tag with which Auto Scaling marks its instances; `aws:` tags cannot be written by anybody else.
pub(super) const GROUP_TAG: &str = "aws:autoscaling:groupName";

pub(super) fn group(group: &autoscaling::AutoScalingGroup) -> Group {
    Group {
        desired_capacity: group.desired_capacity.unwrap_or_default(),
        members: group
            .instances()
            .iter()
            .filter_map(|member| {
                let id = InstanceId::new(member.instance_id()?).ok()?;
                let state = member.lifecycle_state().map_or("", autoscaling::LifecycleState::as_str);
                Some((id, lifecycle(state)))
            })
            .collect(),
    }
}

pub(super) fn group_tags(group: &autoscaling::AutoScalingGroup) -> BTreeMap<String, String> {
    group
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
        .collect()
}

fn lifecycle(state: &str) -> Lifecycle {
    match state {
        "Pending" | "Pending:Proceed" => Lifecycle::Launching { waits: false },
        "Pending:Wait" => Lifecycle::Launching { waits: true },
        "InService"
        | "ReplacingRootVolume"
        | "ReplacingRootVolume:Wait"
        | "ReplacingRootVolume:Proceed"
        | "RootVolumeReplaced" => Lifecycle::InService,
        "Terminating" | "Terminating:Proceed" | "Terminated" => Lifecycle::Terminating { waits: false },
        "Terminating:Wait" => Lifecycle::Terminating { waits: true },
        "Terminating:Retained" => Lifecycle::Retained,
        "EnteringStandby" | "Standby" => Lifecycle::Standby,
        _ => Lifecycle::Elsewhere,
    }
}

/// The instance, and the group that its tag names.
pub(super) fn instance(instance: &ec2::Instance) -> Option<(InstanceId, Option<GroupName>, Instance)> {
    let id = InstanceId::new(instance.instance_id()?).ok()?;
    let group = instance
        .tags()
        .iter()
        .find(|tag| tag.key() == Some(GROUP_TAG))
        .and_then(|tag| GroupName::new(tag.value()?).ok());
    let state = match instance.state().and_then(|state| state.name())? {
        ec2::InstanceStateName::Running => InstanceState::Running,
        ec2::InstanceStateName::Stopping => InstanceState::Stopping,
        ec2::InstanceStateName::Stopped => InstanceState::Stopped,
        ec2::InstanceStateName::ShuttingDown | ec2::InstanceStateName::Terminated => InstanceState::Dead,
        // `pending`, and states of the future: not running, and not known to be dead.
        _ => InstanceState::Pending,
    };
    let launched = instance.launch_time().and_then(|time| u64::try_from(time.secs()).ok()).unwrap_or_default();
    let seen = Instance {
        state,
        launched: SystemTime::UNIX_EPOCH + Duration::from_secs(launched),
        zone: instance.placement().and_then(|placement| placement.availability_zone()).unwrap_or_default().to_owned(),
        private_ip: instance.private_ip_address().and_then(|address| address.parse().ok()),
        of_group: false,
    };
    Some((id, group, seen))
}

pub(super) fn volume(volume: &ec2::Volume) -> Option<(VolumeId, Volume)> {
    let id = VolumeId::new(volume.volume_id()?).ok()?;
    let state = match volume.state()? {
        ec2::VolumeState::Creating => VolumeState::Creating,
        ec2::VolumeState::Available => VolumeState::Available,
        ec2::VolumeState::InUse => VolumeState::InUse,
        other => VolumeState::Unusable(other.as_str().to_owned()),
    };
    let attachments = volume.attachments().iter().filter_map(attachment).collect();
    let zone = volume.availability_zone().unwrap_or_default().to_owned();
    Some((id, Volume { state, zone, attachments }))
}

fn attachment(attachment: &ec2::VolumeAttachment) -> Option<Attachment> {
    let state = match attachment.state()? {
        ec2::VolumeAttachmentState::Attached => AttachmentState::Attached,
        ec2::VolumeAttachmentState::Detached => return None,
        ec2::VolumeAttachmentState::Detaching | ec2::VolumeAttachmentState::Busy => AttachmentState::Detaching,
        // `attaching`, and states of the future: somebody's, but not there yet.
        _ => AttachmentState::Attaching,
    };
    Some(Attachment { instance: InstanceId::new(attachment.instance_id()?).ok()?, state })
}

/// What the first record set at or after the node's name and type A says about the node's record.
pub(super) fn record(name: &str, first: Option<&route53::ResourceRecordSet>) -> Record {
    let Some(found) = first.filter(|found| found.name() == name) else { return Record::Absent };
    if *found.r#type() == route53::RrType::Cname {
        return Record::Foreign("a CNAME record".to_owned());
    }
    if *found.r#type() != route53::RrType::A {
        return Record::Absent;
    }
    if found.set_identifier().is_some() {
        return Record::Foreign("an A record with a routing policy".to_owned());
    }
    match (found.ttl(), found.resource_records()) {
        (Some(ttl_s), [value]) => Record::Simple(ARecord { address: value.value().to_owned(), ttl_s }),
        (Some(_), values) => Record::Foreign(format!("an A record with {} addresses", values.len())),
        (None, _) => Record::Foreign("an alias".to_owned()),
    }
}
