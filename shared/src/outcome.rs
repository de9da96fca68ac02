//! What a function answers that has looked after several nodes or image families.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use crate::failure::{Failure, Several};

/// Why nothing is left to do, by name. `mistakes` are those that could not even be looked at.
///
/// # Errors
/// When one failed: with its own failure if it is the only one, else with one that tells of all that failed.
pub fn answer<D: Display>(
    several: Several,
    outcomes: Vec<(String, Result<D, Failure>)>,
    mistakes: Vec<Failure>,
) -> Result<Value, Failure> {
    let total = outcomes.len() + mistakes.len();
    let mut failures: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let mut last = mistakes.into_iter().last();
    let mut served = Map::new();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(done) => drop(served.insert(name, json!(done.to_string()))),
            Err(failure) => {
                let reason = failure.chain();
                tracing::error!(name, error_type = failure.error_type(), reason, "failed");
                failures.push(format!("{name}: {reason}"));
                last = Some(failure);
            }
        }
    }
    match last {
        None => Ok(Value::Object(served)),
        Some(failure) if total == 1 => Err(failure),
        Some(_) => Err(Failure::Some { several, failures, total }),
    }
}
