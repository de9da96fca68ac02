//! Durin, and the usual set-ups at their best.

use std::error::Error;
use std::time::Duration;

use durin_harness::LocalAws;
use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::World;
use durin_harness::world::autoscaling::{ActionResult, CompleteLifecycleAction, LifecycleState};
use durin_harness::world::ec2::{InstanceState, SpotAction};
use durin_harness::world::guest::GRACE;
use durin_harness::world::latency::{Latencies, Range};
use durin_harness::world::route53::{ChangeAction, RecordChange, RecordSet};
use durin_harness::world::steady::NodeNames;

use super::measure::{Outage, of_story};
use crate::stage::Stage;

/// However unlucky the dice, an interruption is over by then.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// From the warning to the reclaim.
const NOTICE: Duration = Duration::from_secs(120);

/// How often a script on an instance tries to attach the volume. The AWS CLI's own waiter polls every 15 s; a good
/// script does better.
const SCRIPT_POLL: Duration = Duration::from_secs(2);

/// How often a termination handler asks the instance metadata for a notice. (aws-node-termination-handler: 2 s.)
const HANDLER_POLL: Duration = Duration::from_secs(2);

/// The time until EC2 has capacity again for a persistent request that was stopped. Estimate: from minutes to
/// hours, drawn evenly on a logarithmic scale; AWS gives no number. No probe: nobody can make capacity
/// scarce.
const CAPACITY_RETURNS: (Duration, Duration) = (Duration::from_secs(3 * 60), Duration::from_secs(2 * 3600));

/// Ways to survive interruptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetUp {
    /// Durin, in a group without Capacity Rebalancing.
    Durin,
    /// Durin, in a group with Capacity Rebalancing.
    DurinRebalancing,
    /// Durin, with Capacity Rebalancing: a recommendation that no interruption follows.
    DurinRecommendation,
    /// A launch hook that moves the record, an instance that attaches the volume at boot once it is free, a termination
    /// handler that drains; with Capacity Rebalancing.
    Usual,
    /// The same without Capacity Rebalancing.
    UsualWithoutRebalancing,
    /// A persistent spot request that is stopped and started again.
    PersistentStop,
}

impl SetUp {
    /// All of them.
    pub const ALL: [SetUp; 6] = [
        SetUp::Durin,
        SetUp::DurinRebalancing,
        SetUp::DurinRecommendation,
        SetUp::Usual,
        SetUp::UsualWithoutRebalancing,
        SetUp::PersistentStop,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            SetUp::Durin => "Durin",
            SetUp::DurinRebalancing => "Durin, Capacity Rebalancing",
            SetUp::DurinRecommendation => "Durin, recommendation only",
            SetUp::Usual => "usual set-up, Capacity Rebalancing",
            SetUp::UsualWithoutRebalancing => "usual set-up",
            SetUp::PersistentStop => "persistent request, stop",
        }
    }

    /// Whether it is ours.
    pub fn is_durin(self) -> bool {
        matches!(self, SetUp::Durin | SetUp::DurinRebalancing | SetUp::DurinRecommendation)
    }

    fn rebalances(self) -> bool {
        matches!(self, SetUp::DurinRebalancing | SetUp::DurinRecommendation | SetUp::Usual)
    }
}

/// An interruption: a seed, and the latencies that it draws.
pub struct Interruption {
    seed: u64,
    /// How long each thing takes, always.
    pub latency: Latencies,
    capacity_returns: Duration,
}

/// The interruption of a seed: the same latencies for every set-up.
pub fn interruption(seed: u64) -> Interruption {
    drawn_from(&Latencies::default(), seed)
}

/// The same, drawn from these ranges.
pub fn drawn_from(ranges: &Latencies, seed: u64) -> Interruption {
    let mut dice = fastrand::Rng::with_seed(seed);
    let latency = ranges.drawn(|range| {
        let (min, max) = (range.min.as_secs_f64(), range.max.as_secs_f64());
        Range::exactly(Duration::from_secs_f64(min + dice.f64() * (max - min)))
    });
    let (least, most) = (CAPACITY_RETURNS.0.as_secs_f64(), CAPACITY_RETURNS.1.as_secs_f64());
    let capacity_returns = Duration::from_secs_f64(least * (most / least).powf(dice.f64()));
    Interruption { seed, latency, capacity_returns }
}

