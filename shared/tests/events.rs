//! Events as AWS publishes them, and what they mean.

use durin::events::{BAKE_FINISHED, Event, EventError, Received};
use durin::ids::InstanceId;
use durin::risk::{Risk, RiskReason, Warning};
use rstest::rstest;
use serde_json::{Value, json};

fn parse(event: Value) -> Result<Event, EventError> {
    Received::parse(event).map(|received| received.event)
}

const AMI: (&str, &str) = ("aws.ec2", "EC2 AMI State Change");
const IMAGE_BUILDER: (&str, &str) = ("aws.imagebuilder", "EC2 Image Builder Image State Change");
const IMAGE: &str = "ami-0123456789abcdef0";

#[rstest]
#[case::available(json!({"ImageId": IMAGE, "State": "available"}), Some(Some(IMAGE)))]
#[case::a_sample_of_the_documentation(json!({"ImageId": "ami-0123456789example", "State": "available"}), Some(None))]
#[case::failed(json!({"ImageId": IMAGE, "State": "failed", "ErrorMessage": "no"}), None)]
#[case::deregistered(json!({"ImageId": IMAGE, "State": "deregistered"}), None)]
#[case::disabled(json!({"ImageId": IMAGE, "State": "disabled"}), None)]
fn only_an_available_image_is_ready(#[case] detail: Value, #[case] ready: Option<Option<&str>>) {
    let event = json!({"source": "aws.ec2", "detail-type": "EC2 AMI State Change", "detail": detail});
    let image = match parse(event).expect("an event") {
        Event::ImageReady(image) => Some(image.map(|image| image.to_string())),
        other => {
            assert_eq!(other, Event::NotOurs);
            None
        }
    };
    assert_eq!(image, ready.map(|image| image.map(str::to_owned)));
}

#[rstest]
#[case::building(json!({"state": {"status": "BUILDING"}}), false)]
#[case::available(json!({"state": {"status": "AVAILABLE"}}), true)]
fn image_builder_tells_of_every_state(#[case] detail: Value, #[case] ready: bool) {
    let (source, detail_type) = IMAGE_BUILDER;
    let event = json!({"source": source, "detail-type": detail_type, "detail": detail});
    let parsed = parse(event).expect("an event");
    assert_eq!(matches!(parsed, Event::ImageReady(_)), ready, "{parsed:?}");
}

#[rstest]
#[case::without_a_state(AMI, json!({"ImageId": IMAGE}))]
#[case::without_a_status(IMAGE_BUILDER, json!({"state": {}}))]
#[case::a_number(BAKE_FINISHED, json!({"image-id": 17}))]
fn a_malformed_detail_is_refused(#[case] kind: (&str, &str), #[case] detail: Value) {
    let event = json!({"source": kind.0, "detail-type": kind.1, "detail": detail});
    assert!(matches!(parse(event), Err(EventError::Malformed { .. })));
}

const ONE: &str = "i-0123456789abcdef0";
const OTHER: &str = "i-0123456789abcdef1";

/// A retirement as AWS publishes it: without `resources`, with a weekday that is wrong.
fn retirement(changed: Value) -> Value {
    let mut detail = json!({
        "service": "EC2",
        "eventTypeCode": "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
        "eventTypeCategory": "scheduledChange",
        "startTime": "Thu, 27 Aug 2026 13:19:03 GMT",
        "lastUpdatedTime": "Thu, 27 Jan 2026 13:44:13 GMT",
        "statusCode": "open",
        "affectedEntities": [{"entityValue": ONE, "status": "PENDING"}],
        "backupEvent": "false",
    });
    detail.as_object_mut().expect("an object").extend(changed.as_object().expect("an object").clone());
    json!({"source": "aws.health", "detail-type": "AWS Health Event", "detail": detail})
}

#[rstest]
#[case::bare(json!({}), &[ONE])]
#[case::arn(
    json!({"affectedEntities": [{"entityValue": format!("arn:aws:ec2:eu-central-1:123456789012:instance/{ONE}")}]}), &[ONE])]
#[case::several(json!({"affectedEntities": [{"entityValue": ONE}, {"entityValue": OTHER}]}), &[ONE, OTHER])]
#[case::one_resolved(
    json!({"affectedEntities": [{"entityValue": ONE, "status": "RESOLVED"}, {"entityValue": OTHER}]}), &[OTHER])]
#[case::instance_store(json!({"eventTypeCode": "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED"}), &[ONE])]
#[case::stop(json!({"eventTypeCode": "AWS_EC2_INSTANCE_STOP_SCHEDULED"}), &[ONE])]
#[case::of_2018(json!({"statusCode": null, "backupEvent": null}), &[ONE])]
#[case::backup_copy(json!({"backupEvent": "true"}), &[])]
#[case::closed(json!({"statusCode": "closed"}), &[])]
#[case::no_instance(json!({"affectedEntities": [{"entityValue": "vol-0123456789abcdef0"}]}), &[])]
#[case::no_entities(json!({"affectedEntities": null}), &[])]
fn a_retirement_warns_each_instance_that_it_names(#[case] changed: Value, #[case] ids: &[&str]) {
    let Ok(Event::Warnings(warnings)) = parse(retirement(changed)) else { panic!("warnings") };
    let risk = Risk { reason: RiskReason::Retirement, until: None };
    let warning = |id: &&str| Warning { instance: InstanceId::new(*id).expect("an id"), risk, sent: None };
    assert_eq!(warnings, ids.iter().map(warning).collect::<Vec<_>>());
}

#[rstest]
#[case::a_reboot(json!({"eventTypeCode": "AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED"}))]
#[case::another_service(json!({"service": "RDS"}))]
fn other_health_events_are_not_ours(#[case] changed: Value) {
    assert!(matches!(parse(retirement(changed)), Ok(Event::NotOurs)));
}

#[rstest]
#[case(json!({"service": null}))]
#[case(json!({"affectedEntities": [{}]}))]
fn a_malformed_retirement_is_refused(#[case] changed: Value) {
    assert!(matches!(parse(retirement(changed)), Err(EventError::Malformed { .. })));
}
