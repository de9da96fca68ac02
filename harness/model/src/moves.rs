//! The moves of the world, one at a time, in any order.

use durin_decisions::node::Step;

use crate::faults::Fault;
use crate::group::Aws;
use crate::guest::Inside;
use crate::invariants::{self, Broken};
use crate::runs::{Event, Rules, Run};
use crate::see::Eyes;
use crate::world::{AGED, Age, Cycle, Ec2, Held, Id, Instance, Mark, Said, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Move {
    Aws(Aws),
    Inside(Id, Inside),
    Fault(Fault),
    /// A function is run, and looks.
    Starts(Event, Eyes),
    /// An event of long ago comes only now, or for the second time.
    StartsLate(Event),
    Looks(usize, Eyes),
    Arrives(usize),
    /// The write arrives, but its answer does not, and it is sent once more.
    ArrivesTwice(usize),
    IsLost(usize),
    Dies(usize),
    Passes(Age),
}

/// How many functions may be at work at once, and what may befall them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) runs: usize,
    pub(crate) faults: u8,
    pub(crate) moves: usize,
}

impl World {
    pub(crate) fn moves(&self, bounds: &Bounds, rules: &Rules) -> Vec<Move> {
        let mut moves: Vec<Move> = self.aws_moves().into_iter().map(Move::Aws).collect();
        for id in self.ids() {
            let inside = Inside::ALL.into_iter().filter(|inside| self.may_inside(id, *inside));
            moves.extend(inside.map(|inside| Move::Inside(id, inside)));
        }
        moves.extend(self.fault_moves().into_iter().map(Move::Fault));
        self.moves_of_runs(bounds, rules, &mut moves);
        if let Some(by) = self.until_next(rules) {
            let is_late = self.makes_late(by);
            let passes = if is_late { Move::Fault(Fault::Dawdles(by)) } else { Move::Passes(by) };
            moves.extend((!is_late || self.faults > 0).then_some(passes));
        }
        moves
    }

    fn moves_of_runs(&self, bounds: &Bounds, rules: &Rules, moves: &mut Vec<Move>) {
        for (slot, run) in self.runs.iter().enumerate() {
            let Some(run) = run else { continue };
            if run.write.is_none() {
                moves.push(Move::Looks(slot, Eyes::Open));
                if self.faults > 0 {
                    moves.push(Move::Looks(slot, Eyes::Deaf));
                }
                if self.may_use_old_group(slot, rules) {
                    moves.push(Move::Looks(slot, Eyes::OldGroup));
                }
            } else {
                moves.push(Move::Arrives(slot));
                moves.push(Move::IsLost(slot));
                if self.faults > 0 && run.may_double() {
                    moves.push(Move::ArrivesTwice(slot));
                }
            }
            moves.push(Move::Dies(slot));
        }
        if self.runs.iter().flatten().count() < bounds.runs {
            moves.push(Move::Starts(Event::Schedule, Eyes::Open));
            if self.faults > 0 {
                moves.push(Move::Starts(Event::Schedule, Eyes::Deaf));
            }
            for id in self.ids() {
                self.events_of(id, moves);
            }
        }
    }

    fn events_of(&self, id: Id, moves: &mut Vec<Move>) {
        let it = &self.instances[id];
        match it.cycle {
            Cycle::PendingWait => moves.push(Move::Starts(Event::Launch(id), Eyes::Open)),
            Cycle::TerminatingWait => moves.push(Move::Starts(Event::End(id), Eyes::Open)),
            Cycle::Outside | Cycle::Pending | Cycle::PendingProceed | Cycle::InService | Cycle::TerminatingProceed => {}
        }
        if it.warned.is_some() {
            moves.push(Move::Starts(Event::Warning(id), Eyes::Open));
        }
        let was_launched = matches!(it.cycle, Cycle::InService | Cycle::TerminatingWait | Cycle::TerminatingProceed);
        if self.faults > 0 && was_launched && it.lives() {
            moves.push(Move::StartsLate(Event::Launch(id)));
        }
    }

    /// Makes a move. The step is what a run that looks has decided.
    ///
    /// # Errors
    /// When an invariant is broken by it.
    pub(crate) fn make(&mut self, it: Move, rules: &Rules) -> Result<Option<Step>, Broken> {
        let (held, seen) = (self.held_as_seen(), self.seen_group());
        let step = self.make_unnoted(it, rules)?;
        if self.held_as_seen() != held {
            self.runs.iter_mut().flatten().for_each(|run| run.stands = 0);
        }
        if self.seen_group() != seen {
            self.group.stands = 0;
        }
        self.forget_what_nobody_asks();
        invariants::of_world(self)?;
        Ok(step)
    }

