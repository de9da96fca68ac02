//! Spot capacity is taken back, with or without a warning.

use std::time::Duration;

use serde_json::json;

use super::instance_arn;
use super::termination::Shutdown;
use crate::world::World;
use crate::world::ec2::Ec2Change;
use crate::world::ec2::Ec2Effect;

/// EC2 User Guide: a Spot Instance interruption notice comes two minutes before the interruption.
const WARNING: Duration = Duration::from_secs(120);

/// What becomes of an interrupted instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpotAction {
    /// The usual one.
    Terminate,
    /// It can be started again when there is capacity.
    Stop,
    /// Like stop, but at once. EC2 User Guide: hibernation begins immediately, without two minutes of warning.
    Hibernate,
}

impl SpotAction {
    /// As the event and the instance metadata name it.
    pub fn name(self) -> &'static str {
        match self {
            SpotAction::Terminate => "terminate",
            SpotAction::Stop => "stop",
            SpotAction::Hibernate => "hibernate",
        }
    }
}

impl World {
    /// Warns that the capacity under the instance will be taken back, and does so two minutes later.
    ///
    /// # Panics
    /// When EC2 does not list the instance.
    pub fn interrupt(&mut self, instance_id: &str, action: SpotAction) {
        let instance = self.ec2.the_instance(instance_id);
        // EC2 User Guide (interruption notices): the ARN has a zone where a region belongs, and no account.
        let arn = format!("arn:aws:ec2:{}:instance/{instance_id}", instance.zone);
        self.note_change(instance_id, Ec2Change::InterruptionWarned(action));
        self.emit(
            "aws.ec2",
            "EC2 Spot Instance Interruption Warning",
            vec![arn],
            json!({ "instance-id": instance_id, "instance-action": action.name() }),
        );
        let delay = match action {
            SpotAction::Terminate | SpotAction::Stop => WARNING,
            SpotAction::Hibernate => Duration::ZERO,
        };
        self.ec2.the_instance_mut(instance_id).notice = Some((action, self.now + delay));
        self.schedule(delay, Ec2Effect::Reclaimed { instance: instance_id.to_owned(), action });
        self.notice_interruption(instance_id);
    }

    /// Takes the capacity under the instance back at once. EC2 User Guide: warnings are best effort.
    pub fn reclaim(&mut self, instance_id: &str) {
        self.take_capacity_back(instance_id, SpotAction::Terminate);
    }

    /// Reports that the instance is at an elevated risk of interruption; nothing need follow.
    ///
    /// # Panics
    /// When EC2 does not list the instance.
    pub fn recommend_rebalance(&mut self, instance_id: &str) {
        self.ec2.the_instance(instance_id);
        self.note_change(instance_id, Ec2Change::RebalanceRecommended);
        self.emit(
            "aws.ec2",
            "EC2 Instance Rebalance Recommendation",
            vec![instance_arn(instance_id)],
            json!({ "instance-id": instance_id }),
        );
        self.notice_risk(instance_id);
    }

    pub(in crate::world::ec2) fn take_capacity_back(&mut self, id: &str, action: SpotAction) {
        // It may have ended within the two minutes.
        if !self.ec2.is_alive(id) {
            return;
        }
        self.note_change(id, Ec2Change::CapacityReclaimed);
        match action {
            SpotAction::Terminate => {
                let reason = "Server.SpotInstanceTermination: Spot instance termination";
                self.begin_termination(id, reason, Shutdown::PowerOff);
            }
            // Without a picture of the memory there is nothing to wake up to: hibernating is stopping here.
            SpotAction::Stop | SpotAction::Hibernate => {
                let reason = "Server.SpotInstanceShutdown: Instance stopped due to Spot interruption";
                self.begin_stop(id, reason, Shutdown::PowerOff);
            }
        }
    }
}
