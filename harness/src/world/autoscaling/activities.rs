//! A group's scaling activities, and the events about them.

use serde_json::{Value, json};

use super::AutoScaling;
use super::{LifecycleAction, LifecycleHook, Transition, World};
use crate::time::Time;
use crate::world::ec2::instance_arn;

/// DescribeScalingActivities keeps six weeks; this many are enough here.
const ACTIVITIES_KEPT: usize = 100;

/// A line of DescribeScalingActivities.
#[derive(Clone, Debug)]
pub struct Activity {
    /// A UUID.
    pub id: String,
    /// For example `Launching a new EC2 instance: i-…`.
    pub description: String,
    pub cause: String,
    pub started: Time,
    pub ended: Option<Time>,
    /// `InProgress`, `Successful`, `Cancelled`, `Failed`, `MidLifecycleAction`, …
    pub status: String,
    pub status_message: String,
    /// Per cent.
    pub progress: u8,
}

impl AutoScaling {
    /// None for an old one that is not listed any more.
    fn activity_mut(&mut self, group: &str, id: &str) -> Option<&mut Activity> {
        self.groups.get_mut(group)?.activities.iter_mut().find(|activity| activity.id == id)
    }
}

impl World {
    /// A new activity: its id.
    pub(super) fn begin_activity(&mut self, group: &str, description: &str, cause: &str) -> String {
        let activity = Activity {
            id: self.uuid(),
            description: description.to_owned(),
            cause: cause.to_owned(),
            started: self.now,
            ended: None,
            status: "InProgress".to_owned(),
            status_message: String::new(),
            progress: 0,
        };
        let id = activity.id.clone();
        let group = self.autoscaling.the_group_mut(group);
        group.activities.insert(0, activity);
        group.activities.truncate(ACTIVITIES_KEPT);
        id
    }

    /// The activity of an instance that the group has had from the beginning: its id.
    pub(in crate::world) fn add_launch(&mut self, group: &str, instance: &str, cause: &str) -> String {
        let id = self.begin_activity(group, &format!("Launching a new EC2 instance: {instance}"), cause);
        self.end_activity(group, &id, "Successful", "");
        id
    }

    pub(super) fn hold_activity(&mut self, group: &str, id: &str) {
        if let Some(activity) = self.autoscaling.activity_mut(group, id) {
            "MidLifecycleAction".clone_into(&mut activity.status);
            activity.progress = 60;
        }
    }

    /// Ends the activity, unless it has ended: what it is now.
    pub(super) fn end_activity(&mut self, group: &str, id: &str, status: &str, message: &str) -> Activity {
        let now = self.now;
        let Some(activity) = self.autoscaling.activity_mut(group, id) else {
            return Activity {
                id: id.to_owned(),
                description: String::new(),
                cause: String::new(),
                started: now,
                ended: Some(now),
                status: status.to_owned(),
                status_message: message.to_owned(),
                progress: 100,
            };
        };
        if activity.ended.is_none() {
            status.clone_into(&mut activity.status);
            message.clone_into(&mut activity.status_message);
            activity.ended = Some(now);
            activity.progress = 100;
        }
        activity.clone()
    }

    /// EC2 Auto Scaling User Guide: "EC2 Instance-launch Lifecycle Action" and its twin.
    pub(super) fn emit_lifecycle_action(
        &mut self,
        group: &str,
        instance: &str,
        hook: &LifecycleHook,
        action: &LifecycleAction,
    ) {
        let arn = self.autoscaling.the_group(group).arn();
        let (detail_type, origin, destination) = match hook.transition {
            Transition::Launching => ("EC2 Instance-launch Lifecycle Action", "EC2", "AutoScalingGroup"),
            Transition::Terminating => ("EC2 Instance-terminate Lifecycle Action", "AutoScalingGroup", "EC2"),
        };
        let mut detail = json!({
            "LifecycleActionToken": action.token,
            "AutoScalingGroupName": group,
            "LifecycleHookName": hook.name,
            "EC2InstanceId": instance,
            "LifecycleTransition": hook.transition.name(),
        });
        if let Some(metadata) = &hook.notification_metadata {
            detail["NotificationMetadata"] = json!(metadata);
        }
        detail["Origin"] = json!(origin);
        detail["Destination"] = json!(destination);
        self.emit("aws.autoscaling", detail_type, vec![arn], detail);
    }

    /// EC2 Auto Scaling User Guide: "EC2 Instance Launch Successful", "… Launch Unsuccessful", "… Terminate Successful".
    pub(super) fn emit_outcome(&mut self, group: &str, place: &Place, transition: Transition, activity: &Activity) {
        let arn = self.autoscaling.the_group(group).arn();
        let successful = activity.status == "Successful";
        let (what, origin, destination) = match transition {
            Transition::Launching => ("Launch", "EC2", "AutoScalingGroup"),
            Transition::Terminating => ("Terminate", "AutoScalingGroup", "EC2"),
        };
        let detail_type = format!("EC2 Instance {what} {}", if successful { "Successful" } else { "Unsuccessful" });
        let mut resources = vec![arn];
        // A launch that found no capacity has no instance, and then an empty id.
        if !place.instance.is_empty() {
            resources.push(instance_arn(&place.instance));
        }
        let detail = json!({
            "StatusCode": if successful { "InProgress" } else { "Failed" },
            "Description": activity.description,
            "AutoScalingGroupName": group,
            "ActivityId": activity.id,
            "Details": place.details(),
            "RequestId": activity.id,
            "StatusMessage": activity.status_message,
            "EndTime": activity.ended.unwrap_or(self.now).iso_millis(),
            "EC2InstanceId": place.instance,
            "StartTime": activity.started.iso_millis(),
            "Cause": activity.cause,
            "Origin": origin,
            "Destination": destination,
        });
        self.emit("aws.autoscaling", &detail_type, resources, detail);
    }
}

/// Which instance an activity was about, and where it is or should have been.
pub(super) struct Place {
    pub(super) instance: String,
    pub(super) zone: String,
    pub(super) subnet: String,
}

impl Place {
    fn details(&self) -> Value {
        json!({ "Availability Zone": self.zone, "Subnet ID": self.subnet })
    }
}
