//! A history in plain words.

use std::fmt::Write as _;

use durin_decisions::node::Step;

use crate::faults::{Fault, HEARTBEAT};
use crate::group::Aws;
use crate::guest::Inside;
use crate::moves::Move;
use crate::runs::{Event, Rules, Run};
use crate::see::{Eyes, name};
use crate::world::{Id, World};
use crate::writes::Write;

const NAMES: [&str; 3] = ["old", "new", "newest"];

/// One line a move, in seconds.
pub(crate) fn tell(first: &World, moves: &[Move], rules: &Rules) -> String {
    let (mut world, mut seconds, mut story) = (first.clone(), 0_u32, String::new());
    let mut idle = None;
    for it in moves {
        let before = world.clone();
        let step = match world.make(*it, rules) {
            Ok(step) => step,
            Err(broken) => {
                let step = before_step(&before, *it, rules);
                let _ = writeln!(story, "{seconds:>5}  {}", line(&before, *it, step.as_ref()));
                let _ = writeln!(story, "       => {}", broken.0);
                return story;
            }
        };
        let is_idle = matches!(step, Some(Step::Wait(_) | Step::Done(_)));
        if is_idle && idle == step {
            continue;
        }
        if is_idle {
            idle = step.clone();
        }
        match it {
            Move::Passes(by) => {
                seconds += u32::from(*by);
                continue;
            }
            Move::Fault(Fault::Dawdles(by)) => seconds += u32::from(*by),
            Move::Fault(Fault::TimesOut(_)) => seconds += u32::from(HEARTBEAT),
            Move::Aws(_)
            | Move::Inside(..)
            | Move::Fault(_)
            | Move::Starts(..)
            | Move::StartsLate(_)
            | Move::Looks(..)
            | Move::Arrives(_)
            | Move::ArrivesTwice(_)
            | Move::IsLost(_)
            | Move::Dies(_) => {}
        }
        let _ = writeln!(story, "{seconds:>5}  {}", line(&before, *it, step.as_ref()));
    }
    story
}

fn before_step(world: &World, it: Move, rules: &Rules) -> Option<Step> {
    match it {
        Move::Looks(slot, eyes) => world.decision(slot, eyes, rules),
        Move::Starts(event, eyes) => Some(world.decision_of(&Run::of(event), eyes, rules)),
        Move::StartsLate(event) => Some(world.decision_of(&Run::of(event), Eyes::Open, rules)),
        Move::Aws(_)
        | Move::Inside(..)
        | Move::Fault(_)
        | Move::Arrives(_)
        | Move::ArrivesTwice(_)
        | Move::IsLost(_)
        | Move::Dies(_)
        | Move::Passes(_) => None,
    }
}

fn line(world: &World, it: Move, step: Option<&Step>) -> String {
    let write = |slot: usize| {
        let write = world.runs[slot].as_ref().and_then(|run| run.write);
        write.map_or_else(|| "waits".to_owned(), |(write, _)| of_write(write))
    };
    match it {
        Move::Aws(aws) => of_aws(world, aws),
        Move::Inside(id, inside) => format!("{:<9}{}", NAMES[id], of_inside(inside)),
        Move::Fault(fault) => of_fault(fault),
        Move::Starts(event, eyes) => format!("Durin    a run for {} {}", of_event(event), looks(eyes, step)),
        Move::StartsLate(event) => {
            format!("Durin    a run for {}, whose event is late, {}", of_event(event), looks(Eyes::Open, step))
        }
        Move::Looks(_, eyes) => format!("Durin    the run {}", looks(eyes, step)),
        Move::Arrives(slot) => format!("Durin    {}", write(slot)),
        Move::ArrivesTwice(slot) => format!("Durin    {}; the answer is lost, and it is sent once more", write(slot)),
        Move::IsLost(slot) => format!("Durin    {}: it never arrives", write(slot)),
        Move::Dies(slot) => format!("Lambda   the run that {} dies", write(slot)),
        Move::Passes(by) => format!("{by} s pass"),
    }
}

fn looks(eyes: Eyes, step: Option<&Step>) -> String {
    let how = match eyes {
        Eyes::Open => "looks",
        Eyes::OldGroup => "looks, and knows the group from before",
        Eyes::Deaf => "looks, and Systems Manager does not answer",
    };
    let step = step.map_or_else(String::new, |step| format!("{}: {}", step.name(), step.reason()));
    // Every state is seen at the same moment: its date says nothing.
    let undated = step.split_once(" until ").map_or(step.as_str(), |(what, _)| what);
    format!("{how} -> {}", named(undated))
}

/// With the names of the story for the ids.
pub(crate) fn named(text: &str) -> String {
    let named = |text: String, id: Id| text.replace(name(id).as_str(), NAMES[id]);
    (0..NAMES.len()).fold(text.to_owned(), named)
}

fn of_event(event: Event) -> String {
    match event {
        Event::Schedule => "the schedule".to_owned(),
        Event::Launch(id) => format!("{}'s launch", NAMES[id]),
        Event::End(id) => format!("{}'s end", NAMES[id]),
        Event::Warning(id) => format!("{}'s warning", NAMES[id]),
    }
}

