//! Instance refresh: the instances that a group has are replaced, one after another.
//!
//! As far as a group of one can tell: no checkpoints, no skipping of instances that match, no rollback, and no replacing of
//! root volumes in place.

use std::time::Duration;

use serde_json::json;

use super::groups::validation_error;
use super::reconcile::capacity;
use super::{Group, LifecycleState, MaintenancePolicy, Member, Replacement, World};
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};

/// EC2 Auto Scaling API Reference (RefreshPreferences): the default, where the group has no maintenance policy.
const DEFAULT_MIN_HEALTHY: u32 = 90;

/// EC2 Auto Scaling User Guide (troubleshoot an instance refresh): after an hour in which it could replace nothing, a
/// refresh fails.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What StartInstanceRefresh is asked for.
#[derive(Clone, Debug, Default)]
pub struct StartInstanceRefresh {
    /// Which group.
    pub group: String,
    /// Per cent; the maintenance policy's unless said, else 90.
    pub min_healthy: Option<u32>,
    /// Per cent; the maintenance policy's unless said. Without either, an instance is terminated and its replacement
    /// launched at the same time.
    pub max_healthy: Option<u32>,
    /// Seconds after InService until a replacement counts; the group's grace period unless said.
    pub warmup_s: Option<u32>,
}

/// An instance refresh, under way or over.
#[derive(Clone, Debug)]
pub struct InstanceRefresh {
    /// A UUID.
    pub id: String,
    /// How far it is.
    pub status: RefreshStatus,
    /// Why it failed.
    pub status_reason: Option<String>,
    /// When it began to replace.
    pub started: Option<Time>,
    /// When it was over.
    pub ended: Option<Time>,
    /// Per cent.
    pub min_healthy: u32,
    /// Per cent, if anybody said so.
    pub max_healthy: Option<u32>,
    /// Seconds after InService until a replacement counts.
    pub warmup_s: u32,
    /// How many instances the group had when it began.
    pub total: usize,
    /// Those of them that it still has.
    pub left: Vec<String>,
    progressed: Time,
}

/// How far an instance refresh is, with Auto Scaling's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum RefreshStatus {
    Pending,
    InProgress,
    Successful,
    Failed,
    Cancelling,
    Cancelled,
}

impl RefreshStatus {
    /// Auto Scaling's name.
    pub fn name(self) -> &'static str {
        match self {
            RefreshStatus::Pending => "Pending",
            RefreshStatus::InProgress => "InProgress",
            RefreshStatus::Successful => "Successful",
            RefreshStatus::Failed => "Failed",
            RefreshStatus::Cancelling => "Cancelling",
            RefreshStatus::Cancelled => "Cancelled",
        }
    }

    fn is_over(self) -> bool {
        matches!(self, RefreshStatus::Successful | RefreshStatus::Failed | RefreshStatus::Cancelled)
    }
}

impl InstanceRefresh {
    /// How many per cent of the instances it has replaced.
    pub fn percentage(&self) -> usize {
        let replaced = self.total - self.left.len();
        (replaced * 100).checked_div(self.total).unwrap_or(if self.status.is_over() { 100 } else { 0 })
    }

    /// Whether a replacement is launched before the old instance is ended. EC2 Auto Scaling API Reference
    /// (RefreshPreferences): without a maximum, both happen at the same time.
    fn launches_first(&self) -> bool {
        let bounds = |max_healthy| MaintenancePolicy { min_healthy: self.min_healthy, max_healthy };
        self.max_healthy.map(bounds).is_some_and(MaintenancePolicy::launches_first)
    }
}

