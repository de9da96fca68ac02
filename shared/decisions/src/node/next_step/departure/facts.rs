//! The three facts that decide how a holder goes.

use std::time::SystemTime;

use super::super::patience::{
    BOOT_PATIENCE, LAST_LOOK, LISTED_WITHIN, RELEASE_HOLDS, RELEASE_LEAD, RELEASE_TIMEOUT, RESUME_TIMEOUT, SILENCE,
};
use super::super::successor::Successor;
use super::super::taken::{reclaimed_at, stopped_at};
use super::Departure;
use crate::ids::InstanceId;
use crate::node::observed::{Agents, AttachmentState, ReleaseState};
use crate::node::step::WaitFor;
use crate::node::word::{Question, Word};
use crate::risk::Risk;

/// What is known of the holder's release.
pub(super) enum Evidence {
    /// As far as is known, it has the volume mounted.
    Mounted,
    /// It let go before it was given the volume, and mounts nothing; unless it has been rebooted since, and then it serves.
    LeftBehind,
    Releasing,
    /// It has let go a moment ago.
    LetGo,
    /// It had let go, and may have been rebooted since.
    Stale,
    /// It was asked, and does not let go.
    Refused,
    /// It was asked a moment ago, and as far as is known it has not heard it.
    Unheard,
    /// It is on its way to serve again.
    Resuming,
}

/// Who takes over, and when.
pub(super) enum Follows {
    /// Its successor has booted, or none is to follow: nothing is gained by serving on.
    Now,
    /// Its successor has booted, and has not said yet that it can take over.
    OnItsWord(InstanceId),
    /// Its successor has not booted, or there is none yet.
    Later(WaitFor),
}

/// When it has to have let go.
pub(super) enum Deadline {
    None,
    Ahead,
    /// The time that is left is just enough for a release.
    Due,
}