    fn make_unnoted(&mut self, it: Move, rules: &Rules) -> Result<Option<Step>, Broken> {
        match it {
            Move::Aws(aws) => self.do_aws(aws),
            Move::Inside(id, inside) => self.happen_inside(id, inside),
            Move::Fault(fault) => self.fail(fault, rules),
            Move::Starts(event, eyes) => {
                self.faults -= u8::from(eyes == Eyes::Deaf);
                return self.start(event, eyes, rules).map(Some);
            }
            Move::StartsLate(event) => {
                self.faults -= 1;
                return self.start(event, Eyes::Open, rules).map(Some);
            }
            Move::Looks(slot, eyes) => {
                self.faults -= u8::from(eyes == Eyes::Deaf);
                return self.look(slot, eyes, rules).map(Some);
            }
            Move::Arrives(slot) => self.arrive(slot, false, rules)?,
            Move::ArrivesTwice(slot) => {
                self.faults -= 1;
                self.arrive(slot, true, rules)?;
            }
            Move::IsLost(slot) => self.runs[slot].as_mut().expect("a run").write = None,
            Move::Dies(slot) => self.runs[slot] = None,
            Move::Passes(by) => self.pass(by, rules),
        }
        Ok(None)
    }

    fn start(&mut self, event: Event, eyes: Eyes, rules: &Rules) -> Result<Step, Broken> {
        let free = self.runs.iter().position(Option::is_none).expect("a free slot");
        self.runs[free] = Some(Run::of(event));
        self.look(free, eyes, rules)
    }

    fn held_as_seen(&self) -> impl PartialEq + use<> {
        self.volume.held.map(|held| (held.by, held.state, self.instances[held.by].ec2))
    }

    /// States that differ only in what no move and no decision asks for are one.
    fn forget_what_nobody_asks(&mut self) {
        for id in self.ids() {
            self.forget_of_instance(id);
        }
        let is_watched = self.volume_is_watched();
        let number_is_watched = self.group.desired > 1;
        let marked = self.instances.each_ref().map(|it| matches!(it.mark, Some(Mark::Interruption(_))));
        let marks_count = self.instances.each_ref().map(|it| it.lives() && it.takes_no_mark);
        for slot in &mut self.runs {
            let Some(run) = slot else { continue };
            run.forget_event(marked);
            run.own_mark = run.own_mark.filter(|(marked, _)| marks_count[*marked]);
            if !is_watched {
                run.stands = 0;
            }
            if !number_is_watched {
                run.age = 0;
            }
            // One that starts knows as much.
            let watches = is_watched || number_is_watched || run.group.is_some() || run.own_mark.is_some();
            if run.write.is_none() && !watches && run.event == Event::Schedule {
                *slot = None;
            }
        }
        self.runs.sort();
        if !number_is_watched {
            self.group.stands = AGED;
        }
        if let Some(held) = self.volume.held {
            let is_of_then = |it: &Instance| it.cycle.is_launching() && it.launched > held.since;
            if self.instances[held.by].cycle == Cycle::InService && !self.instances.iter().any(is_of_then) {
                self.volume.held = Some(Held { since: AGED, ..held });
                self.instances[held.by].launched = AGED;
            }
        }
    }

    fn forget_of_instance(&mut self, id: Id) {
        let holds = self.holder() == Some(id);
        let it = &mut self.instances[id];
        if it.ec2 == Ec2::Dead && it.guest == Default::default() {
            let ec2 = if holds || it.cycle.is_member() { Ec2::Dead } else { Ec2::Forgotten };
            *it = Instance { ec2, launched: AGED, cycle: it.cycle, ..Instance::default() };
        }
        it.commands.forget_what_nobody_asks(holds);
        if it.cycle == Cycle::InService && holds {
            // Before the second of two is ended, its word matters.
            if self.group.desired < 2 {
                it.serves = Said::default();
            }
            if it.prepared != Said::Absent {
                it.prepared = Said::default();
            }
        }
        if it.cycle.is_ending() {
            it.launched = AGED;
        }
    }
}
