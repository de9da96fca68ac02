//! In which order an instance and its replacement go and come, and why there is a replacement at all.

use super::{LifecycleState, Member, World, validation_error};
use crate::time::Time;
use crate::world::ec2::InstanceState;
use crate::world::error::ApiResult;

/// An instance maintenance policy: per cent of the desired capacity that are kept healthy while instances are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaintenancePolicy {
    /// 0 to 100.
    pub min_healthy: u32,
    /// 100 to 200.
    pub max_healthy: u32,
}

/// Why an instance is replaced by one that is launched first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// Capacity Rebalancing: it was recommended for rebalancing.
    Rebalance,
    /// Capacity Rebalancing: it was warned of its interruption. It does not stay until its replacement is in service.
    Interruption,
    /// It is unhealthy, and the maintenance policy keeps it until its replacement is in service.
    Health,
    Refresh,
    /// It is where the group does not want instances any more. EC2 Auto Scaling User Guide (rebalancing activities): after
    /// a change of zones the group launches before it terminates, and may exceed its maximum meanwhile.
    Zones,
}

impl Replacement {
    /// As the scaling activity's cause has it.
    pub(super) fn cause(self, now: Time) -> String {
        let why = match self {
            Replacement::Rebalance => "an EC2 instance rebalance recommendation",
            Replacement::Interruption => "an EC2 Spot Instance interruption warning",
            Replacement::Health => "an EC2 health check indicating it has been terminated or stopped",
            Replacement::Refresh => "an instance refresh",
            Replacement::Zones => "instances being outside of the group's Availability Zones and subnets",
        };
        format!("At {} an instance was taken out of service in response to {why}.", now.iso_seconds())
    }
}

impl MaintenancePolicy {
    /// EC2 Auto Scaling API Reference (InstanceMaintenancePolicy): both are needed, at most 100 apart.
    pub fn new(min_healthy: u32, max_healthy: u32) -> ApiResult<MaintenancePolicy> {
        let in_range = min_healthy <= 100 && (100..=200).contains(&max_healthy);
        if !in_range || max_healthy - min_healthy > 100 {
            return Err(validation_error(format!(
                "MinHealthyPercentage {min_healthy} must be between 0 and 100, MaxHealthyPercentage {max_healthy} \
                 between 100 and 200, and their difference at most 100."
            )));
        }
        Ok(MaintenancePolicy { min_healthy, max_healthy })
    }

    /// Whether a group of one has to launch before it terminates. EC2 Auto Scaling API Reference (RefreshPreferences):
    /// with an explicit maximum the group launches first where it cannot honour both bounds otherwise; and the one
    /// instance that goes is all of a group of one, so any minimum above nothing demands it.
    pub fn launches_first(self) -> bool {
        self.min_healthy > 0
    }
}

impl World {
    /// Notes which instances are to be replaced, and ends those whose replacement need not come first.
    pub(super) fn replace_unhealthy(&mut self, name: &str) {
        let group = self.autoscaling.the_group(name);
        if !group.replaces_unhealthy() {
            return;
        }
        let launches_first = group.maintenance_policy.is_some_and(MaintenancePolicy::launches_first);
        let unhealthy = |member: &Member| member.lifecycle == LifecycleState::InService && !member.healthy;
        for instance in self.autoscaling.members_where(name, unhealthy) {
            if launches_first && !self.was_reclaimed(&instance) {
                self.replace_first(name, &instance, Replacement::Health);
                continue;
            }
            let cause = Replacement::Health.cause(self.now);
            self.begin_member_termination(name, &instance, &cause, true);
        }
    }

    /// EC2 Auto Scaling User Guide (Capacity Rebalancing): with the final two minutes' notice the group calls the terminate
    /// hook, and launches a replacement at once.
    pub(super) fn end_interrupted(&mut self, name: &str) {
        if !self.autoscaling.the_group(name).terminates(LifecycleState::InService) {
            return;
        }
        let warned = |member: &Member| member.is_leaving() && member.leaves_for == Some(Replacement::Interruption);
        for instance in self.autoscaling.members_where(name, warned) {
            let cause = Replacement::Interruption.cause(self.now);
            self.begin_member_termination(name, &instance, &cause, true);
        }
    }

    /// An instance in a subnet that the group does not list any more is replaced. Balancing between several zones that
    /// it does list is not part of this world: a group of one is balanced wherever it is.
    pub(super) fn replace_misplaced(&mut self, name: &str) {
        if !self.autoscaling.the_group(name).rebalances_zones() {
            return;
        }
        for instance in self.autoscaling.members_where(name, |member| member.lifecycle == LifecycleState::InService) {
            if self.is_misplaced(name, &instance) {
                self.replace_first(name, &instance, Replacement::Zones);
            } else {
                // The group wants it again where it is.
                let member = self.autoscaling.the_member_mut(name, &instance);
                member.leaves_for = member.leaves_for.filter(|why| *why != Replacement::Zones);
            }
        }
    }

    /// A replacement is launched, and the instance ended when that is in service: unless that is so already.
    pub(super) fn replace_first(&mut self, name: &str, instance: &str, why: Replacement) {
        self.autoscaling.the_member_mut(name, instance).leaves_for.get_or_insert(why);
    }

    pub(super) fn is_misplaced(&self, name: &str, instance: &str) -> bool {
        let subnets = &self.autoscaling.the_group(name).subnets;
        // EC2 forgets a dead instance within the hour, its group not before it has found capacity for another.
        self.ec2.instance(instance).is_some_and(|instance| !subnets.contains(&instance.subnet_id))
    }

    /// EC2 Auto Scaling User Guide (instance maintenance policy): it does not apply to forced spot interruptions.
    fn was_reclaimed(&self, instance: &str) -> bool {
        self.ec2.instance(instance).is_none_or(|instance| {
            instance.state != InstanceState::Running && instance.transition_reason.starts_with("Server.Spot")
        })
    }
}
