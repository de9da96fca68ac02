//! What is going to happen, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{World, autoscaling, bakes, ec2, eventbridge, guest, lambda, ssm};
use crate::time::Time;

/// Something that will happen by itself.
#[derive(Clone, Debug)]
pub enum Effect {
    /// An instance or a volume changes state.
    Ec2(ec2::Ec2Effect),
    /// A bake of an image goes on.
    Bake(bakes::BakeEffect),
    /// A group looks at itself, or a lifecycle action runs into its timeout.
    AutoScaling(autoscaling::AutoScalingEffect),
    /// Something happens inside an instance.
    Guest(guest::GuestEffect),
    /// A command is delivered, or runs into a timeout.
    Ssm(ssm::SsmEffect),
    EventBridge(eventbridge::EventBridgeEffect),
    /// An invocation arrives, or is tried again.
    Lambda(lambda::LambdaEffect),
    /// The image that a parameter is to name is validated.
    ImageValidated(String),
    /// A Route 53 change has reached all name servers.
    ChangeInSync(String),
}

/// Effects by due time; effects due at the same time keep the order in which they were scheduled.
#[derive(Default)]
pub(crate) struct Agenda {
    effects: BTreeMap<(Time, u64), Effect>,
    scheduled: u64,
}

impl Agenda {
    pub(crate) fn next_due(&self) -> Option<Time> {
        self.effects.first_key_value().map(|((due, _), _)| *due)
    }

    pub(crate) fn pop_due(&mut self, until: Time) -> Option<(Time, Effect)> {
        let entry = self.effects.first_entry().filter(|entry| entry.key().0 <= until)?;
        let ((due, _), effect) = entry.remove_entry();
        Some((due, effect))
    }
}

impl World {
    /// Puts `effect` on the agenda, `delay` from now.
    pub(crate) fn schedule(&mut self, delay: Duration, effect: Effect) {
        let key = (self.now + delay, self.agenda.scheduled);
        self.agenda.scheduled += 1;
        self.agenda.effects.insert(key, effect);
    }
}
