//! Whose turn it is: safety does not rest on it, but in every state in which a write is due one of the runs that events have
//! started goes ahead at once, and none that could is told that two others do.

use durin_decisions::node::{Precedence, Step, next_step, precedence};

use crate::runs::{Event, Run};
use crate::see::{self, Eyes, now};
use crate::world::{Cycle, World};

impl World {
    /// Whether somebody takes the step that is due, if one is.
    pub(crate) fn somebody_leads(&self) -> bool {
        let schedule = see::see(self, &Run::of(Event::Schedule), Eyes::Open);
        if matches!(next_step(&schedule, now()), Step::Wait(_) | Step::Done(_) | Step::Blocked(_)) {
            return true;
        }
        let leads = |event| match precedence(&see::see(self, &Run::of(event), Eyes::Open), now()) {
            Precedence::Ours | Precedence::Nobodys => true,
            Precedence::AnothersRun | Precedence::TwoOthersRuns => false,
        };
        leads(Event::Schedule) || self.events().any(leads)
    }

    /// What has started a run, or will in a moment.
    fn events(&self) -> impl Iterator<Item = Event> {
        self.ids().flat_map(|id| {
            let it = &self.instances[id];
            let launch = (it.cycle == Cycle::PendingWait).then_some(Event::Launch(id));
            let end = (it.cycle == Cycle::TerminatingWait).then_some(Event::End(id));
            let warning = it.warned.map(|_| Event::Warning(id));
            [launch, end, warning].into_iter().flatten()
        })
    }
}
