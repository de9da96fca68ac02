//! Where in its group's life cycle an instance is.

/// Auto Scaling's lifecycle states, as far as this world has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's own names")]
pub enum LifecycleState {
    Pending,
    PendingWait,
    PendingProceed,
    InService,
    Terminating,
    TerminatingWait,
    TerminatingProceed,
    Terminated,
    EnteringStandby,
    Standby,
    Detaching,
    Detached,
}

impl LifecycleState {
    /// Whether the instance is on its way into service.
    pub fn is_pending(self) -> bool {
        matches!(self, LifecycleState::Pending | LifecycleState::PendingWait | LifecycleState::PendingProceed)
    }

    /// Whether the instance's health is checked: not when it ends, because what ends, ends; and not in standby.
    pub(super) fn is_health_checked(self) -> bool {
        self.counts()
    }

    /// Whether the instance counts towards the desired capacity.
    pub fn counts(self) -> bool {
        self.is_pending() || self == LifecycleState::InService
    }

    /// Whether the instance is on its way out.
    pub fn is_terminating(self) -> bool {
        matches!(
            self,
            LifecycleState::Terminating
                | LifecycleState::TerminatingWait
                | LifecycleState::TerminatingProceed
                | LifecycleState::Terminated
        )
    }

    /// Auto Scaling's name.
    pub fn name(self) -> &'static str {
        match self {
            LifecycleState::Pending => "Pending",
            LifecycleState::PendingWait => "Pending:Wait",
            LifecycleState::PendingProceed => "Pending:Proceed",
            LifecycleState::InService => "InService",
            LifecycleState::Terminating => "Terminating",
            LifecycleState::TerminatingWait => "Terminating:Wait",
            LifecycleState::TerminatingProceed => "Terminating:Proceed",
            LifecycleState::Terminated => "Terminated",
            LifecycleState::EnteringStandby => "EnteringStandby",
            LifecycleState::Standby => "Standby",
            LifecycleState::Detaching => "Detaching",
            LifecycleState::Detached => "Detached",
        }
    }
}
