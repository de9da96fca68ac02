//! Events about images: each may mean that there is something to publish.

use serde::Deserialize;

use super::envelope::{Envelope, EventError};
use super::event::Event;
use crate::ids::ImageId;

/// Source and detail type.
pub(super) const AMI_STATE_CHANGE: (&str, &str) = ("aws.ec2", "EC2 AMI State Change");
pub(super) const IMAGE_BUILDER_STATE_CHANGE: (&str, &str) =
    ("aws.imagebuilder", "EC2 Image Builder Image State Change");
/// The event that a bake pipeline sends when it has tagged its image. Its detail may have an `image-id`.
pub const BAKE_FINISHED: (&str, &str) = ("durin.bake", "Durin Bake Finished");

/// The detail of an image's state change: no name and no tags. (EC2 User Guide, "Monitor AMI events".)
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageDetail {
    image_id: Option<String>,
    state: String,
}

/// Only a hint: what to publish is derived from what exists, so an id in any other form, as in the documentation's samples,
/// is treated as absent.
fn ready(image: Option<String>) -> Event {
    Event::ImageReady(image.and_then(|id| ImageId::new(id).ok()))
}

/// In any other state than `available` there is nothing to publish. The image's tags may not be there yet.
pub(super) fn state_change(envelope: Envelope) -> Result<Event, EventError> {
    let detail: ImageDetail = envelope.detail()?;
    Ok(match detail.state.as_str() {
        "available" => ready(detail.image_id),
        _ => Event::NotOurs,
    })
}

/// The state of a build. The event does not say which images it has made.
#[derive(Deserialize)]
struct BuildDetail {
    state: BuildState,
}

#[derive(Deserialize)]
struct BuildState {
    status: String,
}

pub(super) fn image_builder(envelope: Envelope) -> Result<Event, EventError> {
    let detail: BuildDetail = envelope.detail()?;
    Ok(match detail.state.status.as_str() {
        "AVAILABLE" => ready(None),
        _ => Event::NotOurs,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BakeDetail {
    image_id: Option<String>,
}

pub(super) fn bake_finished(envelope: Envelope) -> Result<Event, EventError> {
    let detail: BakeDetail = envelope.detail()?;
    Ok(ready(detail.image_id))
}
