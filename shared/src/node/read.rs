//! The reads but for the record's: five API operations. Each takes as many names as it can, so that one node and a hundred cost the same calls.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::operation::describe_auto_scaling_groups::builders::DescribeAutoScalingGroupsFluentBuilder;
use aws_sdk_autoscaling::types as autoscaling;
use aws_sdk_ec2::types::Filter;
use aws_sdk_kms::types::KeyState;
use aws_sdk_ssm::operation::list_command_invocations::builders::ListCommandInvocationsFluentBuilder;
use aws_sdk_ssm::types::{
    CommandFilter, CommandFilterKey, CommandInvocation, InstanceInformationStringFilter, PingStatus,
};
use aws_smithy_types::error::operation::BuildError;
use durin_decisions::node::{Agents, Attachment, Group, Instance, InstanceState, KeyProblem, RELEASE_TIMEOUT, Volume};

use super::commands::{Command, Outcome};
use super::convert::{self, Listed};
use super::documents::Document;
use super::said::Said;
use crate::aws::{Aws, all, code, failed, incomplete};
use crate::failure::Failure;
use crate::ids::{GroupName, InstanceId, VolumeId};
use crate::tags;
use crate::times::timestamp;

/// EC2 takes at most 200 values in a filter.
const FILTER_VALUES: usize = 200;

/// A group and its tags, not yet known to be ours.
pub(super) struct DeclaredGroup {
    pub(super) name: GroupName,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) group: Group,
}

/// One group by name; none if Auto Scaling does not list it.
pub(super) async fn group(aws: &Aws, name: &GroupName) -> Result<Option<DeclaredGroup>, Failure> {
    // Probe: unknown-group-is-left-out.
    let call = aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(name.as_str());
    Ok(groups(call).await?.pop())
}

/// Every group of the region that has a tag of ours.
pub(super) async fn every_declared_group(aws: &Aws) -> Result<Vec<DeclaredGroup>, Failure> {
    let keys = [tags::VOLUME_ID, tags::HOSTED_ZONE_ID, tags::RECORD_NAME];
    let filter = autoscaling::Filter::builder().name("tag-key").set_values(Some(keys.map(str::to_owned).to_vec()));
    groups(aws.autoscaling.describe_auto_scaling_groups().filters(filter.build()).max_records(100)).await
}

async fn groups(call: DescribeAutoScalingGroupsFluentBuilder) -> Result<Vec<DeclaredGroup>, Failure> {
    let found = all(call.into_paginator().items().send(), "autoscaling:DescribeAutoScalingGroups").await?;
    Ok(found.iter().filter_map(declared).collect())
}

fn declared(found: &autoscaling::AutoScalingGroup) -> Option<DeclaredGroup> {
    let name = GroupName::new(found.auto_scaling_group_name()?).ok()?;
    Some(DeclaredGroup { name, tags: convert::group_tags(found), group: convert::group(found) })
}

/// The instances that a group has or had. Filters never fail for an instance that is not there, as ids do.
pub(super) async fn instances_of_groups(
    aws: &Aws,
    groups: &[GroupName],
) -> Result<BTreeMap<InstanceId, Instance>, Failure> {
    Ok(instances_by_group(aws, groups).await?.into_values().flatten().collect())
}

pub(super) async fn instances_by_group(
    aws: &Aws,
    groups: &[GroupName],
) -> Result<BTreeMap<GroupName, BTreeMap<InstanceId, Instance>>, Failure> {
    let mut by_group: BTreeMap<GroupName, BTreeMap<InstanceId, Instance>> = BTreeMap::new();
    let tag = format!("tag:{}", convert::GROUP_TAG);
    for chunk in groups.chunks(FILTER_VALUES) {
        for found in described(aws, filter(&tag, chunk.iter().map(GroupName::as_str))).await? {
            if let Some(group) = found.group.filter(|group| groups.contains(group)) {
                let instance = Instance { of_group: true, ..found.instance };
                by_group.entry(group).or_default().insert(found.id, instance);
            }
        }
    }
    Ok(by_group)
}

/// Instances by id, of any group; those that EC2 does not list are left out.
pub(super) async fn instances(
    aws: &Aws,
    ids: &[InstanceId],
    groups: &[GroupName],
) -> Result<BTreeMap<InstanceId, Instance>, Failure> {
    let mut instances = BTreeMap::new();
    for chunk in ids.chunks(FILTER_VALUES) {
        for found in described(aws, filter("instance-id", chunk.iter().map(InstanceId::as_str))).await? {
            let of_group = found.group.is_some_and(|group| groups.contains(&group));
            instances.insert(found.id, Instance { of_group, ..found.instance });
        }
    }
    Ok(instances)
}

async fn described(aws: &Aws, filter: Filter) -> Result<Vec<Listed>, Failure> {
    // Probe: filters-refuse-nothing.
    let pages = aws.ec2.describe_instances().filters(filter).into_paginator().items().send();
    let reservations = all(pages, "ec2:DescribeInstances").await?;
    Ok(reservations.iter().flat_map(|reservation| reservation.instances()).filter_map(convert::instance).collect())
}