/// A step of a hand-off, and the field of [`Latencies`] that says how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub name: &'static str,
    pub latency: &'static str,
}

impl Interruption {
    /// The steps of a hand-off of a living node's volume for which a workload is down, in order, however it is automated:
    /// no set-up can be quicker without another guest or another EBS. k3s stops before; its pods run on meanwhile.
    pub fn hand_off(&self) -> [(Part, Duration); 7] {
        let latency = &self.latency;
        [
            (Part { name: "end pods", latency: "drain" }, latency.drain.max.min(GRACE)),
            (Part { name: "unmount", latency: "unmount" }, latency.unmount.max),
            (Part { name: "detach", latency: "detach" }, latency.detach.max),
            (Part { name: "attach", latency: "attach" }, latency.attach.max),
            (Part { name: "mount", latency: "mount" }, latency.mount.max),
            (Part { name: "start k3s", latency: "k3s_start" }, latency.k3s_start.max),
            (Part { name: "start pods", latency: "pod_start" }, latency.pod_start.max),
        ]
    }
}

/// Puts a set-up through the interruption of a seed, and measures its cost.
///
/// # Errors
/// When the stage cannot be set, or the node does not come back.
pub fn survive(set_up: SetUp, seed: u64) -> Result<Outage, String> {
    survive_drawn_from(&Latencies::default(), set_up, seed)
}

/// The same, with latencies drawn from these ranges.
///
/// # Errors
/// As for [`survive`].
pub fn survive_drawn_from(ranges: &Latencies, set_up: SetUp, seed: u64) -> Result<Outage, String> {
    go_through(set_up, drawn_from(ranges, seed))
}

/// The same when each thing takes as long as it may: most ranges are estimates, and may all be too kind.
///
/// # Errors
/// As for [`survive`].
pub fn survive_at_the_bad_end(ranges: &Latencies, set_up: SetUp, seed: u64) -> Result<Outage, String> {
    let latency = ranges.drawn(|range| Range::exactly(range.max));
    go_through(set_up, Interruption { latency, ..drawn_from(ranges, seed) })
}

fn go_through(set_up: SetUp, interruption: Interruption) -> Result<Outage, String> {
    if set_up == SetUp::PersistentStop {
        return Ok(stopped_and_started(&interruption));
    }
    // A runtime of its own: nothing goes on in the background that would draw from the same dice.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(play(set_up, &interruption)).map_err(|error| error.to_string())
}

async fn play(set_up: SetUp, interruption: &Interruption) -> Result<Outage, Box<dyn Error>> {
    let node = NodeSeed { capacity_rebalance: Some(set_up.rebalances()), ..NodeSeed::default() };
    let seed = Seed { seed: interruption.seed, nodes: vec![node], ..Seed::default() };
    let stage = if set_up.is_durin() { Stage::set(&seed, 1.0)? } else { Stage::set_without_functions(&seed, 1.0)? };
    let node = stage.node().clone();
    let old = stage.aws.world(|world| {
        world.latency = interruption.latency.clone();
        world.serving(&node.volume).unwrap_or_default().to_owned()
    });
    if !set_up.is_durin() {
        // No terminate hook: nothing would complete its action.
        stage.aws.world(|world| world.delete_lifecycle_hook(&node.group, "durin-terminate"))?;
        tokio::spawn(launch_hook_function(stage.aws.clone(), node.clone()));
        tokio::spawn(boot_script(stage.aws.clone(), node.clone(), old.clone()));
        tokio::spawn(termination_handler(stage.aws.clone(), old.clone()));
    }
    stage.aws.world(|world| match set_up {
        SetUp::DurinRecommendation => world.recommend_rebalance(&old),
        _ => world.interrupt(&old, SpotAction::Terminate),
    });
    let volume = node.volume.clone();
    let is_over = move |world: &World| has_moved(world, &volume, &old);
    let outage = of_story(&stage.aws, &node, LONGEST, is_over).await;
    outage.ok_or_else(|| format!("{}, seed {}: the node did not come back", set_up.name(), interruption.seed).into())
}

