//! Events that warn of an instance's end: by EC2 when it wants spot capacity back, by AWS Health when the host retires.

use std::time::{Duration, SystemTime};

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use serde::Deserialize;
use serde_json::Value;

use super::{Event, EventError, detail};
use crate::ids::InstanceId;
use crate::risk::{Risk, RiskReason, Warning};

/// Types of Health events after which an instance is stopped or terminated for good. Scheduled reboots and maintenance are
/// not among them: the instance comes back by itself, volume and all. The same as in `infra/rules.yaml`.
pub const RETIREMENTS: [&str; 3] = [
    "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED",
    "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
    "AWS_EC2_INSTANCE_STOP_SCHEDULED",
];

/// EC2 takes the capacity back two minutes after the warning; hibernation begins at once. (EC2 User Guide, "Spot
/// Instance interruption notices".) The event carries no reclaim time, only its own.
const NOTICE: Duration = Duration::from_secs(120);

/// The detail of EC2's warnings. The ARN in `resources` has a zone where a region belongs, so it is not read.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ec2Detail {
    instance_id: InstanceId,
    instance_action: Option<String>,
}

/// The detail of a Health event. Its times are left out on purpose: they are written in words, sometimes with the wrong
/// weekday, and nothing here depends on them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthDetail {
    service: String,
    event_type_code: String,
    /// `open`, `closed` or `upcoming`.
    status_code: Option<String>,
    /// A text: `"true"` on the copy that goes to another region.
    backup_event: Option<String>,
    affected_entities: Option<Vec<HealthEntity>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthEntity {
    /// An instance id, or its ARN.
    entity_value: String,
    /// `RESOLVED` when it is over.
    status: Option<String>,
}

pub(super) fn interruption(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let warned = event.time.map_or(SystemTime::UNIX_EPOCH, SystemTime::from);
    let detail: Ec2Detail = detail(event)?;
    let notice = if detail.instance_action.as_deref() == Some("hibernate") { Duration::ZERO } else { NOTICE };
    let risk = Risk { reason: RiskReason::Interruption, until: Some(warned + notice) };
    Ok(Event::Warnings(vec![Warning { instance: detail.instance_id, risk }]))
}

pub(super) fn recommendation(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let detail: Ec2Detail = detail(event)?;
    let risk = Risk { reason: RiskReason::Rebalance, until: None };
    Ok(Event::Warnings(vec![Warning { instance: detail.instance_id, risk }]))
}

/// One event may name many instances, or none that still matters: then it warns of nothing.
pub(super) fn health(event: EventBridgeEvent<Value>) -> Result<Event, EventError> {
    let (source, detail_type) = (event.source.clone(), event.detail_type.clone());
    let detail: HealthDetail = detail(event)?;
    if detail.service != "EC2" || !RETIREMENTS.contains(&detail.event_type_code.as_str()) {
        return Ok(Event::NotOurs { source, detail_type });
    }
    let is_copy = detail.backup_event.as_deref() == Some("true");
    if is_copy || detail.status_code.as_deref() == Some("closed") {
        return Ok(Event::Warnings(Vec::new()));
    }
    let entities = detail.affected_entities.unwrap_or_default();
    let affected = entities.iter().filter(|entity| entity.status.as_deref() != Some("RESOLVED"));
    let warnings = affected.filter_map(|entity| {
        let id = entity.entity_value.rsplit('/').next()?;
        let risk = Risk { reason: RiskReason::Retirement, until: None };
        Some(Warning { instance: InstanceId::new(id).ok()?, risk })
    });
    Ok(Event::Warnings(warnings.collect()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

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
        let Ok(Event::Warnings(warnings)) = Event::parse(retirement(changed)) else { panic!("warnings") };
        let risk = Risk { reason: RiskReason::Retirement, until: None };
        let warning = |id: &&str| Warning { instance: InstanceId::new(*id).expect("an id"), risk };
        assert_eq!(warnings, ids.iter().map(warning).collect::<Vec<_>>());
    }

    #[rstest]
    #[case::a_reboot(json!({"eventTypeCode": "AWS_EC2_SYSTEM_REBOOT_MAINTENANCE_SCHEDULED"}))]
    #[case::another_service(json!({"service": "RDS"}))]
    fn other_health_events_are_not_ours(#[case] changed: Value) {
        assert!(matches!(Event::parse(retirement(changed)), Ok(Event::NotOurs { .. })));
    }

    #[rstest]
    #[case(json!({"service": null}))]
    #[case(json!({"affectedEntities": [{}]}))]
    fn a_malformed_retirement_is_refused(#[case] changed: Value) {
        assert!(matches!(Event::parse(retirement(changed)), Err(EventError::Malformed { .. })));
    }
}
