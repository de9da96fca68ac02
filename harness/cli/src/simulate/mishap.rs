//! What goes wrong around a node: with events, with API calls, with functions, with the agents on its instances.

use std::fmt;
use std::time::Duration;

use durin_harness::world::World;
use durin_harness::world::eventbridge::{Disorder, DisorderKind};
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::AgentMode;
use durin_harness::{Kill, LocalAws};

use super::Faults;
use crate::timeline::passed;

const EVENTS: [&str; 5] = [
    "EC2 Instance-launch Lifecycle Action",
    "EC2 Instance-terminate Lifecycle Action",
    "EC2 Spot Instance Interruption Warning",
    "EC2 Instance Rebalance Recommendation",
    "AWS Health Event",
];
const OPERATIONS: [&str; 6] = ["ec2:*", "autoscaling:*", "route53:*", "ssm:*", "ec2:AttachVolume", "*"];
const FUNCTIONS: [&str; 3] = ["durin-spot-interruption", "durin-node-lifecycle", "durin-node-resync"];
const AGENTS: [AgentMode; 6] =
    [AgentMode::Online, AgentMode::Offline, AgentMode::Slow, AgentMode::Failing, AgentMode::Hanging, AgentMode::Gone];

/// One thing that goes wrong, until faults stop.
pub(super) enum Mishap {
    Event(Disorder),
    Call {
        operation: &'static str,
        kind: FaultKind,
        /// How many calls it hits.
        times: u32,
    },
    Death(Kill),
    /// Every agent, now and after each launch.
    Agents(AgentMode),
}

/// Draws what goes wrong next, the same for every profile: so a history can be played again with fewer faults.
pub(super) fn draw(dice: &mut fastrand::Rng) -> Vec<Mishap> {
    let mut mishaps = Vec::new();
    let later = Duration::from_secs(dice.u64(0..300));
    let kinds =
        [DisorderKind::Lost, DisorderKind::Doubled(later), DisorderKind::Late(later), DisorderKind::Unreachable(later)];
    for event in EVENTS.into_iter().filter(|_| dice.u8(0..3) == 0).collect::<Vec<_>>() {
        let kind = kinds[dice.usize(..kinds.len())];
        mishaps.push(Mishap::Event(Disorder { detail_type: event.to_owned(), kind, times: dice.u32(1..4) }));
    }
    for _ in 0..dice.u32(0..3) {
        let operation = OPERATIONS[dice.usize(..OPERATIONS.len())];
        let kind = FaultKind::ALL[dice.usize(..FaultKind::ALL.len())];
        mishaps.push(Mishap::Call { operation, kind, times: dice.u32(1..12) });
    }
    for _ in 0..dice.u32(0..3) {
        let function = FUNCTIONS[dice.usize(..FUNCTIONS.len())].to_owned();
        mishaps.push(Mishap::Death(Kill { function, after_calls: dice.u32(1..40) }));
    }
    mishaps.push(Mishap::Agents(if dice.bool() { AgentMode::Online } else { AGENTS[dice.usize(..AGENTS.len())] }));
    mishaps
}

/// From now on nothing goes wrong.
pub(super) fn end_all(world: &mut World) {
    world.events.end_disorders();
    world.faults.end();
    world.ec2.launch_with_agents(AgentMode::Online);
    world.autoscaling.end_shortages();
}

impl Mishap {
    pub(super) fn is_of(&self, faults: Faults) -> bool {
        match faults {
            Faults::All => true,
            Faults::None => false,
            Faults::Events => matches!(self, Mishap::Event(_)),
            Faults::Calls => matches!(self, Mishap::Call { .. }),
            Faults::Deaths => matches!(self, Mishap::Death(_)),
            Faults::Agents => matches!(self, Mishap::Agents(_)),
        }
    }

    pub(super) fn begin(self, aws: &LocalAws) {
        match self {
            Mishap::Event(disorder) => aws.world(|world| world.events.add_disorder(disorder)),
            Mishap::Call { operation, kind, times } => aws.world(|world| world.faults.plan(operation, kind, times)),
            Mishap::Death(kill) => aws.plan_kill(kill),
            Mishap::Agents(mode) => aws.world(|world| {
                world.ec2.launch_with_agents(mode);
                let ids: Vec<_> = world.ec2.instances().keys().cloned().collect();
                ids.iter().for_each(|id| world.set_agent_mode(id, mode));
            }),
        }
    }
}

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mishap::Event(Disorder { detail_type, kind, times }) => {
                write!(f, "the next {times} of \"{detail_type}\" ")?;
                match kind {
                    DisorderKind::Lost => f.write_str("are lost"),
                    DisorderKind::Doubled(later) => write!(f, "arrive twice, the second time {} later", passed(*later)),
                    DisorderKind::Late(later) => write!(f, "are emitted {} late", passed(*later)),
                    DisorderKind::Unreachable(span) => write!(f, "cannot reach their functions for {}", passed(*span)),
                }
            }
            Mishap::Call { operation, kind, times } => {
                let goes_wrong = match kind {
                    FaultKind::Throttled => "are throttled",
                    FaultKind::InternalError => "fail with an internal error",
                    FaultKind::ResponseLost => "lose their answers",
                    FaultKind::Silent => "are never answered",
                    FaultKind::OldErrorBody => "are refused without a code, if they are refused",
                };
                write!(f, "the next {times} calls of {operation} {goes_wrong}")
            }
            Mishap::Death(Kill { function, after_calls }) => {
                write!(f, "the next {function} dies after {after_calls} calls, if it makes so many")
            }
            Mishap::Agents(mode) => f.write_str(match mode {
                AgentMode::Online => "every agent is as it should be",
                AgentMode::Offline => "no agent comes online",
                AgentMode::Slow => "every release is slow",
                AgentMode::Failing => "no instance has durin-node",
                AgentMode::Behind => "every durin-node is a version older than the documents",
                AgentMode::Outdated => "every durin-node is too old for the documents",
                AgentMode::Hanging => "every release hangs with the volume mounted",
                AgentMode::Gone => "no agent answers",
            }),
        }
    }
}
