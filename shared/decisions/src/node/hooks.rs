//! Whether a group's lifecycle hooks leave the functions the time that a hand-off takes.

use std::time::Duration;

use super::next_step::least_heartbeat;
use super::step::ActionResult;
use crate::ids::GroupName;
use crate::lifecycle::Transition;
use crate::shell::quoted;

/// A lifecycle hook of a group, as far as Durin needs it to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    pub name: String,
    pub transition: Option<Transition>,
    /// What its action comes to when nobody completes it in time.
    pub default_result: Option<ActionResult>,
    pub heartbeat: Option<Duration>,
}

/// What is wrong with our hook at a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookProblem {
    pub transition: Transition,
    pub flaw: HookFlaw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookFlaw {
    #[error("it does not exist")]
    Missing,
    #[error("its default result has to be {}", .0.name())]
    DefaultResult(ActionResult),
    #[error("its HeartbeatTimeout has to be at least {} s, because a hand-off may take that long", .0.as_secs())]
    Heartbeat(Duration),
}

/// The first of our two hooks that is missing or wrong, if any.
pub fn hook_problem(hooks: &[Hook]) -> Option<HookProblem> {
    let of = |transition| flaw(hooks, transition).map(|flaw| HookProblem { transition, flaw });
    [Transition::Launching, Transition::Terminating].into_iter().find_map(of)
}

fn flaw(hooks: &[Hook], transition: Transition) -> Option<HookFlaw> {
    let is_ours = |hook: &&Hook| hook.name == transition.hook() && hook.transition == Some(transition);
    let Some(hook) = hooks.iter().find(is_ours) else { return Some(HookFlaw::Missing) };
    let (result, least) = (default_result(transition), least_heartbeat(transition));
    if hook.default_result != Some(result) {
        Some(HookFlaw::DefaultResult(result))
    } else if hook.heartbeat.is_none_or(|heartbeat| heartbeat < least) {
        Some(HookFlaw::Heartbeat(least))
    } else {
        None
    }
}

/// A newcomer that nobody has come to serve is given up. At the other transition the instance ends either way.
fn default_result(transition: Transition) -> ActionResult {
    match transition {
        Transition::Launching => ActionResult::Abandon,
        Transition::Terminating => ActionResult::Continue,
    }
}

impl HookProblem {
    /// The command with which a person mends the hook, whatever is wrong with it.
    pub(super) fn cure(&self, group: &GroupName) -> String {
        format!(
            "aws autoscaling put-lifecycle-hook --auto-scaling-group-name {} --lifecycle-hook-name {} \
             --lifecycle-transition {} --default-result {} --heartbeat-timeout {}",
            quoted(group.as_str()),
            self.transition.hook(),
            self.transition.name(),
            default_result(self.transition).name(),
            least_heartbeat(self.transition).as_secs()
        )
    }
}