impl World {
    /// StartInstanceRefresh: its id.
    pub fn start_instance_refresh(&mut self, request: StartInstanceRefresh) -> ApiResult<String> {
        let StartInstanceRefresh { group: name, min_healthy, max_healthy, warmup_s } = request;
        let group = self.known_group(&name)?;
        if group.active_refresh().is_some() {
            let text = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.";
            return Err(ApiError::new("InstanceRefreshInProgress", text));
        }
        if max_healthy.is_some() && min_healthy.is_none() {
            let text = "If you specify MaxHealthyPercentage, you must also specify MinHealthyPercentage.";
            return Err(validation_error(text));
        }
        let policy = group.maintenance_policy;
        let min_healthy = min_healthy.or(policy.map(|policy| policy.min_healthy)).unwrap_or(DEFAULT_MIN_HEALTHY);
        let max_healthy = max_healthy.or(policy.map(|policy| policy.max_healthy));
        MaintenancePolicy::new(min_healthy, max_healthy.unwrap_or(100))?;
        let refresh = InstanceRefresh {
            id: String::new(),
            status: RefreshStatus::Pending,
            status_reason: None,
            started: None,
            ended: None,
            min_healthy,
            max_healthy,
            warmup_s: warmup_s.unwrap_or(group.health_check_grace_period_s),
            total: 0,
            left: Vec::new(),
            progressed: self.now,
        };
        let id = self.uuid();
        self.known_group_mut(&name)?.refreshes.insert(0, InstanceRefresh { id: id.clone(), ..refresh });
        self.note_change(&name, format!("instance refresh {id} Pending"));
        self.reconcile_soon(&name);
        Ok(id)
    }

    /// CancelInstanceRefresh: its id. What it has replaced stays so. EC2 Auto Scaling API Reference: unless told otherwise
    /// it waits for the launches and terminations under way.
    pub fn cancel_instance_refresh(&mut self, name: &str, wait: bool) -> ApiResult<String> {
        let group = self.known_group_mut(name)?;
        let Some(refresh) = group.active_refresh_mut().filter(|refresh| refresh.status != RefreshStatus::Cancelling)
        else {
            let text = format!("No in progress or pending Instance Refresh found for Auto Scaling group {name}");
            return Err(ApiError::new("ActiveInstanceRefreshNotFound", text));
        };
        let id = refresh.id.clone();
        refresh.status = RefreshStatus::Cancelling;
        self.note_change(name, format!("instance refresh {id} Cancelling"));
        if !wait {
            self.end_refresh(name, RefreshStatus::Cancelled, None);
        }
        self.reconcile_soon(name);
        Ok(id)
    }

    /// The refresh goes on by one step, if one is under way.
    pub(super) fn go_on_with_refresh(&mut self, name: &str) {
        match self.groups.get(name).and_then(Group::active_refresh).map(|refresh| refresh.status) {
            Some(RefreshStatus::Pending) => self.begin_refresh(name),
            Some(RefreshStatus::InProgress) => {}
            Some(RefreshStatus::Cancelling) if self.groups.get(name).is_some_and(Group::is_settled) => {
                self.end_refresh(name, RefreshStatus::Cancelled, None);
            }
            Some(
                RefreshStatus::Cancelling
                | RefreshStatus::Successful
                | RefreshStatus::Failed
                | RefreshStatus::Cancelled,
            )
            | None => {}
        }
        match self.groups.get(name).and_then(Group::active_refresh).map(|refresh| refresh.status) {
            Some(RefreshStatus::InProgress) => self.refresh_next(name),
            Some(_) | None => self.keep_what_was_to_be_refreshed(name),
        }
    }

    fn begin_refresh(&mut self, name: &str) {
        let now = self.now;
        let Some(group) = self.groups.get_mut(name) else { return };
        let old = group.members.iter().filter(|member| !member.lifecycle.is_terminating());
        let old: Vec<_> = old.map(|member| member.instance_id.clone()).collect();
        let Some(refresh) = group.active_refresh_mut() else { return };
        refresh.status = RefreshStatus::InProgress;
        refresh.started = Some(now);
        refresh.progressed = now;
        refresh.total = old.len();
        refresh.left = old;
        self.tell_refresh(name, "Started");
    }

