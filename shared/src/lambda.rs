//! The common part of every function's `main`: logs, clients, the runtime. The only reader of the environment besides
//! the SDK.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;

use crate::aws::Aws;
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::node::DocumentVersions;

/// Runs a function for as long as Lambda keeps it: logs as JSON lines, builds the clients once, and hands each event to
/// the handler with the time by which it must be done.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn run(handler: impl AsyncFn(Arc<Aws>, Value, Deadline) -> Result<Value, Failure>) -> Result<(), Error> {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_target(false)
        .with_ansi(false)
        .with_max_level(log_level())
        .init();
    let aws = Arc::new(Aws { documents: documents(), ..Aws::from_lambda_environment().await });
    let handler = &handler;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let aws = Arc::clone(&aws);
        async move {
            let deadline = Deadline::before(event.context.deadline());
            // Boxed: nested to its full depth, the type of an SDK call's future overflows the compiler's limits.
            let answer = Box::pin(handler(aws, event.payload, deadline)).await;
            if let Err(failure) = &answer {
                tracing::error!(error_type = failure.error_type(), reason = failure.chain(), "failed");
            }
            answer
        }
    }))
    .await
}

/// A variable of the environment, for a function that has settings.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Serving fails open: commands to a node rather name no version than are not sent.
fn documents() -> DocumentVersions {
    let versions = DocumentVersions::parse(&variable(DocumentVersions::VARIABLE).unwrap_or_default());
    versions.unwrap_or_else(|error| {
        let (variable, reason) = (DocumentVersions::VARIABLE, error.to_string());
        tracing::error!(variable, reason, "not understood, so commands run the documents' default versions");
        DocumentVersions::default()
    })
}

/// `RUST_LOG`, as one level for everything: from `debug` on the SDK logs too. `info` unless it is one.
fn log_level() -> LevelFilter {
    variable("RUST_LOG").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}
