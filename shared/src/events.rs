//! The events that Durin understands: a closed set. Anything else is explicitly [`Event::NotOurs`].
//!
//! Events are hints: each says no more than "look at this node now". Durin believes of an event which group it means
//! and which lifecycle action waits, never where the volume or the record should go.

mod envelope;
mod event;
mod images;
mod lifecycle;
mod warnings;

use serde_json::Value;

pub use envelope::{EventError, Kind};
pub use event::Event;
pub use images::BAKE_FINISHED;
pub use warnings::RETIREMENTS;

use crate::failure::Failure;
use crate::lifecycle::Transition;
use envelope::Envelope;

/// An event as EventBridge delivers it to a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub kind: Kind,
    pub event: Event,
}

impl Received {
    /// # Errors
    /// When it is not an EventBridge event, or a known one without its required fields.
    pub fn parse(payload: Value) -> Result<Received, EventError> {
        let envelope = Envelope::open(payload)?;
        let kind = envelope.kind();
        let event = match (envelope.source.as_str(), envelope.detail_type.as_str()) {
            ("aws.autoscaling", "EC2 Instance-launch Lifecycle Action") => {
                lifecycle::action(envelope, Transition::Launching)
            }
            ("aws.autoscaling", "EC2 Instance-terminate Lifecycle Action") => {
                lifecycle::action(envelope, Transition::Terminating)
            }
            ("aws.ec2", "EC2 Spot Instance Interruption Warning") => warnings::interruption(envelope),
            ("aws.ec2", "EC2 Instance Rebalance Recommendation") => warnings::recommendation(envelope),
            ("aws.health", "AWS Health Event") => warnings::health(envelope),
            images::AMI_STATE_CHANGE => images::state_change(envelope),
            images::IMAGE_BUILDER_STATE_CHANGE => images::image_builder(envelope),
            BAKE_FINISHED => images::bake_finished(envelope),
            ("aws.events" | "aws.scheduler", "Scheduled Event") => Ok(Event::Schedule),
            (_, _) => Ok(Event::NotOurs),
        };
        Ok(Received { kind, event: event? })
    }
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Failure {
        match error {
            EventError::NotAnEvent(_) | EventError::Malformed { .. } => Failure::InvalidEvent(error.into()),
            EventError::NotForThisFunction(_) => Failure::NotForThisFunction(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::null(json!(null))]
    #[case::text(json!("hello"))]
    #[case::list(json!([1, 2]))]
    #[case::empty(json!({}))]
    #[case::no_detail(json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance-launch Lifecycle Action"}))]
    fn what_is_not_an_event_is_refused(#[case] payload: Value) {
        assert!(matches!(Received::parse(payload), Err(EventError::NotAnEvent(_))));
    }

    #[rstest]
    #[case::ours(json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}), "Scheduled Event")]
    #[case::a_retirement_that_is_over(
        json!({"source": "aws.health", "detail-type": "AWS Health Event", "detail": {
            "service": "EC2", "eventTypeCode": RETIREMENTS[0], "statusCode": "closed"}}),
        "AWS Health Event")]
    #[case::absurd(json!({"source": "x".repeat(1_000_000), "detail-type": "Y", "detail": {}}), "\"Y\" from xxx")]
    fn an_event_that_reached_the_wrong_function_is_named_in_few_words(#[case] payload: Value, #[case] named: &str) {
        let error = Received::parse(payload).expect("an event").kind.not_for_this_function().to_string();
        assert!(error.contains(named) && error.len() < 300, "{error}");
    }
}
