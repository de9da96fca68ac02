//! How a person overrules what is published: pin a parameter, unpin it, or roll it back.

use aws_sdk_ssm::types::{ResourceTypeForTagging, Tag};

use super::ImageState;
use super::publish::{Put, put};
use super::read;
use crate::aws::{Aws, failed};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName};
use crate::tags::PINNED;
use crate::times::timestamp;

/// Rolls are rare and made by people: when others write the parameter this often meanwhile, something is wrong.
const MOST_ROUNDS: usize = 3;

/// What a roll-back did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// What the parameter named before.
    pub from: String,
    /// What it names now.
    pub to: ImageId,
}

/// Pins a parameter: nothing is published to it until it is unpinned.
///
/// # Errors
/// When AWS fails for good, for example because there is no such parameter.
pub async fn pin(aws: &Aws, parameter: &ParameterName, why: &str) -> Result<(), Failure> {
    // Tag values are at most 256 characters, and few signs.
    let sayable = |sign: &char| sign.is_alphanumeric() || " _.:/=+-@".contains(*sign);
    let text: String = format!("{} {why}", timestamp(aws.clock.now())).chars().filter(sayable).take(256).collect();
    let tag = Tag::builder().key(PINNED).value(text.trim_end()).build();
    let tag = tag.map_err(|error| Failure::Aws { operation: "ssm:AddTagsToResource", problem: error.into() })?;
    let call = aws.ssm.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
    let call = call.resource_id(parameter.as_str()).tags(tag);
    call.send().await.map_err(failed("ssm:AddTagsToResource"))?;
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

/// Pins a parameter and has it name the image again that it named before: the newest earlier one that can be launched.
///
/// # Errors
/// When there is no such image, AWS fails for good, or the deadline comes first. The pin stays in any case: who wanted
/// to go back does not want to go on.
pub async fn roll_back(aws: &Aws, parameter: &ParameterName, deadline: Deadline) -> Result<RolledBack, Failure> {
    // First, so that no bake that finishes meanwhile is published on top.
    pin(aws, parameter, "rolled back").await?;
    for _ in 0..MOST_ROUNDS {
        let (from, to) = target(aws, parameter).await?;
        if put(aws, parameter, &to, deadline).await? == Put::Readable {
            return Ok(RolledBack { from, to });
        }
    }
    Err(Failure::OutOfTime { waiting_for: format!("others write the parameter {parameter} all the time") })
}

/// What the parameter names, and what it named before.
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
    Err(Failure::NothingToRollBackTo { parameter: parameter.clone(), current: from })
}
