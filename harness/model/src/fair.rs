//! The faults stop, everybody goes on, and the schedule comes: does a node serve in the end?

use durin_decisions::node::{Blocked, Step};

use crate::guest::Inside;
use crate::invariants::Broken;
use crate::moves::Move;
use crate::runs::{Event, Rules};
use crate::see::Eyes;
use crate::world::{Age, Cycle, Ec2, INSTANCES, Instance, World};

/// The schedule's period.
const TICK: Age = 300;
/// For so long a run of a function lasts. (`RUN_LASTS` in the crate `durin-decisions`.)
const AT_WORK: Age = 298;
/// Long after every bound.
const PATIENCE_S: u32 = 4 * 3600;

/// By then a person has been told several times.
const TOLD_AFTER_S: u32 = 3600;

/// How a fair history ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Serves {
        after_s: u32,
    },
    /// A person has to do something, and is told.
    Told(Box<Blocked>),
    Never(Vec<Move>),
    /// A lifecycle action runs out, and nobody was told why it was not completed.
    RunsOut(Vec<Move>),
    Broken(Broken, Vec<Move>),
}

/// A continuation in which nothing fails any more, and nobody waits longer than he must.
struct Fair<'a> {
    world: World,
    rules: &'a Rules,
    made: Vec<Move>,
    seconds: u32,
    since_tick: Age,
    /// For how long the present run of the schedule has been at work.
    at_work: Option<Age>,
    /// What each instance's lifecycle action is of, and for how long it has waited.
    waiting: [(Cycle, Age); INSTANCES],
    told: Option<Blocked>,
}

/// Goes on fairly from a state.
pub(crate) fn go_on(world: &World, rules: &Rules) -> End {
    let mut fair = Fair::from(world, rules);
    loop {
        match fair.step() {
            Ok(None) => {}
            Ok(Some(end)) => return end,
            Err(broken) => return End::Broken(broken, fair.made),
        }
    }
}

/// The usual history from a state, until one holds what is wanted, or a node serves.
pub(crate) fn usual(world: &World, rules: &Rules, is_wanted: impl Fn(&World) -> bool) -> (World, Vec<Move>) {
    let mut fair = Fair::from(world, rules);
    while !is_wanted(&fair.world) {
        if fair.step() != Ok(None) {
            break;
        }
    }
    (fair.world, fair.made)
}

impl<'a> Fair<'a> {
    fn from(world: &World, rules: &'a Rules) -> Fair<'a> {
        Fair {
            world: world.clone().with_faults(0),
            rules,
            made: Vec::new(),
            seconds: 0,
            since_tick: TICK,
            at_work: None,
            waiting: Default::default(),
            told: None,
        }
    }

    fn step(&mut self) -> Result<Option<End>, Broken> {
        self.bury();
        if let Some(it) = self.due() {
            self.make(it)?;
            return Ok(None);
        }
        if self.world.is_well() {
            return Ok(Some(End::Serves { after_s: self.seconds }));
        }
        if self.since_tick >= TICK && self.at_work.is_none() {
            if let Some(blocked) = self.told.clone().filter(|_| self.seconds >= TOLD_AFTER_S) {
                return Ok(Some(End::Told(Box::new(blocked))));
            }
            (self.since_tick, self.at_work) = (0, Some(0));
        }
        if self.at_work.is_some() && self.look()? {
            return Ok(None);
        }
        if self.pass() && self.told.is_none() {
            return Ok(Some(End::RunsOut(std::mem::take(&mut self.made))));
        }
        if self.seconds > PATIENCE_S {
            return Ok(Some(End::Never(std::mem::take(&mut self.made))));
        }
        Ok(None)
    }

    /// What happens without anybody's waiting for it.
    fn due(&self) -> Option<Move> {
        let write = (0..2).find(|slot| self.world.runs[*slot].as_ref().is_some_and(|run| run.write.is_some()));
        let aws = || self.world.aws_moves().first().copied().map(Move::Aws);
        let inside = || {
            let all = self.world.ids().flat_map(|id| Inside::ALL.map(|inside| (id, inside)));
            let mut comes = all.filter(|(_, inside)| *inside != Inside::AgentReturns);
            comes.find(|(id, inside)| self.world.may_inside(*id, *inside)).map(|(id, inside)| Move::Inside(id, inside))
        };
        write.map(Move::Arrives).or_else(aws).or_else(inside)
    }

    /// Whether the run has something to do.
    fn look(&mut self) -> Result<bool, Broken> {
        let slot = (0..2).find(|slot| self.world.runs[*slot].is_some());
        let step =
            self.make(slot.map_or(Move::Starts(Event::Schedule, Eyes::Open), |slot| Move::Looks(slot, Eyes::Open)))?;
        match step {
            Some(Step::Wait(_)) | None => return Ok(false),
            Some(Step::Done(_)) => self.told = None,
            Some(Step::Blocked(blocked)) => self.told = Some(blocked),
            Some(_) => return Ok(true),
        }
        self.at_work = None;
        Ok(false)
    }

    fn make(&mut self, it: Move) -> Result<Option<Step>, Broken> {
        self.made.push(it);
        self.world.make(it, self.rules)
    }

    /// Time passes; whether a lifecycle action runs out.
    fn pass(&mut self) -> bool {
        let next = self.world.until_next(self.rules).unwrap_or(TICK);
        let by = next.min(TICK.saturating_sub(self.since_tick)).max(1);
        self.made.push(Move::Passes(by));
        let cannot_break = self.world.make(Move::Passes(by), self.rules);
        debug_assert!(cannot_break.is_ok(), "time alone breaks nothing");
        self.seconds += u32::from(by);
        self.since_tick += by;
        let is_out_of_time = self.at_work.is_some_and(|at_work| at_work + by >= AT_WORK);
        self.at_work = self.at_work.map(|at_work| at_work + by).filter(|_| !is_out_of_time);
        while let Some(slot) = (0..2).find(|slot| is_out_of_time && self.world.runs[*slot].is_some()) {
            self.made.push(Move::Dies(slot));
            self.world.runs[slot] = None;
        }
        let mut runs_out = false;
        for id in self.world.ids() {
            let (cycle, (before, waited)) = (self.world.instances[id].cycle, self.waiting[id]);
            let waited = if cycle == before { waited + by } else { by };
            self.waiting[id] = (cycle, waited);
            if cycle.waits() && waited >= cycle.heartbeat() {
                self.world.time_hook_out(id);
                runs_out = true;
            }
        }
        runs_out
    }

    /// The group may launch any number of instances: the place of one that is over is free for the next.
    fn bury(&mut self) {
        for id in self.world.ids() {
            let is_over = self.world.instances[id].ec2 == Ec2::Forgotten && self.world.record != Some(id);
            if is_over && self.world.holder() != Some(id) {
                self.world.instances[id] = Instance::default();
            }
        }
    }
}
