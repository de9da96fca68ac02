//! Reading families: the images that name them, and their parameters.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_ssm::types::ResourceTypeForTagging;

use durin_decisions::images::publish::{Current, Family, Parameter};
use durin_decisions::images::{Image, ImageState};

use crate::ami::read;
use crate::aws::{Aws, code, failed};
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::{ImageId, ParameterName};
use crate::tags::{FAMILY, PINNED};

/// Packer writes an image's tags last, after it is available, and after copies to other regions if there are any. In
/// most bakes that takes seconds; slower ones are left to the schedule.
const TAG_PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait between two looks for tags.
const TAG_POLL: Duration = Duration::from_secs(5);
/// No bake takes so long to tag its image: an older one without tags was enabled again, or belongs to another account.
const FRESH_FOR: Duration = Duration::from_secs(3600);

/// Every family that an image of this account names.
pub async fn families(aws: &Aws) -> Result<BTreeMap<ParameterName, Vec<Image>>, Failure> {
    let mut families: BTreeMap<ParameterName, Vec<Image>> = BTreeMap::new();
    for image in read::family_images(aws).await? {
        if let Some(family) = image.family() {
            families.entry(family).or_default().push(image);
        }
    }
    Ok(families)
}

/// The images of a family, if no other family has its parameter.
///
/// # Errors
/// When one has: a person has to say which images are meant.
pub fn undisputed(families: &BTreeMap<ParameterName, Vec<Image>>, name: &ParameterName) -> Result<Vec<Image>, Failure> {
    let ids = |images: &Vec<Image>| images.iter().map(|image| image.id.as_str()).collect::<Vec<_>>().join(", ");
    let images = families.get(name).cloned().unwrap_or_default();
    match families.iter().find(|(other, _)| *other != name && other.reached() == name.reached()) {
        None => Ok(images),
        Some((other, theirs)) => {
            let (name, other) = (name.clone(), other.clone());
            let disputed = Disputed { ours: ids(&images), theirs: ids(theirs), name, other };
            Err(Failure::Blocked(disputed.into()))
        }
    }
}

/// Two families have one parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the images {ours} are tagged {FAMILY}={name}, and the images {theirs} {FAMILY}={other}, which is the same parameter: \
     nothing is published to it until all of them name it alike"
)]
struct Disputed {
    name: ParameterName,
    other: ParameterName,
    ours: String,
    theirs: String,
}

pub(super) async fn images_of(aws: &Aws, name: &ParameterName) -> Result<Vec<Image>, Failure> {
    Ok(families(aws).await?.remove(name).unwrap_or_default())
}

/// The tags are read first: the value of a parameter that is not ours is none of our business.
pub(super) async fn observe(aws: &Aws, name: ParameterName, images: Vec<Image>) -> Result<Family, Failure> {
    let Some(tags) = tags_of(aws, &name).await? else {
        return Ok(Family { name, images, parameter: Parameter::Missing });
    };
    if !tags.contains_key(FAMILY) {
        return Ok(Family { name, images, parameter: Parameter::Undeclared });
    }
    let found = match aws.ssm.get_parameter().name(name.as_str()).send().await {
        Ok(found) => found.parameter,
        Err(error) if code(&error) == "ParameterNotFound" => None,
        Err(error) => return Err(failed("ssm:GetParameter")(error)),
    };
    let Some(found) = found else { return Ok(Family { name, images, parameter: Parameter::Missing }) };
    let value = found.value().unwrap_or_default().to_owned();
    let image = match ImageId::new(value.as_str()) {
        Ok(id) => match images.iter().find(|image| image.id == id) {
            Some(image) => Some(image.clone()),
            None => read::image(aws, &id).await?,
        },
        Err(_) => None,
    };
    let current = Current {
        value,
        data_type: found.data_type().unwrap_or_default().to_owned(),
        written: found.last_modified_date().and_then(|time| SystemTime::try_from(*time).ok()),
        pinned: tags.get(PINNED).cloned(),
        image,
    };
    Ok(Family { name, images, parameter: Parameter::Present(Box::new(current)) })
}

/// The text of the parameter's pin; none if it is not pinned, or not there.
pub(super) async fn pin_of(aws: &Aws, name: &ParameterName) -> Result<Option<String>, Failure> {
    Ok(tags_of(aws, name).await?.and_then(|mut tags| tags.remove(PINNED)))
}

/// `None` if there is no such parameter.
pub(in crate::ami) async fn tags_of(
    aws: &Aws,
    name: &ParameterName,
) -> Result<Option<BTreeMap<String, String>>, Failure> {
    let call = aws.ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter);
    match call.resource_id(name.as_str()).send().await {
        Ok(found) => {
            Ok(Some(found.tag_list().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()))
        }
        Err(error) if code(&error) == "InvalidResourceId" => Ok(None),
        Err(error) => Err(failed("ssm:ListTagsForResource")(error)),
    }
}

/// Waits until an image that has just been baked has its tags, or will not have them soon.
///
/// # Errors
/// When AWS fails for good.
pub async fn tags_written(aws: &Aws, id: &ImageId, deadline: Deadline) -> Result<(), Failure> {
    let until = aws.clock.now() + TAG_PATIENCE;
    let most = TAG_PATIENCE.as_secs() / TAG_POLL.as_secs();
    for _ in 0..most {
        let image = read::image(aws, id).await?;
        let now = aws.clock.now();
        if !image.is_some_and(|image| may_get_tags(&image, now)) || now >= until || !deadline.allows(now, TAG_POLL) {
            return Ok(());
        }
        aws.clock.sleep(TAG_POLL).await;
    }
    Ok(())
}

fn may_get_tags(image: &Image, now: SystemTime) -> bool {
    let fresh = image.created.is_some_and(|created| now.duration_since(created).is_ok_and(|age| age < FRESH_FOR));
    let alive = matches!(image.state, ImageState::Pending | ImageState::Available);
    fresh && alive && !image.tags.contains_key(FAMILY)
}
