//! The host of an instance retires.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::json;

use super::instance_arn;
use super::termination::Shutdown;
use crate::time::Time;
use crate::world::World;
use crate::world::ec2::Ec2Change;
use crate::world::ec2::Ec2Effect;
use crate::world::{ACCOUNT, REGION};

/// As DescribeInstanceStatus shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledEvent {
    /// `instance-event-` and 17 hexadecimal digits.
    pub id: String,
    /// For example `instance-retirement`.
    pub code: &'static str,
    pub not_before: Time,
    /// It stays listed for a week when it is over.
    pub is_completed: bool,
}

impl ScheduledEvent {
    /// EC2 API Reference (InstanceStatusEvent): begins with `[Completed]` when it is over.
    pub fn description(&self) -> String {
        let text = "The instance is running on degraded hardware";
        if self.is_completed { format!("[Completed] {text}") } else { text.to_owned() }
    }
}

impl World {
    /// AWS Health reports that the host of the instance retires, and DescribeInstanceStatus shows it; `latency.retirement`
    /// later EC2 stops the instance. EC2 User Guide (scheduled events): it would terminate one without an EBS root.
    ///
    /// # Panics
    /// When EC2 does not list the instance.
    pub fn schedule_retirement(&mut self, instance_id: &str) {
        self.ec2.the_instance(instance_id);
        const CODE: &str = "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED";
        self.note_change(instance_id, Ec2Change::RetirementScheduled);
        let (event, communication) = (self.uuid(), self.uuid());
        // AWS documents a whole ARN here; recordings of 2018 and 2022 have the bare id.
        let entity = if self.rng.bool() { instance_arn(instance_id) } else { instance_id.to_owned() };
        let ahead = self.draw(self.latency.retirement);
        let not_before = self.now + ahead;
        let (now, retires) = (in_words(self.now), in_words(not_before));
        self.ec2.the_instance_mut(instance_id).scheduled_event = Some(ScheduledEvent {
            id: instance_id.replacen("i-", "instance-event-", 1),
            code: "instance-retirement",
            not_before,
            is_completed: false,
        });
        let detail = json!({
            "eventArn": format!("arn:aws:health:{REGION}::event/EC2/{CODE}/{CODE}_{event}"),
            "service": "EC2",
            "eventTypeCode": CODE,
            "eventTypeCategory": "scheduledChange",
            "eventScopeCode": "ACCOUNT_SPECIFIC",
            "communicationId": communication,
            "startTime": retires,
            "lastUpdatedTime": now,
            "statusCode": "upcoming",
            "eventRegion": REGION,
            "eventDescription": [{
                "language": "en_US",
                "latestDescription": "EC2 has detected degradation of the underlying hardware hosting your instance.",
            }],
            "affectedEntities": [{"entityValue": entity, "lastUpdatedTime": now, "status": "PENDING"}],
            "affectedAccount": ACCOUNT,
            "page": "1",
            "totalPages": "1",
            "backupEvent": "false",
        });
        self.emit("aws.health", "AWS Health Event", vec![instance_arn(instance_id)], detail);
        self.schedule(ahead, Ec2Effect::Retired(instance_id.to_owned()));
    }

    pub(in crate::world::ec2) fn retire(&mut self, id: &str) {
        // It may have ended within the two weeks, or have been stopped and so have left the host.
        let event = self.ec2.instance(id).and_then(|instance| instance.scheduled_event.as_ref());
        let is_due = event.is_some_and(|event| !event.is_completed && event.not_before <= self.now);
        if is_due && self.ec2.is_alive(id) {
            self.begin_stop(id, "Server.ScheduledStop: Stopped due to scheduled retirement", Shutdown::Orderly);
        }
    }
}

/// As Health prints times: `Mon, 19 Jan 2026 06:00:00 GMT`.
fn in_words(time: Time) -> String {
    DateTime::from_millis(time.0).fmt(Format::HttpDate).unwrap_or_default()
}
