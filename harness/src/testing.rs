//! Short worlds for the unit tests beside this file.

use std::time::Duration;

use crate::seed::{NodeSeed, Seed};
use crate::templates::NodeTemplate;
use crate::world::World;
use crate::world::autoscaling::{ActionResult, CompleteLifecycleAction, LifecycleState, Member};
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ec2::{AttachmentState, CreateVolume, InstanceState, RunInstances};
use crate::world::error::ApiResult;
use crate::world::history::Fact;
use crate::world::steady::NodeNames;
use crate::world::violation::Violation;

/// A wait that is longer than anything but a timeout.
const LONG_S: u64 = 180;

/// A release document with the timeout as a parameter.
pub(crate) const RELEASE_DOCUMENT_CONTENT: &str = r#"{
  "schemaVersion": "2.2",
  "description": "Stops k3s, ends its containers, and unmounts its volume.",
  "parameters": {
    "VolumeId": { "type": "String", "description": "The volume to let go of.", "default": "" },
    "executionTimeout": { "type": "String", "description": "Seconds.", "default": "3600" }
  },
  "mainSteps": [
    {
      "action": "aws:runShellScript",
      "name": "release",
      "inputs": { "timeoutSeconds": "{{ executionTimeout }}", "runCommand": ["/usr/local/bin/durin-release"] }
    }
  ]
}
"#;

impl World {
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.advance_to(self.now() + Duration::from_secs(seconds));
    }

    /// Lets time pass until `done` holds, for at most `seconds`.
    pub(crate) fn pass_until(&mut self, seconds: u64, done: impl Fn(&World) -> bool) {
        let until = self.now() + Duration::from_secs(seconds);
        while !done(self) {
            let next = self.next_due().filter(|due| *due <= until).expect("it should have come to pass");
            self.advance_to(next);
        }
    }

    /// Waits until Parameter Store has looked at every image that an existing parameter was given.
    pub(crate) fn pass_until_validated(&mut self) {
        self.pass_until(LONG_S, |world| world.ssm.parameters().keys().all(|name| !world.ssm.is_validating(name)));
    }

    pub(crate) fn launch_in(&mut self, zone: &str) -> String {
        let request = RunInstances {
            image_id: Some(PUBLIC_IMAGE.to_owned()),
            zone: Some(zone.to_owned()),
            ..RunInstances::default()
        };
        self.run_instances(request).unwrap().remove(0)
    }

    pub(crate) fn running(&mut self) -> String {
        let id = self.launch_in("eu-central-1a");
        self.pass_until(LONG_S, |world| world.ec2.instances()[&id].guest.agent_online_since.is_some());
        id
    }

    pub(crate) fn available_volume(&mut self) -> String {
        let zone = "eu-central-1a".to_owned();
        let id = self.create_volume(CreateVolume { zone, size_gib: 8, ..CreateVolume::default() }).unwrap();
        self.pass(10);
        id
    }

    /// An instance that serves from a volume: both ids.
    pub(crate) fn serving_pair(&mut self) -> (String, String) {
        let (instance, volume) = (self.running(), self.available_volume());
        self.attach_volume(&volume, &instance, "/dev/sdf").unwrap();
        self.pass_until(LONG_S, |world| world.serving(&volume).is_some());
        (instance, volume)
    }

    pub(crate) fn attachment_state(&self, volume: &str) -> Option<AttachmentState> {
        self.ec2.volumes()[volume].attachment.as_ref().map(|attachment| attachment.state)
    }

    pub(crate) fn terminate(&mut self, instance: &str) {
        self.terminate_instances(&[instance.to_owned()]).unwrap();
    }

    pub(crate) fn pass_until_terminated(&mut self, instance: &str) {
        self.pass_until(LONG_S, |world| world.ec2.state_of(instance) == Some(InstanceState::Terminated));
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        let entries = self.history().iter();
        entries
            .filter_map(
                |entry| if let Fact::Violated(violation) = &entry.fact { Some(violation.clone()) } else { None },
            )
            .collect()
    }

    /// The details of all events of that kind, oldest first.
    pub(crate) fn events(&self, detail_type: &str) -> Vec<serde_json::Value> {
        let emitted = self
            .history()
            .iter()
            .filter_map(|entry| if let Fact::Emitted(event) = &entry.fact { Some(event.clone()) } else { None });
        emitted.filter(|event| event["detail-type"] == detail_type).collect()
    }

    /// The members of the group in that state.
    pub(crate) fn members_in(&self, state: LifecycleState) -> Vec<&Member> {
        self.autoscaling.groups()["k3s"].members.iter().filter(|member| member.lifecycle == state).collect()
    }

    pub(crate) fn complete(&mut self, hook: &str, instance: &str, result: ActionResult) -> ApiResult<()> {
        self.complete_lifecycle_action(CompleteLifecycleAction {
            group: "k3s".to_owned(),
            hook: hook.to_owned(),
            token: None,
            instance: Some(instance.to_owned()),
            result,
        })
    }

    /// Waits until exactly one member is in that state: its id.
    pub(crate) fn pass_until_one(&mut self, state: LifecycleState) -> String {
        self.pass_until(LONG_S, |world| world.members_in(state).len() == 1);
        self.members_in(state)[0].instance_id.clone()
    }
}

/// The template that a user deploys for each node.
pub(crate) fn node_template() -> NodeTemplate {
    NodeTemplate::parse("infra/node.yaml", include_str!("../../infra/node.yaml")).unwrap()
}

/// A settled world with one node; without Capacity Rebalancing unless said.
pub(crate) fn settled(seed: u64, node: NodeSeed) -> (World, NodeNames) {
    let node = NodeSeed { capacity_rebalance: node.capacity_rebalance.or(Some(false)), ..node };
    let mut world = World::from_seed(&Seed { seed, nodes: vec![node], ..Seed::default() }, &node_template()).unwrap();
    let node = world.settle_nodes().unwrap().remove(0);
    (world, node)
}

/// The code of the error.
pub(crate) fn code<T: std::fmt::Debug>(result: ApiResult<T>) -> String {
    result.unwrap_err().code
}
