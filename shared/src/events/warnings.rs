//! Events that warn of an instance's end: from EC2 when it wants spot capacity back, from AWS Health when the host
//! retires.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::envelope::{Envelope, EventError};
use super::event::Event;
use crate::ids::InstanceId;
use crate::risk::{Risk, RiskReason, Warning};

/// Types of Health events after which an instance is stopped or terminated for good. Scheduled reboots and maintenance
/// are not among them: the instance comes back, volume and all. The same as in `infra/rules.yaml`.
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

pub(super) fn interruption(envelope: Envelope) -> Result<Event, EventError> {
    let sent = envelope.time;
    let detail: Ec2Detail = envelope.detail()?;
    let notice = if detail.instance_action.as_deref() == Some("hibernate") { Duration::ZERO } else { NOTICE };
    let until = sent.unwrap_or(SystemTime::UNIX_EPOCH) + notice;
    let risk = Risk { reason: RiskReason::Interruption, until: Some(until) };
    Ok(Event::Warnings(vec![Warning { instance: detail.instance_id, risk, sent }]))
}

pub(super) fn recommendation(envelope: Envelope) -> Result<Event, EventError> {
    let sent = envelope.time;
    let detail: Ec2Detail = envelope.detail()?;
    let risk = Risk { reason: RiskReason::Rebalance, until: None };
    Ok(Event::Warnings(vec![Warning { instance: detail.instance_id, risk, sent }]))
}

/// One event may name many instances, or none that still matters: then it warns of nothing.
pub(super) fn health(envelope: Envelope) -> Result<Event, EventError> {
    let sent = envelope.time;
    let detail: HealthDetail = envelope.detail()?;
    if detail.service != "EC2" || !RETIREMENTS.contains(&detail.event_type_code.as_str()) {
        return Ok(Event::NotOurs);
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
        Some(Warning { instance: InstanceId::new(id).ok()?, risk, sent })
    });
    Ok(Event::Warnings(warnings.collect()))
}
