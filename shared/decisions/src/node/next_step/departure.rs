//! How a living holder goes: make before break. It serves until its successor has booted, or until the time that is left
//! is just enough for a clean release, whichever comes first; then it releases the volume, and only then is it detached.
//!
//! An interruption, in seconds after EC2's warning; EC2 takes the old instance's capacity back at 120:
//!
//! ```text
//!   0  EC2     warns the old instance
//!   3  Durin   has the group replace it; the terminate hook keeps it alive, and it serves
//!  14  EC2     runs the new instance. Releasing now would add its boot to the outage: Durin waits
//!  31  new     its agent is online: it has booted
//!  33  Durin   sends the release. The outage begins when k3s stops
//!  42  old     has unmounted, and the command has succeeded
//!  43  Durin   detaches; at 46 the volume is free and is attached to the new instance, at 49 it is there
//! ```
//!
//! The same, but the group launches nobody for two minutes because there is no capacity:
//!
//! ```text
//!   3  Durin   has the group replace it, and waits for the replacement
//!  80  Durin   40 s are left: sends the release. Nobody can take over yet, but an unmounted volume is clean
//!  95  Durin   detaches: the volume is free, and stays free
//! 120  EC2     ends the old instance, whose write cache is empty
//! 130  EC2     runs the new instance, and it attaches at once: nobody waits for a dying holder, no journal is replayed
//! ```
//!
//! Had the old instance served on until 120, the volume would have been cut off under running databases, and freed only
//! when EC2 had seen the instance off.

mod facts;

use std::time::{Duration, SystemTime};

use super::hold::hold;
use super::hook::waits;
use super::obstacles::unusable_key;
use super::patience::{
    ANSWERS_AGAIN_WITHIN, ANSWERS_AT_ONCE, ANSWERS_WITHIN, RELEASE_LEAD, REPLACES_AGAIN_AFTER, RESUMED_AFTER,
    RESUMES_AGAIN_AFTER, SILENCE, SILENT_TOGETHER, STUCK_AFTER,
};
use super::spare::give_newcomer_up;
use super::successor::{self, Successor};
use super::taken::{is_taken, stopped_at, taken_at};
use super::{agreement, in_vain, stuck, take_back};
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::node::observed::{
    Agents, Attachment, AttachmentState, Instance, InstanceState, Lifecycle, Observed, ReleaseState,
};
use crate::node::step::{Blocked, Done, Step, WaitFor};
use crate::node::word::{Question, Word};
use facts::{Deadline, Evidence, Follows};

/// The attachment of a living holder that may have to release the volume, or may have released it: then what Systems
/// Manager says matters. A holder that stays is asked about only if it `may_have_released`.
pub fn release_matters(observed: &Observed, may_have_released: bool, now: SystemTime) -> Option<&Attachment> {
    let attachment = observed.volume.as_ref()?.attachments.first()?;
    let holder = observed.instances.get(&attachment.instance)?;
    let is_alive = matches!(holder.state, InstanceState::Pending | InstanceState::Running);
    let is_ours = holder.of_group || observed.group.members.contains_key(&attachment.instance);
    let goes = !successor::of(observed, now).is(&attachment.instance) || is_taken(holder, now);
    let is_there = match attachment.state {
        AttachmentState::Attached | AttachmentState::Detaching => true,
        AttachmentState::Attaching => false,
    };
    (is_alive && is_ours && is_there && (goes || may_have_released)).then_some(attachment)
}

/// A living holder that goes, and what decides how.
pub(super) struct Departure<'a> {
    pub(super) observed: &'a Observed,
    pub(super) attachment: &'a Attachment,
    pub(super) instance: &'a Instance,
    pub(super) successor: &'a Successor,
    pub(super) now: SystemTime,
}

