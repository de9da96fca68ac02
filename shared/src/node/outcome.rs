//! What came of the nodes that one invocation has looked after.

use serde_json::{Map, Value, json};

use super::{Blocked, Done};
use crate::failure::Failure;

/// What a function answers: why nothing is left to do, by name. `mistakes` are nodes that could not even be looked at.
///
/// # Errors
/// When a node failed: with its own failure if it is the only node, else with one that tells of all that failed.
pub fn answer(outcomes: Vec<(String, Result<Done, Failure>)>, mistakes: Vec<Blocked>) -> Result<Value, Failure> {
    let total = outcomes.len() + mistakes.len();
    let mut failures: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let mut last = mistakes.into_iter().last().map(Failure::from);
    let mut served = Map::new();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(done) => drop(served.insert(name, json!(done.to_string()))),
            Err(failure) => {
                let reason = failure.chain();
                tracing::error!(node = name, error_type = failure.error_type(), reason, "failed");
                failures.push(format!("{name}: {reason}"));
                last = Some(failure);
            }
        }
    }
    match last {
        None => Ok(Value::Object(served)),
        Some(failure) if total == 1 => Err(failure),
        Some(_) => Err(Failure::SomeNodes { failures, total }),
    }
}
