//! Lifecycle hooks, and the actions that somebody has to complete.

use std::time::Duration;

use super::AutoScaling;
use super::AutoScalingChange;
use super::lifecycle_action::Ended;
use super::{ActionResult, LifecycleHook, Transition, World, validation_error};
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};

/// What PutLifecycleHook is asked for: of an existing hook, what is not said stays.
#[derive(Clone, Debug, Default)]
pub struct PutLifecycleHook {
    pub group: String,
    /// Unique in the group.
    pub name: String,
    /// At which transition; needed only for a new hook.
    pub transition: Option<Transition>,
    /// How long an action waits, in seconds.
    pub heartbeat_timeout_s: Option<u32>,
    /// What a timeout means.
    pub default_result: Option<ActionResult>,
    /// Passed on in the event.
    pub notification_metadata: Option<String>,
}

/// What CompleteLifecycleAction is asked for.
#[derive(Clone, Debug)]
pub struct CompleteLifecycleAction {
    pub group: String,
    pub hook: String,
    pub token: Option<String>,
    /// Or: the action of which instance.
    pub instance: Option<String>,
    pub result: ActionResult,
}

/// EC2 Auto Scaling API Reference: the default heartbeat timeout.
const DEFAULT_TIMEOUT_S: u32 = 3600;
/// EC2 Auto Scaling API Reference: at most 50 hooks a group.
const MOST_HOOKS: usize = 50;

impl AutoScaling {
    /// The instance that waits in that action, or the error for an action that never was, is not there yet, is completed, or
    /// timed out.
    fn active_action(
        &self,
        group: &str,
        hook: &str,
        token: Option<&str>,
        instance: Option<&str>,
        now: Time,
    ) -> ApiResult<String> {
        let mut members = self.known_group(group)?.members.iter();
        let found = members.find(|member| {
            instance.is_none_or(|id| id == member.instance_id)
                && member
                    .action
                    .as_ref()
                    .filter(|action| action.exists <= now)
                    .is_some_and(|action| action.hook == hook && token.is_none_or(|token| token == action.token))
        });
        match (found, token, instance) {
            (_, None, None) => {
                Err(validation_error("Either the lifecycle action token or the instance ID must be specified"))
            }
            (Some(member), _, _) => Ok(member.instance_id.clone()),
            (None, Some(token), _) => {
                Err(validation_error(format!("No active Lifecycle Action found with token {token}")))
            }
            (None, None, Some(instance)) => {
                Err(validation_error(format!("No active Lifecycle Action found with instance ID {instance}")))
            }
        }
    }
}

impl World {
    /// CompleteLifecycleAction. EC2 Auto Scaling API Reference: with the instance alone, whatever action it has under
    /// that hook is completed.
    pub fn complete_lifecycle_action(&mut self, request: CompleteLifecycleAction) -> ApiResult<()> {
        let CompleteLifecycleAction { group, hook, token, instance, result } = request;
        let instance =
            self.autoscaling.active_action(&group, &hook, token.as_deref(), instance.as_deref(), self.now)?;
        self.note_change(&instance, AutoScalingChange::ActionCompleted { hook, result });
        self.end_action(&group, &instance, result, Ended::Completed);
        Ok(())
    }

    /// RecordLifecycleActionHeartbeat: the whole timeout again, but not beyond the global one.
    pub fn record_lifecycle_action_heartbeat(
        &mut self,
        group: &str,
        hook: &str,
        token: Option<&str>,
        instance: Option<&str>,
    ) -> ApiResult<()> {
        let instance = self.autoscaling.active_action(group, hook, token, instance, self.now)?;
        let now = self.now;
        let hook = self.autoscaling.the_group(group).hook(hook).expect("an action ends with its hook");
        let timeout = hook.heartbeat_timeout;
        let member = self.autoscaling.the_member_mut(group, &instance);
        let action = member.action.as_mut().expect("the active action was just found");
        action.deadline = (now + timeout).min(action.global_deadline);
        let action = action.clone();
        self.schedule_timeout(group, &instance, &action);
        Ok(())
    }

    /// PutLifecycleHook. Actions that wait already keep their deadlines.
    pub fn put_lifecycle_hook(&mut self, request: PutLifecycleHook) -> ApiResult<()> {
        if let Some(seconds) = request.heartbeat_timeout_s.filter(|seconds| !(30..=7200).contains(seconds)) {
            let text = format!("Heartbeat timeout {seconds} is out of range. It must be between 30 and 7200 seconds.");
            return Err(validation_error(text));
        }
        let group = self.autoscaling.known_group_mut(&request.group)?;
        let timeout = |seconds: u32| Duration::from_secs(u64::from(seconds));
        if let Some(hook) = group.hooks.iter_mut().find(|hook| hook.name == request.name) {
            hook.transition = request.transition.unwrap_or(hook.transition);
            hook.heartbeat_timeout = request.heartbeat_timeout_s.map_or(hook.heartbeat_timeout, timeout);
            hook.default_result = request.default_result.unwrap_or(hook.default_result);
            hook.notification_metadata = request.notification_metadata.or(hook.notification_metadata.take());
        } else {
            let Some(transition) = request.transition else {
                return Err(validation_error("Lifecycle transition must be specified when creating a lifecycle hook."));
            };
            if group.hooks.len() >= MOST_HOOKS {
                let text = format!("Only {MOST_HOOKS} lifecycle hooks are allowed for each Auto Scaling group.");
                return Err(ApiError::new("LimitExceeded", text));
            }
            group.hooks.push(LifecycleHook {
                name: request.name.clone(),
                transition,
                heartbeat_timeout: timeout(request.heartbeat_timeout_s.unwrap_or(DEFAULT_TIMEOUT_S)),
                default_result: request.default_result.unwrap_or(ActionResult::Abandon),
                notification_metadata: request.notification_metadata,
            });
        }
        self.note_change(&request.group, AutoScalingChange::HookPut { hook: request.name });
        Ok(())
    }

    /// DeleteLifecycleHook. EC2 Auto Scaling API Reference: actions that wait are completed first, ABANDON for launching
    /// instances and CONTINUE for terminating ones.
    pub fn delete_lifecycle_hook(&mut self, group: &str, name: &str) -> ApiResult<()> {
        let found = self.autoscaling.known_group_mut(group)?;
        let Some(index) = found.hooks.iter().position(|hook| hook.name == name) else {
            return Err(validation_error(format!("No Lifecycle Hook found with name {name}")));
        };
        let result = match found.hooks.remove(index).transition {
            Transition::Launching => ActionResult::Abandon,
            Transition::Terminating => ActionResult::Continue,
        };
        let waits = |action: &super::LifecycleAction| action.hook == name;
        let waiting = found.members.iter().filter(|member| member.action.as_ref().is_some_and(waits));
        let waiting: Vec<_> = waiting.map(|member| member.instance_id.clone()).collect();
        self.note_change(group, AutoScalingChange::HookDeleted { hook: name.to_owned() });
        for instance in waiting {
            self.end_action(group, &instance, result, Ended::Completed);
        }
        Ok(())
    }
}
