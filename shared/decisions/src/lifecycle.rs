//! Auto Scaling's lifecycle actions: the way that an instance is on, and the hooks that hold it.

use crate::ids::{ActionToken, GroupName, HookName, InstanceId};

/// The launch hook that is ours. Durin never completes the actions of other hooks.
pub const LAUNCH_HOOK: &str = "durin-launch";
/// The terminate hook that is ours.
pub const TERMINATE_HOOK: &str = "durin-terminate";

/// A lifecycle action, as its event describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleAction {
    pub group: GroupName,
    pub hook: HookName,
    pub instance: InstanceId,
    /// Names this one action; without it the action is found by instance and hook.
    pub token: Option<ActionToken>,
    pub transition: Transition,
    /// Where the instance comes from and goes to.
    pub passage: Passage,
}

/// The two transitions that lifecycle hooks exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transition {
    Launching,
    Terminating,
}

/// The way that an instance is on. Not every launch event means a new node, nor every terminate event a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Into or out of service: the node may have to move.
    Service,
    /// Into, out of or back to the warm pool, without having been or becoming the node.
    WarmPool,
    /// Its root volume is replaced in place, during an instance refresh: it stays the node.
    InPlace,
}

impl LifecycleAction {
    /// Whether the hook is one that Durin completes.
    pub fn is_ours(&self) -> bool {
        self.hook.as_str() == self.transition.hook()
    }
}

impl Transition {
    /// Auto Scaling's name of it: a hook's `LifecycleTransition`.
    pub fn name(self) -> &'static str {
        match self {
            Transition::Launching => "autoscaling:EC2_INSTANCE_LAUNCHING",
            Transition::Terminating => "autoscaling:EC2_INSTANCE_TERMINATING",
        }
    }

    /// The name of our hook at this transition.
    pub fn hook(self) -> &'static str {
        match self {
            Transition::Launching => LAUNCH_HOOK,
            Transition::Terminating => TERMINATE_HOOK,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::launch("durin-launch", Transition::Launching, true)]
    #[case::terminate("durin-terminate", Transition::Terminating, true)]
    #[case::at_the_wrong_transition("durin-launch", Transition::Terminating, false)]
    #[case::somebody_elses("drain-ingress", Transition::Launching, false)]
    fn our_hooks_are_ours_by_name(#[case] hook: &str, #[case] transition: Transition, #[case] is_ours: bool) {
        let action = LifecycleAction {
            group: GroupName::new("k3s").expect("a name"),
            hook: HookName::new(hook).expect("a name"),
            instance: InstanceId::new("i-0123456789abcdef0").expect("an id"),
            token: None,
            transition,
            passage: Passage::Service,
        };
        assert_eq!(action.is_ours(), is_ours);
    }
}
