//! What holds in every state, at every decision, and whenever a write arrives.

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{ActionResult, Step};

use crate::commands::{Command, Document, Outcome};
use crate::see::{Eyes, place};
use crate::world::{Age, Cycle, Ec2, Id, Instance, Mark, Said, World};
use crate::writes::Write;

/// An invariant that does not hold, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

pub(crate) const TAKEN_FROM_THE_LIVING: &str = "the volume is taken from a living instance that has it mounted";
pub(crate) const BROKEN_BEFORE_MADE: &str =
    "a healthy holder without a deadline has to go before a newcomer has shown that it can follow";
pub(crate) const ENDED_WHILE_SERVING: &str = "a holder that serves, and could let go, is ended with the volume mounted";
pub(crate) const GONE_ON_WITHOUT_VOLUME: &str = "a newcomer goes into service without having the volume";
pub(crate) const GONE_ON_SILENTLY: &str =
    "a newcomer goes into service before it serves, with time left to wait for its word";
pub(crate) const GIVEN_TO_ONE_THAT_ENDS: &str =
    "the volume is given to an instance that does not run, or that its group ends";
pub(crate) const GIVEN_UP_WHILE_SERVING: &str = "a newcomer that has the volume and serves is given up";
pub(crate) const ENDED_FOR_ONE_UNPROVEN: &str =
    "an instance that could serve is ended for one that has taken over, and has not said that it serves";
pub(crate) const RECORD_UNDONE: &str = "the record named the holder, and a late write has undone it";
pub(crate) const NOBODY_WANTED: &str = "the group is asked for no instance at all";
pub(crate) const MOUNTED_TWICE: &str = "two instances have the volume mounted";
pub(crate) const MOUNTED_ELSEWHERE: &str = "an instance has the volume mounted that is attached to another, or to none";

/// The fence. EBS gives it, if nothing is taken by force.
pub(crate) fn of_world(world: &World) -> Result<(), Broken> {
    let mounted: Vec<Id> = world.ids().filter(|id| world.instances[*id].guest.mounted).collect();
    check(mounted.len() < 2, MOUNTED_TWICE)?;
    check(mounted.iter().all(|id| world.holder() == Some(*id)), MOUNTED_ELSEWHERE)?;
    check(world.group.desired > 0, NOBODY_WANTED)
}

/// What cannot be given back is decided after a second look, so the truth at the moment of the decision counts.
pub(crate) fn of_decision(world: &World, step: &Step, eyes: Eyes) -> Result<(), Broken> {
    match step {
        Step::Release { holder } => check(may_go(world, place(holder)), BROKEN_BEFORE_MADE),
        Step::Replace { holder } => {
            let it = &world.instances[place(holder)];
            // It goes on serving until a newcomer has booted; but without a reason nobody replaces it.
            let leaves = world.holder() == Some(place(holder)) && world.settled().is_none();
            check(!is_healthy(it) || it.mark.is_some() || it.warned.is_some() || leaves, BROKEN_BEFORE_MADE)
        }
        Step::Terminate { holder } => of_end(world, place(holder), eyes),
        Step::Complete { instance, transition: Transition::Terminating, .. } => of_end(world, place(instance), eyes),
        Step::Complete { instance, transition: Transition::Launching, result: ActionResult::Continue } => {
            of_launch(world, place(instance))
        }
        Step::Complete { instance, transition: Transition::Launching, result: ActionResult::Abandon }
        | Step::EndSpare { instance, .. } => {
            let id = place(instance);
            let serves = world.settled() == Some(id) && world.instances[id].guest.serving;
            check(!serves, GIVEN_UP_WHILE_SERVING)?;
            let is_end = matches!(step, Step::EndSpare { .. });
            check(!is_end || !could_serve_instead(world, id) || is_proven(world), ENDED_FOR_ONE_UNPROVEN)
        }
        Step::Attach { successor } => {
            let it = &world.instances[place(successor)];
            let stays = it.cycle.is_launching() || it.cycle == Cycle::InService;
            check((it.ec2 == Ec2::Running && stays) || eyes == Eyes::OldGroup, GIVEN_TO_ONE_THAT_ENDS)
        }
        Step::Mark { .. }
        | Step::LaunchFirst { .. }
        | Step::RestoreCapacity { .. }
        | Step::Resume { .. }
        | Step::Ask { .. }
        | Step::Detach { .. }
        | Step::ClaimName
        | Step::PointRecord { .. }
        | Step::Wait(_)
        | Step::Done(_)
        | Step::Blocked(_) => Ok(()),
    }
}

/// A write is judged by the world in which it arrives.
pub(crate) fn of_arrival(world: &World, write: Write) -> Result<(), Broken> {
    match write {
        Write::Detach(id) => {
            let it = &world.instances[id];
            check(!(world.holder() == Some(id) && it.lives() && it.guest.mounted), TAKEN_FROM_THE_LIVING)
        }
        Write::Attach(_)
        | Write::MarkInterruption(_)
        | Write::MarkTerminating(..)
        | Write::Replace(_)
        | Write::Capacity(_)
        | Write::EndSpare { .. }
        | Write::AskPrepared(_)
        | Write::AskServes(_)
        | Write::Release(_)
        | Write::Resume(_)
        | Write::Terminate(_)
        | Write::CompleteEnd(_)
        | Write::Point { .. }
        | Write::CompleteLaunch { .. } => Ok(()),
    }
}

/// A write that is based on an old record loses. But the volume may have come back to the instance that the record named
/// then, and the record with it: such a write wins, and the next look undoes it.
pub(crate) fn after_arrival(before: &World, after: &World, write: Write) -> Result<(), Broken> {
    let Write::Point { from, .. } = write else { return Ok(()) };
    let was_right = before.record.is_some() && before.record == before.holder();
    let has_come_back = from == before.record;
    check(!was_right || has_come_back || after.record == before.record, RECORD_UNDONE)
}

