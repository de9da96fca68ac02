//! Auto Scaling groups: what they are. How they change is in the files beside this one.

mod activities;
mod capacity;
mod change;
mod groups;
mod health;
mod hooks;
mod launch_sources;
mod launches;
mod lifecycle;
mod lifecycle_action;
mod processes;
mod reconcile;
mod refresh;
mod replacements;
mod size;
mod spot_market;
mod standby;
mod state;
mod tags;
mod terminations;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::error::ApiError;
use super::latency::Range;
use super::{ACCOUNT, REGION, World};
use crate::time::Time;

pub use activities::Activity;
pub use change::AutoScalingChange;
pub use groups::{CreateAutoScalingGroup, UpdateAutoScalingGroup};
pub use hooks::{CompleteLifecycleAction, PutLifecycleHook};
pub use launch_sources::{CreateLaunchConfiguration, LaunchConfiguration, MixedInstancesPolicy, Override};
pub use lifecycle_action::{ActionResult, LifecycleAction, LifecycleHook, Transition};
pub use processes::{Process, SuspendedProcess};
pub use refresh::{InstanceRefresh, RefreshStatus, StartInstanceRefresh};
pub use replacements::{MaintenancePolicy, Replacement};
pub use state::LifecycleState;

/// The groups of the account.
#[derive(Default)]
pub struct AutoScaling {
    /// By name.
    pub(in crate::world) groups: BTreeMap<String, Group>,
    /// By name.
    pub(in crate::world) launch_configurations: BTreeMap<String, LaunchConfiguration>,
}

impl AutoScaling {
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(name)
    }

    pub fn groups(&self) -> &BTreeMap<String, Group> {
        &self.groups
    }

    pub fn launch_configurations(&self) -> &BTreeMap<String, LaunchConfiguration> {
        &self.launch_configurations
    }
}

/// A group of instances that replaces those that die.
#[derive(Clone, Debug)]
pub struct Group {
    /// Unique in the region.
    pub name: String,
    /// The UUID in its ARN.
    pub uuid: String,
    pub min_size: u32,
    pub max_size: u32,
    /// How many instances there should be.
    pub desired_capacity: u32,
    /// The template that instances are launched from, by id; empty with a launch configuration.
    pub launch_template_id: String,
    /// Which version of it, as the group was told: `$Default`, `$Latest` or a number.
    pub launch_template_version: String,
    /// What is launched differently from what the template says.
    pub mixed_instances_policy: Option<MixedInstancesPolicy>,
    /// The launch configuration that instances are launched from instead, by name.
    pub launch_configuration: Option<String>,
    /// The zones of its subnets, in the same order.
    pub zones: Vec<String>,
    /// Where instances may be launched.
    pub subnets: Vec<String>,
    /// Whether the group was given these subnets, rather than their zones.
    pub subnets_named: bool,
    pub created: Time,
    /// How long after a scaling activity SetDesiredCapacity is refused, if it asks to honour that.
    pub default_cooldown_s: u32,
    /// Seconds after InService in which health checks do not count.
    pub health_check_grace_period_s: u32,
    /// Whether a rebalance recommendation or interruption warning makes the group launch a replacement at once.
    pub capacity_rebalance: bool,
    /// How instances are replaced, where nothing else says so.
    pub maintenance_policy: Option<MaintenancePolicy>,
    /// Newest first, as DescribeInstanceRefreshes lists them.
    pub refreshes: Vec<InstanceRefresh>,
    /// Whether new instances are protected from scale-in.
    pub new_instances_protected_from_scale_in: bool,
    pub members: Vec<Member>,
    /// What it does not do now, in the order of their names.
    pub suspended: Vec<SuspendedProcess>,
    /// At most 50.
    pub hooks: Vec<LifecycleHook>,
    /// In order of creation.
    pub tags: Vec<GroupTag>,
    /// Newest first, as DescribeScalingActivities lists them.
    pub activities: Vec<Activity>,
    /// Whether DeleteAutoScalingGroup with ForceDelete is under way.
    pub deleting: bool,
    /// When the group's next look at itself is on the agenda.
    pub reconcile_due: Option<Time>,
    /// How many of the next launches find no capacity.
    pub capacity_failures: u32,
    /// Until when no launch finds capacity.
    pub no_capacity_until: Option<Time>,
    /// How soon after it has come into service each instance is recommended for rebalancing.
    pub recommended_after: Option<Range>,
    /// How many of the next requests find the group at something that they would conflict with.
    pub conflicts: u32,
    /// How many launches have failed or been abandoned in a row.
    pub failed_launches: u32,
    /// Every launch since then has failed.
    pub failing_since: Option<Time>,
    /// After failed launches: no launch before then.
    pub no_launch_before: Option<Time>,
}

