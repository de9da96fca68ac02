//! What a group notices of its instances, and when.

use super::AutoScalingChange;
use super::{AutoScalingEffect, LifecycleState, Replacement, World};
use crate::world::ec2::InstanceState;

impl World {
    /// EC2 has powered the instance on: what waited for that goes on.
    pub(in crate::world) fn group_sees_running(&mut self, instance: &str) {
        let Some(name) = self.group_of(instance).map(|group| group.name.clone()) else { return };
        let lifecycle = self.member(&name, instance).map(|member| member.lifecycle);
        if matches!(lifecycle, Some(LifecycleState::Pending | LifecycleState::PendingProceed)) {
            self.proceed_soon(&name, instance);
        }
    }

    /// EC2 stops or terminates the instance: if that was not the group's doing, a health check will find out.
    pub(in crate::world) fn group_sees_end_of(&mut self, instance: &str) {
        let Some(name) = self.group_of(instance).map(|group| group.name.clone()) else { return };
        let Some(member) = self.member(&name, instance) else { return };
        let noticed = match member.lifecycle {
            LifecycleState::InService | LifecycleState::Pending | LifecycleState::PendingProceed => true,
            // AWS does not say whether the death of an instance is noticed while its launch hook waits: sometimes it
            // is here, and else only when it has come into service or the action has timed out.
            LifecycleState::PendingWait => self.rng.bool(),
            // What ends, ends; and the health of what is in standby is not checked.
            LifecycleState::Terminating
            | LifecycleState::TerminatingWait
            | LifecycleState::TerminatingProceed
            | LifecycleState::Terminated
            | LifecycleState::EnteringStandby
            | LifecycleState::Standby
            | LifecycleState::Detaching
            | LifecycleState::Detached => false,
        };
        if noticed {
            self.schedule_health_check(&name, instance);
        }
    }

    /// EC2 has terminated the instance: a group that waited for that is done with it.
    pub(in crate::world) fn group_sees_terminated(&mut self, instance: &str) {
        let Some(name) = self.group_of(instance).map(|group| group.name.clone()) else { return };
        let lifecycle = self.member(&name, instance).map(|member| member.lifecycle);
        if lifecycle == Some(LifecycleState::TerminatingProceed) {
            self.member_is_gone(&name, instance);
        }
    }

    /// The instance was warned of an interruption, or recommended for rebalancing. EC2 Auto Scaling User Guide: only
    /// Capacity Rebalancing reacts to either; without it the group waits until the instance is dead.
    pub(in crate::world) fn group_sees_risk(&mut self, instance: &str) {
        let Some(group) = self.group_of(instance).filter(|group| group.capacity_rebalance) else { return };
        let name = group.name.clone();
        if let Some(member) = self.member_mut(&name, instance) {
            member.leaves_for = Some(Replacement::Rebalance);
        }
        self.reconcile_soon(&name);
    }

    pub(super) fn notice_if_dead(&mut self, name: &str, instance: &str) {
        if !self.is_alive(instance) {
            self.schedule_health_check(name, instance);
        }
    }

    /// EC2 Auto Scaling User Guide (health checks): an instance whose EC2 state is not running is unhealthy at once, even
    /// in its grace period.
    pub(super) fn check_health(&mut self, name: &str, instance: &str) {
        if self.is_alive(instance) {
            return;
        }
        let Some(member) = self.member_mut(name, instance) else { return };
        match member.lifecycle {
            LifecycleState::InService => {
                if member.healthy {
                    member.healthy = false;
                    self.note_change(instance, AutoScalingChange::Health { healthy: false });
                }
                self.reconcile_soon(name);
            }
            LifecycleState::Pending | LifecycleState::PendingWait | LifecycleState::PendingProceed => {
                member.healthy = false;
                self.note_change(instance, AutoScalingChange::Health { healthy: false });
                let reason =
                    self.ec2.instances.get(instance).map(|it| it.transition_reason.clone()).unwrap_or_default();
                let message = format!(
                    "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: \
                     {reason}"
                );
                self.cancel_launch(name, instance, &message);
                self.begin_member_termination(name, instance, &message, true);
            }
            LifecycleState::Terminating
            | LifecycleState::TerminatingWait
            | LifecycleState::TerminatingProceed
            | LifecycleState::Terminated
            | LifecycleState::EnteringStandby
            | LifecycleState::Standby
            | LifecycleState::Detaching
            | LifecycleState::Detached => {}
        }
    }

    fn is_alive(&self, instance: &str) -> bool {
        matches!(self.state_of(instance), Some(InstanceState::Pending | InstanceState::Running))
    }

    fn schedule_health_check(&mut self, name: &str, instance: &str) {
        let delay = self.draw(self.latency.health_check);
        let (group, instance) = (name.to_owned(), instance.to_owned());
        self.schedule(delay, AutoScalingEffect::HealthCheck { group, instance });
    }
}
