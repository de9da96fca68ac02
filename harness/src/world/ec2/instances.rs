//! Instances: what they are, and how they begin. How they end is in the files beside this one.

mod interruption;
mod metadata;
mod reboot;
mod retirement;
mod termination;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::Ec2;
use super::Ec2Change;
use super::network::{subnet_in, zone_of};
use super::{Ec2Effect, LaunchTemplateData, World};
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};
use crate::world::guest::Guest;
use crate::world::ids::is_hex_id;
use crate::world::{ACCOUNT, REGION};
pub use interruption::SpotAction;
pub use retirement::ScheduledEvent;
pub(crate) use termination::Shutdown;

#[derive(Clone, Debug)]
pub struct Instance {
    /// `i-` and 17 hexadecimal digits.
    pub id: String,
    /// Where in its life it is.
    pub state: InstanceState,
    /// For example `t3a.medium`.
    pub instance_type: String,
    /// The image it booted from.
    pub image_id: String,
    /// For example `eu-central-1a`.
    pub zone: String,
    pub subnet_id: String,
    /// Inside the VPC; kept while the instance exists. Empty in a subnet without IPv4.
    pub private_ip: String,
    /// Whether it is a spot instance.
    pub spot: bool,
    pub launched: Time,
    /// Why it ended, as `stateTransitionReason` has it (empty while it lives).
    pub transition_reason: String,
    /// The names of the devices that its image and its launch template gave it. Their volumes are not part of this world.
    pub devices: BTreeSet<String>,
    /// The retirement of its host, to come or over.
    pub scheduled_event: Option<ScheduledEvent>,
    /// What EC2 has warned of, and when that comes.
    pub notice: Option<(SpotAction, Time)>,
    /// Whether TerminateInstances is refused: EC2's attribute `disableApiTermination`.
    pub is_protected: bool,
    /// Whether its metadata shows its tags.
    pub tags_in_metadata: bool,
    pub tags: BTreeMap<String, String>,
    pub guest: Guest,
}

/// The states of an instance, with EC2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstanceState {
    Pending,
    Running,
    ShuttingDown,
    /// Gone, but still listed for a while.
    Terminated,
    Stopping,
    Stopped,
}

impl InstanceState {
    /// All of them.
    pub const ALL: [InstanceState; 6] = [
        InstanceState::Pending,
        InstanceState::Running,
        InstanceState::ShuttingDown,
        InstanceState::Terminated,
        InstanceState::Stopping,
        InstanceState::Stopped,
    ];

    /// EC2's numeric code.
    pub fn code(self) -> u16 {
        match self {
            InstanceState::Pending => 0,
            InstanceState::Running => 16,
            InstanceState::ShuttingDown => 32,
            InstanceState::Terminated => 48,
            InstanceState::Stopping => 64,
            InstanceState::Stopped => 80,
        }
    }

    /// EC2's name.
    pub fn name(self) -> &'static str {
        match self {
            InstanceState::Pending => "pending",
            InstanceState::Running => "running",
            InstanceState::ShuttingDown => "shutting-down",
            InstanceState::Terminated => "terminated",
            InstanceState::Stopping => "stopping",
            InstanceState::Stopped => "stopped",
        }
    }
}

/// What RunInstances is asked for. A launch template gives what is not given here.
#[derive(Clone, Debug, Default)]
pub struct RunInstances {
    /// An image id, or `resolve:ssm:` and the name of a parameter.
    pub image_id: Option<String>,
    /// For example `t3a.medium`.
    pub instance_type: Option<String>,
    /// Where; the first zone unless given here or by the subnet.
    pub zone: Option<String>,
    pub subnet_id: Option<String>,
    /// The id or name of a launch template.
    pub launch_template_id: Option<String>,
    /// Which version of it; the default one unless given.
    pub launch_template_version: Option<String>,
    /// Whether spot capacity is asked for.
    pub spot: bool,
    /// Whether they are protected from TerminateInstances.
    pub protected: bool,
    /// Whether metadata shows their tags: `InstanceMetadataTags`.
    pub tags_in_metadata: Option<bool>,
    pub tags: BTreeMap<String, String>,
    pub count: u32,
}

/// An instance's id with its state before and after a call.
pub type StateChange = (String, InstanceState, InstanceState);

impl Ec2 {
    /// What an effect is about, if it is still in that state: a person or AWS may have been faster than the effect.
    pub(super) fn still_in(&mut self, state: InstanceState, id: &str) -> Option<&mut Instance> {
        self.instances.get_mut(id).filter(|instance| instance.state == state)
    }

    pub(crate) fn state_of(&self, id: &str) -> Option<InstanceState> {
        self.instances.get(id).map(|instance| instance.state)
    }

    /// The names of the devices that an instance of the image has, with the mappings of a launch template.
    pub(in crate::world) fn devices_of_launch(&self, image: &str, mapped: &[(String, String)]) -> BTreeSet<String> {
        let of_image = self.the_image(image).block_devices.iter().map(|device| device.device_name.clone());
        of_image.chain(mapped.iter().map(|(name, _)| name.clone())).collect()
    }

