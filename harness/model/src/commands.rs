//! What an instance was asked for about the volume, as Systems Manager lists it.

use std::time::SystemTime;

use durin_decisions::node::{ReleaseState, Resume, Resumed, resume_state};

use crate::see::ago;
use crate::world::{AGED, Age};

/// Systems Manager's list is much longer; but what is older than three says nothing new.
const LISTED: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Commands([Option<Command>; LISTED]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Command {
    pub(crate) document: Document,
    pub(crate) outcome: Outcome,
    pub(crate) requested: Age,
    pub(crate) ended: Age,
    /// It was sent since the volume was attached.
    pub(crate) of_attachment: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Document {
    Release,
    Resume,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Sent,
    Begun,
    Success,
    Failed,
    Undelivered,
}

impl Outcome {
    fn is_open(self) -> bool {
        matches!(self, Outcome::Sent | Outcome::Begun)
    }
}

impl Commands {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Command> {
        self.0.iter().flatten()
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Command> {
        self.0.iter_mut().flatten()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether there is room for another. Nobody sends a third while two are open.
    pub(crate) fn has_room(&self) -> bool {
        self.iter().filter(|it| it.outcome.is_open()).count() < LISTED - 1
    }

    pub(crate) fn send(&mut self, document: Document) {
        let sent = Command { document, outcome: Outcome::Sent, requested: 0, ended: 0, of_attachment: true };
        if self.0.iter().all(Option::is_some) {
            let oldest = self.0.iter().position(|it| it.is_some_and(|it| !it.outcome.is_open())).unwrap_or(0);
            self.0[oldest..].rotate_left(1);
            self.0[LISTED - 1] = None;
        }
        let free = self.0.iter().position(Option::is_none).expect("room was made");
        self.0[free] = Some(sent);
    }

    /// The one that the agent is about.
    pub(crate) fn begun(&mut self) -> Option<&mut Command> {
        self.iter_mut().find(|it| it.outcome == Outcome::Begun)
    }

    /// The one that the agent comes to next: it takes one after the other.
    pub(crate) fn next(&mut self) -> Option<&mut Command> {
        if self.begun().is_some() {
            return None;
        }
        self.iter_mut().find(|it| it.outcome == Outcome::Sent)
    }

    /// The agent is gone in the middle of them.
    pub(crate) fn break_off(&mut self) {
        for command in self.iter_mut().filter(|it| it.outcome == Outcome::Begun) {
            (command.outcome, command.ended) = (Outcome::Failed, 0);
        }
    }

    /// The volume was given to the instance anew, or is not its any more. What is under way goes on; of what is over only the
    /// last word counts.
    pub(crate) fn begin_attachment(&mut self) {
        let is_over = |it: &&Command| !it.outcome.is_open() && it.outcome != Outcome::Undelivered;
        let last = self.iter().rev().find(is_over).copied();
        let open: Vec<Command> = self.iter().filter(|it| it.outcome.is_open()).copied().collect();
        *self = Commands::default();
        let all = last.filter(|last| !last.takes_back()).into_iter().chain(open);
        for (slot, command) in self.0.iter_mut().zip(all) {
            *slot = Some(Command { of_attachment: false, ..command });
        }
    }

    /// Of what is over and past all bounds only the order counts; of a holder that was, whether it had let go.
    pub(crate) fn forget_what_nobody_asks(&mut self, holds: bool) {
        if !holds && self.iter().any(|it| it.of_attachment) && self.iter().all(|it| !it.outcome.is_open()) {
            self.begin_attachment();
        }
        if self.iter().next_back().is_some_and(|last| last.takes_back() && !self.iter().any(|it| it.outcome.is_open()))
        {
            *self = Commands::default();
        }
        for command in self.iter_mut() {
            let asked = match (command.outcome, command.document) {
                (Outcome::Success | Outcome::Failed | Outcome::Undelivered, _) if !command.of_attachment => 0,
                (Outcome::Sent | Outcome::Begun, _) => continue,
                (Outcome::Success, Document::Release) => 121,
                (Outcome::Success, Document::Resume) => 0,
                (Outcome::Failed | Outcome::Undelivered, _) => 600,
            };
            command.requested = 0;
            if command.ended >= asked {
                command.ended = AGED;
            }
        }
    }

    /// As the functions read the list (`release_state` in the crate `durin`).
    pub(crate) fn release_state(&self) -> ReleaseState {
        let ours: Vec<&Command> = self.iter().filter(|it| it.of_attachment).collect();
        let resumed = ours.iter().rposition(|it| it.document == Document::Resume);
        let (before, releases) = ours.split_at(resumed.map_or(0, |index| index + 1));
        match (releases.is_empty(), before.last()) {
            (true, Some(_)) => resumed_state(before),
            (true, None) => self.earlier_state(),
            (false, _) => released_state(releases),
        }
    }

    /// What was asked for before the volume was attached counts until it is taken back.
    fn earlier_state(&self) -> ReleaseState {
        let newest = self.iter().rev().find(|it| !it.of_attachment && it.outcome != Outcome::Undelivered);
        if newest.is_none_or(Command::takes_back) { ReleaseState::NotStarted } else { ReleaseState::Marked }
    }
}

impl Command {
    fn resume(&self) -> Resume {
        let outcome = match self.outcome {
            Outcome::Sent | Outcome::Begun => Resumed::Open,
            Outcome::Success => Resumed::Serves,
            Outcome::Failed | Outcome::Undelivered => Resumed::Failed,
        };
        Resume { requested: ago(self.requested), ended: ago(self.ended), outcome }
    }

    fn takes_back(&self) -> bool {
        (self.document, self.outcome) == (Document::Resume, Outcome::Success)
    }
}

fn resumed_state(ours: &[&Command]) -> ReleaseState {
    let first = ours.iter().rposition(|it| it.document == Document::Release).map_or(0, |release| release + 1);
    resume_state(&ours[first..].iter().map(|it| it.resume()).collect::<Vec<_>>())
}

fn released_state(releases: &[&Command]) -> ReleaseState {
    let successes: Vec<usize> = (0..releases.len()).filter(|it| releases[*it].outcome == Outcome::Success).collect();
    let last: Option<SystemTime> = successes.iter().map(|it| ago(releases[*it].ended)).max();
    let newest = successes.iter().max_by_key(|it| ago(releases[**it].ended)).copied();
    let later = releases.iter().enumerate().rfind(|(place, _)| newest.is_none_or(|newest| *place > newest));
    let has_begun = releases.iter().any(|it| matches!(it.outcome, Outcome::Success | Outcome::Failed));
    match (later.map(|(_, release)| (release.outcome, release)), last) {
        (Some((Outcome::Sent | Outcome::Begun, open)), _) => ReleaseState::Running { since: ago(open.requested) },
        (Some((Outcome::Failed, failed)), _) => ReleaseState::Failed { at: ago(failed.ended) },
        // It has stopped k3s for an earlier one.
        (Some((Outcome::Undelivered, lost)), _) if has_begun => ReleaseState::Failed { at: ago(lost.ended) },
        (Some((Outcome::Undelivered, lost)), _) => ReleaseState::Undelivered { at: ago(lost.ended) },
        (Some((Outcome::Success, _)) | None, Some(at)) => ReleaseState::Released { at },
        (Some((Outcome::Success, _)) | None, None) => ReleaseState::NotStarted,
    }
}
