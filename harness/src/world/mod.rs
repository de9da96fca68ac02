//! What exists in the local AWS, and how it changes with time.
//!
//! A [`World`] is a discrete-event simulation without threads, clocks or IO: every change is either an API call
//! (a method here, named after the AWS operation) or an [`Effect`] on the agenda that falls due. The same seed and
//! the same calls at the same times give the same history.

pub mod agenda;
pub mod autoscaling;
pub mod bakes;
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

use std::collections::{BTreeMap, BTreeSet};

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
    /// Images by id, the deregistered ones included.
    pub images: BTreeMap<String, ec2::Image>,
    images_by_snapshot: BTreeMap<String, BTreeSet<String>>,
    /// EBS snapshots by id.
    pub snapshots: BTreeMap<String, ec2::Snapshot>,
    /// How many of the next images that are being made fail.
    pub image_failures: u32,
    /// What was deleted and can be restored.
    pub recycle_bin: ec2::recycle_bin::RecycleBin,
    /// Fleets and spot requests.
    pub requests: ec2::requests::Requests,
    /// How many EC2 calls there may be.
    pub throttles: ec2::throttles::Throttles,
    /// Bakes under way, by the image that they make.
    pub bakes: BTreeMap<String, bakes::Bake>,
    /// Auto Scaling groups by name.
    pub groups: BTreeMap<String, autoscaling::Group>,
    /// Launch configurations by name.
    pub launch_configurations: BTreeMap<String, autoscaling::LaunchConfiguration>,
    /// Hosted zones by id (without `/hostedzone/`).
    pub zones: BTreeMap<String, route53::HostedZone>,
    /// Route 53 changes by id (without `/change/`).
    pub changes: BTreeMap<String, route53::Change>,
    /// SSM parameters by name.
    pub parameters: BTreeMap<String, ssm::Parameter>,
    /// Image parameters that were put and are not validated yet, by name.
    pub pending_parameters: BTreeMap<String, ssm::PendingParameter>,
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
    /// A world at [`Time::GENESIS`] in which this account has nothing.
    pub fn new(seed: u64) -> World {
        let mut world = World {
            now: Time::GENESIS,
            agenda: Agenda::default(),
            last_host: [3; ec2::network::SUBNETS.len()],
            rng: fastrand::Rng::with_seed(seed),
            latency: latency::Latencies::default(),
            instances: BTreeMap::new(),
            volumes: BTreeMap::new(),
            launch_templates: BTreeMap::new(),
            images: BTreeMap::new(),
            images_by_snapshot: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            image_failures: 0,
            recycle_bin: ec2::recycle_bin::RecycleBin::default(),
            requests: ec2::requests::Requests::default(),
            throttles: ec2::throttles::Throttles::default(),
            bakes: BTreeMap::new(),
            groups: BTreeMap::new(),
            launch_configurations: BTreeMap::new(),
            zones: BTreeMap::new(),
            changes: BTreeMap::new(),
            parameters: BTreeMap::new(),
            pending_parameters: BTreeMap::new(),
            documents: BTreeMap::new(),
            commands: Vec::new(),
            agent_mode: guest::AgentMode::default(),
            bus: bus::Bus::default(),
            iam: crate::iam::Iam::default(),
            faults: faults::Faults::default(),
            history: history::History::default(),
        };
        world.add_public_image();
        world
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
            Effect::Bake(effect) => self.carry_out_bake(effect),
            Effect::AutoScaling(effect) => self.carry_out_autoscaling(effect),
            Effect::Guest(effect) => self.carry_out_guest(effect),
            Effect::Ssm(effect) => self.carry_out_ssm(effect),
            Effect::Bus(effect) => self.carry_out_bus(effect),
            Effect::ImageValidated(name) => self.image_is_validated(&name),
            Effect::ChangeInSync(id) => self.change_in_sync(&id),
        }
    }
}
