//! Auto Scaling: the group is the resource, even where the call names an instance.

use super::super::query::Params;
use super::arn;
use crate::iam::Check;
use crate::world::World;
use crate::world::autoscaling::Group;

pub(super) fn checks(world: &World, name: &str, params: &Params) -> Vec<Check> {
    let group = match name {
        _ if name.starts_with("Describe") => return Vec::new(),
        "SetInstanceHealth" | "TerminateInstanceInAutoScalingGroup" => {
            params.text("InstanceId").and_then(|instance| world.group_of(instance))
        }
        _ => params.text("AutoScalingGroupName").and_then(|group| world.autoscaling.groups.get(group)),
    };
    let unknown = || {
        let named = params.text("AutoScalingGroupName").unwrap_or("*");
        arn("autoscaling", &format!("autoScalingGroup:*:autoScalingGroupName/{named}"))
    };
    let mut check = Check::new(format!("autoscaling:{name}"), group.map_or_else(unknown, Group::arn));
    let tags = group.into_iter().flat_map(|group| &group.tags);
    check.resource_tags = tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    vec![check]
}
