//! Lifecycle hooks, and the actions in which they hold instances.

use std::time::Duration;

use crate::time::Time;

/// A hook that holds instances at launch or at termination until somebody completes the action.
#[derive(Clone, Debug)]
pub struct LifecycleHook {
    /// Unique in the group.
    pub name: String,
    pub transition: Transition,
    /// How long an action waits; a heartbeat starts it again.
    pub heartbeat_timeout: Duration,
    /// What a timeout means.
    pub default_result: ActionResult,
    /// Passed on in the event.
    pub notification_metadata: Option<String>,
}

impl LifecycleHook {
    /// However many heartbeats: min(48 h, 100 heartbeats).
    pub fn global_timeout(&self) -> Duration {
        (self.heartbeat_timeout * 100).min(Duration::from_secs(172_800))
    }
}

/// The two transitions that hooks exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// `autoscaling:EC2_INSTANCE_LAUNCHING`
    Launching,
    /// `autoscaling:EC2_INSTANCE_TERMINATING`
    Terminating,
}

impl Transition {
    /// Auto Scaling's name.
    pub fn name(self) -> &'static str {
        match self {
            Transition::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Transition::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }
}

/// How a lifecycle action ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionResult {
    Continue,
    /// At launch: terminate the instance. At termination: skip the remaining hooks.
    Abandon,
}

impl ActionResult {
    /// Auto Scaling's name.
    pub fn name(self) -> &'static str {
        match self {
            ActionResult::Continue => "CONTINUE",
            ActionResult::Abandon => "ABANDON",
        }
    }
}

/// A lifecycle action that waits to be completed.
#[derive(Clone, Debug)]
pub struct LifecycleAction {
    /// A UUID that names this one action.
    pub token: String,
    pub hook: String,
    pub started: Time,
    /// Until then the group shows the wait state, and nobody can complete the action.
    pub exists: Time,
    /// When it times out unless there is a heartbeat.
    pub deadline: Time,
    /// When it times out whatever the heartbeats.
    pub global_deadline: Time,
}

/// What the group says of an action that ended in ABANDON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Completed,
    TimedOut,
}
