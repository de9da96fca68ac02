//! What is known of the group and of what its tags name. What cannot be read is unknown, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::types::{self as autoscaling, AutoScalingGroup};
use aws_sdk_ec2::types::{Filter, ResponseLaunchTemplateData, Subnet, Volume};
use aws_sdk_ssm::types::{InstanceInformationStringFilter, PingStatus, ResourceTypeForTagging};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use durin::aws::Aws;
use durin::ids::{GroupName, HostedZoneId, RecordName};
use durin::node::{Hook, hooks_of};
use durin::tags::{FAMILY, HOSTED_ZONE_ID, RECORD_NAME, VOLUME_ID};
use durin_decisions::node::claim_name;

use crate::remedy::refused;

pub(super) type Known<T> = Result<T, String>;

pub(super) struct Facts {
    pub(super) name: GroupName,
    pub(super) group: AutoScalingGroup,
    /// By their keys, with whether they are propagated.
    pub(super) tags: BTreeMap<String, (String, bool)>,
    /// Other groups that declare a node, with their tags.
    pub(super) others: Known<Vec<(String, BTreeMap<String, String>)>>,
    pub(super) hooks: Known<Vec<Hook>>,
    /// None if the group has no launch template.
    pub(super) template: Known<Option<ResponseLaunchTemplateData>>,
    pub(super) subnets: Known<Vec<Subnet>>,
    /// None if EC2 does not list it, or no tag names one.
    pub(super) volume: Known<Option<Volume>>,
    /// KMS's word for its state: `Enabled`.
    pub(super) key_state: Known<Option<String>>,
    /// The name of the hosted zone; none if there is none.
    pub(super) zone: Known<Option<String>>,
    pub(super) record: Known<Standing>,
    /// Whether the parameter that the template names is tagged; none if it names none.
    pub(super) parameter_is_tagged: Known<Option<bool>>,
    /// Those of the group's instances whose agents are online.
    pub(super) online: Known<BTreeSet<String>>,
    pub(super) documents: Known<bool>,
}

/// What stands under the node's name.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// In words, of each record that is in the way of an A record, or is one.
    pub(super) records: Vec<String>,
    /// The values of the TXT record that claims it.
    pub(super) claim: Vec<String>,
}

impl Facts {
    /// None if there is no such group.
    ///
    /// # Errors
    /// When the group cannot be read.
    pub(super) async fn read(aws: &Aws, name: &GroupName) -> Known<Option<Facts>> {
        let call = aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name.as_str());
        let found = call.send().await.map_err(|error| refused("autoscaling:DescribeAutoScalingGroups", &error))?;
        let Some(group) = found.auto_scaling_groups.unwrap_or_default().pop() else { return Ok(None) };
        let tags = tags(&group);
        let value = |key: &str| tags.get(key).map(|(value, _)| value.clone());
        let (others, hooks, template, subnets) =
            tokio::join!(others(aws, name), hooks_of(aws, name), template(aws, &group), subnets(aws, &group));
        let hooks = hooks.map_err(|failure| failure.chain());
        let volume = volume(aws, value(VOLUME_ID)).await;
        let key = volume.as_ref().ok().and_then(|volume| volume.as_ref()?.kms_key_id());
        let key_state = key_state(aws, key).await;
        let zone = value(HOSTED_ZONE_ID).and_then(|id| HostedZoneId::new(id).ok());
        let record = value(RECORD_NAME).and_then(|name| RecordName::from_tag(&name).ok());
        let (zone_name, record) = match &zone {
            Some(zone) => (zone_name(aws, zone).await, standing(aws, zone, record.as_ref()).await),
            None => (Ok(None), Ok(Standing::default())),
        };
        let image = template.as_ref().ok().and_then(|template| template.as_ref()?.image_id());
        let parameter_is_tagged = parameter_is_tagged(aws, image.and_then(|id| id.strip_prefix("resolve:ssm:"))).await;
        let online = online(aws, &group).await;
        let documents = documents(aws).await;
        Ok(Some(Facts {
            name: name.clone(),
            tags,
            others,
            hooks,
            template,
            subnets,
            volume,
            key_state,
            zone: zone_name,
            record,
            parameter_is_tagged,
            online,
            documents,
            group,
        }))
    }

    /// The value of a tag of the group.
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(|(value, _)| value.as_str())
    }
}

fn tags(group: &AutoScalingGroup) -> BTreeMap<String, (String, bool)> {
    let of_one = |tag: &autoscaling::TagDescription| {
        let value = tag.value().unwrap_or_default().to_owned();
        Some((tag.key()?.to_owned(), (value, tag.propagate_at_launch() == Some(true))))
    };
    group.tags().iter().filter_map(of_one).collect()
}

async fn others(aws: &Aws, name: &GroupName) -> Known<Vec<(String, BTreeMap<String, String>)>> {
    let declared = autoscaling::Filter::builder().name("tag-key").values(VOLUME_ID).build();
    let mut pages = aws.autoscaling.describe_auto_scaling_groups().filters(declared).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(group) = pages.next().await {
        let group = group.map_err(|error| refused("autoscaling:DescribeAutoScalingGroups", &error))?;
        let values = tags(&group).into_iter().map(|(key, (value, _))| (key, value)).collect();
        found.extend(group.auto_scaling_group_name.filter(|other| other != name.as_str()).map(|other| (other, values)));
    }
    Ok(found)
}

