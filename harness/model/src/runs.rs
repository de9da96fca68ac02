//! The functions at work: each looks, decides by the real [`next_step`], and what it has decided arrives later, when the
//! world may be another.
//!
//! Any run may take any step that is due. In truth most leave it to the one whose turn it is; but that only saves calls, and
//! safety must not rest on it.

use std::time::SystemTime;

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{Observed, Step, if_unmarked, next_step};
use durin_decisions::risk::Risk;

use crate::invariants::{self, Broken};
use crate::see::{self, Eyes, now};
use crate::world::{AGED, Age, Cycle, INSTANCES, Id, Mark, SeenGroup, World};
use crate::writes::{Answer, Write};

/// How a function decides and writes.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) decide: fn(&Observed, SystemTime) -> Step,
    /// What cannot be given back is done only after a second look at everything.
    pub(crate) looks_again: bool,
    /// A record is moved whatever it says by then.
    pub(crate) upserts: bool,
    /// How many seconds after its decision a write to the holder may arrive: an attempt takes up to 5 s, and a sandbox may
    /// stand still for as long before it.
    pub(crate) arrives_within: Age,
    /// What a run goes by whose mark is refused.
    pub(crate) unmarked: fn(Risk, SystemTime) -> Risk,
}

/// As the functions are.
pub(crate) const DURIN: Rules =
    Rules { decide: next_step, looks_again: true, upserts: false, arrives_within: 10, unmarked: if_unmarked };

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Run {
    pub(crate) event: Event,
    /// It has seen the action of its event, or knows that it is over: from then on the group decides.
    pub(crate) own_action_is_known: bool,
    /// Since when it sees the volume and its holder as they are.
    pub(crate) stands: Age,
    pub(crate) age: Age,
    /// The group as it read it, and how long ago; none if nothing goes on by that.
    pub(crate) group: Option<(SeenGroup, Age)>,
    /// The mark that it could not write.
    pub(crate) own_mark: Option<(Id, Mark)>,
    pub(crate) write: Option<(Write, Age)>,
}

/// What has started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Event {
    Schedule,
    Launch(Id),
    End(Id),
    Warning(Id),
}

impl Event {
    pub(crate) fn action(self) -> Option<(Id, Transition)> {
        match self {
            Event::Launch(id) => Some((id, Transition::Launching)),
            Event::End(id) => Some((id, Transition::Terminating)),
            Event::Schedule | Event::Warning(_) => None,
        }
    }
}

impl Run {
    pub(crate) fn of(event: Event) -> Run {
        Run { event, own_action_is_known: false, stands: 0, age: 0, group: None, own_mark: None, write: None }
    }

    /// Once its action is known, or its warning is marked, the event says no more than the schedule.
    pub(crate) fn forget_event(&mut self, marked: [bool; INSTANCES]) {
        let says_more = match self.event {
            Event::Schedule => false,
            Event::Launch(_) | Event::End(_) => !self.own_action_is_known,
            Event::Warning(id) => !marked[id],
        };
        if !says_more {
            (self.event, self.own_action_is_known) = (Event::Schedule, false);
        }
    }

    pub(crate) fn may_double(&self) -> bool {
        self.write.is_some_and(|(write, _)| write.is_sent_again())
    }
}

impl World {
    /// The run looks, and decides; none if its slot is empty or a write of it is on its way.
    pub(crate) fn decision(&self, slot: usize, eyes: Eyes, rules: &Rules) -> Option<Step> {
        let run = self.runs[slot].as_ref().filter(|run| run.write.is_none())?;
        Some(self.decision_of(run, eyes, rules))
    }

    pub(crate) fn decision_of(&self, run: &Run, eyes: Eyes, rules: &Rules) -> Step {
        (rules.decide)(&see::see(self, run, eyes), now())
    }

    /// Whether the run may go on by the group as it saw it last: not to what cannot be given back.
    pub(crate) fn may_use_old_group(&self, slot: usize, rules: &Rules) -> bool {
        let Some(run) = self.runs[slot].as_ref().filter(|run| run.write.is_none()) else { return false };
        let is_old = run.group.is_some_and(|(group, _)| group != self.seen_group());
        is_old && {
            let observed = see::see(self, run, Eyes::OldGroup);
            !rules.looks_again || !(rules.decide)(&observed, now()).is_irreversible(&observed)
        }
    }

    /// The run looks, decides, and sends what it has decided.
    pub(crate) fn look(&mut self, slot: usize, eyes: Eyes, rules: &Rules) -> Result<Step, Broken> {
        let step = self.decision(slot, eyes, rules).expect("a run that looks");
        let is_shown = |(id, transition): (Id, Transition)| match transition {
            Transition::Launching => self.instances[id].cycle == Cycle::PendingWait,
            Transition::Terminating => self.instances[id].cycle == Cycle::TerminatingWait,
        };
        let seen = self.seen_group();
        let run = self.runs[slot].as_mut().expect("a run that looks");
        if eyes != Eyes::OldGroup {
            run.group = self.group_is_kept.then_some((seen, 0));
        }
        run.own_action_is_known |= run.event.action().is_some_and(is_shown);
        match &step {
            Step::Done(_) | Step::Blocked(_) => self.runs[slot] = None,
            Step::Wait(_) => {}
            write => run.write = Write::of(write).map(|write| (write, 0)),
        }
        invariants::of_decision(self, &step, eyes)?;
        Ok(step)
    }

    /// The write of the run arrives. The run goes on, and if the answer is lost sends it once more.
    pub(crate) fn arrive(&mut self, slot: usize, answer_is_lost: bool, rules: &Rules) -> Result<(), Broken> {
        let (write, age) = self.runs[slot].as_ref().and_then(|run| run.write).expect("a write on its way");
        invariants::of_arrival(self, write)?;
        let before = self.clone();
        let answer = self.carry_out(write, age, rules);
        invariants::after_arrival(&before, self, write)?;
        let run = self.runs[slot].as_mut().expect("a run");
        if answer_is_lost {
            return Ok(());
        }
        run.write = None;
        if answer == Answer::Refused {
            run.own_mark = before.own_mark(write, age, rules).or(run.own_mark);
        }
        match write {
            Write::CompleteLaunch { instance, .. } => {
                run.own_action_is_known |= run.event == Event::Launch(instance);
            }
            Write::CompleteEnd(instance) => run.own_action_is_known |= run.event == Event::End(instance),
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
            | Write::Detach(_)
            | Write::Terminate(_)
            | Write::Point { .. } => {}
        }
        Ok(())
    }
}

/// Older than any bound.
pub(crate) fn older(age: Age, by: Age) -> Age {
    (age + by).min(AGED)
}