/// When EC2 stops which instance of the region, because its host retires or for another reason of EC2's.
pub(super) async fn scheduled_stops(aws: &Aws) -> Result<BTreeMap<InstanceId, SystemTime>, Failure> {
    let codes = filter("event.code", ["instance-retirement", "instance-stop"].into_iter());
    let pages = aws.ec2.describe_instance_status().filters(codes).into_paginator().items().send();
    let mut stops = BTreeMap::new();
    for status in all(pages, "ec2:DescribeInstanceStatus").await? {
        let stop = status.events().iter().filter_map(convert::stop).min();
        if let (Some(id), Some(stop)) = (status.instance_id().and_then(|id| InstanceId::new(id).ok()), stop) {
            stops.insert(id, stop);
        }
    }
    Ok(stops)
}

/// Volumes by id; those that EC2 does not list are left out.
pub(super) async fn volumes(aws: &Aws, ids: &[VolumeId]) -> Result<BTreeMap<VolumeId, Volume>, Failure> {
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(FILTER_VALUES) {
        let filter = filter("volume-id", chunk.iter().map(VolumeId::as_str));
        let pages = aws.ec2.describe_volumes().filters(filter).into_paginator().items().send();
        found.extend(all(pages, "ec2:DescribeVolumes").await?.iter().filter_map(convert::volume));
    }
    Ok(found)
}

/// Why nobody can use a key, as far as its state says. That its policy allows us to is not certain all the same.
pub(super) async fn key_problem(aws: &Aws, key: &str) -> Result<Option<KeyProblem>, Failure> {
    let described = match aws.kms.describe_key().key_id(key).send().await {
        Ok(described) => described,
        Err(error) if code(&error) == "NotFoundException" => return Ok(Some(KeyProblem::Unavailable)),
        Err(error) => return Err(failed("kms:DescribeKey")(error)),
    };
    let state = described.key_metadata().and_then(|metadata| metadata.key_state());
    Ok(state.and_then(|state| match state {
        KeyState::Enabled => None,
        KeyState::Disabled => Some(KeyProblem::Disabled),
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => Some(KeyProblem::PendingDeletion),
        _ => Some(KeyProblem::Unavailable),
    }))
}

/// Whose agents are online, and whose have been, of those asked for.
pub(super) async fn agents(aws: &Aws, asked: &BTreeSet<&InstanceId>) -> Result<Agents, Failure> {
    const OPERATION: &str = "ssm:DescribeInstanceInformation";
    let of_these = InstanceInformationStringFilter::builder()
        .key("InstanceIds")
        .set_values(Some(asked.iter().map(ToString::to_string).collect()))
        .build()
        .map_err(incomplete(OPERATION))?;
    let pages = aws.ssm.describe_instance_information().filters(of_these).into_paginator().items().send();
    let (mut online, mut lost) = (BTreeSet::new(), BTreeSet::new());
    for agent in all(pages, OPERATION).await? {
        let Some(id) = agent.instance_id().and_then(|id| InstanceId::new(id).ok()) else { continue };
        let is_online = agent.ping_status() == Some(&PingStatus::Online);
        if is_online {
            online.insert(id)
        } else {
            lost.insert(id)
        };
    }
    Ok(Agents::Listed { online, lost })
}

/// What the holder has been asked for since the volume was attached to it, and shortly before, that moves the volume. Two
/// calls, because other commands fill a hundred pages in a month; but nobody asks one to serve again that was not asked to
/// let go, or is about to for the first time.
pub(super) async fn commands(aws: &Aws, holder: &Attachment) -> Result<Vec<Command>, Failure> {
    let since = holder.since.unwrap_or_else(|| aws.clock.now()) - KEPT;
    let listed = async |document| {
        let filters = [of_document(document), invoked_after(since)];
        let call = aws.ssm.list_command_invocations().instance_id(holder.instance.as_str());
        Ok::<_, Failure>(listed(call, filters).await?.into_iter().map(|(_, command)| command))
    };
    let mut commands: Vec<Command> = listed(Document::Release).await?.collect();
    let is_first = |it: &Command| {
        it.outcome == Outcome::Open && commands.len() == 1 && aws.clock.now() < it.requested + RELEASE_TIMEOUT
    };
    if !commands.is_empty() && !commands.iter().all(is_first) {
        commands.extend(listed(Document::Resume).await?);
    }
    Ok(commands)
}

/// What an instance has been asked for since then.
pub(super) async fn commands_since(
    aws: &Aws,
    instance: &InstanceId,
    since: SystemTime,
) -> Result<Vec<Command>, Failure> {
    let call = aws.ssm.list_command_invocations().instance_id(instance.as_str());
    Ok(listed(call, [invoked_after(since)]).await?.into_iter().map(|(_, command)| command).collect())
}

