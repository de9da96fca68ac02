//! A person's means to overrule publishing: pin a parameter, unpin it, or roll it back.

use std::time::SystemTime;

use aws_sdk_ssm::types::{ResourceTypeForTagging, Tag};

use durin_decisions::images::ImageState;

use super::publish::{Put, contended, put, tags_of};
use super::read;
use crate::aws::{Aws, failed, incomplete};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName};
use crate::tags::{FAMILY, PINNED};
use crate::times::{instant, timestamp};

/// Rolls are rare and made by people: if others write the parameter this often in the meantime, something is wrong.
const MOST_ROUNDS: usize = 3;

/// A parameter that is pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub parameter: ParameterName,
    /// Unknown if a person has written the tag.
    pub since: Option<SystemTime>,
    pub why: String,
}

impl Pin {
    fn read(parameter: ParameterName, text: &str) -> Pin {
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        match instant(first) {
            Some(since) => Pin { parameter, since: Some(since), why: rest.to_owned() },
            None => Pin { parameter, since: None, why: text.to_owned() },
        }
    }
}

/// The result of a rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// The parameter's value before, in any form.
    pub from: String,
    pub to: ImageId,
    /// The pin from now on; none if nothing is ever published to the parameter.
    pub pin: Option<Pin>,
}

/// A pin that would mean nothing, or would not say why. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPinned {
    #[error("there is no parameter {0} in this region: look for its name with `aws ssm describe-parameters`")]
    NoParameter(ParameterName),
    #[error(
        "nothing is ever published to {0}, so there is nothing to pin: an image parameter has the tag {FAMILY}; if it is \
         one, add the tag, with any value"
    )]
    NothingIsPublished(ParameterName),
    #[error(
        "why is {0} pinned? Say so for those who find it later, in letters, digits and _.:/=+-@: just pin {0} 1.34 breaks \
         the ingress"
    )]
    NoReason(ParameterName),
}

/// No earlier image of a parameter can be launched. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{parameter} names {current}, and none of the images that it named before can be launched: enable one and try again, \
     or pin it and put another id into it yourself; nothing was changed"
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

/// Nobody has answered whether Parameter Store takes the earlier image in, so it still may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{why}; {parameter} may still get {to}, {pin}: look with `aws ssm get-parameter --name {parameter}` in five minutes, and \
     roll back again if it does not name {to} by then"
)]
pub struct MayRollBackYet {
    parameter: ParameterName,
    to: ImageId,
    why: String,
    /// Whether it is pinned, in words.
    pin: String,
}

/// Pins a parameter: nothing is published to it until it is unpinned. Without a reason, an earlier pin stays as it is.
///
/// # Errors
/// When nothing is ever published to the parameter, there is no reason, or AWS fails for good.
pub async fn pin(aws: &Aws, parameter: &ParameterName, why: &str) -> Result<Pin, Failure> {
    let blocked = |reason: NotPinned| Err(Failure::Blocked(reason.into()));
    let Some(tags) = tags_of(aws, parameter).await? else {
        return blocked(NotPinned::NoParameter(parameter.clone()));
    };
    if !tags.contains_key(FAMILY) {
        return blocked(NotPinned::NothingIsPublished(parameter.clone()));
    }
    // A tag value is at most 256 characters long, and few special characters are allowed.
    let is_allowed = |character: &char| character.is_alphanumeric() || " _.:/=+-@".contains(*character);
    let why: String = why.chars().filter(is_allowed).collect();
    match (why.trim(), tags.get(PINNED)) {
        ("", None) => blocked(NotPinned::NoReason(parameter.clone())),
        ("", Some(earlier)) => Ok(Pin::read(parameter.clone(), earlier)),
        (why, _) => {
            let text: String = format!("{} {why}", timestamp(aws.clock.now())).chars().take(256).collect();
            write_pin(aws, parameter, text.trim_end()).await?;
            Ok(Pin::read(parameter.clone(), text.trim_end()))
        }
    }
}

/// Every image parameter that is pinned.
///
/// # Errors
/// When AWS fails for good.
pub async fn pins(aws: &Aws) -> Result<Vec<Pin>, Failure> {
    let mut pins = Vec::new();
    for name in read::image_parameters(aws).await? {
        if let Some(text) = tags_of(aws, &name).await?.and_then(|mut tags| tags.remove(PINNED)) {
            pins.push(Pin::read(name, &text));
        }
    }
    Ok(pins)
}

async fn write_pin(aws: &Aws, parameter: &ParameterName, text: &str) -> Result<(), Failure> {
    const OPERATION: &str = "ssm:AddTagsToResource";
    let tag = Tag::builder().key(PINNED).value(text).build().map_err(incomplete(OPERATION))?;
    let call = aws.ssm.add_tags_to_resource().resource_type(ResourceTypeForTagging::Parameter);
    let call = call.resource_id(parameter.as_str()).tags(tag);
    call.send().await.map_err(failed(OPERATION))?;
    Ok(())
}

/// Lets images be published to a parameter again. Gives the pin that it had, if it had one.
///
/// # Errors
/// When there is no such parameter, or AWS fails for good.
pub async fn unpin(aws: &Aws, parameter: &ParameterName) -> Result<Option<Pin>, Failure> {
    let Some(tags) = tags_of(aws, parameter).await? else {
        return Err(Failure::Blocked(NotPinned::NoParameter(parameter.clone()).into()));
    };
    let Some(text) = tags.get(PINNED) else { return Ok(None) };
    delete_pin(aws, parameter).await?;
    Ok(Some(Pin::read(parameter.clone(), text)))
}

