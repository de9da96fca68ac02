//! Everything that exists in the local AWS, and how it changes with time.
//!
//! A [`World`] is a discrete-event simulation without threads, clocks or IO: every change is either an API call (a
//! method, named after the AWS operation) or an effect on the agenda that falls due. The same seed and the same calls
//! at the same times give the same history.
//!
//! Each service has a room of its own: its state, readable from everywhere, and the changes that concern only it. A
//! change that takes time or randomness, leaves a trace in the history or reaches into another room is a method of the
//! world, in the files of the room where it begins. A `the_…` asserts that something exists; a `still_…` that an effect
//! does not come too late.

mod agenda;
pub mod autoscaling;
pub mod bakes;
pub mod conventions;
pub mod ec2;
pub mod error;
pub mod eventbridge;
pub mod faults;
pub mod guest;
pub mod history;
pub mod ids;
pub mod invariants;
pub mod kms;
pub mod lambda;
pub mod latency;
pub mod machines;
pub mod route53;
pub mod ssm;
pub mod steady;
mod tampering;
pub mod violation;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::time::Time;
use agenda::Agenda;

pub use crate::account::{ACCOUNT, PARTITION, REGION};

/// One region of one account, and Route 53: the services, and the engine that moves them.
pub struct World {
    now: Time,
    agenda: Agenda<Effect>,
    /// The one source of randomness.
    rng: fastrand::Rng,
    pub latency: latency::Latencies,
    history: history::History,
    /// AWS's planned faults.
    pub faults: faults::Faults,
    /// How guests differ from the usual one.
    pub guest_ways: guest::GuestWays,
    machines: machines::Machines,
    pub iam: crate::iam::Iam,
    pub ec2: ec2::Ec2,
    pub autoscaling: autoscaling::AutoScaling,
    pub ssm: ssm::Ssm,
    pub kms: kms::Kms,
    pub route53: route53::Route53,
    pub events: eventbridge::EventBridge,
    pub lambda: lambda::Lambda,
    /// Bakes under way, by the image that they make.
    bakes: BTreeMap<String, bakes::Bake>,
}

impl World {
    /// A world at [`Time::GENESIS`] in which this account has nothing.
    pub fn new(seed: u64) -> World {
        let mut world = World {
            now: Time::GENESIS,
            agenda: Agenda::new(),
            rng: fastrand::Rng::with_seed(seed),
            latency: latency::Latencies::default(),
            history: history::History::default(),
            faults: faults::Faults::default(),
            guest_ways: guest::GuestWays::default(),
            machines: machines::Machines::default(),
            iam: crate::iam::Iam::default(),
            ec2: ec2::Ec2::default(),
            autoscaling: autoscaling::AutoScaling::default(),
            ssm: ssm::Ssm::default(),
            kms: kms::Kms::default(),
            route53: route53::Route53::default(),
            events: eventbridge::EventBridge::default(),
            lambda: lambda::Lambda::default(),
            bakes: BTreeMap::new(),
        };
        world.add_public_image();
        world
    }

    /// Makes a world in which nothing has happened yet begin at a time other than [`Time::GENESIS`].
    pub(crate) fn begin_at(&mut self, start: Time) {
        debug_assert!(self.history().is_empty(), "a world begins before anything happens in it");
        self.now = start;
    }

    /// The present time in this world.
    pub fn now(&self) -> Time {
        self.now
    }

    /// When the next effect is due, if anything is going to happen without a call.
    pub fn next_due(&self) -> Option<Time> {
        self.agenda.next_due()
    }

    /// Lets time pass until `until`, carrying out everything that falls due, in order.
    pub fn advance_to(&mut self, until: Time) {
        while let Some((due, effect)) = self.agenda.pop_due(until) {
            self.now = self.now.max(due);
            self.carry_out(effect);
        }
        self.now = self.now.max(until);
    }

    /// Puts `effect` on the agenda, `delay` from now.
    fn schedule(&mut self, delay: Duration, effect: impl Into<Effect>) {
        self.agenda.schedule(self.now + delay, effect.into());
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Ec2(effect) => self.carry_out_ec2(effect),
            Effect::Bake(effect) => self.carry_out_bake(effect),
            Effect::AutoScaling(effect) => self.carry_out_autoscaling(effect),
            Effect::Guest(effect) => self.carry_out_guest(effect),
            Effect::Ssm(effect) => self.carry_out_ssm(effect),
            Effect::Route53(effect) => self.carry_out_route53(effect),
            Effect::EventBridge(effect) => self.carry_out_eventbridge(effect),
            Effect::Lambda(effect) => self.carry_out_lambda(effect),
        }
    }
}

/// Something that will happen without a call.
#[derive(Clone, Debug)]
enum Effect {
    Ec2(ec2::Ec2Effect),
    Bake(bakes::BakeEffect),
    AutoScaling(autoscaling::AutoScalingEffect),
    Guest(guest::GuestEffect),
    Ssm(ssm::SsmEffect),
    Route53(route53::Route53Effect),
    EventBridge(eventbridge::EventBridgeEffect),
    Lambda(lambda::LambdaEffect),
}

impl From<ec2::Ec2Effect> for Effect {
    fn from(effect: ec2::Ec2Effect) -> Effect {
        Effect::Ec2(effect)
    }
}

impl From<bakes::BakeEffect> for Effect {
    fn from(effect: bakes::BakeEffect) -> Effect {
        Effect::Bake(effect)
    }
}

impl From<autoscaling::AutoScalingEffect> for Effect {
    fn from(effect: autoscaling::AutoScalingEffect) -> Effect {
        Effect::AutoScaling(effect)
    }
}

impl From<guest::GuestEffect> for Effect {
    fn from(effect: guest::GuestEffect) -> Effect {
        Effect::Guest(effect)
    }
}

impl From<ssm::SsmEffect> for Effect {
    fn from(effect: ssm::SsmEffect) -> Effect {
        Effect::Ssm(effect)
    }
}

impl From<route53::Route53Effect> for Effect {
    fn from(effect: route53::Route53Effect) -> Effect {
        Effect::Route53(effect)
    }
}

impl From<eventbridge::EventBridgeEffect> for Effect {
    fn from(effect: eventbridge::EventBridgeEffect) -> Effect {
        Effect::EventBridge(effect)
    }
}

impl From<lambda::LambdaEffect> for Effect {
    fn from(effect: lambda::LambdaEffect) -> Effect {
        Effect::Lambda(effect)
    }
}
