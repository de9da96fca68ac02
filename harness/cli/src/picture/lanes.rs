//! A history as lanes: for each thing, the spans of time in which it was the same.

use durin_harness::time::Time;
use durin_harness::world::ec2::{Ec2Change, InstanceState, VolumeState};
use durin_harness::world::guest::GuestFact;
use durin_harness::world::history::{Change, Entry, Fact};
use durin_harness::world::route53::{ChangeAction, Route53Change, normalise_name};

use super::HandOff;
use crate::timeline::{Timeline, is_read};

/// All lanes, from the beginning of the hand-off to its end.
pub(super) struct Lanes {
    /// The node's instances, in the order of their launch.
    pub(super) instances: Vec<Lane>,
    pub(super) volume: Lane,
    pub(super) record: Lane,
    /// In the order in which they were first invoked.
    pub(super) functions: Vec<Lane>,
}

pub(super) struct Lane {
    pub(super) name: String,
    pub(super) spans: Vec<Span>,
    /// The calls that changed something.
    pub(super) ticks: Vec<Tick>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: Time,
    pub(super) to: Time,
    pub(super) look: Look,
    pub(super) label: String,
    /// The row of the text that it began with.
    pub(super) told: String,
}

pub(super) struct Tick {
    pub(super) at: Time,
    pub(super) told: String,
}

/// Whose a span is: the number of an instance in the order of their launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Look {
    /// It serves, it has the volume, or the record names it.
    Has(usize),
    /// It is on the way there, or from there.
    Moves(usize),
    Nobodys,
    Runs,
}

/// What something is from a fact on; `None` where nothing is drawn.
type Turn = Option<(Look, String)>;

impl Lanes {
    pub(super) fn of(hand_off: &HandOff) -> Lanes {
        let instances = instances_of(hand_off);
        let lane = |id: &String| Lane {
            name: hand_off.names.get(id).unwrap_or(id).clone(),
            spans: spans(hand_off, |fact| instance_turn(fact, id, number(&instances, id))),
            ticks: Vec::new(),
        };
        Lanes {
            instances: instances.iter().map(lane).filter(|lane| !lane.spans.is_empty()).collect(),
            volume: volume(hand_off, &instances),
            record: record(hand_off, &instances),
            functions: functions(hand_off),
        }
    }
}

/// The ids of the instances that the history has on the volume, or in front of it, by their launch.
fn instances_of(hand_off: &HandOff) -> Vec<String> {
    let of_node = |id: &&String| hand_off.names.get(*id).is_some_and(|name| name == "old" || name.starts_with("new"));
    let mut launched: Vec<_> = hand_off.world.ec2.instances().values().map(|it| (it.launched, &it.id)).collect();
    launched.sort();
    launched.into_iter().map(|(_, id)| id).filter(of_node).cloned().collect()
}

fn number(instances: &[String], id: &str) -> usize {
    instances.iter().position(|it| it == id).unwrap_or_default()
}

fn instance_turn(fact: &Fact, id: &str, number: usize) -> Option<Turn> {
    let moves = |label: &str| Some(Some((Look::Moves(number), label.to_owned())));
    match fact {
        Fact::Changed { subject, change: Change::Ec2(Ec2Change::Instance(state)) } if subject == id => match state {
            InstanceState::Pending => moves("pending"),
            InstanceState::Running => moves("boots"),
            InstanceState::ShuttingDown | InstanceState::Stopping => moves("shuts down"),
            InstanceState::Stopped | InstanceState::Terminated => Some(None),
        },
        Fact::Guest { instance, fact } if instance == id => match fact {
            GuestFact::Booted => moves("waits for the volume"),
            GuestFact::Mounted { .. } => moves("starts"),
            GuestFact::K3sUp | GuestFact::Settled { .. } => Some(Some((Look::Has(number), "serves".to_owned()))),
            GuestFact::K3sStopped => moves("lets go"),
            GuestFact::Unmounted { .. } => moves("idle"),
            GuestFact::Reboots => moves("reboots"),
            GuestFact::KernelPanic | GuestFact::PowerLost { .. } | GuestFact::DeviceLost { .. } => {
                Some(Some((Look::Nobodys, "dies".to_owned())))
            }
            GuestFact::AgentOnline
            | GuestFact::AgentGone
            | GuestFact::Formatted { .. }
            | GuestFact::NotDeclaredNew { .. }
            | GuestFact::Resumes { .. }
            | GuestFact::OlderK3s { .. }
            | GuestFact::WorkloadUp
            | GuestFact::WorkloadDown
            | GuestFact::Cordoned
            | GuestFact::Drained
            | GuestFact::CannotRelease
            | GuestFact::StillMounted { .. }
            | GuestFact::ReleaseGivenUp
            | GuestFact::MarkerHonoured { .. } => None,
        },
        Fact::Emitted(_)
        | Fact::Invoked { .. }
        | Fact::Answered { .. }
        | Fact::Called { .. }
        | Fact::Changed { .. }
        | Fact::Guest { .. }
        | Fact::Violated(_) => None,
    }
}

