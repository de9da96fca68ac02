//! Events of Auto Scaling's lifecycle hooks.

use serde::Deserialize;

use super::envelope::{Envelope, EventError};
use super::event::Event;
use crate::ids::{ActionToken, GroupName, HookName, InstanceId};
use crate::lifecycle::{LifecycleAction, Passage, Transition};

/// `Origin`, `Destination` and `Action` are younger than the event: recordings of 2018 to 2020 lack them.
/// `NotificationMetadata` is left out on purpose: it may be absent, a string or an object.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LifecycleDetail {
    auto_scaling_group_name: GroupName,
    lifecycle_hook_name: HookName,
    #[serde(rename = "EC2InstanceId")]
    ec2_instance_id: InstanceId,
    lifecycle_action_token: Option<ActionToken>,
    origin: Option<String>,
    destination: Option<String>,
    action: Option<String>,
}

pub(super) fn action(envelope: Envelope, transition: Transition) -> Result<Event, EventError> {
    let detail: LifecycleDetail = envelope.detail()?;
    Ok(Event::LifecycleAction(LifecycleAction {
        passage: detail.passage(transition),
        group: detail.auto_scaling_group_name,
        hook: detail.lifecycle_hook_name,
        instance: detail.ec2_instance_id,
        token: detail.lifecycle_action_token,
        transition,
    }))
}

impl LifecycleDetail {
    fn passage(&self, transition: Transition) -> Passage {
        let from_pool = self.origin.as_deref() == Some("WarmPool");
        let to_pool = self.destination.as_deref() == Some("WarmPool");
        // Only `ReplaceRootVolume` is known; an action that is still unknown does not move a node either.
        if self.action.is_some() {
            return Passage::InPlace;
        }
        match transition {
            Transition::Launching | Transition::Terminating if to_pool => Passage::WarmPool,
            // An instance that leaves the pool by dying; one that leaves it by launching goes into service.
            Transition::Terminating if from_pool => Passage::WarmPool,
            Transition::Launching | Transition::Terminating => Passage::Service,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn launch(detail: Value) -> Result<LifecycleAction, EventError> {
        let event = json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance-launch Lifecycle Action", "detail": detail});
        match action(Envelope::open(event)?, Transition::Launching)? {
            Event::LifecycleAction(action) => Ok(action),
            other => panic!("{other:?}"),
        }
    }

    fn whole() -> Value {
        json!({
            "AutoScalingGroupName": "k3s",
            "LifecycleHookName": "durin-launch",
            "EC2InstanceId": "i-0123456789abcdef0",
            "LifecycleActionToken": "87654321-4321-4321-4321-210987654321",
            "Origin": "EC2",
            "Destination": "AutoScalingGroup",
        })
    }

    #[rstest]
    #[case::metadata_absent(json!({}))]
    #[case::metadata_text(json!({"NotificationMetadata": "text"}))]
    #[case::metadata_object(json!({"NotificationMetadata": {"a": 1}}))]
    #[case::fields_of_the_future(json!({"NewIn2030": [1, 2]}))]
    fn unknown_fields_are_harmless(#[case] more: Value) {
        let mut detail = whole();
        detail.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        assert!(matches!(launch(detail), Ok(action) if action.is_ours()));
    }

    #[test]
    fn recordings_of_2018_lack_origin_destination_and_may_lack_the_token() {
        let detail = json!({"AutoScalingGroupName": "k3s", "LifecycleHookName": "h", "EC2InstanceId": "i-12345678"});
        let action = launch(detail).expect("a lifecycle action");
        assert_eq!((action.passage, action.token.clone(), action.is_ours()), (Passage::Service, None, false));
    }

    #[rstest]
    #[case::no_group("AutoScalingGroupName", Value::Null)]
    #[case::no_instance("EC2InstanceId", Value::Null)]
    #[case::a_number("EC2InstanceId", json!(17))]
    #[case::absurd("EC2InstanceId", json!("i".repeat(1_000_000)))]
    #[case::an_empty_group("AutoScalingGroupName", json!(""))]
    #[case::control_characters("LifecycleHookName", json!("durin\u{0}launch"))]
    fn a_malformed_detail_is_refused_in_few_words(#[case] field: &str, #[case] value: Value) {
        let mut detail = whole();
        detail[field] = value;
        let error = launch(detail).expect_err("malformed");
        let EventError::Malformed { problem, .. } = error else { panic!("{error}") };
        assert!(problem.to_string().len() < 300, "{problem}");
    }
}
