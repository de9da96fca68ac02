//! Stories: a node's world, what goes wrong in it, and how it has to end.

pub mod images;
pub mod python;
pub mod seeds;

use std::collections::BTreeMap;
use std::time::Duration;

use durin::ids::InstanceId;
use durin::risk::{Mark, Risk};
use durin::times;
pub use durin_cli::broken::broken;
use durin_cli::deployment::{self, Deployment, Infra};
pub use durin_cli::simulate::HEALS_WITHIN;
use durin_cli::stage::Stage;
use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::autoscaling::UpdateAutoScalingGroup;
use durin_harness::world::ec2::{SpotAction, Volume};
use durin_harness::world::eventbridge::{Disorder, DisorderKind};
use durin_harness::world::faults::FaultKind;
use durin_harness::world::history::Fact;
use durin_harness::world::kms::KeyState;
use durin_harness::world::ssm::SendCommand;
use durin_harness::world::steady::NodeNames;
use durin_harness::{FunctionError, Kill, LocalAws};
use serde_json::{Value, json};

/// The event of a launch hook.
pub const LAUNCH: &str = "EC2 Instance-launch Lifecycle Action";
/// The event of a terminate hook.
pub const TERMINATE: &str = "EC2 Instance-terminate Lifecycle Action";
/// EC2's two minutes' notice.
pub const WARNING: &str = "EC2 Spot Instance Interruption Warning";
/// The event of AWS Health: a scheduled retirement, for one.
pub const HEALTH: &str = "AWS Health Event";

/// The functions that run the node loop.
pub const NODE_FUNCTIONS: [&str; 3] = ["durin-spot-interruption", "durin-node-lifecycle", "durin-node-resync"];

/// A world with a node in it, in which things happen.
pub struct Story {
    /// The stage that it plays on.
    pub stage: Stage,
}

/// What an invocation by hand came to.
pub struct Invoked {
    /// The answer or the error.
    pub outcome: Result<Value, FunctionError>,
    /// The API calls that it made, in order.
    pub calls: Vec<String>,
}

impl Invoked {
    /// The calls that change something, for which it is not enough that the owner hears of something.
    pub fn writes(&self) -> Vec<&String> {
        let changes = |call: &&String| !durin_cli::timeline::is_read(call) && *call != "events:PutEvents";
        self.calls.iter().filter(changes).collect()
    }

    /// The same without what instances are sent: each tick of the schedule asks the holders how they are.
    pub fn changes(&self) -> Vec<&String> {
        self.writes().into_iter().filter(|call| *call != "ssm:SendCommand").collect()
    }
}

/// A tick of a schedule, as EventBridge sends it.
pub fn schedule() -> Value {
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
}

/// The value of the tag that marks an instance as at risk.
///
/// # Panics
/// When there is no such instance.
pub fn mark(world: &World, instance: &str, risk: Risk) -> String {
    let launched = times::instant(&world.ec2.instances()[instance].launched.iso_seconds()).expect("a time");
    Mark { instance: InstanceId::new(instance).expect("an id"), launched, risk }.to_string()
}

impl Story {
    /// One node serves, Durin is deployed. With Capacity Rebalancing its replacement is launched before it ends.
    pub fn new(seed: u64, rebalancing: bool) -> Story {
        Story::of(&Seed { seed, ..Seed::one_node().rebalancing(rebalancing) })
    }

    /// One node serves, Durin is deployed. Capacity Rebalancing is off, so the replacement is up to Durin.
    pub fn of_one_node(seed: u64) -> Story {
        Story::new(seed, false)
    }

    /// The same with Capacity Rebalancing: the replacement is launched before the old instance ends.
    pub fn with_rebalancing(seed: u64) -> Story {
        Story::new(seed, true)
    }

    /// The nodes of a seed serve, Durin is deployed.
    pub fn of(seed: &Seed) -> Story {
        Story { stage: Stage::set(seed, 1.0).expect("a stage") }
    }