impl Group {
    pub fn arn(&self) -> String {
        let Group { uuid, name, .. } = self;
        format!("arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:{uuid}:autoScalingGroupName/{name}")
    }

    /// The group's view of the instance.
    pub fn member(&self, instance: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.instance_id == instance)
    }

    fn hook(&self, name: &str) -> Option<&LifecycleHook> {
        self.hooks.iter().find(|hook| hook.name == name)
    }
}

/// A tag of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTag {
    pub key: String,
    pub value: String,
    /// Whether instances launched from now on get it too.
    pub propagate_at_launch: bool,
}

/// An instance as its group sees it.
#[derive(Clone, Debug)]
pub struct Member {
    pub instance_id: String,
    pub instance_type: String,
    pub zone: String,
    /// Where in the group's life cycle it is.
    pub lifecycle: LifecycleState,
    /// As the last health check found it.
    pub healthy: bool,
    pub protected_from_scale_in: bool,
    /// Why a replacement is launched first, and this instance ended when that is in service.
    pub leaves_for: Option<Replacement>,
    /// When it entered the group.
    pub joined: Time,
    /// When it came into service.
    pub in_service_since: Option<Time>,
    /// The lifecycle action that waits for somebody to complete it. It may not exist yet, or be over, while the group shows
    /// that the instance waits.
    pub action: Option<LifecycleAction>,
    /// Hooks of the current transition that still have to run after the current one, by name.
    pub hooks_to_run: Vec<String>,
    /// The activity that launched it or terminates it.
    pub activity_id: String,
    /// Whether its end has a replacement (`false` after a decrement of the desired capacity).
    pub replaced: bool,
}

/// What happens to groups without a call.
#[derive(Clone, Debug)]
pub enum AutoScalingEffect {
    /// The group compares what it has with what it should have, and acts.
    Reconcile(String),
    /// A health check notices that the instance is not running.
    HealthCheck { group: String, instance: String },
    /// The instance goes on to its next lifecycle state.
    Proceed { group: String, instance: String },
    /// The group shows no longer that the instance waits, unless it waits again.
    LeaveWait { group: String, instance: String },
    /// EC2 recommends to replace the instance, if it is still in service.
    Recommend { group: String, instance: String },
    /// The lifecycle action may have run into its timeout.
    ActionTimeout { group: String, instance: String, token: String },
}

impl AutoScaling {
    /// The group that the instance is in.
    pub fn group_of(&self, instance: &str) -> Option<&Group> {
        self.groups.values().find(|group| group.member(instance).is_some())
    }

    /// What an effect is about, if the instance is still in the group: it may have left since the effect was scheduled.
    fn still_member(&self, group: &str, instance: &str) -> Option<&Member> {
        self.groups.get(group)?.member(instance)
    }

    /// What an effect is about, if the group is still there: it may have been deleted since the effect was scheduled.
    fn still_group_mut(&mut self, name: &str) -> Option<&mut Group> {
        self.groups.get_mut(name)
    }

    fn the_group(&self, name: &str) -> &Group {
        self.groups.get(name).expect("the group exists")
    }

    fn the_group_mut(&mut self, name: &str) -> &mut Group {
        self.groups.get_mut(name).expect("the group exists")
    }

    fn the_member(&self, group: &str, instance: &str) -> &Member {
        self.the_group(group).member(instance).expect("the instance is in the group")
    }

    fn the_member_mut(&mut self, group: &str, instance: &str) -> &mut Member {
        let mut members = self.the_group_mut(group).members.iter_mut();
        members.find(|member| member.instance_id == instance).expect("the instance is in the group")
    }
}

impl World {
    pub(super) fn carry_out_autoscaling(&mut self, effect: AutoScalingEffect) {
        match effect {
            AutoScalingEffect::Reconcile(group) => self.reconcile(&group),
            AutoScalingEffect::HealthCheck { group, instance } => self.check_health(&group, &instance),
            AutoScalingEffect::Proceed { group, instance } => self.proceed(&group, &instance),
            AutoScalingEffect::LeaveWait { group, instance } => self.leave_wait(&group, &instance),
            AutoScalingEffect::Recommend { group, instance } => self.recommend_newcomer(&group, &instance),
            AutoScalingEffect::ActionTimeout { group, instance, token } => {
                self.on_action_timeout(&group, &instance, &token)
            }
        }
    }
}

/// Unmodelled, and with a text that has to be read: the code says only that something was wrong with the request.
fn validation_error(text: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", text)
}
