//! Groups, instances, volumes and launch templates.

use std::time::Duration;

use aws_sdk_autoscaling::types::Filter as GroupFilter;
use aws_sdk_ec2::types::{InstanceStateName, VolumeState};

use super::{Found, Thing, run_of, until};
use crate::answer::{Answer, answer};
use crate::bench::{Bench, PREFIX, TAG, filter};
use crate::probe::Trouble;

/// A hung shutdown takes minutes (EC2 User Guide: Troubleshoot instance termination).
const PATIENCE: Duration = Duration::from_secs(900);

pub(super) async fn groups(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let tagged = GroupFilter::builder().name("tag-key").values(TAG).build();
    let mut pages = bench.aws.autoscaling.describe_auto_scaling_groups().filters(tagged).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for group in page?.auto_scaling_groups.unwrap_or_default() {
            let tags = group.tags.unwrap_or_default();
            let run = tags.into_iter().find(|tag| tag.key() == Some(TAG)).and_then(|tag| tag.value);
            let name = group.auto_scaling_group_name.filter(|name| name.starts_with(PREFIX));
            found.extend(name.zip(run).map(|(id, run)| Found { what: Thing::Group, id, run }));
        }
    }
    Ok(found)
}

/// With its instances, and without their hooks. A deletion that is under way already is waited for.
pub(super) async fn remove_group(bench: &Bench, name: &str) -> Result<(), Trouble> {
    let call = bench.aws.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(name).force_delete(true);
    match answer(call.send().await)? {
        Answer::Taken(_) => {}
        Answer::Refused(refusal) if refusal.code == "ScalingActivityInProgress" => {}
        Answer::Refused(refusal) if refusal.text.contains("not found") || refusal.text.contains("delete") => {}
        Answer::Refused(refusal) => return Err(Trouble::Refused(refusal)),
    }
    let is_gone = || async {
        let call = bench.aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name);
        Ok(call.send().await?.auto_scaling_groups.unwrap_or_default().is_empty())
    };
    until(bench, PATIENCE, "still there", is_gone).await
}

pub(super) async fn instances(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let call = bench.aws.ec2.describe_instances().filters(filter("tag-key", TAG));
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let reservations = page?.reservations.unwrap_or_default();
        for instance in reservations.into_iter().flat_map(|it| it.instances.unwrap_or_default()) {
            let is_over = instance.state().and_then(|it| it.name()) == Some(&InstanceStateName::Terminated);
            let id = instance.instance_id.filter(|_| !is_over);
            found.extend(id.zip(run_of(instance.tags)).map(|(id, run)| Found { what: Thing::Instance, id, run }));
        }
    }
    Ok(found)
}

/// Until it has ended: its volume is in use before.
pub(super) async fn end_instance(bench: &Bench, id: &str) -> Result<(), Trouble> {
    match answer(bench.aws.ec2.terminate_instances().instance_ids(id).send().await)? {
        Answer::Refused(refusal) if refusal.code != "InvalidInstanceID.NotFound" => {
            return Err(Trouble::Refused(refusal));
        }
        Answer::Taken(_) | Answer::Refused(_) => {}
    }
    let has_ended = || async {
        let call = bench.aws.ec2.describe_instances().filters(filter("instance-id", id)).send().await?;
        let mut instances = call.reservations().iter().flat_map(|reservation| reservation.instances());
        Ok(instances.all(|it| it.state().and_then(|it| it.name()) == Some(&InstanceStateName::Terminated)))
    };
    until(bench, PATIENCE, "has not ended", has_ended).await
}

pub(super) async fn volumes(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let mut pages = bench.aws.ec2.describe_volumes().filters(filter("tag-key", TAG)).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for volume in page?.volumes.unwrap_or_default() {
            let is_over = matches!(volume.state, Some(VolumeState::Deleting | VolumeState::Deleted));
            let id = volume.volume_id.filter(|_| !is_over);
            found.extend(id.zip(run_of(volume.tags)).map(|(id, run)| Found { what: Thing::Volume, id, run }));
        }
    }
    Ok(found)
}

/// Once it is free. It is never detached here: that nothing holds it any more is the end of its instance.
pub(super) async fn delete_volume(bench: &Bench, id: &str) -> Result<(), Trouble> {
    let is_deleted = || async {
        match answer(bench.aws.ec2.delete_volume().volume_id(id).send().await)? {
            Answer::Taken(_) => Ok(true),
            Answer::Refused(refusal) if refusal.code == "InvalidVolume.NotFound" => Ok(true),
            Answer::Refused(refusal) if matches!(refusal.code.as_str(), "VolumeInUse" | "IncorrectState") => Ok(false),
            Answer::Refused(refusal) => Err(Trouble::Refused(refusal)),
        }
    };
    until(bench, PATIENCE, "is still in use", is_deleted).await
}

pub(super) async fn templates(bench: &Bench) -> Result<Vec<Found>, Trouble> {
    let call = bench.aws.ec2.describe_launch_templates().filters(filter("tag-key", TAG));
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for template in page?.launch_templates.unwrap_or_default() {
            let is_named = template.launch_template_name().is_some_and(|name| name.starts_with(PREFIX));
            let id = template.launch_template_id.filter(|_| is_named);
            found.extend(id.zip(run_of(template.tags)).map(|(id, run)| Found { what: Thing::Template, id, run }));
        }
    }
    Ok(found)
}

pub(super) async fn delete_template(bench: &Bench, id: &str) -> Result<(), Trouble> {
    match answer(bench.aws.ec2.delete_launch_template().launch_template_id(id).send().await)? {
        Answer::Refused(refusal) if !refusal.code.starts_with("InvalidLaunchTemplateId.NotFound") => {
            Err(Trouble::Refused(refusal))
        }
        Answer::Taken(_) | Answer::Refused(_) => Ok(()),
    }
}
