//! How many instances a group has, and how many it should have.

use super::{Group, LifecycleState, Member};

impl Group {
    pub(super) fn capacity(&self) -> usize {
        usize::try_from(self.desired_capacity).unwrap_or(usize::MAX)
    }

    /// Those that count towards the capacity, the ones on their way in included.
    pub(super) fn counted(&self) -> usize {
        self.members.iter().filter(|member| member.lifecycle.counts()).count()
    }

    /// Each instance that leaves gets its replacement before it ends, even above the maximum size. EC2 Auto Scaling User
    /// Guide (Capacity Rebalancing, rebalancing activities): by up to ten per cent or one instance; a group of one was
    /// seen to do so too.
    pub(super) fn wanted(&self) -> usize {
        self.capacity() + self.members.iter().filter(|member| member.is_leaving()).count()
    }

    pub(super) fn in_service(&self) -> usize {
        self.members.iter().filter(|member| member.lifecycle == LifecycleState::InService).count()
    }
}

impl Member {
    /// Whether the instance serves until its replacement does.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaves_for.is_some() && self.lifecycle == LifecycleState::InService
    }
}
