//! `durin-ami-publish`: a bake has finished, or the schedule is due. The newest image of each family goes into its
//! parameter, from which the next instance boots.

use durin::ami::publish::{self, Outcome};
use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::Event;
use durin::failure::Failure;
use serde_json::{Map, Value, json};

/// Handles one event: whatever it says, the question is which image is the newest of each family that there is.
///
/// # Errors
/// When the event is none of an image, the images cannot be read, or some family needs a person. The other families were
/// looked after all the same.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let fresh = match Event::parse(event)? {
        Event::ImageReady(ready) => ready.image,
        Event::Schedule => None,
        other @ (Event::LifecycleAction(_) | Event::Warnings(_) | Event::NotOurs { .. }) => {
            return Err(Failure::not_for_this_function(&other));
        }
    };
    if let Some(image) = fresh {
        publish::tags_written(aws, &image, deadline).await?;
    }
    let families = publish::families(aws).await?;
    let total = families.len();
    let mut failures = Vec::new();
    let mut outcomes = Map::new();
    for (name, images) in families {
        match publish::publish(aws, &name, images, deadline).await {
            Ok(outcome) => drop(outcomes.insert(name.to_string(), said(&outcome))),
            Err(failure) => {
                tracing::error!(family = %name, error_type = failure.error_type(), reason = failure.chain(), "failed");
                failures.push(format!("{name}: {}", failure.chain()));
            }
        }
    }
    if failures.is_empty() { Ok(Value::Object(outcomes)) } else { Err(Failure::SomeFamilies { failures, total }) }
}

fn said(outcome: &Outcome) -> Value {
    json!(outcome.to_string())
}