async fn template(aws: &Aws, group: &AutoScalingGroup) -> Known<Option<ResponseLaunchTemplateData>> {
    let of_policy = || group.mixed_instances_policy()?.launch_template()?.launch_template_specification();
    let Some(named) = group.launch_template().or_else(of_policy) else { return Ok(None) };
    let call = aws.ec2.describe_launch_template_versions().versions(named.version().unwrap_or("$Default"));
    let call = match (named.launch_template_id(), named.launch_template_name()) {
        (Some(id), _) => call.launch_template_id(id),
        (None, name) => call.set_launch_template_name(name.map(str::to_owned)),
    };
    let found = call.send().await.map_err(|error| refused("ec2:DescribeLaunchTemplateVersions", &error))?;
    let version = found.launch_template_versions.unwrap_or_default().into_iter().next();
    Ok(version.and_then(|version| version.launch_template_data))
}

async fn subnets(aws: &Aws, group: &AutoScalingGroup) -> Known<Vec<Subnet>> {
    let ids: Vec<&str> = group.vpc_zone_identifier().unwrap_or_default().split(',').map(str::trim).collect();
    let ids: Vec<&str> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = aws.ec2.describe_subnets().filters(filter("subnet-id", &ids)).send().await;
    Ok(found.map_err(|error| refused("ec2:DescribeSubnets", &error))?.subnets.unwrap_or_default())
}

async fn volume(aws: &Aws, id: Option<String>) -> Known<Option<Volume>> {
    let Some(id) = id else { return Ok(None) };
    let found = aws.ec2.describe_volumes().filters(filter("volume-id", &[&id])).send().await;
    Ok(found.map_err(|error| refused("ec2:DescribeVolumes", &error))?.volumes.unwrap_or_default().pop())
}

async fn key_state(aws: &Aws, key: Option<&str>) -> Known<Option<String>> {
    let Some(key) = key else { return Ok(None) };
    let found = aws.kms.describe_key().key_id(key).send().await;
    let found = found.map_err(|error| refused("kms:DescribeKey", &error))?;
    Ok(found.key_metadata().and_then(|key| key.key_state()).map(|state| state.as_str().to_owned()))
}

async fn zone_name(aws: &Aws, zone: &HostedZoneId) -> Known<Option<String>> {
    match aws.route53.get_hosted_zone().id(zone.as_str()).send().await {
        Ok(found) => Ok(found.hosted_zone().map(|zone| zone.name().to_owned())),
        Err(error) if error.code() == Some("NoSuchHostedZone") => Ok(None),
        Err(error) => Err(refused("route53:GetHostedZone", &error)),
    }
}

async fn standing(aws: &Aws, zone: &HostedZoneId, record: Option<&RecordName>) -> Known<Standing> {
    let Some(record) = record else { return Ok(Standing::default()) };
    let mut standing = Standing::default();
    for name in [record.as_str().to_owned(), claim_name(record)] {
        let call = aws.route53.list_resource_record_sets().hosted_zone_id(zone.as_str()).start_record_name(&name);
        let listed = match call.max_items(20).send().await {
            Ok(listed) => listed,
            Err(error) if error.code() == Some("NoSuchHostedZone") => return Ok(standing),
            Err(error) => return Err(refused("route53:ListResourceRecordSets", &error)),
        };
        for set in listed.resource_record_sets().iter().filter(|set| set.name() == name) {
            let values: Vec<String> = set.resource_records().iter().map(|it| it.value().to_owned()).collect();
            match set.r#type().as_str() {
                kind @ ("A" | "AAAA" | "CNAME") if name == record.as_str() => {
                    standing.records.push(format!("{kind} {}", values.join(" ")));
                }
                "TXT" if name != record.as_str() => standing.claim.extend(values),
                _ => {}
            }
        }
    }
    Ok(standing)
}

async fn parameter_is_tagged(aws: &Aws, parameter: Option<&str>) -> Known<Option<bool>> {
    let Some(parameter) = parameter else { return Ok(None) };
    let name = parameter.split(':').next().unwrap_or_default();
    let call = aws.ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter).resource_id(name);
    let found = call.send().await.map_err(|error| refused("ssm:ListTagsForResource", &error))?;
    Ok(Some(found.tag_list().iter().any(|tag| tag.key() == FAMILY)))
}

async fn online(aws: &Aws, group: &AutoScalingGroup) -> Known<BTreeSet<String>> {
    let members: Vec<String> = group.instances().iter().filter_map(|it| it.instance_id()).map(str::to_owned).collect();
    if members.is_empty() {
        return Ok(BTreeSet::new());
    }
    let of_these = InstanceInformationStringFilter::builder().key("InstanceIds").set_values(Some(members)).build();
    let of_these = of_these.map_err(|error| error.to_string())?;
    let found = aws.ssm.describe_instance_information().filters(of_these).send().await;
    let found = found.map_err(|error| refused("ssm:DescribeInstanceInformation", &error))?;
    let online = found.instance_information_list().iter().filter(|it| it.ping_status() == Some(&PingStatus::Online));
    Ok(online.filter_map(|it| it.instance_id()).map(str::to_owned).collect())
}

/// The functions' documents are deployed with them.
async fn documents(aws: &Aws) -> Known<bool> {
    match aws.ssm.describe_document().name(durin::node::DOCUMENTS[0]).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("InvalidDocument") => Ok(false),
        Err(error) => Err(refused("ssm:DescribeDocument", &error)),
    }
}

/// Ids alone, in which nothing means anything to EC2.
fn filter(name: &str, values: &[&str]) -> Filter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}