/// What an instance has said since then when it was asked whether it serves, the last first. Who has said anything has the
/// program.
pub(super) async fn said_of_serving(aws: &Aws, instance: &InstanceId, since: SystemTime) -> Result<Vec<Said>, Failure> {
    let call = aws.ssm.list_command_invocations().instance_id(instance.as_str());
    let mut asked = listed(call, [of_document(Document::Serves), invoked_after(since)]).await?;
    asked.sort_by_key(|(_, command)| Reverse(command.requested));
    Ok(asked.into_iter().filter_map(|(_, command)| command.said).filter(Said::is_understood).collect())
}

/// The same until a time.
pub(super) async fn commands_between(
    aws: &Aws,
    instance: &InstanceId,
    since: SystemTime,
    until: SystemTime,
) -> Result<Vec<Command>, Failure> {
    let call = aws.ssm.list_command_invocations().instance_id(instance.as_str());
    let filters = [invoked_after(since), invoked_before(until)];
    Ok(listed(call, filters).await?.into_iter().map(|(_, command)| command).collect())
}

/// What any instance has been asked for by a document since then, fifty to a call.
pub(super) async fn commands_of(
    aws: &Aws,
    document: Document,
    since: SystemTime,
) -> Result<Vec<(InstanceId, Command)>, Failure> {
    listed(aws.ssm.list_command_invocations(), [of_document(document), invoked_after(since)]).await
}

/// The instances that were asked lately to let go of a volume: one call for all nodes.
pub(super) async fn asked_to_release_lately(aws: &Aws) -> Result<BTreeSet<InstanceId>, Failure> {
    let lately = commands_of(aws, Document::Release, aws.clock.now() - LATELY).await?;
    Ok(lately.into_iter().map(|(id, _)| id).collect())
}

/// All that Systems Manager still knows of releases.
pub(super) async fn released_in_a_month(aws: &Aws) -> Result<Vec<(InstanceId, Command)>, Failure> {
    commands_of(aws, Document::Release, aws.clock.now() - KEPT).await
}

async fn listed<const N: usize>(
    call: ListCommandInvocationsFluentBuilder,
    filters: [Result<CommandFilter, BuildError>; N],
) -> Result<Vec<(InstanceId, Command)>, Failure> {
    const OPERATION: &str = "ssm:ListCommandInvocations";
    let filters: Result<Vec<_>, _> = filters.into_iter().collect();
    let call = call.details(true).set_filters(Some(filters.map_err(incomplete(OPERATION))?));
    let invocations = all(call.into_paginator().items().send(), OPERATION).await?;
    let known = |it| Some((InstanceId::new(CommandInvocation::instance_id(it)?).ok()?, Command::listed(it)?));
    Ok(invocations.iter().filter_map(known).collect())
}

/// For so long the schedule knows that a holder has let go and could not be made to serve again.
const LATELY: Duration = Duration::from_secs(24 * 3_600);

/// For so long Systems Manager keeps commands. (Systems Manager User Guide, "Understanding command statuses".)
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);

fn of_document(document: Document) -> Result<CommandFilter, BuildError> {
    CommandFilter::builder().key(CommandFilterKey::DocumentName).value(document.name()).build()
}

fn invoked_after(time: SystemTime) -> Result<CommandFilter, BuildError> {
    CommandFilter::builder().key(CommandFilterKey::InvokedAfter).value(timestamp(time)).build()
}

fn invoked_before(time: SystemTime) -> Result<CommandFilter, BuildError> {
    CommandFilter::builder().key(CommandFilterKey::InvokedBefore).value(timestamp(time)).build()
}

/// Those instances that are alive and have the tags of a node, which its group has propagated to them, with the group.
pub(super) async fn declared_instances(
    aws: &Aws,
    ids: &[InstanceId],
) -> Result<BTreeMap<InstanceId, (GroupName, Instance)>, Failure> {
    let mut declared = BTreeMap::new();
    for chunk in ids.chunks(FILTER_VALUES) {
        let found = described(aws, filter("instance-id", chunk.iter().map(InstanceId::as_str))).await?;
        let alive = found.into_iter().filter(|it| it.instance.is_declared && it.instance.state != InstanceState::Dead);
        declared.extend(alive.filter_map(|found| Some((found.id, (found.group?, found.instance)))));
    }
    Ok(declared)
}

fn filter<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.map(literal).collect())).build()
}

/// Text that EC2 takes as it stands: `*` and `?` are wildcards in a filter's values, unless after a backslash. A group may
/// have either in its name. (EC2 API Reference, `Filter`.)
fn literal(text: &str) -> String {
    let escaped =
        text.chars().flat_map(|character| "*?\\".contains(character).then_some('\\').into_iter().chain([character]));
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("k3s no. 2", "k3s no. 2")]
    #[case::any_text("k3s*", "k3s\\*")]
    #[case::any_character("k?s", "k\\?s")]
    #[case::backslash("k\\s", "k\\\\s")]
    fn a_filters_value_is_literal(#[case] text: &str, #[case] value: &str) {
        assert_eq!(literal(text), value);
    }
}
