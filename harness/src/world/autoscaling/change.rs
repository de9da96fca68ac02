//! What changes in Auto Scaling, as the history has it.

use std::fmt;

use super::lifecycle_action::ActionResult;
use super::processes::Process;
use super::refresh::RefreshStatus;
use super::state::LifecycleState;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoScalingChange {
    Created {
        desired_capacity: u32,
    },
    Updated {
        desired_capacity: u32,
    },
    DesiredCapacity(u32),
    Suspended(Vec<Process>),
    Resumed(Vec<Process>),
    HookPut {
        hook: String,
    },
    HookDeleted {
        hook: String,
    },
    Tagged {
        key: String,
        value: String,
    },
    Untagged {
        key: String,
    },
    LaunchFailed {
        message: String,
    },
    Refresh {
        id: String,
        status: RefreshStatus,
    },
    LaunchConfigurationCreated,
    Deleted,

    /// An instance was launched into its group.
    Joined {
        group: String,
    },
    /// An instance has been in service since before the story began.
    Settled {
        group: String,
    },
    Lifecycle(LifecycleState),
    Health {
        healthy: bool,
    },
    ActionCompleted {
        hook: String,
        result: ActionResult,
    },
    ActionTimedOut {
        hook: String,
        result: ActionResult,
    },
}

impl fmt::Display for AutoScalingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AutoScalingChange::Created { desired_capacity } => {
                write!(f, "created, desired capacity {desired_capacity}")
            }
            AutoScalingChange::Updated { desired_capacity } => {
                write!(f, "updated, desired capacity {desired_capacity}")
            }
            AutoScalingChange::DesiredCapacity(desired) => write!(f, "desired capacity {desired}"),
            AutoScalingChange::Suspended(processes) => write!(f, "{} suspended", names(processes)),
            AutoScalingChange::Resumed(processes) => write!(f, "{} resumed", names(processes)),
            AutoScalingChange::HookPut { hook } => write!(f, "lifecycle hook {hook}"),
            AutoScalingChange::HookDeleted { hook } => write!(f, "lifecycle hook {hook} deleted"),
            AutoScalingChange::Tagged { key, value } => write!(f, "tagged {key}={value}"),
            AutoScalingChange::Untagged { key } => write!(f, "untagged {key}"),
            AutoScalingChange::LaunchFailed { message } => write!(f, "launch failed: {message}"),
            AutoScalingChange::Refresh { id, status } => write!(f, "instance refresh {id} {}", status.milestone()),
            AutoScalingChange::LaunchConfigurationCreated => f.write_str("launch configuration created"),
            AutoScalingChange::Deleted => f.write_str("deleted"),
            AutoScalingChange::Joined { group } => write!(f, "Pending in {group}"),
            AutoScalingChange::Settled { group } => write!(f, "InService in {group}"),
            AutoScalingChange::Lifecycle(state) => f.write_str(state.name()),
            AutoScalingChange::Health { healthy: true } => f.write_str("Healthy"),
            AutoScalingChange::Health { healthy: false } => f.write_str("Unhealthy"),
            AutoScalingChange::ActionCompleted { hook, result } => {
                write!(f, "lifecycle action of {hook} completed: {}", result.name())
            }
            AutoScalingChange::ActionTimedOut { hook, result } => {
                write!(f, "lifecycle action of {hook} timed out: {}", result.name())
            }
        }
    }
}

fn names(processes: &[Process]) -> String {
    processes.iter().map(|process| process.name()).collect::<Vec<_>>().join(", ")
}
