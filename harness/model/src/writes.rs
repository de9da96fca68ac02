//! What a function writes, and what AWS makes of it when it arrives.

use std::time::Duration;

use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{ActionResult, Number, Question, Step};
use durin_decisions::risk::{Risk, RiskReason};

use crate::commands::Document;
use crate::runs::Rules;
use crate::see::{now, place, place_of_record};
use crate::world::{Age, Cycle, Ec2, Held, Id, Instance, Mark, Place, Said, World};

/// A write on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Write {
    Attach(Id),
    MarkInterruption(Id),
    /// With the seconds that the holder is held for.
    MarkTerminating(Id, u16),
    Replace(Id),
    Capacity(u8),
    EndSpare {
        instance: Id,
        falls: bool,
    },
    AskPrepared(Id),
    AskServes(Id),
    Release(Id),
    Resume(Id),
    Detach(Id),
    Terminate(Id),
    Point {
        from: Option<Id>,
        to: Id,
    },
    CompleteLaunch {
        instance: Id,
        goes_on: bool,
    },
    CompleteEnd(Id),
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Refused,
}

impl Write {
    /// Whether it must not arrive late: it finds another hand-off, or a holder that serves again.
    pub(crate) fn is_urgent(self) -> bool {
        matches!(self, Write::Detach(_) | Write::Release(_) | Write::Resume(_))
    }

    /// Whether it matters how long ago it was decided.
    pub(crate) fn has_age(self) -> bool {
        self.is_urgent() || matches!(self, Write::MarkTerminating(..))
    }

    pub(crate) fn of(step: &Step) -> Option<Write> {
        Some(match step {
            Step::Attach { successor } => Write::Attach(place(successor)),
            Step::Mark { instance, risk } if risk.reason == RiskReason::Interruption => {
                Write::MarkInterruption(place(instance))
            }
            Step::Mark { instance, risk } => {
                let held = risk.until.and_then(|until| until.duration_since(now()).ok()).unwrap_or_default();
                Write::MarkTerminating(place(instance), u16::try_from(held.as_secs()).expect("minutes"))
            }
            Step::Replace { holder } => Write::Replace(place(holder)),
            Step::LaunchFirst { .. } => Write::Capacity(2),
            Step::RestoreCapacity { .. } => Write::Capacity(1),
            Step::EndSpare { instance, number } => {
                Write::EndSpare { instance: place(instance), falls: *number == Number::Falls }
            }
            Step::Ask { instance, question: Question::Prepared } => Write::AskPrepared(place(instance)),
            Step::Ask { instance, question: Question::Serves } => Write::AskServes(place(instance)),
            Step::Release { holder } => Write::Release(place(holder)),
            Step::Resume { holder } => Write::Resume(place(holder)),
            Step::Detach { holder } => Write::Detach(place(holder)),
            Step::Terminate { holder } => Write::Terminate(place(holder)),
            Step::PointRecord { from, to } => {
                Write::Point { from: from.as_ref().map(place_of_record), to: place_of_record(to) }
            }
            Step::Complete { instance, transition: Transition::Launching, result } => {
                Write::CompleteLaunch { instance: place(instance), goes_on: *result == ActionResult::Continue }
            }
            Step::Complete { instance, transition: Transition::Terminating, .. } => Write::CompleteEnd(place(instance)),
            Step::ClaimName | Step::Wait(_) | Step::Done(_) | Step::Blocked(_) => return None,
        })
    }

    /// Whether a function sends it once more, should the answer be lost. What cannot be given back is looked at again.
    pub(crate) fn is_sent_again(self) -> bool {
        match self {
            Write::Attach(_)
            | Write::MarkInterruption(_)
            | Write::MarkTerminating(..)
            | Write::AskPrepared(_)
            | Write::AskServes(_)
            | Write::Release(_)
            | Write::Resume(_)
            | Write::Point { .. }
            | Write::CompleteLaunch { .. }
            | Write::CompleteEnd(_) => true,
            Write::Replace(_)
            | Write::Capacity(_)
            | Write::EndSpare { .. }
            | Write::Detach(_)
            | Write::Terminate(_) => false,
        }
    }
}

