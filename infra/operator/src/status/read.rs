//! What a person wants to know beside what the functions read. One call each for all nodes of the region; what cannot be read
//! is unknown, and everything else is shown all the same.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::types::{self as autoscaling, AutoScalingGroup};
use aws_sdk_ec2::types::{Filter, Image, Instance, Snapshot, Volume};
use durin::aws::Aws;
use durin::failure::Failure;
use durin::ids::GroupName;
use durin::node::Look;
use durin::tags::{FAMILY, VOLUME_ID};

use crate::remedy::refused;

/// EC2 takes at most 200 values in a filter.
const FILTER_VALUES: usize = 200;

/// By their ids; the reason, if AWS has not answered.
pub(super) type Known<T> = Result<BTreeMap<String, T>, String>;

pub(super) struct Facts {
    pub(super) groups: Known<AutoScalingGroup>,
    pub(super) instances: Known<Instance>,
    pub(super) volumes: Known<Volume>,
    pub(super) images: Known<Image>,
    /// The newest of each volume.
    pub(super) snapshots: Known<Snapshot>,
    /// What the parameter of an image's family names.
    pub(super) published: BTreeMap<String, Result<String, String>>,
}

impl Facts {
    pub(super) async fn read(aws: &Aws, nodes: &[(GroupName, Result<Look, Failure>)]) -> Facts {
        let looks = || nodes.iter().filter_map(|(_, look)| look.as_ref().ok());
        let volume_ids: Vec<String> = looks().map(|look| look.observed.declaration.volume.to_string()).collect();
        let holders = looks().filter_map(|look| look.observed.volume.as_ref()?.attachments.first());
        let holders: BTreeSet<String> = holders.map(|held| held.instance.to_string()).collect();
        let (groups, instances) = tokio::join!(groups(aws), instances(aws));
        let (volumes, snapshots) = tokio::join!(volumes(aws, &volume_ids), snapshots(aws, &volume_ids));
        let of_holders = instances.iter().flatten().filter(|(id, _)| holders.contains(*id));
        let image_ids: BTreeSet<String> =
            of_holders.filter_map(|(_, instance)| instance.image_id().map(str::to_owned)).collect();
        let images = images(aws, &image_ids).await;
        let families: BTreeSet<String> = images.iter().flatten().filter_map(|(_, image)| family(image)).collect();
        let mut published = BTreeMap::new();
        for family in families {
            let value = aws.ssm.get_parameter().name(&family).send().await;
            let value = value.map(|found| found.parameter.and_then(|it| it.value).unwrap_or_default());
            published.insert(family, value.map_err(|error| refused("ssm:GetParameter", &error)));
        }
        Facts { groups, instances, volumes, images, snapshots, published }
    }
}

/// The parameter that an image is a candidate for.
pub(super) fn family(image: &Image) -> Option<String> {
    image.tags().iter().find(|tag| tag.key() == Some(FAMILY)).and_then(|tag| tag.value()).map(str::to_owned)
}

async fn groups(aws: &Aws) -> Known<AutoScalingGroup> {
    let declared = autoscaling::Filter::builder().name("tag-key").values(VOLUME_ID).build();
    let mut pages = aws.autoscaling.describe_auto_scaling_groups().filters(declared).into_paginator().items().send();
    let mut found = BTreeMap::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| refused("autoscaling:DescribeAutoScalingGroups", &error))?;
        found.extend(group.auto_scaling_group_name.clone().map(|name| (name, group)));
    }
    Ok(found)
}

/// Of every node, those that have ended lately too.
async fn instances(aws: &Aws) -> Known<Instance> {
    let mut pages = aws.ec2.describe_instances().filters(one("tag-key", [VOLUME_ID])).into_paginator().items().send();
    let mut found = BTreeMap::new();
    while let Some(reservation) = pages.next().await {
        let reservation = reservation.map_err(|error| refused("ec2:DescribeInstances", &error))?;
        let instances = reservation.instances.unwrap_or_default().into_iter();
        found.extend(instances.filter_map(|it| Some((it.instance_id.clone()?, it))));
    }
    Ok(found)
}

async fn volumes(aws: &Aws, ids: &[String]) -> Known<Volume> {
    let mut found = BTreeMap::new();
    for ids in ids.chunks(FILTER_VALUES) {
        let ids = one("volume-id", ids.iter().map(String::as_str));
        let mut pages = aws.ec2.describe_volumes().filters(ids).into_paginator().items().send();
        while let Some(volume) = pages.next().await {
            let volume = volume.map_err(|error| refused("ec2:DescribeVolumes", &error))?;
            found.extend(volume.volume_id.clone().map(|id| (id, volume)));
        }
    }
    Ok(found)
}

async fn images(aws: &Aws, ids: &BTreeSet<String>) -> Known<Image> {
    let mut found = BTreeMap::new();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for ids in ids.chunks(FILTER_VALUES) {
        let ids = one("image-id", ids.iter().copied());
        let call = aws.ec2.describe_images().filters(ids).include_deprecated(true).include_disabled(true);
        let mut pages = call.into_paginator().items().send();
        while let Some(image) = pages.next().await {
            let image = image.map_err(|error| refused("ec2:DescribeImages", &error))?;
            found.extend(image.image_id.clone().map(|id| (id, image)));
        }
    }
    Ok(found)
}

async fn snapshots(aws: &Aws, volumes: &[String]) -> Known<Snapshot> {
    let mut newest: BTreeMap<String, Snapshot> = BTreeMap::new();
    for volumes in volumes.chunks(FILTER_VALUES) {
        let volumes = one("volume-id", volumes.iter().map(String::as_str));
        let call = aws.ec2.describe_snapshots().owner_ids("self").filters(volumes);
        let mut pages = call.into_paginator().items().send();
        while let Some(snapshot) = pages.next().await {
            let snapshot = snapshot.map_err(|error| refused("ec2:DescribeSnapshots", &error))?;
            let Some(volume) = snapshot.volume_id.clone() else { continue };
            let is_newer = |known: &Snapshot| known.start_time() < snapshot.start_time();
            if newest.get(&volume).is_none_or(is_newer) {
                newest.insert(volume, snapshot);
            }
        }
    }
    Ok(newest)
}

/// Ids and keys alone, in which nothing means anything to EC2.
fn one<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Filter {
    let values = values.into_iter().map(str::to_owned).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}
