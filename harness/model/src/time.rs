//! Time as a set of ordered thresholds: it passes only from one moment at which something is decided otherwise, or ends, to
//! the next. Whatever else happens may happen at any of these moments, and any number of things at one.

use crate::commands::{Command, Document, Outcome};
use crate::runs::{Rules, older};
use crate::world::{Age, Instance, Left, Mark, Place, Said, World};

/// Systems Manager's delivery timeout.
const DELIVERED_WITHIN: Age = 30;
/// That and the 45 s in which the document of a release ends.
const RELEASE_ENDS_WITHIN: Age = 75;
/// For so long a run goes on by what it knows of the group. (`FRESH_FOR` in the crate `durin`.)
const GROUP_IS_KEPT: Age = 45;
const RESUME_ENDS_WITHIN: Age = 240;
/// The document waits for two minutes.
const ANSWERED_WITHIN: Age = 120;
/// Afterwards a warning is forgotten.
const OVERDUE: Left = -300;

impl World {
    /// How long until the next threshold; none if nothing waits for time.
    pub(crate) fn until_next(&self, rules: &Rules) -> Option<Age> {
        let mut next = Next(None);
        for id in self.ids() {
            if let Some(down) = self.instances[id].guest.down {
                next.after(down, &[self.reboot_takes]);
            }
            of_instance(&self.instances[id], self.holder() == Some(id), &mut next);
        }
        if let Some(held) = self.volume.held {
            let it = &self.instances[held.by];
            match held.state {
                Place::Attaching => next.after(held.since, &[121]),
                Place::Attached if it.cycle.is_launching() => next.after(held.since, &[121, 241]),
                Place::Attached | Place::Detaching => {}
            }
            if self.volume_is_watched() {
                self.runs.iter().flatten().for_each(|run| next.after(run.stands, &[121, 241]));
            }
        }
        for run in self.runs.iter().flatten() {
            if let Some((_, age)) = run.group {
                next.after(age, &[GROUP_IS_KEPT]);
            }
            if let Some((_, age)) = run.write.filter(|(write, _)| write.is_urgent()) {
                next.after(age, &[rules.arrives_within, rules.arrives_within + 1]);
            }
        }
        for (marked, mark) in self.runs.iter().flatten().filter_map(|run| run.own_mark) {
            if let Mark::Terminating(left) = mark
                && self.holder() == Some(marked)
            {
                next.before(left, &[40, 0]);
            }
        }
        if self.group.desired > 1 {
            next.after(self.group.stands, &[121]);
        }
        if self.group.no_capacity_for > 0 {
            next.after(0, &[self.group.no_capacity_for]);
        }
        next.0
    }

    pub(crate) fn pass(&mut self, by: Age, rules: &Rules) {
        let by_left = Left::try_from(by).expect("minutes");
        self.instances.iter_mut().filter(|it| it.lives()).for_each(|it| pass_in(it, by));
        if let Some(held) = &mut self.volume.held {
            held.since = older(held.since, by);
        }
        for run in self.runs.iter_mut().flatten() {
            (run.stands, run.age) = (older(run.stands, by), older(run.age, by));
            run.own_mark = run.own_mark.and_then(|(marked, mark)| Some((marked, left_of(mark, by_left)?)));
            run.group = run.group.map(|(group, age)| (group, age + by)).filter(|(_, age)| *age <= GROUP_IS_KEPT);
            if let Some((write, age)) = &mut run.write {
                *age = if write.has_age() { older(*age, by) } else { 0 };
                if write.is_urgent() && *age > rules.arrives_within {
                    run.write = None;
                }
            }
        }
        self.group.stands = older(self.group.stands, by);
        self.group.no_capacity_for = self.group.no_capacity_for.saturating_sub(by);
    }
}

/// The time until the nearest of some thresholds.
struct Next(Option<Age>);

impl Next {
    fn after(&mut self, age: Age, thresholds: &[Age]) {
        if let Some(left) = thresholds.iter().find(|threshold| **threshold > age).map(|threshold| threshold - age) {
            self.0 = Some(self.0.map_or(left, |known| known.min(left)));
        }
    }