impl World {
    pub(crate) fn carry_out(&mut self, write: Write, age: Age, rules: &Rules) -> Answer {
        match write {
            Write::Attach(id) => self.attach(id),
            Write::Detach(id) => self.detach(id),
            Write::MarkInterruption(id) => self.mark(id, self.instances[id].warned.map(Mark::Interruption)),
            Write::MarkTerminating(id, held) => {
                let left = i16::try_from(held).expect("minutes") - i16::try_from(age).expect("minutes");
                self.mark(id, Some(Mark::Terminating(left)))
            }
            Write::Replace(id) => self.end_member(id),
            Write::Capacity(desired) => {
                self.group.desired = desired;
                Answer::Done
            }
            Write::EndSpare { instance, falls } => self.end_spare(instance, falls),
            Write::AskPrepared(id) => self.ask(id, |it| &mut it.prepared),
            Write::AskServes(id) => self.ask(id, |it| &mut it.serves),
            Write::Release(id) => self.send(id, Document::Release),
            Write::Resume(id) => self.send(id, Document::Resume),
            Write::Terminate(id) => {
                self.shut_down(id);
                Answer::Done
            }
            Write::Point { from, to } if rules.upserts || from == self.record => {
                self.record = Some(to);
                Answer::Done
            }
            Write::Point { .. } => Answer::Refused,
            Write::CompleteLaunch { instance, goes_on } => self.complete_launch(instance, goes_on),
            Write::CompleteEnd(id) if self.instances[id].cycle == Cycle::TerminatingWait => {
                self.instances[id].cycle = Cycle::TerminatingProceed;
                Answer::Done
            }
            Write::CompleteEnd(_) => Answer::Refused,
        }
    }

    fn attach(&mut self, id: Id) -> Answer {
        if self.volume.held.is_some() || self.instances[id].ec2 != Ec2::Running {
            return Answer::Refused;
        }
        self.volume.held = Some(Held { by: id, state: Place::Attaching, since: 0, stuck: false });
        let it = &mut self.instances[id];
        it.commands.begin_attachment();
        it.serves = Said::Nothing;
        Answer::Done
    }

    /// EC2 is asked to detach the volume from that instance.
    pub(crate) fn detach(&mut self, id: Id) -> Answer {
        let lives = self.instances[id].lives();
        match &mut self.volume.held {
            Some(held) if held.by == id && lives => {
                held.state = Place::Detaching;
                Answer::Done
            }
            Some(_) | None => Answer::Refused,
        }
    }

    /// A weaker mark does not overwrite a stronger: who writes it has looked.
    fn mark(&mut self, id: Id, mark: Option<Mark>) -> Answer {
        let it = &mut self.instances[id];
        if !it.lives() || mark.is_none() || it.takes_no_mark {
            return Answer::Refused;
        }
        it.mark = mark;
        Answer::Done
    }

    /// What a run knows alone whose mark is refused.
    pub(crate) fn own_mark(&self, write: Write, age: Age, rules: &Rules) -> Option<(Id, Mark)> {
        match write {
            Write::MarkInterruption(id) => Some((id, Mark::Interruption(self.instances[id].warned?))),
            Write::MarkTerminating(id, held) => {
                let until = Some(now() + Duration::from_secs(u64::from(held)) - Duration::from_secs(u64::from(age)));
                let risk = (rules.unmarked)(Risk { reason: RiskReason::Terminating, until }, now());
                let left = risk.until.and_then(|until| until.duration_since(now()).ok()).unwrap_or_default();
                Some((id, Mark::Terminating(i16::try_from(left.as_secs()).expect("minutes"))))
            }
            Write::Attach(_)
            | Write::Replace(_)
            | Write::Capacity(_)
            | Write::EndSpare { .. }
            | Write::AskPrepared(_)
            | Write::AskServes(_)
            | Write::Release(_)
            | Write::Resume(_)
            | Write::Detach(_)
            | Write::Terminate(_)
            | Write::Point { .. }
            | Write::CompleteLaunch { .. }
            | Write::CompleteEnd(_) => None,
        }
    }

    fn ask(&mut self, id: Id, word: impl Fn(&mut Instance) -> &mut Said) -> Answer {
        let it = &mut self.instances[id];
        if !it.hears() {
            return Answer::Refused;
        }
        if *word(it) != Said::Absent {
            *word(it) = Said::Asked(0);
        }
        Answer::Done
    }

    fn send(&mut self, id: Id, document: Document) -> Answer {
        let is_holder = self.holder() == Some(id);
        let it = &mut self.instances[id];
        if !it.hears() || !it.commands.has_room() || !is_holder {
            return Answer::Refused;
        }
        it.commands.send(document);
        Answer::Done
    }

    fn end_spare(&mut self, id: Id, falls: bool) -> Answer {
        if falls && self.group.desired <= self.group.min {
            return Answer::Refused;
        }
        let answer = self.end_member(id);
        if falls && answer == Answer::Done {
            self.group.desired -= 1;
        }
        answer
    }

    fn complete_launch(&mut self, id: Id, goes_on: bool) -> Answer {
        let it = &mut self.instances[id];
        if it.cycle != Cycle::PendingWait {
            return Answer::Refused;
        }
        it.cycle = if goes_on { Cycle::PendingProceed } else { Cycle::TerminatingWait };
        Answer::Done
    }
}
