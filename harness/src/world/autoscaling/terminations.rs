//! Instances leave a group by being terminated.

use super::{LifecycleState, Transition, World};
use crate::world::ec2::{InstanceState, Shutdown};

impl World {
    /// The group ends an instance: terminate hooks first, even when the instance is dead already. Its replacement is
    /// launched meanwhile. EC2 Auto Scaling User Guide (instance maintenance policy): for a failed health check the new
    /// instance is provisioned at the same time as the old one terminates.
    pub(super) fn begin_member_termination(&mut self, name: &str, instance: &str, cause: &str, replaced: bool) {
        if self.autoscaling.the_member(name, instance).lifecycle.is_terminating() {
            return;
        }
        let was_pending = self.cancel_launch(name, instance, "Instance was terminated before it came into service");
        let mut hooks_to_run = self.autoscaling.hooks_for(name, Transition::Terminating);
        // AWS does not say whether terminate hooks run for an instance that never came into service. No probe: either is played.
        if was_pending && self.rng.bool() {
            hooks_to_run.clear();
        }
        let activity_id = self.begin_activity(name, &format!("Terminating EC2 instance: {instance}"), cause);
        let member = self.autoscaling.the_member_mut(name, instance);
        member.action = None;
        member.hooks_to_run = hooks_to_run;
        member.activity_id = activity_id;
        member.replaced = replaced;
        self.enter_lifecycle(name, instance, LifecycleState::Terminating);
        self.proceed_soon(name, instance);
        self.reconcile_soon(name);
    }

    /// The launch of the instance, if it is under way, is cancelled: whether it was.
    pub(super) fn cancel_launch(&mut self, name: &str, instance: &str, message: &str) -> bool {
        let member = self.autoscaling.the_member(name, instance);
        if !member.lifecycle.is_pending() {
            return false;
        }
        let activity = member.activity_id.clone();
        let activities = &self.autoscaling.the_group(name).activities;
        let already_told = activities.iter().any(|it| it.id == activity && it.ended.is_some());
        if !already_told {
            let activity = self.end_activity(name, &activity, "Cancelled", message);
            let place = self.place_of(name, instance);
            self.emit_outcome(name, &place, Transition::Launching, &activity);
        }
        true
    }

    /// All hooks are done: EC2 terminates the instance, unless it has done so already.
    pub(super) fn end_member(&mut self, name: &str, instance: &str) {
        self.enter_lifecycle(name, instance, LifecycleState::TerminatingProceed);
        match self.ec2.state_of(instance) {
            None | Some(InstanceState::Terminated) => self.remove_member(name, instance),
            Some(InstanceState::ShuttingDown) => {}
            Some(
                InstanceState::Pending | InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped,
            ) => {
                let reason = self.user_initiated();
                self.begin_termination(instance, &reason, Shutdown::Orderly);
            }
        }
    }

    /// Ends an instance without its hooks, because the group is deleted by force.
    pub(super) fn end_without_hooks(&mut self, name: &str, instance: &str) {
        let cause = format!("At {} the group was deleted.", self.now.iso_seconds());
        self.begin_member_termination(name, instance, &cause, false);
        let member = self.autoscaling.the_member_mut(name, instance);
        member.action = None;
        member.hooks_to_run.clear();
        self.end_member(name, instance);
    }

    /// The instance is terminated: its group is done with it.
    pub(super) fn remove_member(&mut self, name: &str, instance: &str) {
        let activity = self.autoscaling.the_member(name, instance).activity_id.clone();
        let activity = self.end_activity(name, &activity, "Successful", "");
        let place = self.place_of(name, instance);
        self.enter_lifecycle(name, instance, LifecycleState::Terminated);
        self.autoscaling.the_group_mut(name).members.retain(|member| member.instance_id != instance);
        self.emit_outcome(name, &place, Transition::Terminating, &activity);
        self.forget_empty_group(name);
        if self.autoscaling.group(name).is_some() {
            self.reconcile_soon(name);
        }
    }
}
