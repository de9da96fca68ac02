//! What a group notices of its instances, and when.

use super::AutoScalingChange;
use super::{AutoScalingEffect, LifecycleState, Process, Replacement, World};

impl World {
    /// EC2 has powered the instance on: what waited for that goes on.
    pub(in crate::world) fn notice_running(&mut self, instance: &str) {
        let Some(name) = self.group_name_of(instance) else { return };
        let lifecycle = self.autoscaling.the_member(&name, instance).lifecycle;
        if matches!(lifecycle, LifecycleState::Pending | LifecycleState::PendingProceed) {
            self.proceed_soon(&name, instance);
        }
    }

    /// EC2 stops or terminates the instance: if that was not the group's doing, a health check will find out.
    pub(in crate::world) fn notice_end(&mut self, instance: &str) {
        let Some(name) = self.group_name_of(instance) else { return };
        let lifecycle = self.autoscaling.the_member(&name, instance).lifecycle;
        // AWS does not say whether the death of an instance is noticed while its launch hook waits: sometimes it is
        // here, and else only when it has come into service or the action has timed out. No probe: either is played.
        let is_overlooked = lifecycle == LifecycleState::PendingWait && !self.rng.bool();
        if !lifecycle.is_health_checked() || is_overlooked {
            return;
        }
        // EC2 Auto Scaling User Guide (health checks): the group knows of scheduled events, and ends the instance at the
        // time of the event.
        match self.ec2.the_instance(instance).transition_reason.starts_with("Server.Scheduled") {
            true => self.check_health(&name, instance),
            false => self.schedule_health_check(&name, instance),
        }
    }

    /// EC2 has terminated the instance: a group that waited for that is done with it.
    pub(in crate::world) fn notice_terminated(&mut self, instance: &str) {
        let Some(name) = self.group_name_of(instance) else { return };
        if self.autoscaling.the_member(&name, instance).lifecycle == LifecycleState::TerminatingProceed {
            self.remove_member(&name, instance);
        }
    }

    /// The instance was recommended for rebalancing.
    pub(in crate::world) fn notice_risk(&mut self, instance: &str) {
        self.rebalance(instance, Replacement::Rebalance);
    }

    /// The instance was warned of an interruption.
    pub(in crate::world) fn notice_interruption(&mut self, instance: &str) {
        self.rebalance(instance, Replacement::Interruption);
    }

    /// EC2 Auto Scaling User Guide: only Capacity Rebalancing reacts; without it the group waits until the instance is dead.
    fn rebalance(&mut self, instance: &str, why: Replacement) {
        let Some(group) = self.autoscaling.group_of(instance).filter(|group| group.capacity_rebalance) else { return };
        let name = group.name.clone();
        let member = self.autoscaling.the_member_mut(&name, instance);
        // A recommendation does not take back a warning.
        if member.leaves_for != Some(Replacement::Interruption) {
            member.leaves_for = Some(why);
        }
        self.reconcile_soon(&name);
    }

    /// None for an instance that no group looks after.
    fn group_name_of(&self, instance: &str) -> Option<String> {
        self.autoscaling.group_of(instance).map(|group| group.name.clone())
    }

    pub(super) fn notice_if_dead(&mut self, name: &str, instance: &str) {
        if !self.ec2.is_alive(instance) {
            self.schedule_health_check(name, instance);
        }
    }

    /// EC2 Auto Scaling User Guide (health checks): an instance whose EC2 state is not running is unhealthy at once, even
    /// in its grace period.
    pub(super) fn check_health(&mut self, name: &str, instance: &str) {
        let Some(member) = self.autoscaling.still_member(name, instance) else { return };
        let (lifecycle, was_healthy) = (member.lifecycle, member.healthy);
        let group = self.autoscaling.the_group(name);
        let replaces = !group.is_suspended(Process::ReplaceUnhealthy);
        if self.ec2.is_alive(instance) || !lifecycle.is_health_checked() || group.is_suspended(Process::HealthCheck) {
            return;
        }
        self.autoscaling.the_member_mut(name, instance).healthy = false;
        if was_healthy || lifecycle.is_pending() {
            self.note_change(instance, AutoScalingChange::Health { healthy: false });
        }
        if lifecycle == LifecycleState::InService {
            self.reconcile_soon(name);
            return;
        }
        if !replaces {
            return;
        }
        // EC2 may have forgotten an instance whose launch hook was slow.
        let reason = self.ec2.instance(instance).map(|it| it.transition_reason.clone()).unwrap_or_default();
        let message = format!(
            "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: {reason}"
        );
        self.cancel_launch(name, instance, &message);
        self.begin_member_termination(name, instance, &message, true);
    }

    fn schedule_health_check(&mut self, name: &str, instance: &str) {
        let delay = self.draw(self.latency.health_check);
        let (group, instance) = (name.to_owned(), instance.to_owned());
        self.schedule(delay, AutoScalingEffect::HealthCheck { group, instance });
    }
}
