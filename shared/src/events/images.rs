//! Events about images: each may mean that there is something to publish.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde::Deserialize;
use serde_json::Value;

use super::{Event, EventError, detail};
use crate::ids::ImageId;

/// Source and detail type of EC2's event about an image.
pub(super) const AMI_STATE_CHANGE: (&str, &str) = ("aws.ec2", "EC2 AMI State Change");
/// Those of Image Builder's.
pub(super) const IMAGE_BUILDER_STATE_CHANGE: (&str, &str) =
    ("aws.imagebuilder", "EC2 Image Builder Image State Change");
/// Those of the event that a bake pipeline sends when it has tagged its image. Its detail may have an `image-id`.
pub const BAKE_FINISHED: (&str, &str) = ("durin.bake", "Durin Bake Finished");

/// A bake has come to an end, or to the point where EC2 says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReady {
    /// The image, if the event says.
    pub image: Option<ImageId>,
    /// Who says so.
    pub said_by: SaidBy,
}

/// Who says that an image is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// EC2: the image is available, its tags may not be there yet.
    Ec2,
    /// Image Builder: all is done.
    ImageBuilder,
    /// The pipeline itself: all is done.
    Pipeline,
}

impl SaidBy {
    pub(super) fn kind(self) -> (&'static str, &'static str) {
        match self {
            SaidBy::Ec2 => AMI_STATE_CHANGE,
            SaidBy::ImageBuilder => IMAGE_BUILDER_STATE_CHANGE,
            SaidBy::Pipeline => BAKE_FINISHED,
        }
    }
}

/// The detail of an image's state change: no name and no tags. (EC2 User Guide, "Monitor AMI events".)
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageDetail {
    image_id: ImageId,
    state: String,
}

/// Any other state than `available` is nothing to publish.
pub(super) fn state_change(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let (source, detail_type) = (event.source.clone(), event.detail_type.clone());
    let detail: ImageDetail = detail(event)?;
    Ok(match detail.state.as_str() {
        "available" => Event::ImageReady(ImageReady { image: Some(detail.image_id), said_by: SaidBy::Ec2 }),
        _ => Event::NotOurs { source, detail_type },
    })
}

/// The detail of an Image Builder event: the state of a build. Which images it has made, the event does not say.
#[derive(Deserialize)]
struct BuildDetail {
    state: BuildState,
}

#[derive(Deserialize)]
struct BuildState {
    status: String,
}

pub(super) fn image_builder(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let (source, detail_type) = (event.source.clone(), event.detail_type.clone());
    let detail: BuildDetail = detail(event)?;
    Ok(match detail.state.status.as_str() {
        "AVAILABLE" => Event::ImageReady(ImageReady { image: None, said_by: SaidBy::ImageBuilder }),
        _ => Event::NotOurs { source, detail_type },
    })
}

/// The detail of a pipeline's own event.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BakeDetail {
    image_id: Option<ImageId>,
}

pub(super) fn bake_finished(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let detail: BakeDetail = detail(event)?;
    Ok(Event::ImageReady(ImageReady { image: detail.image_id, said_by: SaidBy::Pipeline }))
}
