//! The group is the resource, even where a call names an instance.

use crate::iam::Check;
use crate::wire::query::Params;
use crate::wire::resources::arn;
use crate::world::World;
use crate::world::autoscaling::Group;

pub(super) fn group(world: &World, params: &Params, action: &str) -> Vec<Check> {
    let name = params.text("AutoScalingGroupName");
    vec![check(action, name.and_then(|name| world.autoscaling.group(name)), name)]
}

pub(super) fn group_of_instance(world: &World, params: &Params, action: &str) -> Vec<Check> {
    vec![check(action, params.text("InstanceId").and_then(|instance| world.autoscaling.group_of(instance)), None)]
}

fn check(action: &str, group: Option<&Group>, named: Option<&str>) -> Check {
    let unknown = || arn("autoscaling", &format!("autoScalingGroup:*:autoScalingGroupName/{}", named.unwrap_or("*")));
    let mut check = Check::new(action, group.map_or_else(unknown, Group::arn));
    let tags = group.into_iter().flat_map(|group| &group.tags);
    check.resource_tags = tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    check
}
