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
    image_id: Option<String>,
    state: String,
}

/// Whose tags to wait for is a hint, no more: what to publish is asked from what is there. So an id of another form, as
/// the documentation's samples have it, is as good as none.
fn hint(id: Option<String>) -> Option<ImageId> {
    ImageId::new(id?).ok()
}

/// Any other state than `available` is nothing to publish.
pub(super) fn state_change(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let (source, detail_type) = (event.source.clone(), event.detail_type.clone());
    let detail: ImageDetail = detail(event)?;
    Ok(match detail.state.as_str() {
        "available" => Event::ImageReady(ImageReady { image: hint(detail.image_id), said_by: SaidBy::Ec2 }),
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
    image_id: Option<String>,
}

pub(super) fn bake_finished(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let detail: BakeDetail = detail(event)?;
    Ok(Event::ImageReady(ImageReady { image: hint(detail.image_id), said_by: SaidBy::Pipeline }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const IMAGE: &str = "ami-0123456789abcdef0";

    #[rstest]
    #[case::available(json!({"ImageId": IMAGE, "State": "available"}), Some(Some(IMAGE)))]
    #[case::a_sample_of_the_documentation(json!({"ImageId": "ami-0123456789example", "State": "available"}), Some(None))]
    #[case::failed(json!({"ImageId": IMAGE, "State": "failed", "ErrorMessage": "no"}), None)]
    #[case::deregistered(json!({"ImageId": IMAGE, "State": "deregistered"}), None)]
    #[case::disabled(json!({"ImageId": IMAGE, "State": "disabled"}), None)]
    fn only_an_available_image_is_ready(#[case] detail: Value, #[case] ready: Option<Option<&str>>) {
        let event = json!({"source": "aws.ec2", "detail-type": "EC2 AMI State Change", "detail": detail});
        let image = match Event::parse(event).expect("an event") {
            Event::ImageReady(ready) => Some(ready.image.map(|image| image.to_string())),
            other => {
                assert!(matches!(other, Event::NotOurs { .. }));
                None
            }
        };
        assert_eq!(image, ready.map(|image| image.map(str::to_owned)));
    }

    #[rstest]
    #[case::building(json!({"state": {"status": "BUILDING"}}), false)]
    #[case::available(json!({"state": {"status": "AVAILABLE"}}), true)]
    fn image_builder_tells_of_every_state(#[case] detail: Value, #[case] ready: bool) {
        let (source, detail_type) = IMAGE_BUILDER_STATE_CHANGE;
        let event = json!({"source": source, "detail-type": detail_type, "detail": detail});
        let parsed = Event::parse(event).expect("an event");
        assert_eq!(matches!(parsed, Event::ImageReady(_)), ready, "{parsed:?}");
    }

    #[rstest]
    #[case::without_a_state(AMI_STATE_CHANGE, json!({"ImageId": IMAGE}))]
    #[case::without_a_status(IMAGE_BUILDER_STATE_CHANGE, json!({"state": {}}))]
    #[case::a_number(BAKE_FINISHED, json!({"image-id": 17}))]
    fn a_malformed_detail_is_refused(#[case] kind: (&str, &str), #[case] detail: Value) {
        let event = json!({"source": kind.0, "detail-type": kind.1, "detail": detail});
        assert!(matches!(Event::parse(event), Err(EventError::Malformed { .. })));
    }
}
