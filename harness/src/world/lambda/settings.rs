//! How functions are deployed, and how undeliverable events are handled.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// After this an invocation is killed, between any two instructions.
    pub timeout: Duration,
    /// MB.
    pub memory_mb: u32,
    pub environment: BTreeMap<String, String>,
    /// How many invocations may run at once; `None` for no limit.
    pub reserved_concurrency: Option<u32>,
    /// The handling of invocations that fail.
    pub invoke: InvokeSettings,
}

/// The handling of asynchronous invocations that fail.
#[derive(Clone, Debug)]
pub struct InvokeSettings {
    /// When Lambda gives up.
    pub retry: RetryPolicy,
    /// The ARN of the queue for invocations that it gave up.
    pub on_failure: Option<String>,
}

impl Default for InvokeSettings {
    /// Lambda's own. (Lambda Developer Guide, "Error handling for asynchronous invocation".)
    fn default() -> InvokeSettings {
        let retry = RetryPolicy { max_age: Duration::from_secs(6 * 3600), max_retries: 2 };
        InvokeSettings { retry, on_failure: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Older events are given up.
    pub max_age: Duration,
    /// After the first attempt.
    pub max_retries: u32,
}

/// An event that was given up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// The ARN of the queue.
    pub queue: String,
    /// The function that it was meant for.
    pub function: String,
    pub payload: Value,
}
