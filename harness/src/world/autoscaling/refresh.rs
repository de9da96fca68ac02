//! Instance refresh: the instances that a group has are replaced, one after another.
//!
//! As far as a group of one can tell: no checkpoints, no skipping of instances that match, no rollback, and no replacing of
//! root volumes in place.

mod progress;

use super::AutoScalingChange;
use super::{Group, MaintenancePolicy, World, validation_error};
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};

/// EC2 Auto Scaling API Reference (RefreshPreferences): the default, where the group has no maintenance policy.
const DEFAULT_MIN_HEALTHY: u32 = 90;

/// What StartInstanceRefresh is asked for.
#[derive(Clone, Debug, Default)]
pub struct StartInstanceRefresh {
    pub group: String,
    /// Per cent; the maintenance policy's by default, else 90.
    pub min_healthy: Option<u32>,
    /// Per cent; the maintenance policy's by default. Without either, an instance is terminated and its replacement
    /// launched at the same time.
    pub max_healthy: Option<u32>,
    /// Seconds after InService until a replacement counts; the group's grace period by default.
    pub warmup_s: Option<u32>,
}

/// An instance refresh, under way or over.
#[derive(Clone, Debug)]
pub struct InstanceRefresh {
    /// A UUID.
    pub id: String,
    pub status: RefreshStatus,
    pub status_reason: Option<String>,
    /// When it began to replace.
    pub started: Option<Time>,
    pub ended: Option<Time>,
    /// Per cent.
    pub min_healthy: u32,
    /// Per cent, if it was given.
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

    /// As the events and the history name it that this status is reached.
    pub(super) fn milestone(self) -> &'static str {
        match self {
            RefreshStatus::Pending => "Pending",
            RefreshStatus::InProgress => "Started",
            RefreshStatus::Successful => "Succeeded",
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
        let group = self.autoscaling.known_group(&name)?;
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
        self.autoscaling.known_group_mut(&name)?.refreshes.insert(0, InstanceRefresh { id: id.clone(), ..refresh });
        self.note_change(&name, AutoScalingChange::Refresh { id: id.clone(), status: RefreshStatus::Pending });
        self.reconcile_soon(&name);
        Ok(id)
    }

    /// CancelInstanceRefresh: its id. What it has replaced stays so. EC2 Auto Scaling API Reference: by default
    /// it waits for the launches and terminations under way.
    pub fn cancel_instance_refresh(&mut self, name: &str, wait: bool) -> ApiResult<String> {
        let group = self.autoscaling.known_group_mut(name)?;
        let Some(refresh) = group.active_refresh_mut().filter(|refresh| refresh.status != RefreshStatus::Cancelling)
        else {
            let text = format!("No in progress or pending Instance Refresh found for Auto Scaling group {name}");
            return Err(ApiError::new("ActiveInstanceRefreshNotFound", text));
        };
        let id = refresh.id.clone();
        refresh.status = RefreshStatus::Cancelling;
        self.note_change(name, AutoScalingChange::Refresh { id: id.clone(), status: RefreshStatus::Cancelling });
        if !wait {
            self.end_refresh(name, RefreshStatus::Cancelled, None);
        }
        self.reconcile_soon(name);
        Ok(id)
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
}