    /// Replaces the next instance, if the last one's replacement serves; or finds that all are replaced.
    fn refresh_next(&mut self, name: &str) {
        let now = self.now;
        let Some(group) = self.groups.get_mut(name) else { return };
        let members: Vec<_> = group.members.iter().map(|member| member.instance_id.clone()).collect();
        let Some(refresh) = group.active_refresh_mut() else { return };
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
        // EC2 Auto Scaling API Reference: it waits for instances in standby and for those protected from scale-in.
        let can_go = |member: &&Member| {
            let is_old = refresh.left.contains(&member.instance_id);
            is_old && member.lifecycle == LifecycleState::InService && !member.protected_from_scale_in
        };
        let next = self.groups.get(name).filter(|group| group.is_settled());
        let next = next.and_then(|group| group.members.iter().find(can_go)).map(|member| member.instance_id.clone());
        let Some(instance) = next else { return };
        if refresh.launches_first() {
            self.replace_first(name, &instance, Replacement::Refresh);
        } else {
            let (at, why) = (now.iso_seconds(), Replacement::Refresh.cause());
            let cause = format!("At {at} an instance was taken out of service in response to {why}.");
            self.begin_member_termination(name, &instance, &cause, true);
        }
    }

    /// No refresh replaces anything now: what it has begun is finished, but nothing is begun again.
    fn keep_what_was_to_be_refreshed(&mut self, name: &str) {
        let Some(group) = self.groups.get_mut(name) else { return };
        let nothing_comes = !group.members.iter().any(|member| member.lifecycle.is_pending());
        if nothing_comes && group.in_service() <= capacity(group) {
            for member in &mut group.members {
                member.leaves_for = member.leaves_for.filter(|why| *why != Replacement::Refresh);
            }
        }
    }

    fn end_refresh(&mut self, name: &str, status: RefreshStatus, reason: Option<String>) {
        let now = self.now;
        let Some(refresh) = self.groups.get_mut(name).and_then(Group::active_refresh_mut) else { return };
        refresh.ended = Some(now);
        refresh.status_reason = reason;
        let outcome = match status {
            RefreshStatus::Successful => "Succeeded",
            RefreshStatus::Failed => "Failed",
            RefreshStatus::Cancelled => "Cancelled",
            RefreshStatus::Pending | RefreshStatus::InProgress | RefreshStatus::Cancelling => return,
        };
        self.tell_refresh(name, outcome);
        if let Some(refresh) = self.groups.get_mut(name).and_then(Group::active_refresh_mut) {
            refresh.status = status;
        }
    }

    /// EC2 Auto Scaling User Guide (instance refresh events).
    fn tell_refresh(&mut self, name: &str, what: &str) {
        let Some(group) = self.groups.get(name) else { return };
        let Some(refresh) = group.active_refresh() else { return };
        let (arn, id) = (group.arn(), refresh.id.clone());
        self.note_change(name, format!("instance refresh {id} {what}"));
        let detail = json!({"InstanceRefreshId": id, "AutoScalingGroupName": name});
        self.emit("aws.autoscaling", &format!("EC2 Auto Scaling Instance Refresh {what}"), vec![arn], detail);
    }
}

impl Group {
    /// The instance refresh that is not over yet; there is at most one.
    pub fn active_refresh(&self) -> Option<&InstanceRefresh> {
        self.refreshes.first().filter(|refresh| !refresh.status.is_over())
    }

    fn active_refresh_mut(&mut self) -> Option<&mut InstanceRefresh> {
        self.refreshes.first_mut().filter(|refresh| !refresh.status.is_over())
    }

    /// Whether nothing comes and nothing goes.
    fn is_settled(&self) -> bool {
        !self.members.iter().any(|member| member.lifecycle.is_pending() || member.lifecycle.is_terminating())
    }

    pub(super) fn in_service(&self) -> usize {
        self.members.iter().filter(|member| member.lifecycle == LifecycleState::InService).count()
    }

    /// When all the instances that there should be have been in service for so many seconds; none if some are not.
    fn warm_at(&self, warmup_s: u32) -> Option<Time> {
        let since = self.members.iter().filter(|member| member.lifecycle == LifecycleState::InService);
        let since: Vec<_> = since.filter_map(|member| member.in_service_since).collect();
        let newest = since.iter().max().copied().unwrap_or(self.created);
        (since.len() >= capacity(self)).then(|| newest + Duration::from_secs(u64::from(warmup_s)))
    }
}
