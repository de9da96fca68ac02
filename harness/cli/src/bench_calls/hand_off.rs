//! One hand-off, and the calls that it took.

use std::fmt;
use std::time::Duration;

use durin_harness::Kill;
use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::history::Fact;
use durin_harness::world::latency::Range;

use crate::outage::{Outage, has_moved, interruption, of_story};
use crate::stage::Stage;
use crate::timeline;

/// However unlucky the dice, a hand-off is over by then.
const LONGEST: Duration = Duration::from_secs(3600);

/// Of which EC2 gives the old instance two minutes.
const NO_CAPACITY_FOR: Duration = Duration::from_secs(180);

/// How long the functions that have followed may take to see that the hand-off is over.
const EPILOGUE: Duration = Duration::from_secs(60);

/// What makes the node move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// EC2's two minutes' notice.
    Interrupted,
    /// The same in a group with Capacity Rebalancing.
    Rebalanced,
    /// A recommendation in such a group, and no interruption.
    Recommended,
    /// Its group ends the instance: a person, a new zone, an instance refresh.
    EndedByGroup,
    /// EC2 takes the capacity back without a warning.
    Reclaimed,
    /// Interrupted, while no launch finds capacity until a minute after the reclaim.
    WithoutCapacity,
}

impl Situation {
    /// All of them.
    pub const ALL: [Situation; 6] = [
        Situation::Interrupted,
        Situation::Rebalanced,
        Situation::Recommended,
        Situation::EndedByGroup,
        Situation::Reclaimed,
        Situation::WithoutCapacity,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Situation::Interrupted => "interruption",
            Situation::Rebalanced => "interruption, Capacity Rebalancing",
            Situation::Recommended => "recommendation only",
            Situation::EndedByGroup => "ended by its group",
            Situation::Reclaimed => "reclaim without a warning",
            Situation::WithoutCapacity => "interruption, no capacity",
        }
    }

    /// For the head of a column.
    pub(super) fn short_name(self) -> &'static str {
        match self {
            Situation::Interrupted => "interrupted",
            Situation::Rebalanced => "rebalanced",
            Situation::Recommended => "recommended",
            Situation::EndedByGroup => "ended",
            Situation::Reclaimed => "reclaimed",
            Situation::WithoutCapacity => "no capacity",
        }
    }

    fn begin(self, world: &mut World, group: &str, holder: &str) -> Result<(), String> {
        match self {
            Situation::WithoutCapacity => {
                let until = world.now() + NO_CAPACITY_FOR;
                world.autoscaling.fail_launches_until(group, until);
                world.interrupt(holder, SpotAction::Terminate);
            }
            Situation::Interrupted | Situation::Rebalanced => world.interrupt(holder, SpotAction::Terminate),
            Situation::Recommended => world.recommend_rebalance(holder),
            Situation::Reclaimed => world.reclaim(holder),
            Situation::EndedByGroup => {
                world
                    .terminate_instance_in_auto_scaling_group(holder, false)
                    .map(|_| ())
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

/// A function that dies between two calls. Lambda invokes it once more, a minute later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// The hand-off's seed.
    pub seed: u64,
    /// The function.
    pub function: &'static str,
    /// Which of its invocations, from 1.
    pub invocation: usize,
    /// The number of answered calls before it dies.
    pub after_calls: u32,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Death { seed, function, invocation, after_calls } = self;
        write!(f, "seed {seed}, invocation {invocation} of {function}, after call {after_calls}")
    }
}

/// What a hand-off came to.
#[derive(Clone, Debug)]
pub struct HandOff {
    /// How long the node was away.
    pub outage: Outage,
    /// The functions' calls.
    pub calls: Vec<Call>,
    /// The longest chain of calls of one run, of which each waited for the answer to the one before it.
    pub chain: u32,
    /// Whether the death that was planned has come.
    pub has_died: bool,
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it was answered.
    pub at: Time,
    /// Whose call it was.
    pub function: String,
    /// For example `ec2:AttachVolume`; with the document, if one was sent.
    pub operation: String,
    /// The code with which it was refused, if it was.
    pub error: Option<String>,
}

impl HandOff {
    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> usize {
        self.calls.iter().filter(|call| call.operation == operation).count()
    }

    /// The writes that were refused.
    pub fn refused(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| call.error.is_some() && !timeline::is_read(&call.operation))
    }

    /// The calls that were answered while the API was away.
    pub fn while_away(&self) -> usize {
        let is_within = |call: &&Call| self.outage.away.is_some_and(|(from, to)| (from..=to).contains(&call.at));
        self.calls.iter().filter(is_within).count()
    }
}

/// Plays a hand-off, each latency drawn once by its seed.
///
/// # Errors
/// When the stage cannot be set, or the node does not come back.
pub fn hand_off(situation: Situation, seed: u64, death: Option<Death>) -> Result<HandOff, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(play(situation, seed, death))
}

async fn play(situation: Situation, seed: u64, death: Option<Death>) -> Result<HandOff, String> {
    let rebalances = matches!(situation, Situation::Rebalanced | Situation::Recommended);
    let node = NodeSeed { capacity_rebalance: Some(rebalances), ..NodeSeed::default() };
    let stage = Stage::set(&Seed { seed, nodes: vec![node], ..Seed::default() }, 1.0).map_err(|it| it.to_string())?;
    let node = stage.node().clone();
    if let Some(Death { function, invocation, after_calls, .. }) = death {
        let kill = |after_calls| Kill { function: function.to_owned(), after_calls };
        (1..invocation).for_each(|_| stage.aws.plan_kill(kill(u32::MAX)));
        stage.aws.plan_kill(kill(after_calls));
    }
    let old = stage.aws.world(|world| {
        world.latency = interruption(seed).latency;
        // Otherwise nobody would look for a minute, however well the functions do.
        world.latency.health_check = Range::from_secs(5, 5);
        world.serving(&node.volume).unwrap_or_default().to_owned()
    });
    stage.aws.world(|world| situation.begin(world, &node.group, &old))?;
    let is_over = |world: &World| has_moved(world, &node.volume, &old);
    let outage = of_story(&stage.aws, &node, LONGEST, is_over).await;
    let outage = outage.ok_or_else(|| format!("{}, seed {seed}: the node did not come back", situation.name()))?;
    stage.aws.pass(EPILOGUE).await;
    let (calls, has_died) = stage.aws.world(|world| (calls(world), has_died(world)));
    let chain = stage.aws.costs().iter().map(|cost| cost.chain).max().unwrap_or_default();
    Ok(HandOff { outage, calls, chain, has_died })
}

fn calls(world: &World) -> Vec<Call> {
    let called = world.history().iter().filter_map(|entry| match &entry.fact {
        Fact::Called { caller, operation, parameters, error, .. } if caller.is_function() => {
            let function = caller.to_string();
            // What is sent makes all the difference.
            let document = parameters["DocumentName"].as_str().filter(|_| operation == "ssm:SendCommand");
            let operation = document.map_or(operation.clone(), |document| format!("{operation} {document}"));
            Some(Call { at: entry.at, function, operation, error: error.clone() })
        }
        Fact::Emitted(_)
        | Fact::Invoked { .. }
        | Fact::Answered { .. }
        | Fact::Called { .. }
        | Fact::Changed { .. }
        | Fact::Guest { .. }
        | Fact::Violated(_) => None,
    });
    called.collect()
}

fn has_died(world: &World) -> bool {
    world.history().iter().filter_map(|entry| entry.fact.failure()).any(|failure| failure.contains("was killed"))
}