fn volume(hand_off: &HandOff, instances: &[String]) -> Lane {
    let turn = |fact: &Fact| {
        let Fact::Changed { subject, change: Change::Ec2(change) } = fact else { return None };
        if *subject != hand_off.node.volume {
            return None;
        }
        let of = |instance| number(instances, instance);
        let name = |instance| hand_off.names.get(instance).unwrap_or(instance);
        // The spans between are too short for words of their own.
        if let Ec2Change::Attached { instance } = change {
            Some(Some((Look::Has(of(instance)), format!("on {}", name(instance)))))
        } else if let Ec2Change::Detaching { instance } = change {
            Some(Some((Look::Moves(of(instance)), String::new())))
        } else if let Ec2Change::Attaching { instance } = change {
            Some(Some((Look::Moves(of(instance)), String::new())))
        } else if *change == Ec2Change::Volume(VolumeState::Available) {
            Some(Some((Look::Nobodys, String::new())))
        } else {
            None
        }
    };
    Lane { name: "volume".to_owned(), spans: spans(hand_off, turn), ticks: Vec::new() }
}

fn record(hand_off: &HandOff, instances: &[String]) -> Lane {
    let name = normalise_name(&hand_off.node.record_name);
    let address = |id: &String| hand_off.world.ec2.instance(id).map(|it| it.private_ip.clone());
    let turn = |fact: &Fact| {
        let Fact::Changed { change: Change::Route53(Route53Change::Record(change)), .. } = fact else { return None };
        let set = &change.record_set;
        if set.name != name || set.record_type != "A" || change.action == ChangeAction::Delete {
            return None;
        }
        let value = set.values.first()?;
        let whose = instances.iter().position(|id| address(id).as_ref() == Some(value));
        Some(Some((whose.map_or(Look::Nobodys, Look::Has), value.clone())))
    };
    Lane { name: "record".to_owned(), spans: spans(hand_off, turn), ticks: Vec::new() }
}

/// When at least one invocation of it ran, and what its invocations changed.
fn functions(hand_off: &HandOff) -> Vec<Lane> {
    let timeline = hand_off.timeline();
    let entries = || hand_off.world.history().iter().filter(|entry| is_within(hand_off, entry));
    let mut lanes: Vec<Lane> = Vec::new();
    for function in entries().filter_map(|entry| invoked(&entry.fact)) {
        if lanes.iter().any(|lane| lane.name == function) {
            continue;
        }
        let mut running = 0_u32;
        let turn = |fact: &Fact| {
            if invoked(fact) == Some(function) {
                running += 1;
                (running == 1).then(|| Some((Look::Runs, String::new())))
            } else if matches!(fact, Fact::Answered { function: it, .. } if it == function) {
                running = running.saturating_sub(1);
                (running == 0).then_some(None)
            } else {
                None
            }
        };
        let spans = spans(hand_off, turn);
        let changes = |entry: &&Entry| {
            matches!(&entry.fact, Fact::Called { caller, operation, error: None, .. }
                if caller.is(function) && !is_read(operation))
        };
        let ticks = entries().filter(changes).map(|entry| Tick { at: entry.at, told: told(&timeline, entry) });
        lanes.push(Lane { name: function.to_owned(), spans, ticks: ticks.collect() });
    }
    lanes
}

fn invoked(fact: &Fact) -> Option<&str> {
    if let Fact::Invoked { function, .. } = fact { Some(function) } else { None }
}

fn is_within(hand_off: &HandOff, entry: &Entry) -> bool {
    (hand_off.begin..=hand_off.end()).contains(&entry.at)
}

/// From each turn to the next, as far as the picture goes.
fn spans(hand_off: &HandOff, mut turn: impl FnMut(&Fact) -> Option<Turn>) -> Vec<Span> {
    let (begin, end) = (hand_off.begin, hand_off.end());
    let timeline = hand_off.timeline();
    let mut spans: Vec<Span> = Vec::new();
    let mut is_open = false;
    for entry in hand_off.world.history().iter().take_while(|entry| entry.at < end) {
        let Some(turned) = turn(&entry.fact) else { continue };
        let at = entry.at.max(begin);
        if let Some(last) = spans.last_mut().filter(|_| is_open) {
            last.to = at;
        }
        is_open = turned.is_some();
        if let Some((look, label)) = turned {
            spans.push(Span { from: at, to: end, look, label, told: told(&timeline, entry) });
        }
    }
    spans.retain(|span| span.from < span.to);
    spans
}

fn told(timeline: &Timeline, entry: &Entry) -> String {
    let lines = timeline.tell(std::slice::from_ref(entry)).join(" ");
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of the lanes of functions, without what all of them have in common.
pub(super) fn short(function: &str) -> &str {
    function.strip_prefix("durin-").unwrap_or(function)
}
