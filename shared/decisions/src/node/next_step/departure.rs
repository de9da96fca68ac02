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
//!  33  Durin   sends the release. The outage begins with the drain
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

use std::time::{Duration, SystemTime};

use super::actions::{complete, waits};
use super::successor::{self, Successor};
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::node::observed::{Attachment, AttachmentState, Instance, InstanceState, Lifecycle, Observed, ReleaseState};
use crate::node::step::{ActionResult, Done, Step, WaitFor};
use crate::risk::{Risk, RiskReason};

/// How long before the reclaim the release has to begin. A release takes up to 17 s (command 3, drain 8, k3s 4, unmount
/// 2), the detach 5, and our own looks and calls 3; the rest is for a slow day. What begins earlier is outage for nothing
/// when the successor is late; what begins later may be cut off, which costs a journal replay, but no acknowledged write.
pub(super) const RELEASE_LEAD: Duration = Duration::from_secs(40);

/// How long a release may take before the holder is given up. The document bounds itself at 45 s.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a successor that runs may take until its agent is online. After that it is taken as booted: an image without
/// the agent has to work too, only with a longer outage.
const BOOT_PATIENCE: Duration = Duration::from_secs(120);

/// How long a holder that its group is ending is kept serving for want of a successor. Its terminate hook waits for 900 s,
/// of which 300 may be gone before the schedule makes up for a lost event, and a minute is for going cleanly.
const HOLD: Duration = Duration::from_secs(540);

/// The schedule's longest period: so long may a node wait whose event was lost.
pub const LONGEST_PERIOD: Duration = Duration::from_secs(300);

/// The least heartbeat timeout of our hook that leaves time for a hand-off. A launch action may wait for three ticks of the
/// schedule: its event is lost, the first run that looks fails, the second hands over. A terminate action may wait for one
/// tick, for [`HOLD`], and for a release that takes as long as it may.
pub const fn least_heartbeat(transition: Transition) -> Duration {
    let tick_s = LONGEST_PERIOD.as_secs();
    match transition {
        Transition::Launching => Duration::from_secs(3 * tick_s),
        Transition::Terminating => Duration::from_secs(tick_s + HOLD.as_secs() + RELEASE_TIMEOUT.as_secs()),
    }
}

/// The attachment of a living holder that may have to release the volume: then it matters what Systems Manager says.
pub fn may_have_to_release(observed: &Observed, now: SystemTime) -> Option<&Attachment> {
    let attachment = observed.volume.as_ref()?.attachments.first()?;
    let holder = observed.instances.get(&attachment.instance)?;
    let is_alive = matches!(holder.state, InstanceState::Pending | InstanceState::Running);
    let is_ours = holder.of_group || observed.group.members.contains_key(&attachment.instance);
    let goes = !successor::of(observed, now).is(&attachment.instance) || reclaim(holder).is_some();
    (is_alive && is_ours && goes && attachment.state == AttachmentState::Attached).then_some(attachment)
}

/// A living holder that goes, and what decides how.
pub(super) struct Departure<'a> {
    pub(super) observed: &'a Observed,
    pub(super) holder: &'a InstanceId,
    pub(super) instance: &'a Instance,
    pub(super) successor: &'a Successor,
    pub(super) now: SystemTime,
}

