//! What every event has: a source, a detail type, and a detail of that type.

use std::time::SystemTime;

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An event with its detail still unread.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) source: String,
    pub(super) detail_type: String,
    pub(super) time: Option<SystemTime>,
    detail: Value,
}

/// An event's `source` and `detail-type`, cut to what fits into a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    source: String,
    detail_type: String,
}

/// The reason why a function cannot act on a payload. No API call was made.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("this is not an EventBridge event: invoke the function with an event as in the folder events/")]
    NotAnEvent(#[source] serde_json::Error),
    /// We understand its kind, but its detail is not as AWS publishes it.
    #[error("this {detail_type:?} event is malformed: compare it with the one in the folder events/")]
    Malformed {
        detail_type: String,
        #[source]
        problem: serde_json::Error,
    },
    /// It was understood, but the function acts on other events.
    #[error("{:?} from {} is not an event that this function acts on: check the rule that sends it", .0.detail_type, .0.source)]
    NotForThisFunction(Kind),
}

impl Envelope {
    pub(super) fn open(payload: Value) -> Result<Envelope, EventError> {
        let event: EventBridgeEvent<Value> = serde_json::from_value(payload).map_err(EventError::NotAnEvent)?;
        let EventBridgeEvent { source, detail_type, time, detail, .. } = event;
        Ok(Envelope { source, detail_type, time: time.map(SystemTime::from), detail })
    }

    pub(super) fn kind(&self) -> Kind {
        Kind {
            source: self.source.chars().take(64).collect(),
            detail_type: self.detail_type.chars().take(128).collect(),
        }
    }

    /// The detail, as a type of ours.
    pub(super) fn detail<D: DeserializeOwned>(self) -> Result<D, EventError> {
        serde_json::from_value(self.detail)
            .map_err(|problem| EventError::Malformed { detail_type: self.detail_type, problem })
    }
}

impl Kind {
    /// For a function that such an event should not have reached.
    pub fn not_for_this_function(self) -> EventError {
        EventError::NotForThisFunction(self)
    }
}