/// A holder that was warned when it had no successor: it needs one at once, and has to let go in time.
pub(super) fn of_warned(observed: &Observed, attachment: &Attachment, now: SystemTime) -> Option<Step> {
    let holder = &attachment.instance;
    let instance = observed.instances.get(holder)?;
    let until = taken_at(instance, now)?;
    if instance.state == InstanceState::Dead {
        return None;
    }
    let stop = stopped_at(instance, now);
    let leave = || Departure { observed, attachment, instance, successor: &Successor::None, now }.leave();
    match observed.group.members.get(holder)? {
        Lifecycle::InService => {}
        Lifecycle::Launching { .. } if now + RELEASE_LEAD >= until => return Some(leave()),
        // It has only just taken over. It has to come into service before the group replaces it.
        Lifecycle::Launching { .. } => {
            let is_through = !waits(observed, holder, Transition::Launching, now);
            return is_through.then(|| Step::Wait(WaitFor::InService { holder: holder.clone() }));
        }
        Lifecycle::Terminating { .. } | Lifecycle::Retained | Lifecycle::Standby | Lifecycle::Elsewhere => return None,
    }
    // Capacity Rebalancing launches the replacement on the same warning. It does nothing about a host that retires.
    let replaces = observed.group.desired_capacity > 0 && (!observed.group.rebalances || stop.is_some());
    // The group may do in a moment what it does not do now; but the release does not wait for that.
    let is_possible = !observed.group.launch_suspended && unusable_key(observed).is_none();
    if replaces && is_possible && !is_asked(observed, now) {
        return Some(Step::Replace { holder: holder.clone() });
    }
    Some(leave())
}

/// The volume is free, and the only instance that it could go to is one that EC2 is reclaiming: the group sees it in
/// service, and launches no other of its own accord.
pub(super) fn of_empty(observed: &Observed, now: SystemTime) -> Option<Step> {
    let is_taken = |id: &&InstanceId| observed.instances.get(*id).is_some_and(|instance| is_taken(instance, now));
    let in_service = observed.group.members.iter().filter(|(_, state)| **state == Lifecycle::InService);
    let holder = in_service.map(|(id, _)| id).find(is_taken)?;
    let is_stopped = observed.instances.get(holder).is_some_and(|instance| stopped_at(instance, now).is_some());
    let launches = observed.group.desired_capacity > 0 && !observed.group.launch_suspended;
    let replaces = launches && (!observed.group.rebalances || is_stopped) && !is_asked(observed, now);
    replaces.then(|| Step::Replace { holder: holder.clone() })
}

/// Whether the group has just been asked to replace the holder. It is busy with something else, or has not begun.
pub(super) fn is_asked(observed: &Observed, now: SystemTime) -> bool {
    observed.replacement_asked.is_some_and(|asked| now < asked + REPLACES_AGAIN_AFTER)
}

