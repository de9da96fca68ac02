//! The steps of an instance through its group: hooks hold it, results let it go on.

use std::time::Duration;

use super::AutoScaling;
use super::AutoScalingChange;
use super::lifecycle_action::Ended;
use super::{ActionResult, AutoScalingEffect, LifecycleAction, LifecycleHook, LifecycleState, Transition, World};
use crate::world::ec2::InstanceState;
use crate::world::latency::Range;

impl AutoScaling {
    /// The hooks of a transition, in the order in which they will run: one after another, because AWS does not say and
    /// a function cannot tell. No probe: a node has one hook for each.
    pub(super) fn hooks_for(&self, name: &str, transition: Transition) -> Vec<String> {
        self.the_group(name)
            .hooks
            .iter()
            .filter(|hook| hook.transition == transition)
            .map(|hook| hook.name.clone())
            .collect()
    }

    fn next_hook(&mut self, name: &str, instance: &str) -> Option<LifecycleHook> {
        loop {
            let member = self.the_member_mut(name, instance);
            if member.hooks_to_run.is_empty() {
                return None;
            }
            let wanted = member.hooks_to_run.remove(0);
            // One that was deleted meanwhile is skipped.
            if let Some(hook) = self.the_group(name).hook(&wanted) {
                return Some(hook.clone());
            }
        }
    }
}

impl World {
    /// The instance goes on: to its next hook, or to where it was going.
    pub(super) fn proceed(&mut self, name: &str, instance: &str) {
        let Some(member) = self.autoscaling.still_member(name, instance) else { return };
        match member.lifecycle {
            LifecycleState::Pending | LifecycleState::PendingProceed => {
                if let Some(hook) = self.autoscaling.next_hook(name, instance) {
                    self.begin_action(name, instance, &hook);
                } else if self.ec2.state_of(instance) != Some(InstanceState::Pending) {
                    self.enter_service(name, instance);
                }
            }
            LifecycleState::Terminating | LifecycleState::TerminatingProceed => {
                match self.autoscaling.next_hook(name, instance) {
                    Some(hook) => self.begin_action(name, instance, &hook),
                    None => self.end_member(name, instance),
                }
            }
            LifecycleState::PendingWait
            | LifecycleState::InService
            | LifecycleState::TerminatingWait
            | LifecycleState::Terminated
            | LifecycleState::EnteringStandby
            | LifecycleState::Standby
            | LifecycleState::Detaching
            | LifecycleState::Detached => {}
        }
    }

    fn begin_action(&mut self, name: &str, instance: &str, hook: &LifecycleHook) {
        let exists = self.now + self.draw_lag(self.latency.lifecycle_action_exists);
        let action = LifecycleAction {
            token: self.uuid(),
            hook: hook.name.clone(),
            started: self.now,
            exists,
            deadline: self.now + hook.heartbeat_timeout,
            global_deadline: self.now + hook.global_timeout(),
        };
        let member = self.autoscaling.the_member_mut(name, instance);
        member.action = Some(action.clone());
        let activity = member.activity_id.clone();
        self.hold_activity(name, &activity);
        self.enter_lifecycle(
            name,
            instance,
            match hook.transition {
                Transition::Launching => LifecycleState::PendingWait,
                Transition::Terminating => LifecycleState::TerminatingWait,
            },
        );
        self.schedule_timeout(name, instance, &action);
        self.emit_lifecycle_action(name, instance, hook, &action);
    }

    pub(super) fn schedule_timeout(&mut self, name: &str, instance: &str, action: &LifecycleAction) {
        let (group, instance, token) = (name.to_owned(), instance.to_owned(), action.token.clone());
        let delay = action.deadline.since(self.now);
        self.schedule(delay, AutoScalingEffect::ActionTimeout { group, instance, token });
    }

    pub(super) fn on_action_timeout(&mut self, name: &str, instance: &str, token: &str) {
        let action = self.autoscaling.still_member(name, instance).and_then(|member| member.action.as_ref());
        // A heartbeat has moved the deadline, or the action has ended.
        let Some(action) = action.filter(|action| action.token == token && action.deadline <= self.now) else { return };
        let hook = self.autoscaling.the_group(name).hook(&action.hook).expect("an action ends with its hook");
        let result = hook.default_result;
        let hook = action.hook.clone();
        self.note_change(instance, AutoScalingChange::ActionTimedOut { hook, result });
        self.end_action(name, instance, result, Ended::TimedOut);
    }

    /// Ends the action that the instance waits in.
    pub(super) fn end_action(&mut self, name: &str, instance: &str, result: ActionResult, ended: Ended) {
        let member = self.autoscaling.the_member_mut(name, instance);
        let action = member.action.take().expect("an action that ends was begun");
        let launching = member.lifecycle == LifecycleState::PendingWait;
        match (launching, result) {
            (true, ActionResult::Continue) => self.leave_wait_soon(name, instance),
            (true, ActionResult::Abandon) => {
                let why = match ended {
                    Ended::Completed => "Lifecycle Action Completed with ABANDON Result",
                    Ended::TimedOut => "Heartbeat Timeout",
                };
                let message = format!(
                    "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {} was abandoned: \
                     {why}",
                    action.token
                );
                self.cancel_launch(name, instance, &message);
                let first = self.draw(self.latency.group_reaction);
                self.pause_launches(name, first);
                self.begin_member_termination(name, instance, &message, true);
            }
            // EC2 Auto Scaling User Guide: both results let the instance end; ABANDON skips the remaining hooks.
            (false, result) => {
                if result == ActionResult::Abandon {
                    self.autoscaling.the_member_mut(name, instance).hooks_to_run.clear();
                }
                self.leave_wait_soon(name, instance);
            }
        }
    }

    /// The action is over; the group may show the wait state for a while all the same.
    fn leave_wait_soon(&mut self, name: &str, instance: &str) {
        let lag = self.draw_lag(self.latency.lifecycle_action_shown);
        if lag.is_zero() {
            self.leave_wait(name, instance);
        } else {
            let (group, instance) = (name.to_owned(), instance.to_owned());
            self.schedule(lag, AutoScalingEffect::LeaveWait { group, instance });
        }
    }

    pub(super) fn leave_wait(&mut self, name: &str, instance: &str) {
        let Some(member) = self.autoscaling.still_member(name, instance) else { return };
        let next = match member.lifecycle {
            LifecycleState::PendingWait => LifecycleState::PendingProceed,
            LifecycleState::TerminatingWait => LifecycleState::TerminatingProceed,
            LifecycleState::Pending
            | LifecycleState::PendingProceed
            | LifecycleState::InService
            | LifecycleState::Terminating
            | LifecycleState::TerminatingProceed
            | LifecycleState::Terminated
            | LifecycleState::EnteringStandby
            | LifecycleState::Standby
            | LifecycleState::Detaching
            | LifecycleState::Detached => return,
        };
        // It may wait again, in the next action.
        if member.action.is_none() {
            self.enter_lifecycle(name, instance, next);
            self.proceed_soon(name, instance);
        }
    }

    /// Without a lag nothing is drawn, so that histories without one stay as they are.
    fn draw_lag(&mut self, range: Range) -> Duration {
        if range.max.is_zero() { Duration::ZERO } else { self.draw(range) }
    }

    pub(super) fn enter_lifecycle(&mut self, name: &str, instance: &str, state: LifecycleState) {
        let member = self.autoscaling.the_member_mut(name, instance);
        if member.lifecycle != state {
            member.lifecycle = state;
            self.note_change(instance, AutoScalingChange::Lifecycle(state));
        }
    }
}