async fn delete_pin(aws: &Aws, parameter: &ParameterName) -> Result<(), Failure> {
    let call = aws.ssm.remove_tags_from_resource().resource_type(ResourceTypeForTagging::Parameter);
    let call = call.resource_id(parameter.as_str()).tag_keys(PINNED);
    call.send().await.map_err(failed("ssm:RemoveTagsFromResource"))?;
    Ok(())
}

/// The parameter's value now, and the image that a roll-back would put there.
///
/// # Errors
/// When there is no such parameter or image, or AWS fails for good.
pub async fn way_back(aws: &Aws, parameter: &ParameterName) -> Result<(String, ImageId), Failure> {
    match tags_of(aws, parameter).await? {
        Some(_) => target(aws, parameter).await,
        None => Err(Failure::Blocked(NotPinned::NoParameter(parameter.clone()).into())),
    }
}

/// Pins a parameter and puts it back to an earlier image: the newest earlier one that can be launched. If it is pinned
/// already, that pin stays.
///
/// # Errors
/// When there is no such image, AWS fails for good, or the deadline comes first. Pin and value are as they were then, or
/// the error says which is not.
pub async fn roll_back(aws: &Aws, parameter: &ParameterName, deadline: Deadline) -> Result<RolledBack, Failure> {
    let Some(tags) = tags_of(aws, parameter).await? else {
        return Err(Failure::Blocked(NotPinned::NoParameter(parameter.clone()).into()));
    };
    let pinned_before = tags.get(PINNED);
    let (mut from, mut to) = target(aws, parameter).await?;
    // Before the write, so that a bake that finishes in the meantime is not published on top.
    let pin = match pinned_before {
        Some(text) => Some(Pin::read(parameter.clone(), text)),
        None if tags.contains_key(FAMILY) => Some(pin(aws, parameter, "rolled back").await?),
        None => None,
    };
    let before = pinned_before.is_some();
    for _ in 0..MOST_ROUNDS {
        match put(aws, parameter, &to, deadline).await {
            Ok(Put::Readable) => return Ok(RolledBack { from, to, pin }),
            Ok(Put::Overtaken) => {}
            Err(failure) if is_refusal(&failure) => {
                return Err(undo(aws, parameter, pin.as_ref(), before, &failure).await);
            }
            Err(failure) => {
                let pin = match &pin {
                    Some(_) => format!("so it stays pinned until you run `just unpin {parameter}`"),
                    None => "and is not pinned, because nothing is ever published to it".to_owned(),
                };
                let (parameter, why) = (parameter.clone(), failure.chain());
                return Err(Failure::Blocked(MayRollBackYet { parameter, to, why, pin }.into()));
            }
        }
        (from, to) = match target(aws, parameter).await {
            Ok(target) => target,
            Err(failure) => return Err(undo(aws, parameter, pin.as_ref(), before, &failure).await),
        };
    }
    Err(undo(aws, parameter, pin.as_ref(), before, &contended(parameter, MOST_ROUNDS)).await)
}

/// Whether Parameter Store has answered that it does not take the value in. A value that it has not accepted in four
/// minutes may still come, and so may one that it has failed to answer for.
fn is_refusal(failure: &Failure) -> bool {
    let of_put = |operation: &str| operation == "ssm:PutParameter";
    matches!(failure, Failure::Aws { operation, code: Some(code), .. } if of_put(operation) && !is_its_own_fault(code))
}

/// Whether an error says nothing of the call, which may have been carried out. (Systems Manager API Reference,
/// PutParameter, and "Common Errors".)
fn is_its_own_fault(code: &str) -> bool {
    matches!(code, "InternalServerError" | "InternalFailure" | "ServiceUnavailable")
}

/// Takes our pin away again: what is to be said of it all.
async fn undo(aws: &Aws, parameter: &ParameterName, pin: Option<&Pin>, before: bool, why: &Failure) -> Failure {
    let pin = match pin {
        None => "is not pinned".to_owned(),
        Some(_) if before => "is pinned as it was".to_owned(),
        Some(_) => match delete_pin(aws, parameter).await {
            Ok(()) => "is not pinned".to_owned(),
            Err(failure) => format!("stays pinned, because that could not be undone ({})", failure.chain()),
        },
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

#[cfg(test)]
mod tests {
    use durin_decisions::images::publish::Blocked;
    use rstest::rstest;

    use super::*;

    fn put_failed(code: Option<&str>) -> Failure {
        let code = code.map(str::to_owned);
        Failure::Aws { operation: "ssm:PutParameter", code, problem: "no".into() }
    }

    #[rstest]
    #[case::not_allowed(put_failed(Some("AccessDeniedException")), true)]
    #[case::throttled(put_failed(Some("ThrottlingException")), true)]
    #[case::of_another_pattern(put_failed(Some("ParameterPatternMismatchException")), true)]
    #[case::failed_to_answer(put_failed(Some("InternalServerError")), false)]
    #[case::lost(put_failed(None), false)]
    #[case::still_checked(
        Failure::from(Blocked::Refused {
            parameter: ParameterName::new("/images/k3s").expect("a name"),
            image: ImageId::new("ami-0123456789abcdef0").expect("an id"),
        }),
        false
    )]
    #[case::looked_in_vain(
        Failure::Aws { operation: "ssm:GetParameter", code: Some("AccessDeniedException".to_owned()), problem: "no".into() },
        false
    )]
    fn a_value_that_may_still_come_is_not_refused(#[case] failure: Failure, #[case] refused: bool) {
        assert_eq!(is_refusal(&failure), refused, "{failure}");
    }
}