    /// The instance, or the error that EC2 answers for its id.
    pub(crate) fn known_instance(&self, id: &str) -> ApiResult<&Instance> {
        if !is_hex_id(id, "i") {
            return Err(ApiError::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
        }
        self.instances.get(id).ok_or_else(|| {
            ApiError::new("InvalidInstanceID.NotFound", format!("The instance ID '{id}' does not exist"))
        })
    }
}

impl World {
    /// RunInstances: the ids of the new instances.
    pub fn run_instances(&mut self, request: RunInstances) -> ApiResult<Vec<String>> {
        let (data, template_tags) = match &request.launch_template_id {
            None => (LaunchTemplateData::default(), None),
            Some(id_or_name) => {
                let template = self.ec2.launch_template(id_or_name)?;
                let version = template.version(request.launch_template_version.as_deref())?;
                (version.data.clone(), Some(template.tags_for_instances(version.number)))
            }
        };
        let subnet_id = match (&request.subnet_id, &request.zone) {
            (Some(subnet), _) => subnet.clone(),
            (None, Some(zone)) => subnet_in(zone)?.to_owned(),
            (None, None) => super::network::SUBNETS[0].0.to_owned(),
        };
        let zone = zone_of(&subnet_id)?.to_owned();
        let image = request.image_id.or(data.image_id);
        let image =
            image.ok_or_else(|| ApiError::new("MissingParameter", "The request must contain the parameter ImageId"))?;
        let image_id = self.resolve_image(&image)?;
        self.check_launchable(&image_id)?;
        self.note_launch(&image_id);
        let devices = self.ec2.devices_of_launch(&image_id, &data.block_devices);
        let instance_type = request.instance_type.or(data.instance_type).unwrap_or_else(|| "m1.small".to_owned());
        let spot = request.spot || data.spot;
        let mut tags = request.tags;
        tags.extend(template_tags.into_iter().flatten());
        let tags_in_metadata = request.tags_in_metadata.or(data.tags_in_metadata).unwrap_or(false);
        metadata::check_tags(tags_in_metadata, &tags)?;

        // All of them or none: a launch that EC2 refuses leaves nothing behind.
        let addresses = self.ec2.next_private_ips(&subnet_id, request.count.max(1))?;
        let mut ids = Vec::new();
        for private_ip in addresses {
            let id = self.hex_id("i");
            let instance = Instance {
                id: id.clone(),
                state: InstanceState::Pending,
                instance_type: instance_type.clone(),
                image_id: image_id.clone(),
                zone: zone.clone(),
                subnet_id: subnet_id.clone(),
                private_ip,
                spot,
                launched: self.now,
                transition_reason: String::new(),
                devices: devices.clone(),
                scheduled_event: None,
                notice: None,
                is_protected: request.protected,
                tags_in_metadata,
                tags: tags.clone(),
                guest: Guest::of_launch(self.guest_ways.of_launch(&image_id), self.ec2.agent_mode),
            };
            self.ec2.instances.insert(id.clone(), instance);
            self.enter_state(&id, InstanceState::Pending);
            self.schedule_running(&id);
            ids.push(id);
        }
        Ok(ids)
    }

    /// StartInstances: each instance with its state before and after.
    pub fn start_instances(&mut self, ids: &[String]) -> ApiResult<Vec<StateChange>> {
        for id in ids {
            let state = self.ec2.known_instance(id)?.state;
            if !matches!(state, InstanceState::Stopped | InstanceState::Pending | InstanceState::Running) {
                return Err(ApiError::new(
                    "IncorrectInstanceState",
                    format!("The instance '{id}' is not in a state from which it can be started."),
                ));
            }
        }
        Ok(self.change_each(ids, |world, id, state| {
            if state == InstanceState::Stopped {
                world.enter_state(id, InstanceState::Pending);
                world.schedule_running(id);
            }
        }))
    }

    /// A pending instance has been powered on, unless it was ended before.
    pub(super) fn on_running(&mut self, id: &str) {
        let Some(instance) = self.ec2.still_in(InstanceState::Pending, id) else { return };
        instance.transition_reason.clear();
        self.enter_state(id, InstanceState::Running);
        self.power_on(id);
        self.notice_running(id);
    }

    /// Applies `change` to each instance and answers the states before and after.
    pub(super) fn change_each(
        &mut self,
        ids: &[String],
        mut change: impl FnMut(&mut World, &str, InstanceState),
    ) -> Vec<StateChange> {
        let mut changes = Vec::new();
        for id in ids {
            let before = self.ec2.the_instance(id).state;
            change(self, id, before);
            changes.push((id.clone(), before, self.ec2.the_instance(id).state));
        }
        changes
    }

    /// Sets the state, and reports it to the history and to EventBridge. EC2 User Guide: "EC2 Instance State-change Notification".
    pub(super) fn enter_state(&mut self, id: &str, state: InstanceState) {
        self.ec2.the_instance_mut(id).state = state;
        self.note_change(id, Ec2Change::Instance(state));
        self.emit(
            "aws.ec2",
            "EC2 Instance State-change Notification",
            vec![instance_arn(id)],
            json!({ "instance-id": id, "state": state.name() }),
        );
    }

    fn schedule_running(&mut self, id: &str) {
        let delay = self.draw(self.latency.instance_start);
        self.schedule(delay, Ec2Effect::Running(id.to_owned()));
    }
}

/// The ARN of an instance.
pub(crate) fn instance_arn(id: &str) -> String {
    format!("arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{id}")
}
