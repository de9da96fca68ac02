//! The answer of an operation that succeeds.

use http::StatusCode;
use serde_json::Value;

pub(super) struct Answer {
    pub(super) body: Value,
    pub(super) status: StatusCode,
    /// Where Route 53 says that a new hosted zone is.
    pub(super) location: Option<String>,
}

impl Answer {
    pub(super) fn ok(body: Value) -> Answer {
        Answer { body, status: StatusCode::OK, location: None }
    }

    pub(super) fn created(location: String, body: Value) -> Answer {
        Answer { body, status: StatusCode::CREATED, location: Some(location) }
    }
}
