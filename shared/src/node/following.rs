//! A run that follows another: it looks now and then, and goes ahead itself when a write is overdue.
//!
//! Together the bounds are what a dead run costs: it may die just after a look of the one that follows it.

use std::time::{Duration, SystemTime};

use durin_decisions::node::{Precedence, Question, Step, WaitFor};

/// How long to wait between two looks at what another run is waiting for, too, also while the holder serves: the other may
/// ask it to let go, and die, just after a look.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The same while there is no instance yet that could take over: its launch starts a run of its own, and before a reclaim a run
/// looks in time, whatever it waits for.
const LOOK_FOR_REPLACEMENT_EVERY: Duration = Duration::from_secs(30);

/// How long the run that leads may take from the moment at which a write is due until reads show it.
const OVERDUE: Duration = Duration::from_secs(8);

/// The same for the question whether a successor serves, which it does without us. The run that leads looks every eight seconds
/// whether its agent has come.
const ASKING_IS_OVERDUE: Duration = Duration::from_secs(20);

/// What a run does about the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes each step as soon as it is due.
    Leads,
    /// It looks now and then whether another run takes them.
    Follows,
}

/// What a run does about the step that it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Takes,
    /// Whether another run has taken it is seen by a look at what it would have changed, at once or so much later.
    LooksForItsEffect(Duration),
    /// It is overdue by all that this run knows, which may be old.
    LooksAtEverything,
}

/// What a run that follows has seen, and since when.
#[derive(Debug, Default)]
pub(super) struct Following {
    has_followed: bool,
    has_taken_over: bool,
    due: Option<Due>,
    awaited: Option<WaitFor>,
}

#[derive(Debug)]
struct Due {
    step: Step,
    since: SystemTime,
    /// Whether everything was looked at anew, so that whatever is due now is overdue.
    is_certain: bool,
}

impl Following {
    /// A run that has gone ahead for another goes on: what that one did not do, it will not do next either. And one that has
    /// followed leaves the other to end what it has begun.
    pub(super) fn role(&mut self, precedence: Precedence) -> Role {
        let leads = self.has_taken_over
            || match precedence {
                Precedence::Ours => true,
                Precedence::AnothersRun | Precedence::TwoOthersRuns => false,
                Precedence::Nobodys => !self.has_followed,
            };
        self.has_followed |= !leads;
        if leads { Role::Leads } else { Role::Follows }
    }

    /// Whoever has asked the holder to let go goes on: from then on each second is outage.
    pub(super) fn go_on_after(&mut self, step: &Step) {
        self.has_taken_over |= matches!(step, Step::Release { .. });
    }

    /// Whose turn a write is that is due, and has been since then, if that is known.
    pub(super) fn on_due(&mut self, step: &Step, since: Option<SystemTime>, now: SystemTime) -> Turn {
        // If nothing has to be asked any more, another has just asked, and goes on.
        let is_overdue = |due: &Due| due.is_certain && (due.step == *step || !matches!(due.step, Step::Ask { .. }));
        if self.due.as_ref().is_some_and(is_overdue) {
            self.has_taken_over = true;
            return Turn::Takes;
        }
        let known = self.due.take().filter(|due| due.step == *step);
        let is_first = known.is_none();
        let since = since.unwrap_or(now).min(now);
        let mut due = known.unwrap_or_else(|| Due { step: step.clone(), since, is_certain: false });
        let is_whether_it_serves = matches!(step, Step::Ask { question: Question::Serves, .. });
        let overdue = if is_whether_it_serves { ASKING_IS_OVERDUE } else { OVERDUE };
        let left = (due.since + overdue).duration_since(now).ok().filter(|left| !left.is_zero());
        let turn = match (is_first, left) {
            (true, _) => Turn::LooksForItsEffect(Duration::ZERO),
            (false, Some(left)) => Turn::LooksForItsEffect(left),
            (false, None) => {
                due.is_certain = true;
                Turn::LooksAtEverything
            }
        };
        self.due = Some(due);
        turn
    }

