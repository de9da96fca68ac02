//! Spot capacity that a group does not get, or does not keep.

use std::time::Duration;

use super::{AutoScaling, AutoScalingEffect, Group, LifecycleState, Process, World};
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};
use crate::world::latency::Range;

/// EC2 Auto Scaling User Guide (suspending processes): after more than 24 hours without a successful launch there may be an
/// "administrative suspension".
const HOPELESS_AFTER: Duration = Duration::from_secs(24 * 3600);

impl AutoScaling {
    /// The next launches of the group find no capacity, besides those that would not anyway.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn fail_next_launches(&mut self, group: &str, times: u32) {
        self.spot_group_mut(group).capacity_failures += times;
    }

    /// No launch of the group finds capacity before then.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn fail_launches_until(&mut self, group: &str, until: Time) {
        self.spot_group_mut(group).no_capacity_until = Some(until);
    }

    /// From now on every launch finds capacity.
    pub fn end_shortages(&mut self) {
        for group in self.groups.values_mut() {
            group.capacity_failures = 0;
            group.no_capacity_until = None;
        }
    }

    /// From now on EC2 recommends to replace each instance of the group so soon after it has come into service, for ever.
    /// (aws-node-termination-handler#141: within five minutes of the launch.)
    ///
    /// # Panics
    /// When there is no such group.
    pub fn recommend_every_newcomer(&mut self, group: &str, after: Range) {
        self.spot_group_mut(group).recommended_after = Some(after);
    }

    fn spot_group_mut(&mut self, name: &str) -> &mut Group {
        self.groups.get_mut(name).expect("a group whose spot capacity is to change")
    }
}

impl Group {
    pub(super) fn take_capacity(&mut self, now: Time) -> ApiResult<()> {
        let is_short = self.no_capacity_until.is_some_and(|until| now < until);
        if !is_short && self.capacity_failures == 0 {
            return Ok(());
        }
        if !is_short {
            self.capacity_failures -= 1;
        }
        Err(ApiError::new(
            "InsufficientInstanceCapacity",
            "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that \
             matches your request.",
        ))
    }
}

impl World {
    /// A launch has failed: after a day of nothing else AWS gives up, until somebody resumes Launch.
    pub(super) fn suspend_if_hopeless(&mut self, name: &str) {
        let now = self.now;
        let group = self.autoscaling.the_group_mut(name);
        let since = *group.failing_since.get_or_insert(now);
        if now.since(since) > HOPELESS_AFTER {
            let reason = format!("Administratively suspended at {}: launches have failed for a day", now.iso_seconds());
            self.suspend(name, &[Process::Launch], &reason);
        }
    }

    pub(super) fn recommend_later(&mut self, name: &str, instance: &str) {
        let Some(after) = self.autoscaling.the_group(name).recommended_after else { return };
        let delay = self.draw(after);
        let (group, instance) = (name.to_owned(), instance.to_owned());
        self.schedule(delay, AutoScalingEffect::Recommend { group, instance });
    }

    pub(super) fn recommend_newcomer(&mut self, name: &str, instance: &str) {
        let member = self.autoscaling.still_member(name, instance);
        let serves = member.is_some_and(|member| member.lifecycle == LifecycleState::InService);
        if serves && self.ec2.is_alive(instance) {
            self.recommend_rebalance(instance);
        }
    }
}