impl Departure<'_> {
    /// The next step of a living holder that another instance has to follow.
    pub(super) fn next_step(self) -> Step {
        // At the first look: what is seen a minute later, or after one newcomer was given up, does not set the terminate
        // hook back, and AWS does not say when its action began.
        if self.is_ending()
            && !self.has_deadline()
            && matches!(self.follows(), Follows::Later(_) | Follows::OnItsWord(_))
        {
            return Step::Mark { instance: self.attachment.instance.clone(), risk: hold(self.now) };
        }
        if *self.successor == Successor::None && !self.is_ending() && !is_taken(self.instance, self.now) {
            return self.serve_again().unwrap_or(Step::Done(Done::NoSuccessor));
        }
        self.leave()
    }

    /// No instance follows a holder that is set aside, and the node has to be somewhere: so it serves again if it has let
    /// go.
    fn serve_again(&self) -> Option<Step> {
        let (holder, is_there) = (&self.attachment.instance, self.attachment.state == AttachmentState::Attached);
        (self.observed.group.desired_capacity > 0 && is_there)
            .then(|| take_back::next_step(self.observed, holder, self.now))
            .flatten()
    }

    /// One row per situation. A healthy holder without a deadline loses nothing before its successor has booted.
    fn leave(self) -> Step {
        let holder = self.attachment.instance.clone();
        if self.attachment.state == AttachmentState::Attaching {
            // Nothing of it is mounted, so there is nothing to release.
            let is_stuck = self.attachment.is_stuck(self.observed, self.now);
            return if is_stuck { self.give_up() } else { Step::Wait(WaitFor::Attached { successor: holder }) };
        }
        match (self.evidence(), self.follows(), self.deadline()) {
            // An answer will come: each of the two has its time-out.
            (Evidence::Releasing, _, _) => Step::Wait(WaitFor::Released { holder }),
            (Evidence::Resuming, _, _) if self.has_time_to_serve() => self.hear_whether_it_has_resumed(),

            // The volume that it has let go of is on its way.
            (Evidence::LetGo, _, _) if self.is_leaving() => self.detach(),
            // It has let go: the volume goes to its successor, or waits for it where nothing can be cut off.
            (Evidence::LetGo, Follows::Now | Follows::OnItsWord(_), _) => self.detach(),
            (Evidence::LetGo, Follows::Later(_), Deadline::Ahead | Deadline::Due) => self.detach(),
            // Its successor has died meanwhile. Perhaps only one function thinks so: give the others a moment.
            (Evidence::LetGo, Follows::Later(wait), Deadline::None) => Step::Wait(wait),

            // It may have the volume mounted again: ask it once more, but only when the answer is of use.
            (Evidence::Stale, Follows::Now | Follows::OnItsWord(_), _) => self.ask(),
            (Evidence::Stale, Follows::Later(_), Deadline::Ahead | Deadline::Due) => self.ask(),
            (Evidence::Stale, Follows::Later(wait), Deadline::None) => self.resume_or(wait),

            // k3s may be stopped, and the volume does not come free: only ending the instance frees it.
            (Evidence::Refused, Follows::Now | Follows::OnItsWord(_), _) => self.give_up(),
            (Evidence::Refused, Follows::Later(_), Deadline::Ahead | Deadline::Due) => self.give_up(),
            // It may still come to serve until its successor is there.
            (Evidence::Refused, Follows::Later(wait), Deadline::None) => self.resume_or(wait),

            // It serves, and cannot be asked.
            (Evidence::Unheard, Follows::Now, _) => self.give_up(),
            (Evidence::Unheard, Follows::OnItsWord(successor), Deadline::None | Deadline::Ahead) => {
                self.hear(successor)
            }
            (Evidence::Unheard, Follows::OnItsWord(_), Deadline::Due) => self.give_up(),
            (Evidence::Unheard, Follows::Later(wait), Deadline::None | Deadline::Ahead) => Step::Wait(wait),
            (Evidence::Unheard, Follows::Later(wait), Deadline::Due) => self.serve_to_the_end_or_give_up(wait),

            // As far as is known it does not serve, and it can be made to serve until its successor is there.
            (Evidence::LeftBehind, Follows::Later(wait), Deadline::None) => self.resume_or(wait),
            (Evidence::LeftBehind, Follows::Later(wait), Deadline::Ahead) if self.has_time_to_serve() => {
                self.resume_or(wait)
            }

            // The same, if its successor has booted and does not come to say that it can take over.
            (Evidence::LeftBehind, Follows::OnItsWord(successor), Deadline::None | Deadline::Ahead)
                if self.is_slow_to_say(&successor) && self.has_time_to_serve() && self.can_resume() =>
            {
                Step::Resume { holder }
            }

            // It serves, or may do so: make before break. A release waits for the resume that is under way.
            (Evidence::Mounted | Evidence::LeftBehind | Evidence::Resuming, Follows::Now, _) => self.ask(),
            (
                Evidence::Mounted | Evidence::LeftBehind | Evidence::Resuming,
                Follows::OnItsWord(successor),
                Deadline::None | Deadline::Ahead,
            ) => self.hear(successor),
            (Evidence::Mounted | Evidence::LeftBehind | Evidence::Resuming, Follows::OnItsWord(_), Deadline::Due) => {
                self.ask()
            }
            (Evidence::Resuming, Follows::Later(_), Deadline::None | Deadline::Ahead) => {
                Step::Wait(WaitFor::Resumed { holder })
            }
            (Evidence::Mounted, Follows::Later(wait), Deadline::None) => self.wait_or_give_newcomer_up(wait),
            (Evidence::Mounted | Evidence::LeftBehind, Follows::Later(wait), Deadline::Ahead) => Step::Wait(wait),
            // It lets go although there is no instance to take over.
            (Evidence::Mounted | Evidence::LeftBehind | Evidence::Resuming, Follows::Later(_), Deadline::Due)
                if self.hears() =>
            {
                Step::Release { holder }
            }
            (Evidence::Mounted | Evidence::LeftBehind | Evidence::Resuming, Follows::Later(wait), Deadline::Due) => {
                self.serve_to_the_end_or_give_up(wait)
            }
        }
    }

    /// Whether the holder can be asked for anything.
    fn hears(&self) -> bool {
        self.observed.release.as_ref().is_some_and(|release| release.agents.is_online(&self.attachment.instance))
    }

    /// Whether it can be asked to serve again. While EC2 detaches the volume, an instance mounts nothing again, and one that has
    /// it mounted serves until it unmounts it.
    fn can_resume(&self) -> bool {
        self.hears() && !self.is_leaving()
    }

    fn is_ending(&self) -> bool {
        matches!(self.observed.group.members.get(&self.attachment.instance), Some(Lifecycle::Terminating { .. }))
    }

    fn ask(self) -> Step {
        if self.hears() { Step::Release { holder: self.attachment.instance.clone() } } else { self.give_up() }
    }

    /// The successor has to say first that it can take over. A healthy holder waits for that as long as for a boot.
    fn hear(self, successor: InstanceId) -> Step {
        let word = self.observed.words.of(&successor, Question::Prepared);
        let may_come = matches!(word, Word::Asked { since } if self.now < *since + ANSWERS_WITHIN);
        match word {
            Word::NotYet { .. } | Word::Asked { .. }
                if self.is_silent(&successor) && !may_come && !self.has_deadline() =>
            {
                self.wait_or_give_newcomer_up(WaitFor::Prepared { successor })
            }
            Word::NotAsked | Word::NotYet { .. } => Step::Ask { instance: successor, question: Question::Prepared },
            Word::Asked { .. } if let Some(blocked) = self.is_silent_again(&successor) => Step::Blocked(blocked),
            Word::Asked { .. } | Word::Yes | Word::No { .. } | Word::Absent { .. } => {
                Step::Wait(WaitFor::Prepared { successor })
            }
        }
    }

    /// Whether a successor was asked, and would have said by now that it can take over if it could.
    fn is_slow_to_say(&self, successor: &InstanceId) -> bool {
        match self.observed.words.of(successor, Question::Prepared) {
            Word::Asked { since } => *since + ANSWERS_AT_ONCE <= self.now,
            Word::NotYet { .. } => true,
            Word::NotAsked | Word::Yes | Word::No { .. } | Word::Absent { .. } => false,
        }
    }

    fn resume_or(self, wait: WaitFor) -> Step {
        let state = self.observed.release.as_ref().map(|release| release.state);
        let is_too_early = match state {
            Some(ReleaseState::Released { at }) => self.now < at + RESUMED_AFTER,
            // Between two attempts there is time for the newcomer.
            Some(ReleaseState::ResumeFailed { at, .. }) if self.now < at + RESUMES_AGAIN_AFTER => {
                return self.wait_or_give_newcomer_up(wait);
            }
            Some(
                ReleaseState::NotStarted
                | ReleaseState::Marked
                | ReleaseState::Running { .. }
                | ReleaseState::Failed { .. }
                | ReleaseState::Undelivered { .. }
                | ReleaseState::Unanswered { .. }
                | ReleaseState::Resuming { .. }
                | ReleaseState::StillResuming { .. }
                | ReleaseState::ResumeFailed { .. },
            )
            | None => false,
        };
        if is_too_early {
            return Step::Wait(wait);
        }
        if self.can_resume() {
            Step::Resume { holder: self.attachment.instance.clone() }
        } else {
            self.wait_or_give_newcomer_up(wait)
        }
    }

    /// One that has answered that it is still on its way is asked again, and answers at once if it has arrived.
    fn hear_whether_it_has_resumed(self) -> Step {
        let holder = self.attachment.instance.clone();
        let said = self.observed.release.as_ref().map(|release| release.state);
        let Some(ReleaseState::StillResuming { since, at }) = said else {
            return Step::Wait(WaitFor::Resumed { holder });
        };
        if at + RESUMES_AGAIN_AFTER <= self.now && self.can_resume() {
            return Step::Resume { holder };
        }
        // A run that ends now may not be there when the holder has to let go.
        if self.has_deadline() {
            return Step::Wait(WaitFor::Resumed { holder });
        }
        take_back::wait_or_tell(&holder, since, self.now)
    }

    fn detach(self) -> Step {
        let holder = self.attachment.instance.clone();
        match self.attachment.state {
            AttachmentState::Detaching if stuck::leaves_too_long(self.observed, self.now) => self.give_up(),
            AttachmentState::Detaching | AttachmentState::Attaching => Step::Wait(WaitFor::Detached { holder }),
            AttachmentState::Attached => {
                let never_again = agreement::lacks_tag(self.observed).or_else(|| unusable_key(self.observed));
                never_again.map_or(Step::Detach { holder }, Step::Blocked)
            }
        }
    }

    /// A newcomer that stays silent costs a healthy holder nothing but patience, which has an end.
    fn wait_or_give_newcomer_up(self, wait: WaitFor) -> Step {
        let Some(newcomer) = self.successor.id() else { return Step::Wait(wait) };
        let Some(Agents::Listed { online, .. }) = self.observed.release.as_ref().map(|release| &release.agents) else {
            return self.hears_nothing(newcomer).map_or(Step::Wait(wait), Step::Blocked);
        };
        if self.is_silent(newcomer)
            && let Some(given_up) = give_newcomer_up(self.observed, newcomer, self.now)
        {
            return given_up;
        }
        let holder = &self.attachment.instance;
        let neither_is_online = ![newcomer, holder].iter().any(|id| online.contains(*id));
        if neither_is_online && !self.has_deadline() && self.is_launched_for(newcomer, SILENT_TOGETHER) {
            let (group, newcomer, holder) = (self.observed.declaration.group.clone(), newcomer.clone(), holder.clone());
            return Step::Blocked(Blocked::NeitherIsOnline { group, newcomer, holder });
        }
        self.is_silent_again(newcomer).map_or(Step::Wait(wait), Step::Blocked)
    }

    /// Whether nobody can say if a newcomer has booted, although it should have long ago. Its launch action runs out, and the next
    /// waits in the same way for as long as Systems Manager gives no answer.
    fn hears_nothing(&self, newcomer: &InstanceId) -> Option<Blocked> {
        let is_late = !self.has_deadline() && self.is_launched_for(newcomer, SILENT_TOGETHER);
        (is_late && self.observed.is_silent_for(ANSWERS_AGAIN_WITHIN, self.now)).then(|| {
            let group = self.observed.declaration.group.clone();
            Blocked::NothingIsHeard { group, newcomer: newcomer.clone(), holder: self.attachment.instance.clone() }
        })
    }

    /// Whether a newcomer is silent, as another was that has ended. Its group may launch and end such all day, and a holder that
    /// serves does not miss them: so a person has to know.
    fn is_silent_again(&self, newcomer: &InstanceId) -> Option<Blocked> {
        let holder = &self.attachment.instance;
        let serves = matches!(self.evidence(), Evidence::Mounted) && !self.has_deadline();
        let is_late = serves && self.is_launched_for(newcomer, SILENT_TOGETHER);
        let (before, _) = in_vain::all(self.observed, holder, self.now).last().filter(|_| is_late)?;
        let (group, newcomer) = (self.observed.declaration.group.clone(), before.clone());
        Some(Blocked::FollowedInVain { group, holder: holder.clone(), newcomer })
    }

    /// Whether it has had the time for a sign of life.
    fn is_silent(&self, newcomer: &InstanceId) -> bool {
        self.is_launched_for(newcomer, SILENCE)
    }

    fn is_launched_for(&self, newcomer: &InstanceId, span: Duration) -> bool {
        let launched = self.observed.instances.get(newcomer).and_then(|instance| instance.launched);
        launched.is_some_and(|launched| launched + span < self.now)
    }

    /// If EC2 ends it anyway, it serves to the end. If its hook is about to time out, it is better to go now, and
    /// cleanly.
    fn serve_to_the_end_or_give_up(self, wait: WaitFor) -> Step {
        if is_taken(self.instance, self.now) { self.wait_or_give_newcomer_up(wait) } else { self.give_up() }
    }

    /// The holder cannot let go: it is ended, which also unmounts unless it hangs, and EC2 frees the volume when it is
    /// gone.
    fn give_up(self) -> Step {
        let holder = self.attachment.instance.clone();
        let group_may_end_it = self.is_ending() && !self.observed.stands_for(STUCK_AFTER, self.now);
        if group_may_end_it && !waits(self.observed, &holder, Transition::Terminating, self.now) {
            return self.successor.wait_or_done(WaitFor::HolderGone { holder });
        }
        // The group waits for the newcomer's launch action before it ends the old instance, so waiting here for the old
        // one to go would be waiting forever.
        stuck::end(self.observed, holder, self.successor, self.now)
    }
}
