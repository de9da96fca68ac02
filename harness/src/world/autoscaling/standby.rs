//! Instances leave the group's care for a while, or for good. EC2 Auto Scaling User Guide: hooks do not run for that.

use std::collections::BTreeSet;

use super::AutoScaling;
use super::{Activity, LifecycleState, World, validation_error};
use crate::world::error::ApiResult;

impl AutoScaling {
    /// The instances, each once, if all of them are members in this state.
    fn in_state<'i>(&self, name: &str, instances: &'i [String], state: LifecycleState) -> ApiResult<BTreeSet<&'i str>> {
        let group = self.known_group(name)?;
        let instances: BTreeSet<&str> = instances.iter().map(String::as_str).collect();
        for instance in &instances {
            let Some(member) = group.member(instance) else {
                return Err(validation_error(format!(
                    "The instance {instance} is not part of Auto Scaling group {name}."
                )));
            };
            if member.lifecycle != state {
                return Err(validation_error(format!("The instance {instance} is not in {}.", state.name())));
            }
        }
        Ok(instances)
    }
}

impl World {
    pub fn enter_standby(&mut self, name: &str, instances: &[String], decrement: bool) -> ApiResult<Vec<Activity>> {
        let instances =
            self.leave_service(name, instances, decrement, "Moving instance to standby without replacement")?;
        let mut activities = Vec::new();
        for instance in instances {
            self.enter_lifecycle(name, instance, LifecycleState::Standby);
            let description = format!("Moving EC2 instance to Standby: {instance}");
            activities.push(self.moved(name, instance, &description));
        }
        self.reconcile_soon(name);
        Ok(activities)
    }

    /// ExitStandby: raises the desired capacity by as many.
    pub fn exit_standby(&mut self, name: &str, instances: &[String]) -> ApiResult<Vec<Activity>> {
        let instances = self.autoscaling.in_state(name, instances, LifecycleState::Standby)?;
        let count = u32::try_from(instances.len()).unwrap_or(u32::MAX);
        let group = self.autoscaling.known_group_mut(name)?;
        let desired = group.desired_capacity.saturating_add(count);
        if desired > group.max_size {
            return Err(validation_error(format!(
                "AutoScalingGroup {name} has min={}, max={}, and desired={}. To place {count} instance(s) back in \
                 service, please update the AutoScalingGroup sizes appropriately.",
                group.min_size, group.max_size, group.desired_capacity
            )));
        }
        group.desired_capacity = desired;
        let mut activities = Vec::new();
        for instance in instances {
            self.enter_lifecycle(name, instance, LifecycleState::InService);
            self.notice_if_dead(name, instance);
            let description = format!("Moving EC2 instance out of Standby: {instance}");
            activities.push(self.moved(name, instance, &description));
        }
        self.reconcile_soon(name);
        Ok(activities)
    }

    /// DetachInstances: they go on running, without a group.
    pub fn detach_instances(&mut self, name: &str, instances: &[String], decrement: bool) -> ApiResult<Vec<Activity>> {
        let instances = self.leave_service(name, instances, decrement, "Detaching instance without replacement")?;
        let mut activities = Vec::new();
        for instance in instances {
            let description = format!("Detaching EC2 instance: {instance}");
            activities.push(self.moved(name, instance, &description));
            self.enter_lifecycle(name, instance, LifecycleState::Detached);
            self.autoscaling.known_group_mut(name)?.members.retain(|member| member.instance_id != instance);
            // EC2 may have forgotten a dead one.
            if let Some(instance) = self.ec2.instances.get_mut(instance) {
                instance.tags.remove("aws:autoscaling:groupName");
            }
        }
        self.reconcile_soon(name);
        Ok(activities)
    }

    fn leave_service<'i>(
        &mut self,
        name: &str,
        instances: &'i [String],
        decrement: bool,
        doing: &str,
    ) -> ApiResult<BTreeSet<&'i str>> {
        let instances = self.autoscaling.in_state(name, instances, LifecycleState::InService)?;
        if decrement {
            self.decrement_desired(name, u32::try_from(instances.len()).unwrap_or(u32::MAX), doing)?;
        }
        Ok(instances)
    }

    fn moved(&mut self, name: &str, instance: &str, description: &str) -> Activity {
        let cause =
            format!("At {} instance {instance} was moved in response to a user request.", self.now.iso_seconds());
        let id = self.begin_activity(name, description, &cause);
        self.end_activity(name, &id, "Successful", "")
    }
}