    /// One node serves, and something else than what is in the repository is deployed.
    ///
    /// # Errors
    /// When it is refused.
    pub fn deployed(infra: &Infra, seed: &Seed) -> Result<Story, String> {
        let deployment = Deployment::read(infra).map_err(|error| error.to_string())?;
        let stage = Stage::set_with(&deployment, seed, 1.0).map_err(|error| error.to_string())?;
        Ok(Story { stage })
    }

    /// The nodes of a seed serve, and nothing reacts to events: the test invokes functions by hand.
    pub fn without_functions(seed: &Seed) -> Story {
        Story { stage: Stage::set_without_functions(seed, 1.0).expect("a stage") }
    }

    /// The local AWS.
    pub fn aws(&self) -> &LocalAws {
        &self.stage.aws
    }

    /// The node.
    pub fn node(&self) -> &NodeNames {
        self.stage.node()
    }

    /// Looks at the world or changes it.
    pub fn world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        self.stage.aws.world(look)
    }

    /// The instance that the volume is attached to.
    pub fn holder(&self) -> String {
        let volume = self.node().volume.clone();
        self.world(|world| world.ec2.volumes()[&volume].attachment.as_ref().map(|held| held.instance_id.clone()))
            .expect("somebody holds the volume")
    }

    /// What the record says.
    pub fn record(&self) -> Option<Vec<String>> {
        let node = self.node().clone();
        self.world(|world| {
            world.route53.zones()[&node.zone_id].record_set(&node.record_name, "A").map(|set| set.values.clone())
        })
    }

    /// Something goes wrong with the next events of a kind.
    pub fn disorder(&self, detail_type: &str, kind: DisorderKind, times: u32) {
        let disorder = Disorder { detail_type: detail_type.to_owned(), kind, times };
        self.world(|world| world.events.add_disorder(disorder));
    }

    /// The host of the instance retires, which EC2 lists, and the event that says so is lost.
    pub fn retire_unheard(&self, instance: &str) {
        self.disorder(HEALTH, DisorderKind::Lost, 1);
        self.world(|world| world.schedule_retirement(instance));
    }

    /// The next events of these kinds are lost.
    pub fn lose(&self, detail_types: &[&str]) {
        detail_types.iter().for_each(|detail_type| self.disorder(detail_type, DisorderKind::Lost, 10));
    }

    /// Something goes wrong with the next calls of an operation.
    pub fn fault(&self, operation: &str, kind: FaultKind, times: u32) {
        self.world(|world| world.faults.plan(operation, kind, times));
    }

    /// The next invocation of a function dies when it has made so many calls.
    pub fn kill(&self, function: &str, after_calls: u32) {
        self.aws().plan_kill(Kill { function: function.to_owned(), after_calls });
    }

    /// EC2 warns the holder, which is returned, and takes its capacity back two minutes later.
    pub fn interrupt(&self) -> String {
        let old = self.holder();
        self.world(|world| world.interrupt(&old, SpotAction::Terminate));
        old
    }

    /// A person, or a function that has died since, has the holder let go of the volume, and nobody follows.
    pub async fn let_go_in_vain(&self) -> String {
        let (old, volume) = (self.holder(), self.node().volume.clone());
        let request = SendCommand {
            document: "durin-release".to_owned(),
            instances: vec![old.clone()],
            parameters: BTreeMap::from([("VolumeId".to_owned(), vec![volume.clone()])]),
            ..Default::default()
        };
        self.world(|world| world.send_command(request).map(|_| ())).expect("sent");
        self.until("the holder has let go", |world| world.mounted_on(&volume).is_none()).await;
        self.aws().pass(Duration::from_secs(5)).await;
        old
    }

    /// The same, until the capacity is taken back.
    pub async fn reclaim(&self) -> String {
        let old = self.interrupt();
        self.until("the reclaim", |world| world.ec2.instances()[&old].state.name() != "running").await;
        old
    }

    /// A person changes the group, which has room for two.
    pub fn update_group(&self, change: impl FnOnce(&mut UpdateAutoScalingGroup)) {
        let mut request = UpdateAutoScalingGroup { name: self.node().group.clone(), ..Default::default() };
        change(&mut request);
        self.world(|world| world.update_auto_scaling_group(request)).expect("updated");
    }

    /// How often the volume was mounted without having been unmounted before.
    pub fn unclean_mounts(&self) -> u32 {
        let volume = self.node().volume.clone();
        self.world(|world| world.ec2.volumes()[&volume].data.unclean_mounts)
    }

    /// Waits until the world is so.
    ///
    /// # Panics
    /// When it is not so within [`HEALS_WITHIN`].
    pub async fn until(&self, what: &str, wanted: impl Fn(&World) -> bool) {
        assert!(self.aws().until(HEALS_WITHIN, wanted).await, "never came: {what}\n{}", self.told());
    }

    /// Waits until the group shows an instance in a lifecycle state, and returns its id.
    pub async fn until_member_is(&self, state: &str) -> String {
        let group = self.node().group.clone();
        self.until(state, |world| {
            world.autoscaling.groups()[&group].members.iter().any(|it| it.lifecycle.name() == state)
        })
        .await;
        self.world(|world| {
            let mut members = world.autoscaling.groups()[&group].members.iter();
            members.find(|it| it.lifecycle.name() == state).map(|it| it.instance_id.clone())
        })
        .expect("just seen")
    }

    /// Invokes a function by hand, to its end, with everything else going on as usual.
    pub async fn invoke(&self, function: &str, payload: Value) -> Invoked {
        let before = self.world(|world| world.history().len());
        let timeout = deployment::timeout(function).expect("a deployment").expect("a function");
        let handlers = deployment::handlers(self.aws());
        let (outcome, _) = self.aws().invoke_by_hand(function, &handlers[function], payload, timeout).await;
        let calls = self.world(|world| {
            let entries = world.history()[before..].iter();
            entries.filter_map(|entry| call(&entry.fact, function)).collect()
        });
        Invoked { outcome, calls }
    }

    /// The node comes to rest whole, nothing was violated on the way, and nothing happens any more.
    ///
    /// # Panics
    /// When that is not so: with the whole history.
    pub async fn ends_well(&self) {
        let healed = self.stage.heals(HEALS_WITHIN).await;
        // Late retries and schedules must not break what is whole.
        self.aws().pass(Duration::from_secs(15 * 60)).await;
        let mut complaints = self.stage.complaints();
        complaints.extend(self.world(|world| broken(world)));
        assert!(healed && complaints.is_empty(), "healed: {healed}, but {complaints:#?}\n{}", self.told());
    }

    /// The same, once `old` has ended, with another holder.
    ///
    /// # Panics
    /// When that is not so: with the whole history.
    pub async fn ends_elsewhere(&self, old: &str) {
        let has_ended = |world: &World| world.ec2.instance(old).is_none_or(|it| it.state.name() == "terminated");
        self.until("the old instance has ended", has_ended).await;
        self.ends_well().await;
        assert_ne!(self.holder(), old, "{}", self.told());
    }

    /// The history so far, for a failed assertion.
    pub fn told(&self) -> String {
        self.world(|world| {
            let begin = world.history().first().map_or(world.now(), |entry| entry.at);
            let timeline = durin_cli::timeline::Timeline::new(begin, Default::default(), true);
            timeline.tell(world.history()).join("\n")
        })
    }
}

/// Changes every volume, by no API of AWS.
pub fn change_volumes(world: &mut World, change: impl Fn(&mut Volume)) {
    let ids: Vec<_> = world.ec2.volumes().keys().cloned().collect();
    ids.iter().for_each(|id| world.ec2.tamper_with_volume(id, &change));
}

/// The volumes are encrypted with a key that is disabled.
pub fn stop_key(world: &mut World) {
    let key = world.create_key();
    change_volumes(world, |volume| volume.key = Some(key.clone()));
    world.change_key(&key, |key| key.state = KeyState::Disabled);
}

fn call(fact: &Fact, function: &str) -> Option<String> {
    match fact {
        Fact::Called { caller, operation, .. } if caller.is(function) => Some(operation.clone()),
        Fact::Emitted(_)
        | Fact::Invoked { .. }
        | Fact::Answered { .. }
        | Fact::Called { .. }
        | Fact::Changed { .. }
        | Fact::Guest { .. }
        | Fact::Violated(_) => None,
    }
}
