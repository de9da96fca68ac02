//! The events that Durin understands: a closed set. Everything else is an explicit not-ours.
//!
//! Events are hints: each says no more than "look at this node now". What is believed of an event is which group it
//! means and which lifecycle action waits, never where the volume or the record should go.

mod images;
mod warnings;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ids::{ActionToken, GroupName, HookName, InstanceId};
use crate::lifecycle::{LifecycleAction, Passage, Transition};
use crate::risk::{RiskReason, Warning};
pub use images::{BAKE_FINISHED, ImageReady, SaidBy};
pub use warnings::RETIREMENTS;

/// What an event means to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A lifecycle action of an Auto Scaling group waits to be completed.
    LifecycleAction(LifecycleAction),
    /// Instances are going to be interrupted or retired, or may be. There may be none that is still concerned.
    Warnings(Vec<Warning>),
    /// An image may be ready to be published.
    ImageReady(ImageReady),
    /// A schedule is due.
    Schedule,
    /// Nothing that any of our functions acts on.
    NotOurs {
        /// For example `aws.ec2`.
        source: String,
        /// For example `EC2 Instance State-change Notification`.
        detail_type: String,
    },
}

/// Why something is not an event, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// It lacks what every EventBridge event has.
    #[error("this is not an EventBridge event")]
    NotAnEvent(#[source] serde_json::Error),
    /// It says that it is one that we understand, but its detail is not as AWS publishes it.
    #[error("this {detail_type:?} event is malformed")]
    Malformed {
        /// Which kind it says it is.
        detail_type: String,
        /// What is wrong with it.
        #[source]
        problem: serde_json::Error,
    },
}

impl Event {
    /// Understands an event as EventBridge delivers it to a function.
    ///
    /// # Errors
    /// When it is not an EventBridge event, or a known one without what it needs.
    pub fn parse(payload: Value) -> Result<Event, EventError> {
        let event: EventBridgeEvent<Value> = serde_json::from_value(payload).map_err(EventError::NotAnEvent)?;
        match (event.source.as_str(), event.detail_type.as_str()) {
            ("aws.autoscaling", "EC2 Instance-launch Lifecycle Action") => {
                lifecycle_action(event, Transition::Launching)
            }
            ("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action") => {
                lifecycle_action(event, Transition::Terminating)
            }
            ("aws.ec2", "EC2 Spot Instance Interruption Warning") => warnings::interruption(event),
            ("aws.ec2", "EC2 Instance Rebalance Recommendation") => warnings::recommendation(event),
            ("aws.health", "AWS Health Event") => warnings::health(event),
            images::AMI_STATE_CHANGE => images::state_change(event),
            images::IMAGE_BUILDER_STATE_CHANGE => images::image_builder(event),
            BAKE_FINISHED => images::bake_finished(event),
            ("aws.events" | "aws.scheduler", "Scheduled Event") => Ok(Event::Schedule),
            (_, _) => Ok(Event::NotOurs { source: event.source, detail_type: event.detail_type }),
        }
    }

    /// The event's `source` and `detail-type`.
    pub fn kind(&self) -> (String, String) {
        match self {
            Event::LifecycleAction(action) => {
                let transition = match action.transition {
                    Transition::Launching => "launch",
                    Transition::Terminating => "terminate",
                };
                ("aws.autoscaling".to_owned(), format!("EC2 Instance-{transition} Lifecycle Action"))
            }
            Event::Warnings(warnings) => match warnings.first().map(|warning| warning.risk.reason) {
                Some(RiskReason::Rebalance) => {
                    ("aws.ec2".to_owned(), "EC2 Instance Rebalance Recommendation".to_owned())
                }
                Some(RiskReason::Interruption | RiskReason::Terminating) => {
                    ("aws.ec2".to_owned(), "EC2 Spot Instance Interruption Warning".to_owned())
                }
                Some(RiskReason::Retirement) | None => ("aws.health".to_owned(), "AWS Health Event".to_owned()),
            },
            Event::ImageReady(ready) => {
                let (source, detail_type) = ready.said_by.kind();
                (source.to_owned(), detail_type.to_owned())
            }
            Event::Schedule => ("aws.events".to_owned(), "Scheduled Event".to_owned()),
            Event::NotOurs { source, detail_type } => {
                (source.chars().take(64).collect(), detail_type.chars().take(128).collect())
            }
        }
    }
}

/// The detail of a lifecycle action event. `Origin`, `Destination` and `Action` are younger than the event: recordings of
/// 2018 to 2020 lack them. `NotificationMetadata` is left out on purpose: it may be absent, a string or an object.
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

/// An event's detail, as a type of ours.
fn detail<D: DeserializeOwned>(event: EventBridgeEvent<Value>) -> Result<D, EventError> {
    serde_json::from_value(event.detail)
        .map_err(|problem| EventError::Malformed { detail_type: event.detail_type, problem })
}

fn lifecycle_action(event: EventBridgeEvent<Value>, transition: Transition) -> Result<Event, EventError> {
    let detail: LifecycleDetail = detail(event)?;
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
        match transition {
            // Only `ReplaceRootVolume` is known; an action yet unknown does not move a node either.
            _ if self.action.is_some() => Passage::InPlace,
            _ if to_pool => Passage::WarmPool,
            // An instance that leaves the pool by dying; one that leaves it by launching goes into service.
            Transition::Terminating if from_pool => Passage::WarmPool,
            Transition::Launching | Transition::Terminating => Passage::Service,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn launch(detail: Value) -> Value {
        json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance-launch Lifecycle Action", "detail": detail})
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
        assert!(matches!(Event::parse(launch(detail)), Ok(Event::LifecycleAction(action)) if action.is_ours()));
    }

    #[test]
    fn recordings_of_2018_lack_origin_destination_and_may_lack_the_token() {
        let detail = json!({"AutoScalingGroupName": "k3s", "LifecycleHookName": "h", "EC2InstanceId": "i-12345678"});
        let Ok(Event::LifecycleAction(action)) = Event::parse(launch(detail)) else { panic!("a lifecycle action") };
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
        let error = Event::parse(launch(detail)).expect_err("malformed");
        let EventError::Malformed { problem, .. } = error else { panic!("{error}") };
        assert!(problem.to_string().len() < 300, "{problem}");
    }

    #[rstest]
    #[case::null(json!(null))]
    #[case::text(json!("hello"))]
    #[case::list(json!([1, 2]))]
    #[case::empty(json!({}))]
    #[case::no_detail(json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance-launch Lifecycle Action"}))]
    fn what_is_not_an_event_is_refused(#[case] payload: Value) {
        assert!(matches!(Event::parse(payload), Err(EventError::NotAnEvent(_))));
    }
}
