//! Which of a node's runs goes ahead, when an event of each kind has started one.
//!
//! An interruption starts three runs within seconds: for the warning, for the end of the old instance, and for the launch
//! of the new one. Each could do everything, and does if the others die. While all live, one is enough, and they work out
//! whose turn it is from what they all see. For example, in seconds after EC2's warning:
//!
//! ```text
//!  0  warning      leads, and marks the old instance, for the others to see
//!  5  termination  follows: the old instance is marked, and the run that has marked it is two steps ahead
//!  7  launch       the new instance waits in its hook: this run leads until it serves; the warning's follows, and the
//!                  termination's, of which there is no need any more, ends
//! ```
//!
//! Nothing rests on it for safety: equal observers cannot elect, two may lead for a moment, and then every write is
//! conditional as before. A run that follows takes over when the one that leads lets a write wait for too long.

use std::time::{Duration, SystemTime};

use super::hook::waits;
use super::next_step;
use super::patience::RELEASE_LEAD;
use super::successor;
use super::taken::taken_at;
use super::watch::is_warned;
use crate::ids::InstanceId;
use crate::lifecycle::{Passage, Transition};
use crate::node::observed::Observed;
use crate::node::step::{ActionResult, Step};

/// How long after a holder has to be asked to let go, because time is short, every run asks it that finds this not done.
const LEADER_IS_LATE: Duration = Duration::from_secs(10);

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    Ours,
    AnothersRun,
    /// Two others', and one of them has been at work: ours is not needed.
    TwoOthersRuns,
    /// As far as can be seen, no event has started a run for what is going on.
    Nobodys,
}

/// Which run goes ahead: that of the successor's launch before the one that was warned, that before that of the holder's
/// end, and that before the schedule.
pub fn precedence(observed: &Observed, now: SystemTime) -> Precedence {
    let step = next_step(observed, now);
    if is_urgent(&step, observed, now) || gives_own_newcomer_up(&step, observed) || moves_no_node(observed) {
        return Precedence::Ours;
    }
    let is_for = |instance: &InstanceId, transition| {
        observed.action.as_ref().is_some_and(|action| (&action.instance, action.transition) == (instance, transition))
    };
    let is_ours = if let Some(newcomer) = newcomer(observed, now) {
        if warned(observed, now).is_some_and(|warned| is_for(warned, Transition::Terminating)) {
            return Precedence::TwoOthersRuns;
        }
        is_for(&newcomer, Transition::Launching)
    } else if let Some(warned) = warned(observed, now) {
        let of_reclaim = observed.warning.as_ref().filter(|warning| warning.risk.reclaim().is_some());
        of_reclaim.is_some_and(|warning| warning.instance == *warned)
    } else if let Some(leaving) = leaving(observed, now) {
        is_for(leaving, Transition::Terminating)
    } else {
        return Precedence::Nobodys;
    };
    if is_ours { Precedence::Ours } else { Precedence::AnothersRun }
}

/// The successor, if it waits in its launch hook: its event has started a run, or will.
fn newcomer(observed: &Observed, now: SystemTime) -> Option<InstanceId> {
    let successor = successor::of(observed, now);
    successor.id().filter(|id| waits(observed, id, Transition::Launching, now)).cloned()
}

/// The holder, if it waits in its terminate hook.
fn leaving(observed: &Observed, now: SystemTime) -> Option<&InstanceId> {
    holder(observed).filter(|id| waits(observed, id, Transition::Terminating, now))
}

/// The holder, if EC2 will take its capacity back at some later time.
fn warned(observed: &Observed, now: SystemTime) -> Option<&InstanceId> {
    holder(observed).filter(|id| observed.instances.get(*id).is_some_and(|instance| is_warned(instance, now)))
}

/// Whether the holder should have been asked to let go by now, and has hardly any time left: then no run waits for
/// another.
fn is_urgent(step: &Step, observed: &Observed, now: SystemTime) -> bool {
    matches!(step, Step::Release { .. }) && urgent_from(observed, now).is_some_and(|from| from <= now)
}

/// The latest time at which the holder has to be asked to let go, if EC2 will take it later: the leading run looks then.
pub fn release_due(observed: &Observed, now: SystemTime) -> Option<SystemTime> {
    let instance = observed.instances.get(holder(observed)?)?;
    taken_at(instance, now).map(|until| until - RELEASE_LEAD)
}

/// From then on no run waits for another: a run that follows looks then.
pub fn urgent_from(observed: &Observed, now: SystemTime) -> Option<SystemTime> {
    release_due(observed, now).map(|due| due + LEADER_IS_LATE)
}

/// No other run looks this closely at an instance that is no longer the successor.
fn gives_own_newcomer_up(step: &Step, observed: &Observed) -> bool {
    matches!(
        (step, &observed.action),
        (Step::Complete { instance, transition: Transition::Launching, result: ActionResult::Abandon }, Some(action))
            if (instance, Transition::Launching) == (&action.instance, action.transition)
    )
}

/// The other runs do not know of such an action.
fn moves_no_node(observed: &Observed) -> bool {
    observed.action.as_ref().is_some_and(|action| match action.passage {
        Passage::Service => false,
        Passage::WarmPool | Passage::InPlace => true,
    })
}

fn holder(observed: &Observed) -> Option<&InstanceId> {
    Some(&observed.volume.as_ref()?.attachments.first()?.instance)
}