    /// How long until the next look at what is waited for. What comes to be waited for next is looked at at once, because it
    /// may be over already; but not if it is the effect of a write, which was just looked for.
    pub(super) fn pause(&mut self, reason: &WaitFor, has_just_looked: bool) -> Option<Duration> {
        let was_looked_for = self.due.take().is_some();
        let is_known = has_just_looked || self.awaited.as_ref().is_none_or(|awaited| awaited == reason);
        self.awaited = Some(reason.clone());
        let every = match reason {
            WaitFor::Replacement { .. } => LOOK_FOR_REPLACEMENT_EVERY,
            WaitFor::Volume
            | WaitFor::Running { .. }
            | WaitFor::Address { .. }
            | WaitFor::Booted { .. }
            | WaitFor::Prepared { .. }
            | WaitFor::Serves { .. }
            | WaitFor::Released { .. }
            | WaitFor::Resumed { .. }
            | WaitFor::InService { .. }
            | WaitFor::Attached { .. }
            | WaitFor::Detached { .. }
            | WaitFor::Spare { .. }
            | WaitFor::SpareGone { .. }
            | WaitFor::HolderGone { .. } => LOOK_EVERY,
        };
        (is_known || was_looked_for).then_some(every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::InstanceId;
    use crate::risk::{Risk, RiskReason};

    const RETIRES: Risk = Risk { reason: RiskReason::Retirement, until: None };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn instance() -> InstanceId {
        InstanceId::new("i-12345678").expect("an id")
    }

    #[test]
    fn a_write_is_taken_over_when_it_is_overdue_and_so_is_all_that_follows() {
        let (mut following, attach) = (Following::default(), Step::Attach { successor: instance() });
        assert_eq!(following.on_due(&attach, None, at(0)), Turn::LooksForItsEffect(Duration::ZERO));
        assert_eq!(following.on_due(&attach, None, at(1)), Turn::LooksForItsEffect(OVERDUE - Duration::from_secs(1)));
        assert_eq!(following.on_due(&attach, None, at(0) + OVERDUE), Turn::LooksAtEverything);
        assert_eq!(following.role(Precedence::AnothersRun), Role::Follows);
        assert_eq!(following.on_due(&attach, None, at(1) + OVERDUE), Turn::Takes);
        assert_eq!(following.role(Precedence::AnothersRun), Role::Leads);
    }

    #[test]
    fn a_run_that_has_followed_leaves_the_rest_to_the_other_unless_it_is_its_own_turn() {
        let mut following = Following::default();
        let roles = [Precedence::Nobodys, Precedence::AnothersRun, Precedence::Nobodys, Precedence::Ours];
        let roles = roles.map(|precedence| following.role(precedence));
        assert_eq!(roles, [Role::Leads, Role::Follows, Role::Follows, Role::Leads]);
    }

    #[test]
    fn what_is_known_to_be_due_for_long_is_looked_at_once_more_and_taken_over() {
        let (mut following, detach) = (Following::default(), Step::Detach { holder: instance() });
        let since = Some(at(100) - OVERDUE);
        assert_eq!(following.on_due(&detach, since, at(100)), Turn::LooksForItsEffect(Duration::ZERO));
        assert_eq!(following.on_due(&detach, since, at(100)), Turn::LooksAtEverything);
        let resume = Step::Resume { holder: instance() };
        assert_eq!(following.on_due(&resume, None, at(101)), Turn::Takes, "whatever it is by then");
    }

    #[test]
    fn a_run_that_has_asked_the_holder_to_let_go_leads_to_the_end() {
        let mut following = Following::default();
        following.go_on_after(&Step::Mark { instance: instance(), risk: RETIRES });
        assert_eq!(following.role(Precedence::AnothersRun), Role::Follows);
        following.go_on_after(&Step::Release { holder: instance() });
        assert_eq!(following.role(Precedence::AnothersRun), Role::Leads);
    }

    #[test]
    fn a_run_that_sees_late_that_another_has_asked_leaves_it_the_rest() {
        let mut following = Following::default();
        let ask = Step::Ask { instance: instance(), question: Question::Serves };
        following.on_due(&ask, None, at(0));
        assert_eq!(following.on_due(&ask, None, at(0) + ASKING_IS_OVERDUE), Turn::LooksAtEverything);
        let attach = Step::Attach { successor: instance() };
        let later = at(1) + ASKING_IS_OVERDUE;
        assert_eq!(following.on_due(&attach, None, later), Turn::LooksForItsEffect(Duration::ZERO));
    }

    #[test]
    fn another_write_or_a_wait_begins_anew() {
        let (mut following, attach) = (Following::default(), Step::Attach { successor: instance() });
        following.on_due(&attach, None, at(0));
        let (detach, looks) = (Step::Detach { holder: instance() }, Turn::LooksForItsEffect(Duration::ZERO));
        assert_eq!(following.on_due(&detach, None, at(60)), looks);
        assert_eq!(following.pause(&WaitFor::Volume, false), Some(LOOK_EVERY));
        assert_eq!(following.on_due(&detach, None, at(120)), looks);
    }

    #[test]
    fn what_is_newly_waited_for_is_looked_at_at_once() {
        let mut following = Following::default();
        let detached = WaitFor::Detached { holder: instance() };
        assert_eq!(following.pause(&WaitFor::Volume, false), Some(LOOK_EVERY), "all was just read");
        assert_eq!(following.pause(&WaitFor::Volume, false), Some(LOOK_EVERY));
        assert_eq!(following.pause(&detached, false), None);
        assert_eq!(following.pause(&detached, false), Some(LOOK_EVERY));
    }
}