/// Whether another instance serves from the volume, and the old one is gone.
pub fn has_moved(world: &World, volume: &str, old: &str) -> bool {
    let is_alive = world.ec2.instance(old).is_some_and(|instance| instance.state == InstanceState::Running);
    !is_alive && world.serving(volume).is_some_and(|holder| holder != old)
}

/// The usual launch hook: it points the record at the launched instance, and completes the action.
async fn launch_hook_function(aws: LocalAws, node: NodeNames) {
    loop {
        let group = node.group.clone();
        let waits = |world: &World| waiting_launch(world, &group);
        if !aws.until(LONGEST, |world| waits(world).is_some()).await {
            return;
        }
        let Some((instance, token, hook)) = aws.world(|world| waiting_launch(world, &group)) else { continue };
        let delays = aws.world(|world| {
            let latency = &world.latency;
            latency.event_delivery.max + latency.ec2_read.max + latency.route53_call.max + latency.autoscaling_call.max
        });
        aws.pass(delays).await;
        aws.world(|world| {
            let Some(address) = world.ec2.instance(&instance).map(|it| it.private_ip.clone()) else { return };
            let record_set = RecordSet::simple(&node.record_name, "A", node.record_ttl_s, &address);
            let upsert = vec![RecordChange { action: ChangeAction::Upsert, record_set }];
            let completion = CompleteLifecycleAction {
                group: node.group.clone(),
                hook,
                token: Some(token),
                instance: None,
                result: ActionResult::Continue,
            };
            // An instance that has died by then has no action any more; the next one has its own.
            drop(world.change_resource_record_sets(&node.zone_id, upsert, None));
            drop(world.complete_lifecycle_action(completion));
        });
    }
}

fn waiting_launch(world: &World, group: &str) -> Option<(String, String, String)> {
    let member =
        world.autoscaling.group(group)?.members.iter().find(|it| it.lifecycle == LifecycleState::PendingWait)?;
    let action = member.action.as_ref()?;
    Some((member.instance_id.clone(), action.token.clone(), action.hook.clone()))
}

/// The usual user data: once booted, try to attach the volume until it is free. The rest (mount, k3s) is the guest's.
async fn boot_script(aws: LocalAws, node: NodeNames, old: String) {
    let newcomer = |world: &World| {
        let up = world.ec2.instances().values().filter(|it| it.id != old && it.state == InstanceState::Running);
        up.filter(|it| it.guest.up_since.is_some()).max_by_key(|it| it.launched).map(|it| it.id.clone())
    };
    if !aws.until(LONGEST, |world| newcomer(world).is_some()).await {
        return;
    }
    loop {
        let call = aws.world(|world| world.latency.ec2_write.max);
        aws.pass(call).await;
        let attached = aws.world(|world| match newcomer(world) {
            Some(id) => world.attach_volume(&node.volume, &id, "/dev/sdf").is_ok(),
            None => false,
        });
        if attached {
            return;
        }
        aws.pass(SCRIPT_POLL).await;
    }
}

/// The usual termination handler: it sees the notice and drains at once, because it cannot know how long it may wait.
async fn termination_handler(aws: LocalAws, old: String) {
    aws.pass(HANDLER_POLL / 2).await;
    aws.world(|world| world.drain(&old));
}

/// A stopped instance keeps its address, its volume and its place: only the capacity is missing. Computed instead of
/// played, because nothing in it can go wrong.
fn stopped_and_started(interruption: &Interruption) -> Outage {
    let latency = &interruption.latency;
    let back = [latency.instance_start, latency.boot, latency.mount, latency.k3s_start];
    // The instance stops while the capacity is away; it cannot start again before it has stopped.
    let away = interruption.capacity_returns.max(latency.stopping.max);
    let api = away + back.iter().map(|range| range.max).sum::<Duration>();
    let drained_for = NOTICE - HANDLER_POLL / 2;
    Outage { api, workload: drained_for + api + latency.pod_start.max, ..Outage::default() }
}