/// A holder in service that is going to be taken away: it needs a successor at once, and has to let go in time.
pub(super) fn of_warned(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Option<Step> {
    let instance = observed.instances.get(holder)?;
    let risk = instance.risk?;
    let in_service = observed.group.members.get(holder) == Some(&Lifecycle::InService);
    if instance.state == InstanceState::Dead || !in_service {
        return None;
    }
    let is_wanted = observed.group.desired_capacity > 0;
    // No group reacts to a retirement before it has happened, Capacity Rebalancing or not.
    if risk.reason == RiskReason::Retirement && is_wanted {
        return Some(Step::Replace { holder: holder.clone() });
    }
    if reclaim(instance)? < now {
        return None;
    }
    if is_wanted && !observed.group.rebalances {
        return Some(Step::Replace { holder: holder.clone() });
    }
    // Capacity Rebalancing launches the replacement, at the same warning.
    Some(Departure { observed, holder, instance, successor: &Successor::None, now }.leave())
}

impl Departure<'_> {
    /// The next step of a living holder that another instance has to follow.
    pub(super) fn next_step(self) -> Step {
        let risk = self.instance.risk;
        let is_ending = self.is_ending();
        let has_no_deadline = risk.is_none_or(|risk| risk.until.is_none());
        let a_successor_may_come =
            self.observed.group.desired_capacity > 0 && !matches!(self.successor, Successor::Running(_));
        if is_ending && has_no_deadline && a_successor_may_come {
            // From now on every function counts from here.
            let risk = Risk { reason: RiskReason::Terminating, until: Some(self.now + HOLD) };
            return Step::Mark { instance: self.holder.clone(), risk };
        }
        if *self.successor == Successor::None && !is_ending && reclaim(self.instance).is_none() {
            return Step::Done(Done::NoSuccessor);
        }
        self.leave()
    }

    /// Releases as late as possible; falls back to the next best if the holder cannot release.
    fn leave(self) -> Step {
        let holder = self.holder.clone();
        let Some(release) = &self.observed.release else {
            // Systems Manager was not asked: the volume is not fully attached, so there is nothing to release yet.
            return Step::Wait(WaitFor::Attached { successor: holder });
        };
        match release.state {
            ReleaseState::Succeeded => return Step::Detach { holder },
            ReleaseState::Running { since } if since + RELEASE_TIMEOUT > self.now => {
                return Step::Wait(WaitFor::Released { holder });
            }
            ReleaseState::Running { .. } | ReleaseState::Failed => return self.give_up(),
            ReleaseState::NotStarted => {}
        }
        let until = self.instance.risk.and_then(|risk| risk.until);
        let is_due = until.is_some_and(|until| self.now + RELEASE_LEAD >= until);
        let can_release = release.agents.contains(self.holder);
        let ec2_ends_it = reclaim(self.instance).is_some();
        match (self.awaited(), is_due, can_release, ec2_ends_it) {
            // Its successor has booted, or nobody follows: nothing is gained by serving on.
            (None, _, true, _) => Step::Release { holder },
            (None, _, false, _) => self.give_up(),
            // There is time yet: make before break.
            (Some(wait), false, _, _) => Step::Wait(wait),
            // The time that is left is just enough, so it releases although nobody is there to take over.
            (Some(_), true, true, _) => Step::Release { holder },
            // It cannot release, and EC2 ends it anyway, so it serves to the end.
            (Some(wait), true, false, true) => Step::Wait(wait),
            // It cannot release, and its hook is about to time out: better now and in order.
            (Some(_), true, false, false) => self.give_up(),
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.observed.group.members.get(self.holder), Some(Lifecycle::Terminating { .. }))
    }

    /// What the holder goes on serving for, if for anything: until its successor has booted.
    fn awaited(&self) -> Option<WaitFor> {
        match self.successor {
            Successor::Running(id) if self.has_booted(id) => None,
            Successor::Running(id) => Some(WaitFor::Booted { successor: id.clone() }),
            Successor::Booting(id) => Some(WaitFor::Running { successor: id.clone() }),
            Successor::None if self.observed.group.desired_capacity == 0 => None,
            Successor::None => Some(WaitFor::Replacement { holder: self.holder.clone() }),
        }
    }

    fn has_booted(&self, id: &InstanceId) -> bool {
        let agent = self.observed.release.as_ref().is_some_and(|release| release.agents.contains(id));
        let launched = self.observed.instances.get(id).and_then(|instance| instance.launched);
        agent || launched.is_some_and(|launched| launched + BOOT_PATIENCE < self.now)
    }

    /// The holder cannot release: it is ended, which unmounts too unless it hangs, and EC2 frees the volume when it is
    /// gone.
    fn give_up(self) -> Step {
        let holder = self.holder.clone();
        if waits(self.observed, &holder, Transition::Terminating) {
            return complete(&holder, Transition::Terminating, ActionResult::Continue);
        }
        match (self.is_ending(), self.successor) {
            (true, successor) => successor.wait_or_done(WaitFor::HolderGone { holder }),
            // The group waits for the newcomer's launch action before it ends the old instance, so waiting here for the
            // old one to go would be waiting forever.
            (false, Successor::Running(_)) => Step::Terminate { holder },
            (false, successor @ (Successor::Booting(_) | Successor::None)) => successor.wait_until_it_runs(),
        }
    }
}

/// When EC2 takes the instance's capacity back, if it has said so.
fn reclaim(instance: &Instance) -> Option<SystemTime> {
    instance.risk.filter(|risk| risk.reason == RiskReason::Interruption).and_then(|risk| risk.until)
}
