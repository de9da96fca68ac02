//! What exists in the local AWS, and how it changes with time.
//!
//! A [`World`] is a discrete-event simulation without threads, clocks or IO: every change is either an API call
//! (a method here, named after the AWS operation) or an [`Effect`] on the agenda that falls due. The same seed and
//! the same calls at the same times give the same history.

pub mod agenda;
pub mod autoscaling;
pub mod bus;
pub mod ec2;
pub mod error;
pub mod faults;
pub mod guest;
pub mod history;
pub mod ids;
pub mod invariants;
pub mod latency;
pub mod route53;
pub mod seed;
pub mod ssm;
#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;

use crate::time::Time;
use agenda::{Agenda, Effect};

/// The AWS account that every world plays in.
pub const ACCOUNT: &str = "123456789012";
/// The region that every world plays in.
pub const REGION: &str = "eu-central-1";

/// One region of one account, and Route 53.
pub struct World {
    now: Time,
    agenda: Agenda,
    /// The last octet given to an instance, by subnet.
    last_host: [u8; ec2::network::SUBNETS.len()],
    /// The one source of randomness.
    pub rng: fastrand::Rng,
    /// How long things take.
    pub latency: latency::Latencies,
    /// EC2 instances by id, the terminated ones included until EC2 forgets them.
    pub instances: BTreeMap<String, ec2::Instance>,
    /// EBS volumes by id.
    pub volumes: BTreeMap<String, ec2::Volume>,
    /// Launch templates by id.
    pub launch_templates: BTreeMap<String, ec2::LaunchTemplate>,
    /// Auto Scaling groups by name.
    pub groups: BTreeMap<String, autoscaling::Group>,
    /// Hosted zones by id (without `/hostedzone/`).
    pub zones: BTreeMap<String, route53::HostedZone>,
    /// Route 53 changes by id (without `/change/`).
    pub changes: BTreeMap<String, route53::Change>,
    /// SSM parameters by name.
    pub parameters: BTreeMap<String, ssm::Parameter>,
    /// SSM documents by name.
    pub documents: BTreeMap<String, ssm::Document>,
    /// SSM commands, oldest first.
    pub commands: Vec<ssm::Command>,
    /// How the Systems Manager agents of instances to come behave.
    pub agent_mode: guest::AgentMode,
    /// Rules, functions and the invocations under way.
    pub bus: bus::Bus,
    /// The functions' roles.
    pub iam: crate::iam::Iam,
    /// What AWS does wrong today.
    pub faults: faults::Faults,
    /// Everything that happened, in order.
    pub history: history::History,
}

impl World {
    /// An empty world at [`Time::GENESIS`].
    pub fn new(seed: u64) -> World {
        World {
            now: Time::GENESIS,
            agenda: Agenda::default(),
            last_host: [3; ec2::network::SUBNETS.len()],
            rng: fastrand::Rng::with_seed(seed),
            latency: latency::Latencies::default(),
            instances: BTreeMap::new(),
            volumes: BTreeMap::new(),
            launch_templates: BTreeMap::new(),
            groups: BTreeMap::new(),
            zones: BTreeMap::new(),
            changes: BTreeMap::new(),
            parameters: BTreeMap::new(),
            documents: BTreeMap::new(),
            commands: Vec::new(),
            agent_mode: guest::AgentMode::default(),
            bus: bus::Bus::default(),
            iam: crate::iam::Iam::default(),
            faults: faults::Faults::default(),
            history: history::History::default(),
        }
    }

    /// What time it is in this world.
    pub fn now(&self) -> Time {
        self.now
    }

    /// When the next effect is due, if anything is going to happen by itself.
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

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Ec2(effect) => self.carry_out_ec2(effect),
            Effect::AutoScaling(effect) => self.carry_out_autoscaling(effect),
            Effect::Guest(effect) => self.carry_out_guest(effect),
            Effect::Ssm(effect) => self.carry_out_ssm(effect),
            Effect::Bus(effect) => self.carry_out_bus(effect),
            Effect::ChangeInSync(id) => self.change_in_sync(&id),
        }
    }
}
