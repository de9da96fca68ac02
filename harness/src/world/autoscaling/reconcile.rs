//! A group looks at itself: what it has, what it should have, and the one thing or two that follow.

use std::time::Duration;

use super::AutoScaling;
use super::{AutoScalingEffect, LifecycleState, Member, Process, World};

impl AutoScaling {
    pub(super) fn members_where(&self, name: &str, wanted: impl Fn(&Member) -> bool) -> Vec<String> {
        let members = self.the_group(name).members.iter();
        members.filter(|member| wanted(member)).map(|member| member.instance_id.clone()).collect()
    }
}

impl World {
    pub(super) fn reconcile(&mut self, name: &str) {
        let now = self.now;
        let Some(group) = self.autoscaling.still_group_mut(name) else { return };
        if group.reconcile_due.is_some_and(|due| due <= now) {
            group.reconcile_due = None;
        }
        if group.deleting {
            return;
        }
        self.replace_unhealthy(name);
        self.replace_misplaced(name);
        self.end_interrupted(name);
        self.continue_refresh(name);
        self.end_replaced(name);
        self.launch_missing(name);
        self.end_surplus(name);
    }

    /// Puts the group's next look at itself on the agenda, `group_reaction` from now unless one comes sooner.
    pub(super) fn reconcile_soon(&mut self, name: &str) {
        let delay = self.draw(self.latency.group_reaction);
        self.reconcile_in(name, delay);
    }

    pub(super) fn reconcile_in(&mut self, name: &str, delay: Duration) {
        let due = self.now + delay;
        let group = self.autoscaling.the_group_mut(name);
        if group.reconcile_due.is_none_or(|other| due < other) {
            group.reconcile_due = Some(due);
            self.schedule(delay, AutoScalingEffect::Reconcile(name.to_owned()));
        }
    }

    /// EC2 Auto Scaling User Guide (Capacity Rebalancing): the old instance is ended once the new one is in service.
    fn end_replaced(&mut self, name: &str) {
        let group = self.autoscaling.the_group(name);
        if !group.terminates(LifecycleState::InService) {
            return;
        }
        let spare = group.in_service().saturating_sub(group.capacity());
        let leaving = group.members.iter().filter(|member| member.is_leaving()).take(spare);
        let leaving = leaving.filter_map(|member| Some((member.instance_id.clone(), member.leaves_for?)));
        for (instance, why) in leaving.collect::<Vec<_>>() {
            self.begin_member_termination(name, &instance, &why.cause(self.now), true);
        }
    }

    fn launch_missing(&mut self, name: &str) {
        let group = self.autoscaling.the_group(name);
        if group.is_suspended(Process::Launch) {
            return;
        }
        let (have, want) = (group.counted(), group.wanted());
        for number in have..want {
            if let Some(pause) = self.launch_pause(name) {
                self.reconcile_in(name, pause);
                return;
            }
            self.launch_member(name, number);
        }
    }

    fn launch_pause(&self, name: &str) -> Option<Duration> {
        let until = self.autoscaling.the_group(name).no_launch_before.filter(|until| *until > self.now)?;
        Some(until.since(self.now))
    }

    fn end_surplus(&mut self, name: &str) {
        let group = self.autoscaling.the_group(name);
        let (have, want) = (group.counted(), group.wanted());
        let surplus = have.saturating_sub(want);
        if surplus == 0 {
            return;
        }
        // EC2 Auto Scaling User Guide: the default policy ends the oldest first. Those on their way in come last.
        let in_service = group.terminates(LifecycleState::InService);
        let mut victims = self.autoscaling.members_where(name, |member| {
            in_service && member.lifecycle == LifecycleState::InService && !member.protected_from_scale_in
        });
        victims.extend(self.autoscaling.members_where(name, |member| member.lifecycle.is_pending()));
        // Unless they are where the group does not want any.
        victims.sort_by_key(|instance| !self.is_misplaced(name, instance));
        for instance in victims.into_iter().take(surplus) {
            let cause = format!(
                "At {} an instance was taken out of service in response to a difference between desired and actual \
                 capacity, shrinking the capacity from {have} to {want}.",
                self.now.iso_seconds()
            );
            self.begin_member_termination(name, &instance, &cause, false);
        }
    }
}
