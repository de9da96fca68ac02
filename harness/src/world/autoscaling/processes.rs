//! The processes of a group can be suspended, one by one. EC2 Auto Scaling User Guide ("How suspended processes affect other
//! processes", "Considerations for suspending processes").

use super::AutoScalingChange;
use super::{Group, LifecycleState, World, validation_error};
use crate::world::error::ApiResult;

/// What a group does of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum Process {
    AddToLoadBalancer,
    AlarmNotification,
    AzRebalance,
    HealthCheck,
    InstanceRefresh,
    Launch,
    ReplaceUnhealthy,
    ScheduledActions,
    Terminate,
}

/// A process that somebody has suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspendedProcess {
    pub process: Process,
    /// As DescribeAutoScalingGroups gives it.
    pub reason: String,
}

impl Process {
    pub const ALL: [Process; 9] = [
        Process::AddToLoadBalancer,
        Process::AlarmNotification,
        Process::AzRebalance,
        Process::HealthCheck,
        Process::InstanceRefresh,
        Process::Launch,
        Process::ReplaceUnhealthy,
        Process::ScheduledActions,
        Process::Terminate,
    ];

    /// Auto Scaling's name.
    pub fn name(self) -> &'static str {
        match self {
            Process::AddToLoadBalancer => "AddToLoadBalancer",
            Process::AlarmNotification => "AlarmNotification",
            Process::AzRebalance => "AZRebalance",
            Process::HealthCheck => "HealthCheck",
            Process::InstanceRefresh => "InstanceRefresh",
            Process::Launch => "Launch",
            Process::ReplaceUnhealthy => "ReplaceUnhealthy",
            Process::ScheduledActions => "ScheduledActions",
            Process::Terminate => "Terminate",
        }
    }

    /// The processes of these names; all of them without a name.
    pub fn named(names: &[String]) -> ApiResult<Vec<Process>> {
        if names.is_empty() {
            return Ok(Process::ALL.to_vec());
        }
        let named = |name: &String| Process::ALL.into_iter().find(|process| process.name() == name);
        let unknown = |name: &String| validation_error(format!("Invalid scaling process: {name}"));
        names.iter().map(|name| named(name).ok_or_else(|| unknown(name))).collect()
    }
}

impl World {
    /// SuspendProcesses. What has begun goes on.
    pub fn suspend_processes(&mut self, name: &str, processes: &[Process]) -> ApiResult<()> {
        let group = self.autoscaling.known_group(name)?;
        if group.deleting {
            // In the words of cloud-custodian/cloud-custodian#497.
            let text = "Processes may not be suspended while the AutoScaling group is pending delete";
            return Err(validation_error(text));
        }
        let reason = format!("User suspended at {}", self.now.iso_seconds());
        self.suspend(name, processes, &reason);
        Ok(())
    }

    pub(super) fn suspend(&mut self, name: &str, processes: &[Process], reason: &str) {
        let group = self.autoscaling.the_group_mut(name);
        for &process in processes {
            if !group.is_suspended(process) {
                group.suspended.push(SuspendedProcess { process, reason: reason.to_owned() });
            }
        }
        group.suspended.sort_by_key(|suspended| suspended.process);
        self.note_change(name, AutoScalingChange::Suspended(processes.to_vec()));
    }

    /// ResumeProcesses: the group catches up with what it has not done meanwhile.
    pub fn resume_processes(&mut self, name: &str, processes: &[Process]) -> ApiResult<()> {
        let group = self.autoscaling.known_group_mut(name)?;
        group.suspended.retain(|suspended| !processes.contains(&suspended.process));
        group.failing_since = None;
        self.note_change(name, AutoScalingChange::Resumed(processes.to_vec()));
        for instance in self.autoscaling.members_where(name, |member| member.lifecycle.is_health_checked()) {
            self.notice_if_dead(name, &instance);
        }
        self.reconcile_soon(name);
        Ok(())
    }
}

impl Group {
    pub fn is_suspended(&self, process: Process) -> bool {
        self.suspended.iter().any(|suspended| suspended.process == process)
    }

    /// Whether the group ends instances in that state that are one too many, or that it has replaced: a suspended
    /// Terminate keeps those in service only.
    pub(super) fn terminates(&self, state: LifecycleState) -> bool {
        state != LifecycleState::InService || !self.is_suspended(Process::Terminate)
    }

    /// ReplaceUnhealthy is inactive while Terminate is suspended.
    pub(super) fn replaces_unhealthy(&self) -> bool {
        !self.is_suspended(Process::ReplaceUnhealthy) && !self.is_suspended(Process::Terminate)
    }

    pub(super) fn refreshes_instances(&self) -> bool {
        ![Process::InstanceRefresh, Process::Launch, Process::Terminate].into_iter().any(|it| self.is_suspended(it))
    }

    pub(super) fn rebalances_zones(&self) -> bool {
        !self.is_suspended(Process::AzRebalance) && !self.is_suspended(Process::Launch)
    }
}
