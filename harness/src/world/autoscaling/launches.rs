//! Instances come into a group.

use std::collections::BTreeMap;
use std::time::Duration;

use super::AutoScalingChange;
use super::activities::Place;
use super::{AutoScalingEffect, Group, LifecycleState, Member, Transition, World};
use crate::time::Time;
use crate::world::ec2::RunInstances;
use crate::world::error::{ApiError, ApiResult};

/// However often launches fail, the next one is tried after this time. Estimate. No probe: it takes hours without
/// capacity.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

impl World {
    /// Launches the `number`th instance (from 0) of what the group counts.
    pub(super) fn launch_member(&mut self, name: &str, number: usize) {
        let (zone, subnet) = emptiest_place(self.autoscaling.the_group(name));
        let cause = format!(
            "At {} an instance was started in response to a difference between desired and actual capacity, increasing \
             the capacity from {number} to {}.",
            self.now.iso_seconds(),
            number + 1
        );
        let activity = self.begin_activity(name, "Launching a new EC2 instance", &cause);
        match self.launch_for_group(name, &subnet) {
            Ok(instance) => self.join(name, &instance, &zone, &activity),
            Err(error) => {
                let message = format!("{} Launching EC2 instance failed.", error.message);
                self.note_change(name, AutoScalingChange::LaunchFailed { message: error.message });
                let activity = self.end_activity(name, &activity, "Failed", &message);
                let place = Place { instance: String::new(), zone, subnet };
                self.emit_outcome(name, &place, Transition::Launching, &activity);
                let pause = self.draw(self.latency.launch_retry);
                self.pause_launches(name, pause);
                self.suspend_if_hopeless(name);
            }
        }
    }

    fn launch_for_group(&mut self, name: &str, subnet: &str) -> ApiResult<String> {
        let source = self.autoscaling.known_group(name)?.next_launch(&self.autoscaling.launch_configurations);
        let now = self.now;
        let group = self.autoscaling.known_group_mut(name)?;
        group.take_capacity(now)?;
        let tags = group.tags_for_instances();
        let subnet_id = Some(subnet.to_owned());
        let ids = self.run_instances(RunInstances { subnet_id, tags, count: 1, ..source? })?;
        ids.into_iter().next().ok_or_else(|| ApiError::new("InternalError", "no instance").with_status(500))
    }

    fn join(&mut self, name: &str, instance: &str, zone: &str, activity: &str) {
        let instance_type = self.ec2.the_instance(instance).instance_type.clone();
        let joined = self.now;
        let hooks_to_run = self.autoscaling.hooks_for(name, Transition::Launching);
        let group = self.autoscaling.the_group_mut(name);
        let begun = group.activities.iter_mut().find(|it| it.id == activity).expect("the launch has just begun");
        begun.description = format!("Launching a new EC2 instance: {instance}");
        "PreInService".clone_into(&mut begun.status);
        begun.progress = 30;
        group.failing_since = None;
        let protected = group.new_instances_protected_from_scale_in;
        group.members.push(Member {
            instance_type,
            zone: zone.to_owned(),
            protected_from_scale_in: protected,
            hooks_to_run,
            activity_id: activity.to_owned(),
            ..Member::joining(instance, joined)
        });
        self.note_change(instance, AutoScalingChange::Joined { group: name.to_owned() });
        // AWS does not say whether the launch hook's event comes while EC2 still says `pending` or after that:
        // sometimes it does here. The other times `running` sets the group going. No probe: either is played.
        if self.rng.bool() {
            self.proceed_soon(name, instance);
        }
    }

    /// A launch has come to nothing: the next one has to wait, longer each time. EC2 Auto Scaling User Guide
    /// (lifecycle hooks): if launches are abandoned again and again, the group slows down. How much is an estimate.
    /// No probe: it takes hours of failing launches.
    pub(super) fn pause_launches(&mut self, name: &str, first: Duration) {
        let now = self.now;
        let group = self.autoscaling.the_group_mut(name);
        let pause = first.saturating_mul(1 << group.failed_launches.min(6)).min(LONGEST_PAUSE);
        group.failed_launches += 1;
        group.no_launch_before = Some(now + pause);
        self.reconcile_soon(name);
    }

    pub(super) fn enter_service(&mut self, name: &str, instance: &str) {
        self.enter_lifecycle(name, instance, LifecycleState::InService);
        let now = self.now;
        let group = self.autoscaling.the_group_mut(name);
        group.failed_launches = 0;
        group.no_launch_before = None;
        let member = self.autoscaling.the_member_mut(name, instance);
        member.in_service_since = Some(now);
        let activity = member.activity_id.clone();
        let activity = self.end_activity(name, &activity, "Successful", "");
        let place = self.place_of(name, instance);
        self.emit_outcome(name, &place, Transition::Launching, &activity);
        self.recommend_later(name, instance);
        self.notice_if_dead(name, instance);
        self.reconcile_soon(name);
    }

    pub(super) fn proceed_soon(&mut self, name: &str, instance: &str) {
        let delay = self.draw(self.latency.lifecycle_step);
        let (group, instance) = (name.to_owned(), instance.to_owned());
        self.schedule(delay, AutoScalingEffect::Proceed { group, instance });
    }

    pub(super) fn place_of(&self, name: &str, instance: &str) -> Place {
        let zone = self.autoscaling.the_member(name, instance).zone.clone();
        // EC2 may have forgotten an instance whose terminate hook was slow.
        let subnet = self.ec2.instances.get(instance).map(|instance| instance.subnet_id.clone()).unwrap_or_default();
        Place { instance: instance.to_owned(), zone, subnet }
    }
}

impl Member {
    /// An instance that joins its group now; the rest of what is known about it is to be filled in.
    pub(in crate::world) fn joining(instance: &str, now: Time) -> Member {
        Member {
            instance_id: instance.to_owned(),
            instance_type: String::new(),
            zone: String::new(),
            lifecycle: LifecycleState::Pending,
            healthy: true,
            protected_from_scale_in: false,
            leaves_for: None,
            joined: now,
            in_service_since: None,
            action: None,
            hooks_to_run: Vec::new(),
            activity_id: String::new(),
            replaced: true,
        }
    }
}

impl Group {
    /// What EC2 Auto Scaling tags an instance with at launch: its own tags, and those of the group that propagate.
    pub(in crate::world) fn tags_for_instances(&self) -> BTreeMap<String, String> {
        let propagated = self.tags.iter().filter(|tag| tag.propagate_at_launch);
        let mut tags: BTreeMap<_, _> = propagated.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
        tags.insert("aws:autoscaling:groupName".to_owned(), self.name.clone());
        tags
    }
}

/// EC2 Auto Scaling User Guide: capacity is balanced across zones.
fn emptiest_place(group: &Group) -> (String, String) {
    let population =
        |zone: &String| group.members.iter().filter(|member| member.zone == *zone && member.lifecycle.counts()).count();
    let places = group.zones.iter().zip(&group.subnets);
    let emptiest = places.min_by_key(|(zone, _)| population(zone));
    let (zone, subnet) = emptiest.expect("a group has a place for instances");
    (zone.clone(), subnet.clone())
}
