//! `durin-ami-publish`: a bake has finished, or the schedule is due. The newest image of each family goes into its
//! parameter, from which the next instance boots.

use durin::ami::publish;
use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::{Event, Received};
use durin::failure::{Failure, Subjects};
use durin::news::{self, Occasion};
use durin::outcome::answer;
use serde_json::Value;

/// Handles one event: whatever it says, the function looks for the newest image of each family.
///
/// # Errors
/// When the event is not about an image, the images cannot be read, or some family needs a person. The other families
/// were still handled.
pub async fn handle(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let occasion = Occasion::of(&event, aws.clock.now());
    news::of_failure(aws, &occasion, act(aws, event, deadline).await).await
}

async fn act(aws: &Aws, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let Received { kind, event } = Received::parse(event)?;
    let fresh = match event {
        Event::ImageReady(image) => image,
        Event::Schedule => None,
        Event::LifecycleAction(_) | Event::Warnings(_) | Event::NotOurs => {
            return Err(kind.not_for_this_function().into());
        }
    };
    if let Some(image) = fresh {
        publish::tags_written(aws, &image, deadline).await?;
    }
    let mut outcomes = Vec::new();
    let families = publish::families(aws).await?;
    for name in families.keys() {
        let outcome = match publish::undisputed(&families, name) {
            Ok(images) => publish::publish(aws, name, images, deadline).await,
            Err(disputed) => Err(disputed),
        };
        outcomes.push((name.to_string(), outcome));
    }
    answer(Subjects::ImageFamilies, outcomes, Vec::new())
}