fn check(holds: bool, broken: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(broken)) }
}

/// It serves, and does what it is asked.
fn is_healthy(it: &Instance) -> bool {
    it.ec2 == Ec2::Running && it.guest.serving && it.guest.agent && !it.guest.hung
}

/// Whether a holder may be asked to let go: it is not healthy, a newcomer has booted, or no time is left. If there is a
/// deadline, a newcomer that could have booted is taken to have: its image may have no agent.
fn may_go(world: &World, id: Id) -> bool {
    let holder = &world.instances[id];
    let is_followed = || world.ids().any(|other| follows(world, id, other));
    !is_healthy(holder) || had_let_go(holder) || is_followed() || has_no_time(world, id)
}

/// Whether the holder has taken over from an instance that is still there.
fn could_serve_instead(world: &World, id: Id) -> bool {
    let it = &world.instances[id];
    let before = |holder: Id| holder != id && it.launched > world.instances[holder].launched;
    it.ec2 == Ec2::Running && it.cycle == Cycle::InService && it.warned.is_none() && world.settled().is_some_and(before)
}

fn is_proven(world: &World) -> bool {
    world.settled().is_some_and(|holder| matches!(world.instances[holder].serves, Said::Yes | Said::Absent))
}

fn follows(world: &World, id: Id, other: Id) -> bool {
    const BOOTS_WITHIN: Age = 120;
    let (holder, newcomer) = (&world.instances[id], &world.instances[other]);
    let is_member = newcomer.cycle.is_launching() || newcomer.cycle == Cycle::InService;
    let has_booted = newcomer.guest.up || (has_deadline(world, id) && newcomer.launched > BOOTS_WITHIN);
    // The holder's image has the program, and the newcomer's has not.
    let is_mute = holder.can_answer() && newcomer.prepared == Said::Absent && !has_to_go(world, id);
    other != id && newcomer.ec2 == Ec2::Running && has_booted && is_member && !is_mute
}

fn has_to_go(world: &World, id: Id) -> bool {
    has_deadline(world, id) || world.instances[id].cycle.is_ending()
}

/// If it serves all the same, it was rebooted since: nothing tells of that.
fn had_let_go(holder: &Instance) -> bool {
    let is_release =
        |it: &Command| it.of_attachment && (it.document, it.outcome) == (Document::Release, Outcome::Success);
    holder.commands.iter().any(is_release)
}

fn has_no_time(world: &World, id: Id) -> bool {
    let holder = &world.instances[id];
    let is_warned = || holder.warned.is_some_and(|left| left <= 40);
    let mut marks = marks(world, id).peekable();
    let is_due = |mark| match mark {
        Mark::Interruption(left) => left <= 40,
        Mark::Terminating(left) => holder.cycle.is_ending() && left <= 40,
        Mark::Retirement => is_warned(),
    };
    if marks.peek().is_some() { marks.any(is_due) } else { is_warned() }
}

fn has_deadline(world: &World, id: Id) -> bool {
    marks(world, id).any(|mark| matches!(mark, Mark::Interruption(_) | Mark::Terminating(_)))
}

/// What is known of an instance, to all or to one run.
fn marks(world: &World, id: Id) -> impl Iterator<Item = Mark> {
    let own = world.runs.iter().flatten().filter_map(|run| run.own_mark);
    world.instances[id].mark.into_iter().chain(own.filter(move |(marked, _)| *marked == id).map(|(_, mark)| mark))
}

/// An instance that has the volume mounted is ended only if it does not do what it is asked; or if it has to go, and nobody
/// can ask it.
fn of_end(world: &World, id: Id, eyes: Eyes) -> Result<(), Broken> {
    let it = &world.instances[id];
    if eyes == Eyes::Deaf && has_deadline(world, id) {
        return Ok(());
    }
    // It serves, its agent is lost for a while, and its newcomer hangs perhaps.
    let is_lost = it.guest.serving && !it.guest.agent && !has_deadline(world, id) && world.holder() == Some(id);
    check(
        !is_lost || has_refused(it) || had_let_go(it) || world.ids().any(|other| follows(world, id, other)),
        BROKEN_BEFORE_MADE,
    )?;
    let could_let_go = is_healthy(it) && it.guest.mounted && world.holder() == Some(id);
    // EC2 was asked to detach it, and does not.
    let keeps_what_it_let_go = had_let_go(it) && world.settled().is_none();
    check(!could_let_go || has_refused(it) || keeps_what_it_let_go, ENDED_WHILE_SERVING)
}

/// It was asked a moment ago and has not heard it, or has failed to do it. Nothing tells of a reboot since, after which it
/// might do it.
fn has_refused(it: &Instance) -> bool {
    it.commands.iter().any(|it| match it.outcome {
        Outcome::Undelivered => it.ended < 60,
        Outcome::Failed => it.ended < 600,
        Outcome::Sent | Outcome::Begun | Outcome::Success => false,
    })
}

fn of_launch(world: &World, id: Id) -> Result<(), Broken> {
    let it = &world.instances[id];
    if it.cycle != Cycle::PendingWait {
        // Its event is late, and Auto Scaling denies it.
        return Ok(());
    }
    check(world.settled() == Some(id), GONE_ON_WITHOUT_VOLUME)?;
    let since = world.volume.held.map_or(0, |held| held.since);
    let patience = if it.guest.agent { 240 } else { 120 };
    let has_said = matches!(it.serves, Said::Yes | Said::Absent);
    let is_taken = it.mark.is_some_and(|mark| matches!(mark, Mark::Interruption(_)));
    check(has_said || is_taken || since > patience, GONE_ON_SILENTLY)
}