    /// Counted down.
    fn before(&mut self, left: Left, thresholds: &[Left]) {
        if let Some(threshold) = thresholds.iter().find(|threshold| **threshold < left) {
            let span = (left - threshold).unsigned_abs();
            self.0 = Some(self.0.map_or(span, |known| known.min(span)));
        }
    }
}

fn of_instance(it: &Instance, holds: bool, next: &mut Next) {
    if !it.lives() {
        return;
    }
    if it.cycle.is_launching() && !holds {
        next.after(it.launched, &[121, 601]);
    }
    if let Some(left) = it.warned {
        next.before(left, &[40, 0, OVERDUE]);
    }
    if let Some(Mark::Terminating(left)) = it.mark.filter(|_| holds && it.cycle.is_ending()) {
        next.before(left, &[40, 0]);
    }
    for said in [it.prepared, it.serves] {
        match said {
            Said::Asked(age) => next.after(age, &[ANSWERED_WITHIN, 161]),
            Said::Yes | Said::Nothing | Said::NotYet | Said::No | Said::Absent => {}
        }
    }
    if holds {
        it.commands.iter().filter(|it| it.of_attachment).for_each(|command| of_command(command, next));
    }
}

/// Of a release: it is believed for 20 s, and 10 s later taken back; then a volume that leaves is stuck.
fn of_command(command: &Command, next: &mut Next) {
    match (command.outcome, command.document) {
        (Outcome::Sent, _) => next.after(command.requested, &[DELIVERED_WITHIN]),
        (Outcome::Begun, Document::Release) => next.after(command.requested, &[60, RELEASE_ENDS_WITHIN]),
        (Outcome::Begun, Document::Resume) => next.after(command.requested, &[RESUME_ENDS_WITHIN]),
        (Outcome::Success, Document::Release) => next.after(command.ended, &[10, 19, 20, 30, 121]),
        (Outcome::Success, Document::Resume) => {}
        (Outcome::Failed, Document::Release) => next.after(command.ended, &[20, 600]),
        (Outcome::Failed | Outcome::Undelivered, _) => next.after(command.ended, &[60, 600]),
    }
}

fn pass_in(it: &mut Instance, by: Age) {
    it.launched = older(it.launched, by);
    it.guest.down = it.guest.down.map(|down| older(down, by));
    let by_left = Left::try_from(by).expect("minutes");
    it.warned = it.warned.map(|left| left - by_left).filter(|left| *left > OVERDUE);
    it.mark = it.mark.and_then(|mark| left_of(mark, by_left));
    it.prepared = age(it.prepared, by);
    it.serves = age(it.serves, by);
    for command in it.commands.iter_mut() {
        (command.requested, command.ended) = (older(command.requested, by), older(command.ended, by));
        let is_over = |limit| command.requested >= limit;
        let ends_as = match (command.outcome, command.document) {
            (Outcome::Sent, _) if is_over(DELIVERED_WITHIN) => Some(Outcome::Undelivered),
            (Outcome::Begun, Document::Release) if is_over(RELEASE_ENDS_WITHIN) => Some(Outcome::Failed),
            (Outcome::Begun, Document::Resume) if is_over(RESUME_ENDS_WITHIN) => Some(Outcome::Failed),
            (Outcome::Sent | Outcome::Begun | Outcome::Success | Outcome::Failed | Outcome::Undelivered, _) => None,
        };
        if let Some(outcome) = ends_as {
            (command.outcome, command.ended) = (outcome, 0);
        }
    }
}

fn left_of(mark: Mark, by: Left) -> Option<Mark> {
    match mark {
        Mark::Interruption(left) if left - by <= OVERDUE => None,
        Mark::Interruption(left) => Some(Mark::Interruption(left - by)),
        Mark::Terminating(left) => Some(Mark::Terminating((left - by).max(-1))),
        Mark::Retirement => Some(Mark::Retirement),
    }
}

fn age(said: Said, by: Age) -> Said {
    match said {
        Said::Asked(since) if since + by >= ANSWERED_WITHIN => Said::NotYet,
        Said::Asked(since) => Said::Asked(since + by),
        Said::Yes | Said::Nothing | Said::NotYet | Said::No | Said::Absent => said,
    }
}
