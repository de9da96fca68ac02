//! What a person asks of a group: another capacity, another verdict on an instance's health, an instance's end.

use std::time::Duration;

use super::AutoScaling;
use super::AutoScalingChange;
use super::{Activity, Group, World, validation_error};
use crate::world::error::{ApiError, ApiResult};

impl AutoScaling {
    /// The next requests to end an instance of the group are refused, because the group is at something. AWS documents that
    /// there is such a refusal, but not when: kops#6900 and AutoSpotting#354 have met it while a launch was under way.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn conflict_with_next(&mut self, group: &str, times: u32) {
        self.groups.get_mut(group).expect("a group that is at something").conflicts += times;
    }

    /// From now on no request conflicts with what a group is at.
    pub fn end_conflicts(&mut self) {
        self.groups.values_mut().for_each(|group| group.conflicts = 0);
    }

    pub(super) fn known_group_of(&self, instance: &str) -> ApiResult<&Group> {
        self.group_of(instance).ok_or_else(|| {
            let text = format!("Instance Id not found - No managed instance found for instance ID {instance}");
            validation_error(text)
        })
    }
}

impl World {
    pub fn set_desired_capacity(&mut self, name: &str, desired: u32) -> ApiResult<()> {
        let group = self.autoscaling.known_group_mut(name)?;
        if desired > group.max_size {
            let max = group.max_size;
            let text =
                format!("New SetDesiredCapacity value {desired} is above max value {max} for the AutoScalingGroup.");
            return Err(validation_error(text));
        }
        if desired < group.min_size {
            let min = group.min_size;
            let text =
                format!("New SetDesiredCapacity value {desired} is below min value {min} for the AutoScalingGroup.");
            return Err(validation_error(text));
        }
        group.desired_capacity = desired;
        self.note_change(name, AutoScalingChange::DesiredCapacity(desired));
        self.reconcile_soon(name);
        Ok(())
    }

    /// SetDesiredCapacity with HonorCooldown: refused while the group is at something, and for the cooldown after that.
    ///
    /// # Errors
    /// `ScalingActivityInProgress`, in the words of TwiN/aws-eks-asg-rolling-update-handler#16.
    pub fn check_cooldown(&self, name: &str) -> ApiResult<()> {
        let group = self.autoscaling.known_group(name)?;
        let cooldown = Duration::from_secs(u64::from(group.default_cooldown_s));
        let blocks = |activity: &&Activity| activity.ended.is_none_or(|ended| self.now < ended + cooldown);
        match group.activities.iter().find(blocks) {
            None => Ok(()),
            Some(Activity { id, .. }) => {
                let text = format!("Scaling activity {id} is in progress and blocks this action");
                Err(ApiError::new("ScalingActivityInProgress", text))
            }
        }
    }

    fn check_conflict(&mut self, name: &str) -> ApiResult<()> {
        let group = self.autoscaling.known_group_mut(name)?;
        let Some(conflicts) = group.conflicts.checked_sub(1) else { return Ok(()) };
        group.conflicts = conflicts;
        let newest = group.activities.first().map(|activity| activity.id.clone());
        let id = newest.unwrap_or_else(|| self.uuid());
        Err(ApiError::new("ScalingActivityInProgress", format!("Activity {id} is in progress.")))
    }

    pub fn set_instance_health(&mut self, instance: &str, healthy: bool, respect_grace: bool) -> ApiResult<()> {
        let now = self.now;
        let group = self.autoscaling.known_group_of(instance)?;
        let (name, grace) = (group.name.clone(), Duration::from_secs(u64::from(group.health_check_grace_period_s)));
        let member = self.autoscaling.the_member_mut(&name, instance);
        let in_grace = member.in_service_since.is_none_or(|since| now < since + grace);
        if !healthy && respect_grace && in_grace {
            return Ok(());
        }
        if member.healthy != healthy {
            member.healthy = healthy;
            self.note_change(instance, AutoScalingChange::Health { healthy });
        }
        self.reconcile_soon(&name);
        Ok(())
    }

    /// TerminateInstanceInAutoScalingGroup. EC2 Auto Scaling API Reference: terminate hooks are honoured. Asked again,
    /// it answers the same activity.
    pub fn terminate_instance_in_auto_scaling_group(&mut self, instance: &str, decrement: bool) -> ApiResult<Activity> {
        let group = self.autoscaling.known_group_of(instance)?;
        let name = group.name.clone();
        self.check_conflict(&name)?;
        let group = self.autoscaling.known_group(&name)?;
        let terminating = group.member(instance).is_some_and(|member| member.lifecycle.is_terminating());
        if !terminating {
            if decrement {
                self.decrement_desired(&name, 1, "Terminating instance without replacement")?;
            }
            let cause = format!(
                "At {} instance {instance} was taken out of service in response to a user request.",
                self.now.iso_seconds()
            );
            self.begin_member_termination(&name, instance, &cause, !decrement);
        }
        let group = self.autoscaling.known_group(&name)?;
        let id = group.member(instance).map(|member| member.activity_id.clone()).unwrap_or_default();
        group
            .activities
            .iter()
            .find(|activity| activity.id == id)
            .cloned()
            .ok_or_else(|| ApiError::new("InternalFailure", "no activity").with_status(500))
    }

    pub(super) fn decrement_desired(&mut self, name: &str, by: u32, doing: &str) -> ApiResult<()> {
        let group = self.autoscaling.known_group_mut(name)?;
        let Some(desired) = group.desired_capacity.checked_sub(by).filter(|desired| *desired >= group.min_size) else {
            let text = format!(
                "Currently, desiredSize equals minSize ({}). {doing} will violate group's min size constraint. Either set \
                 shouldDecrementDesiredCapacity flag to false or lower group's min size.",
                group.min_size
            );
            return Err(validation_error(text));
        };
        group.desired_capacity = desired;
        self.note_change(name, AutoScalingChange::DesiredCapacity(desired));
        Ok(())
    }
}
