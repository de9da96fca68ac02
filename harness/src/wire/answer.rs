//! What an operation answers when it succeeds.

use http::StatusCode;
use serde_json::Value;

pub(super) struct Answer {
    pub(super) body: Value,
    pub(super) status: StatusCode,
    /// Where Route 53 says that a new hosted zone is.
    pub(super) location: Option<String>,
}

impl From<Value> for Answer {
    fn from(body: Value) -> Answer {
        Answer { body, status: StatusCode::OK, location: None }
    }
}
