//! Publishing: puts the newest image of a family into its parameter. The choice is derived from the images that exist,
//! whatever the event was.

mod observe;
mod put;

use std::time::Duration;

use tracing::info;

pub use durin_decisions::images::publish::{Blocked, Done};
pub use observe::{families, tags_written, undisputed};
pub(super) use put::{Put, contended, put};

use durin_decisions::images::Image;
use durin_decisions::images::publish::{Decision, decide};

use crate::aws::Aws;
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName};
pub(super) use observe::tags_of;
use observe::{images_of, observe, pin_of};

/// A second round confirms the first; more are needed only while others write the same parameter.
const MOST_ROUNDS: usize = 20;

/// How long to wait for others who write the parameter.
const YIELD: Duration = Duration::from_secs(2);

/// Publishes the newest image of one family, if there is a newer one than the parameter names.
///
/// After a write it looks again: Parameter Store has no compare-and-swap, so a function that had seen less may have
/// overwritten a newer image, and the last function to look puts it right.
///
/// # Errors
/// When a person is needed, AWS fails for good, or the deadline comes first.
pub async fn publish(
    aws: &Aws,
    name: &ParameterName,
    mut images: Vec<Image>,
    deadline: Deadline,
) -> Result<Outcome, Failure> {
    let mut published = None;
    for _ in 0..MOST_ROUNDS {
        let family = observe(aws, name.clone(), images).await?;
        let decision = decide(&family, aws.clock.now());
        info!(family = %name, decision = %decision);
        let image = match decision {
            Decision::Publish { image, .. } => image,
            Decision::Done(reason) => return Ok(Outcome { published, reason }),
            Decision::Blocked(reason) => return Err(reason.into()),
        };
        // Once more, because Parameter Store has no compare-and-swap, and a person's wish comes first.
        if pin_of(aws, name).await?.is_some() {
            images = images_of(aws, name).await?;
            continue;
        }
        match put(aws, name, &image, deadline).await? {
            Put::Readable => published = Some(image),
            Put::Overtaken => {
                if !deadline.allows(aws.clock.now(), YIELD) {
                    return Err(Failure::OutOfTime {
                        waiting_for: format!("others are still writing the parameter {name}"),
                    });
                }
                aws.clock.sleep(YIELD).await;
            }
        }
        images = images_of(aws, name).await?;
    }
    Err(contended(name, MOST_ROUNDS))
}

impl From<Blocked> for Failure {
    fn from(blocked: Blocked) -> Failure {
        Failure::Blocked(blocked.into())
    }
}

/// The result of looking at a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The image that was published, if one was.
    pub published: Option<ImageId>,
    /// Why nothing is left to do.
    pub reason: Done,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.published {
            Some(image) => write!(f, "published {image}"),
            None => write!(f, "{}", self.reason),
        }
    }
}
