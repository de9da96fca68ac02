//! How an instance refresh goes on, each time its group looks at itself.

use std::time::Duration;

use serde_json::json;

use super::RefreshStatus;
use crate::time::Time;
use crate::world::autoscaling::{AutoScalingChange, Group, LifecycleState, Member, Replacement, World};

/// EC2 Auto Scaling User Guide (troubleshoot an instance refresh): after an hour in which it could replace nothing, a
/// refresh fails.
const PATIENCE: Duration = Duration::from_secs(3600);

impl World {
    /// The refresh goes on by one step, if one is under way.
    pub(in crate::world::autoscaling) fn continue_refresh(&mut self, name: &str) {
        let group = self.autoscaling.the_group(name);
        match group.active_refresh().map(|refresh| refresh.status) {
            Some(RefreshStatus::Pending) => {
                self.begin_refresh(name);
                self.refresh_next(name);
            }
            Some(RefreshStatus::InProgress) => self.refresh_next(name),
            Some(RefreshStatus::Cancelling) if group.is_settled() => {
                self.end_refresh(name, RefreshStatus::Cancelled, None);
                self.forget_replacements(name);
            }
            Some(
                RefreshStatus::Cancelling
                | RefreshStatus::Successful
                | RefreshStatus::Failed
                | RefreshStatus::Cancelled,
            )
            | None => self.forget_replacements(name),
        }
    }

    fn begin_refresh(&mut self, name: &str) {
        let now = self.now;
        let group = self.autoscaling.the_group_mut(name);
        let old = group.members.iter().filter(|member| !member.lifecycle.is_terminating());
        let old: Vec<_> = old.map(|member| member.instance_id.clone()).collect();
        let refresh = group.active_refresh_mut().expect("a refresh is under way");
        refresh.status = RefreshStatus::InProgress;
        refresh.started = Some(now);
        refresh.progressed = now;
        refresh.total = old.len();
        refresh.left = old;
        self.announce_refresh(name, RefreshStatus::InProgress);
    }

    /// Replaces the next instance, if the last one's replacement serves; or finds that all are replaced.
    fn refresh_next(&mut self, name: &str) {
        let now = self.now;
        let group = self.autoscaling.the_group_mut(name);
        let members: Vec<_> = group.members.iter().map(|member| member.instance_id.clone()).collect();
        let refresh = group.active_refresh_mut().expect("a refresh is under way");
        let before = refresh.left.len();
        refresh.left.retain(|id| members.contains(id));
        if refresh.left.len() < before {
            refresh.progressed = now;
        }
        let (refresh, group) = (refresh.clone(), &*group);
        if refresh.left.is_empty() {
            match group.warm_at(refresh.warmup_s) {
                Some(warm) if warm <= now => return self.end_refresh(name, RefreshStatus::Successful, None),
                Some(warm) => return self.reconcile_in(name, warm.since(now)),
                None => {}
            }
        }
        let gives_up = refresh.progressed + PATIENCE;
        if gives_up <= now {
            let reason = "The instance refresh made no progress for an hour.".to_owned();
            return self.end_refresh(name, RefreshStatus::Failed, Some(reason));
        }
        self.reconcile_in(name, gives_up.since(now));
        if !self.autoscaling.the_group(name).refreshes_instances() {
            return;
        }
        // EC2 Auto Scaling API Reference: it waits for instances in standby and for those protected from scale-in.
        let can_go = |member: &&Member| {
            let is_old = refresh.left.contains(&member.instance_id);
            is_old && member.lifecycle == LifecycleState::InService && !member.protected_from_scale_in
        };
        let group = self.autoscaling.the_group(name);
        let next = group.members.iter().find(can_go).filter(|_| group.is_settled());
        let Some(instance) = next.map(|member| member.instance_id.clone()) else { return };
        if refresh.launches_first() {
            self.replace_first(name, &instance, Replacement::Refresh);
        } else {
            let cause = Replacement::Refresh.cause(now);
            self.begin_member_termination(name, &instance, &cause, true);
        }
    }

    /// No refresh replaces anything now: what it has begun is finished, but nothing is begun again.
    fn forget_replacements(&mut self, name: &str) {
        let group = self.autoscaling.the_group_mut(name);
        let nothing_comes = !group.members.iter().any(|member| member.lifecycle.is_pending());
        if nothing_comes && group.in_service() <= group.capacity() {
            for member in &mut group.members {
                member.leaves_for = member.leaves_for.filter(|why| *why != Replacement::Refresh);
            }
        }
    }

    pub(super) fn end_refresh(&mut self, name: &str, status: RefreshStatus, reason: Option<String>) {
        let now = self.now;
        debug_assert!(status.is_over(), "a refresh ends in a final status");
        let group = self.autoscaling.the_group_mut(name);
        let refresh = group.active_refresh_mut().expect("a refresh that ends was under way");
        refresh.ended = Some(now);
        refresh.status_reason = reason;
        self.announce_refresh(name, status);
        let group = self.autoscaling.the_group_mut(name);
        group.active_refresh_mut().expect("nobody has ended it meanwhile").status = status;
    }

    /// EC2 Auto Scaling User Guide (instance refresh events).
    fn announce_refresh(&mut self, name: &str, status: RefreshStatus) {
        let group = self.autoscaling.the_group(name);
        let refresh = group.active_refresh().expect("a refresh is announced while it is under way");
        let (arn, id) = (group.arn(), refresh.id.clone());
        self.note_change(name, AutoScalingChange::Refresh { id: id.clone(), status });
        let detail = json!({"InstanceRefreshId": id, "AutoScalingGroupName": name});
        self.emit(
            "aws.autoscaling",
            &format!("EC2 Auto Scaling Instance Refresh {}", status.milestone()),
            vec![arn],
            detail,
        );
    }
}

impl Group {
    /// Whether nothing comes and nothing goes.
    fn is_settled(&self) -> bool {
        !self.members.iter().any(|member| member.lifecycle.is_pending() || member.lifecycle.is_terminating())
    }

    /// When all the instances that there should be have been in service for so many seconds; none if some are not.
    fn warm_at(&self, warmup_s: u32) -> Option<Time> {
        let since = self.members.iter().filter(|member| member.lifecycle == LifecycleState::InService);
        let since: Vec<_> = since.filter_map(|member| member.in_service_since).collect();
        let newest = since.iter().max().copied().unwrap_or(self.created);
        (since.len() >= self.capacity()).then(|| newest + Duration::from_secs(u64::from(warmup_s)))
    }
}