impl Departure<'_> {
    pub(super) fn evidence(&self) -> Evidence {
        let Some(release) = &self.observed.release else { return Evidence::Mounted };
        match release.state {
            ReleaseState::NotStarted => Evidence::Mounted,
            ReleaseState::Marked => Evidence::LeftBehind,
            ReleaseState::Running { since } if self.now < since + RELEASE_TIMEOUT => Evidence::Releasing,
            ReleaseState::Running { .. } => Evidence::Refused,
            ReleaseState::Released { at } if self.now < at + RELEASE_HOLDS => Evidence::LetGo,
            // The volume that it has let go of in this hand-off is on its way, and cannot be mounted again.
            ReleaseState::Released { at } if self.is_leaving() && self.now < at + SILENCE => Evidence::LetGo,
            ReleaseState::Released { .. } => Evidence::Stale,
            // A failure of long ago belongs to another hand-off.
            ReleaseState::Failed { at } if self.now < at + SILENCE => Evidence::Refused,
            ReleaseState::Unanswered { at, .. } if self.now < at + LISTED_WITHIN => Evidence::Releasing,
            // Asked twice, it does it once.
            ReleaseState::Unanswered { since, .. } if self.now < since + RELEASE_TIMEOUT => Evidence::Mounted,
            // Later its agent may be back, and if it is online the holder is asked once more. It is given up as soon as it
            // has not heard that either.
            ReleaseState::Undelivered { at } | ReleaseState::Unanswered { at, .. }
                if self.now < at + RELEASE_TIMEOUT =>
            {
                Evidence::Unheard
            }
            ReleaseState::Failed { .. } | ReleaseState::Undelivered { .. } | ReleaseState::Unanswered { .. } => {
                Evidence::Mounted
            }
            ReleaseState::Resuming { since } if self.now < since + RESUME_TIMEOUT => Evidence::Resuming,
            ReleaseState::Resuming { since: at } | ReleaseState::ResumeFailed { at, .. } if self.now < at + SILENCE => {
                Evidence::Refused
            }
            ReleaseState::StillResuming { at, .. } if self.now < at + SILENCE => Evidence::Resuming,
            ReleaseState::Resuming { .. } | ReleaseState::StillResuming { .. } | ReleaseState::ResumeFailed { .. } => {
                Evidence::Stale
            }
        }
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.attachment.state == AttachmentState::Detaching
    }

    pub(super) fn follows(&self) -> Follows {
        match self.successor {
            Successor::Running(id) if self.is_awaited(id) => Follows::OnItsWord(id.clone()),
            Successor::Running(id) if self.has_booted(id) => Follows::Now,
            Successor::Running(id) => Follows::Later(WaitFor::Booted { successor: id.clone() }),
            Successor::Booting(id) => Follows::Later(WaitFor::Running { successor: id.clone() }),
            Successor::None if self.observed.group.desired_capacity == 0 => Follows::Now,
            Successor::None => Follows::Later(WaitFor::Replacement { holder: self.attachment.instance.clone() }),
        }
    }

    /// Whether it has an agent that could give its answer, and has not given it. An instance that cannot be asked is taken to be
    /// prepared, unless its predecessor can be ([`super::super::obstacles::unfit`]): an image without the program has to work
    /// too. One that is silent may hang.
    fn is_awaited(&self, id: &InstanceId) -> bool {
        let hears = self.observed.release.as_ref().is_some_and(|release| release.agents.is_online(id));
        hears
            && match self.observed.words.of(id, Question::Prepared) {
                Word::NotAsked | Word::NotYet { .. } | Word::Asked { .. } => true,
                // What is not fit is no successor ([`super::super::free`]).
                Word::Yes | Word::No { .. } | Word::Absent { .. } => false,
            }
    }

    pub(super) fn deadline(&self) -> Deadline {
        self.deadline_at(self.now)
    }

    /// Whether it may serve for at least as long as it may take to serve again.
    pub(super) fn has_time_to_serve(&self) -> bool {
        match self.deadline_at(self.now + RESUME_TIMEOUT) {
            Deadline::None | Deadline::Ahead => true,
            Deadline::Due => false,
        }
    }

    /// By what is known now.
    fn deadline_at(&self, time: SystemTime) -> Deadline {
        let stop = stopped_at(self.instance, self.now);
        if stop.is_some_and(|stop| self.observed.group.launch_suspended || time + LAST_LOOK >= stop) {
            return Deadline::Due;
        }
        let is_hold = |risk: &Risk| risk.reclaim().is_none() && self.is_ending() && !risk.is_over(self.now);
        let held = self.instance.risk.filter(is_hold);
        let held_until = held.and_then(|risk| risk.until);
        match held_until.or_else(|| reclaimed_at(self.instance, self.now)) {
            None if stop.is_some() => Deadline::Ahead,
            None => Deadline::None,
            Some(until) if time + RELEASE_LEAD < until => Deadline::Ahead,
            Some(_) => Deadline::Due,
        }
    }

    /// Its agent is online. If the images of both have no agent, or there is a deadline, age has to do; but a healthy holder
    /// does not go because of silence, be it the newcomer's or its own.
    fn has_booted(&self, id: &InstanceId) -> bool {
        let launched = self.observed.instances.get(id).and_then(|instance| instance.launched);
        let is_old = launched.is_some_and(|launched| launched + BOOT_PATIENCE < self.now);
        match self.observed.release.as_ref().map(|release| &release.agents) {
            Some(agents @ Agents::Listed { .. }) => {
                // One that this run has seen online has an agent, whatever is listed now.
                let has_none = |id| !agents.lists(id) && !self.observed.booted.contains(id);
                let neither_has_one = has_none(id) && has_none(&self.attachment.instance);
                agents.is_online(id) || (is_old && (neither_has_one || self.has_deadline()))
            }
            Some(Agents::Unknown) | None => is_old && self.has_deadline(),
        }
    }

    pub(super) fn has_deadline(&self) -> bool {
        match self.deadline() {
            Deadline::None => false,
            Deadline::Ahead | Deadline::Due => true,
        }
    }
}