fn of_write(write: Write) -> String {
    match write {
        Write::Attach(id) => format!("attaches the volume to {}", NAMES[id]),
        Write::MarkInterruption(id) => format!("marks {} as being interrupted", NAMES[id]),
        Write::MarkTerminating(id, held) => format!("marks {}: it is held for {held} s", NAMES[id]),
        Write::Replace(id) => format!("has the group replace {}", NAMES[id]),
        Write::Capacity(desired) => format!("asks the group for {desired}"),
        Write::EndSpare { instance, falls: true } => {
            format!("has the group end {}, and want one less", NAMES[instance])
        }
        Write::EndSpare { instance, falls: false } => format!("has the group end {}", NAMES[instance]),
        Write::AskPrepared(id) => format!("asks {} whether it is prepared", NAMES[id]),
        Write::AskServes(id) => format!("asks {} whether it serves", NAMES[id]),
        Write::Release(id) => format!("asks {} to let go of the volume", NAMES[id]),
        Write::Resume(id) => format!("asks {} to serve again", NAMES[id]),
        Write::Detach(id) => format!("detaches the volume from {}", NAMES[id]),
        Write::Terminate(id) => format!("terminates {}", NAMES[id]),
        Write::Point { to, .. } => format!("points the record to {}", NAMES[to]),
        Write::CompleteLaunch { instance, goes_on: true } => format!("lets {} go into service", NAMES[instance]),
        Write::CompleteLaunch { instance, goes_on: false } => format!("gives {} up", NAMES[instance]),
        Write::CompleteEnd(id) => format!("lets {} end", NAMES[id]),
    }
}

fn of_aws(world: &World, aws: Aws) -> String {
    let holder = world.holder().map_or("nobody", |holder| NAMES[holder]);
    match aws {
        Aws::Launches(id) => format!("group    launches {}", NAMES[id]),
        Aws::Runs(id) => format!("EC2      runs {}", NAMES[id]),
        Aws::Waits(id) => format!("group    waits for {}'s launch action", NAMES[id]),
        Aws::EntersService(id) => format!("group    has {} in service", NAMES[id]),
        Aws::EndsUnhealthy(id) => {
            format!("group    ends {}, which is unhealthy, and waits for its terminate action", NAMES[id])
        }
        Aws::EndsSurplus(id) => format!("group    ends {}, and waits for its terminate action", NAMES[id]),
        Aws::Terminates(id) => format!("group    has EC2 terminate {}", NAMES[id]),
        Aws::Leaves(id) => format!("group    is done with {}", NAMES[id]),
        Aws::Reclaims(id) => format!("EC2      takes back {}'s capacity", NAMES[id]),
        Aws::Attaches => format!("EC2      the volume has arrived at {holder}"),
        Aws::Detaches => format!("EC2      the volume has left {holder}"),
    }
}

fn of_inside(inside: Inside) -> &'static str {
    match inside {
        Inside::Boots => "has booted, and its agent is online",
        Inside::Mounts => "mounts the volume",
        Inside::Serves => "serves",
        Inside::Begins => "begins to do what it was asked",
        Inside::Ends => "has done what it was asked",
        Inside::SaysWhetherPrepared => "says that it is prepared",
        Inside::SaysWhetherItServes => "says whether it serves",
        Inside::PowersOff => "has shut down",
        Inside::AgentReturns => "its agent is online again",
    }
}

fn of_fault(fault: Fault) -> String {
    match fault {
        Fault::IsWarned(id) => format!("EC2      warns {} of an interruption in 120 s", NAMES[id]),
        Fault::Retires(id) => format!("EC2      is going to retire {}'s host, and a function has marked it", NAMES[id]),
        Fault::Dies(id) => format!("EC2      {} dies", NAMES[id]),
        Fault::Hangs(id) => format!("{:<9}hangs", NAMES[id]),
        Fault::Reboots(id) => format!("{:<9}is rebooted", NAMES[id]),
        Fault::LosesAgent(id) => format!("{:<9}its agent is gone", NAMES[id]),
        Fault::CommandFails(id) => format!("{:<9}does not bring to an end what it was asked", NAMES[id]),
        Fault::IsUnfit(id) => format!("{:<9}says that its image is not fit", NAMES[id]),
        Fault::LacksProgram(id) => format!("{:<9}has no program that could answer", NAMES[id]),
        Fault::Sticks => "EC2      the volume is stuck where it is".to_owned(),
        Fault::PersonDetaches => "person   detaches the volume".to_owned(),
        Fault::PersonPointsRecord(id) => format!("person   points the record to {}", NAMES[id]),
        Fault::PersonRemovesRecord => "person   removes the record".to_owned(),
        Fault::PersonTerminates(id) => format!("person   terminates {}", NAMES[id]),
        Fault::RefreshFails(id) => format!("group    gives the replacement up, and ends {}", NAMES[id]),
        Fault::PersonEnds(id) => format!("person   has the group end {}", NAMES[id]),
        Fault::PersonRefreshes => "person   has the group replace old, the new instance first".to_owned(),
        Fault::PersonAsksForTwo => "person   asks the group for two".to_owned(),
        Fault::Dawdles(by) => format!("         {by} s pass, and nothing happens"),
        Fault::TimesOut(id) => format!("group    {}'s lifecycle action runs out, 900 s later", NAMES[id]),
    }
}
