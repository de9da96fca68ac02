//! A person's means to overrule publishing: pin a parameter, unpin it, or roll it back.

use aws_sdk_ssm::types::{ResourceTypeForTagging, Tag};

use durin_decisions::images::ImageState;

use super::publish::{Put, contended, pin_of, put};
use super::read;
use crate::aws::{Aws, failed, incomplete};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName};
use crate::tags::PINNED;
use crate::times::timestamp;

/// Rolls are rare and made by people: if others write the parameter this often in the meantime, something is wrong.
const MOST_ROUNDS: usize = 3;

/// The result of a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// The parameter's value before, in any form.
    pub from: String,
    pub to: ImageId,
}

/// No earlier image of a parameter can be launched. The pin stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{parameter} names {current}, and none of the images that it named before can be launched: enable one, or put another \
     id into the parameter yourself; it is pinned now"
)]
pub struct NothingToRollBackTo {
    parameter: ParameterName,
    current: String,
}

/// Parameter Store has not taken the earlier image in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; {parameter} names what it named before, and {pin}")]
pub struct NotRolledBack {
    parameter: ParameterName,
    why: String,
    /// Whether it is as it was, in words.
    pin: String,
}

/// Pins a parameter: nothing is published to it until it is unpinned.
///
/// # Errors
/// When AWS fails for good, for example because there is no such parameter.
pub async fn pin(aws: &Aws, parameter: &ParameterName, why: &str) -> Result<(), Failure> {
    // A tag value is at most 256 characters long, and few special characters are allowed.
    let is_allowed = |character: &char| character.is_alphanumeric() || " _.:/=+-@".contains(*character);
    let text: String = format!("{} {why}", timestamp(aws.clock.now())).chars().filter(is_allowed).take(256).collect();
    write_pin(aws, parameter, text.trim_end()).await
}

async fn write_pin(aws: &Aws, parameter: &ParameterName, text: &str) -> Result<(), Failure> {
    const OPERATION: &str = "ssm:AddTagsToResource";
    let tag = Tag::builder().key(PINNED).value(text).build().map_err(incomplete(OPERATION))?;
    let call = aws.ssm.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
    let call = call.resource_id(parameter.as_str()).tags(tag);
    call.send().await.map_err(failed(OPERATION))?;
    Ok(())
}

/// Lets images be published to a parameter again.
///
/// # Errors
/// When AWS fails for good.
pub async fn unpin(aws: &Aws, parameter: &ParameterName) -> Result<(), Failure> {
    let call = aws.ssm.remove_tags_from_resource().resource_type(ResourceTypeForTagging::Parameter);
    let call = call.resource_id(parameter.as_str()).tag_keys(PINNED);
    call.send().await.map_err(failed("ssm:RemoveTagsFromResource"))?;
    Ok(())
}

/// Pins a parameter and puts it back to an earlier image: the newest earlier one that can be launched.
///
/// # Errors
/// When there is no such image, AWS fails for good, or the deadline comes first. The pin stays, since a person who wants
/// to go back does not want to go on; but if Parameter Store does not accept the image, pin and value are as they were.
pub async fn roll_back(aws: &Aws, parameter: &ParameterName, deadline: Deadline) -> Result<RolledBack, Failure> {
    let pin_before = pin_of(aws, parameter).await?;
    // First, so that a bake that finishes in the meantime is not published on top.
    pin(aws, parameter, "rolled back").await?;
    for _ in 0..MOST_ROUNDS {
        let (from, to) = target(aws, parameter).await?;
        match put(aws, parameter, &to, deadline).await {
            Ok(Put::Readable) => return Ok(RolledBack { from, to }),
            Ok(Put::Overtaken) => {}
            Err(failure) if is_refusal(&failure) => {
                return Err(undo_pin(aws, parameter, pin_before.as_deref(), &failure).await);
            }
            Err(failure) => return Err(failure),
        }
    }
    Err(contended(parameter, MOST_ROUNDS))
}

/// Whether Parameter Store has answered that it does not accept the value, or has had its time. Whatever has merely gone
/// unanswered may still come.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure, Failure::Blocked(_) | Failure::Aws { operation: "ssm:PutParameter", code: Some(_), .. })
}

/// Makes the pin what it was: what is to be said of it all.
async fn undo_pin(aws: &Aws, parameter: &ParameterName, before: Option<&str>, why: &Failure) -> Failure {
    let undone = match before {
        Some(text) => write_pin(aws, parameter, text).await,
        None => unpin(aws, parameter).await,
    };
    let pin = match (undone, before) {
        (Ok(()), Some(_)) => "is pinned as it was".to_owned(),
        (Ok(()), None) => "is not pinned".to_owned(),
        (Err(failure), _) => format!("stays pinned, because that could not be undone ({})", failure.chain()),
    };
    let refused = NotRolledBack { parameter: parameter.clone(), why: why.chain(), pin };
    Failure::Blocked(refused.into())
}

/// The parameter's value now, and its earlier ones.
async fn target(aws: &Aws, parameter: &ParameterName) -> Result<(String, ImageId), Failure> {
    let versions = read::history(aws, parameter.as_str()).await?.unwrap_or_default();
    let mut values = versions.into_iter().rev().map(|version| version.value);
    let from = values.next().unwrap_or_default();
    for value in values.filter(|value| *value != from) {
        let Ok(id) = ImageId::new(value) else { continue };
        if read::image(aws, &id).await?.is_some_and(|image| image.state == ImageState::Available) {
            return Ok((from, id));
        }
    }
    let nothing = NothingToRollBackTo { parameter: parameter.clone(), current: from };
    Err(Failure::Blocked(nothing.into()))
}
