//! From the SDK's types to ours. What AWS leaves out stays unknown, and what it may invent
//! one day becomes the harmless case.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::types as autoscaling;
use aws_sdk_ec2::types as ec2;
use aws_sdk_route53::types as route53;
use aws_smithy_types::DateTime;
use durin_decisions::node::{
    ARecord, Attachment, AttachmentState, Claim, DEVICE, Group, Instance, InstanceState, Lifecycle, Record, Stop,
    Volume, VolumeState,
};

use crate::ids::{GroupName, ImageId, InstanceId, VolumeId};
use crate::risk::Mark;
use crate::tags::{self, AT_RISK};

/// The tag with which Auto Scaling marks its instances; nobody else can write tags that begin with `aws:`.
pub(super) const GROUP_TAG: &str = "aws:autoscaling:groupName";

pub(super) fn group(group: &autoscaling::AutoScalingGroup) -> Group {
    Group {
        desired_capacity: group.desired_capacity.unwrap_or_default(),
        zones: group.availability_zones().iter().cloned().collect(),
        min_size: group.min_size.unwrap_or_default(),
        max_size: group.max_size.unwrap_or_default(),
        launch_suspended: group.suspended_processes().iter().any(|it| it.process_name() == Some("Launch")),
        rebalances: group.capacity_rebalance.unwrap_or_default(),
        tag_not_for_metadata: tag_not_for_metadata(group),
        tag_not_propagated: tag_not_propagated(group),
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

fn tag_not_for_metadata(group: &autoscaling::AutoScalingGroup) -> Option<String> {
    let propagated = group.tags().iter().filter(|tag| tag.propagate_at_launch == Some(true));
    propagated.filter_map(|tag| tag.key()).find(|key| tags::metadata_forbids(key)).map(str::to_owned)
}

fn tag_not_propagated(group: &autoscaling::AutoScalingGroup) -> Option<String> {
    let kept = group.tags().iter().filter(|tag| tag.propagate_at_launch == Some(false)).filter_map(|tag| tag.key());
    let mut of_node = kept.filter(|key| [tags::VOLUME_ID, tags::HOSTED_ZONE_ID, tags::RECORD_NAME].contains(key));
    of_node.next().map(str::to_owned)
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

/// An instance, and what its tags say.
pub(super) struct Listed {
    pub(super) id: InstanceId,
    /// The group that launched it.
    pub(super) group: Option<GroupName>,
    pub(super) instance: Instance,
}

pub(super) fn instance(instance: &ec2::Instance) -> Option<Listed> {
    let id = InstanceId::new(instance.instance_id()?).ok()?;
    let tag = |key| tagged(instance.tags(), key);
    let state = match instance.state().and_then(|state| state.name())? {
        ec2::InstanceStateName::Running => InstanceState::Running,
        ec2::InstanceStateName::Stopping => InstanceState::Stopping,
        ec2::InstanceStateName::Stopped => InstanceState::Stopped,
        ec2::InstanceStateName::ShuttingDown | ec2::InstanceStateName::Terminated => InstanceState::Dead,
        // `pending`, and states of the future: not running, and not known to be dead.
        _ => InstanceState::Pending,
    };
    let launched = instance.launch_time().and_then(time);
    let seen = Instance {
        state,
        launched,
        image: instance.image_id().and_then(|id| ImageId::new(id).ok()),
        zone: instance.placement().and_then(|placement| placement.availability_zone()).unwrap_or_default().to_owned(),
        private_ip: instance.private_ip_address().and_then(|address| address.parse().ok()),
        of_group: false,
        risk: tag(AT_RISK).and_then(Mark::parse).filter(|mark| mark.is_about(&id, launched)).map(|mark| mark.risk),
        // DescribeInstances does not say.
        stop: Stop::Unknown,
        hibernates: instance.hibernation_options().and_then(|options| options.configured()).unwrap_or_default(),
        device_taken_by: instance.block_device_mappings().iter().find_map(volume_in_the_way),
        is_declared: tag(tags::VOLUME_ID).is_some(),
        tags_in_metadata: instance
            .metadata_options()
            .and_then(|options| options.instance_metadata_tags())
            .map(|shown| *shown == ec2::InstanceMetadataTagsState::Enabled),
    };
    Some(Listed { id, group: tag(GROUP_TAG).and_then(|name| GroupName::new(name).ok()), instance: seen })
}

/// What is attached where the node's volume belongs: that volume, or another.
fn volume_in_the_way(mapping: &ec2::InstanceBlockDeviceMapping) -> Option<VolumeId> {
    let is_there = mapping.device_name() == Some(DEVICE);
    mapping.ebs().filter(|_| is_there).and_then(|ebs| VolumeId::new(ebs.volume_id()?).ok())
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
    let is_data = tagged(volume.tags(), tags::VOLUME) == Some(tags::DATA);
    let node = tagged(volume.tags(), tags::NODE).map(str::to_owned);
    let key = volume.kms_key_id().map(str::to_owned);
    Some((id, Volume { state, zone, is_data, node, key, attachments }))
}

fn tagged<'a>(tags: &'a [ec2::Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key() == Some(key)).and_then(ec2::Tag::value)
}

fn attachment(attachment: &ec2::VolumeAttachment) -> Option<Attachment> {
    attachment_of(attachment.state()?, attachment.instance_id()?, attachment.attach_time())
}

/// An attachment, as EC2 lists it or answers a change of it; none if it is over.
pub(super) fn attachment_of(
    state: &ec2::VolumeAttachmentState,
    instance: &str,
    since: Option<&DateTime>,
) -> Option<Attachment> {
    let state = match state {
        ec2::VolumeAttachmentState::Attached => AttachmentState::Attached,
        ec2::VolumeAttachmentState::Detached => return None,
        ec2::VolumeAttachmentState::Detaching | ec2::VolumeAttachmentState::Busy => AttachmentState::Detaching,
        // `attaching`, and states of the future: given to an instance, but not there yet.
        _ => AttachmentState::Attaching,
    };
    Some(Attachment { instance: InstanceId::new(instance).ok()?, state, since: since.and_then(time) })
}

/// When a scheduled event of an instance begins, unless it is over or called off. (EC2 API Reference, InstanceStatusEvent.)
pub(super) fn stop(event: &ec2::InstanceStatusEvent) -> Option<SystemTime> {
    let description = event.description().unwrap_or_default();
    let is_over = ["[Completed]", "[Canceled]"].iter().any(|prefix| description.starts_with(prefix));
    event.not_before().filter(|_| !is_over).and_then(time)
}

/// To the second, as EC2 has it.
pub(super) fn time(time: &DateTime) -> Option<SystemTime> {
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(time.secs()).ok()?))
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

/// What the TXT record, if there is one, says about whose the node's name is.
pub(super) fn claim(group: &GroupName, found: Option<&route53::ResourceRecordSet>) -> Claim {
    match found {
        None => Claim::Absent,
        Some(set) => Claim::of_values(set.resource_records().iter().map(route53::ResourceRecord::value), group),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ec2_leaves_out_stays_unknown() {
        let running = ec2::InstanceState::builder().name(ec2::InstanceStateName::Running).build();
        let listed = ec2::Instance::builder().instance_id("i-12345678").state(running).build();
        assert_eq!(instance(&listed).expect("an instance").instance.launched, None);
        let attached = ec2::VolumeAttachment::builder()
            .instance_id("i-12345678")
            .state(ec2::VolumeAttachmentState::Attached)
            .build();
        assert_eq!(attachment(&attached).expect("an attachment").since, None);
    }
}
