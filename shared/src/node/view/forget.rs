//! What a run forgets, so that the next look reads it anew: what it waits for, what a step depends on, what a step changes.

use std::time::{Duration, SystemTime};

use durin_decisions::node::{Lifecycle, Step, WaitFor};

use super::{AGENTS_KNOWN_FOR, DEATH_IS_SEEN_WITHIN, OF_THE_MOMENT, View};
use crate::lifecycle::Transition;

impl View {
    /// Whether what is waited for was looked for a moment ago, or is not looked for by a run that follows.
    pub(in crate::node) fn has_just_looked_for(&self, wait: &WaitFor, now: SystemTime) -> bool {
        match wait {
            WaitFor::Released { .. } | WaitFor::Resumed { .. } => self.knows_commands(now),
            // One that follows sees by the holder how far another is.
            WaitFor::Prepared { .. } => self.follows && self.knows_commands(now),
            WaitFor::Volume
            | WaitFor::Running { .. }
            | WaitFor::Address { .. }
            | WaitFor::Booted { .. }
            | WaitFor::Serves { .. }
            | WaitFor::Replacement { .. }
            | WaitFor::InService { .. }
            | WaitFor::Attached { .. }
            | WaitFor::Detached { .. }
            | WaitFor::Spare { .. }
            | WaitFor::SpareGone { .. }
            | WaitFor::HolderGone { .. } => false,
        }
    }

    fn knows_commands(&self, now: SystemTime) -> bool {
        self.commands.age(now).is_some_and(|age| age <= OF_THE_MOMENT)
    }

    /// Forgets what is waited for, so that the next look sees it move; the rest is read again only when it is old.
    pub(in crate::node) fn forget_awaited(&mut self, wait: &WaitFor, now: SystemTime) {
        match wait {
            // Its launch action waits when it runs, and then its own run goes ahead.
            WaitFor::Running { successor } if self.shows(successor, &Lifecycle::Launching { waits: false }) => {
                self.group.forget();
            }
            WaitFor::Running { .. } | WaitFor::Address { .. } => self.instances.forget(),
            WaitFor::Booted { .. } => {
                self.agents.forget();
                self.instances.forget_if_older(DEATH_IS_SEEN_WITHIN, now);
            }
            WaitFor::Prepared { successor } => {
                // One that leaves the asking to another sees by the holder how far that is.
                if self.follows {
                    self.commands.forget()
                } else {
                    self.forget_answers(successor)
                }
                self.instances.forget_if_older(DEATH_IS_SEEN_WITHIN, now);
            }
            WaitFor::Serves { holder } => {
                self.forget_answers(holder);
                self.instances.forget_if_older(DEATH_IS_SEEN_WITHIN, now);
            }
            WaitFor::Released { .. } | WaitFor::Resumed { .. } => {
                self.commands.forget();
                self.instances.forget_if_older(DEATH_IS_SEEN_WITHIN, now);
            }
            WaitFor::Replacement { .. }
            | WaitFor::InService { .. }
            | WaitFor::Spare { .. }
            | WaitFor::SpareGone { .. } => self.group.forget(),
            WaitFor::Volume | WaitFor::Attached { .. } | WaitFor::Detached { .. } | WaitFor::HolderGone { .. } => {
                self.volume.forget();
                self.instances.forget_if_older(DEATH_IS_SEEN_WITHIN, now);
            }
        }
    }

    /// For a second look: forgets what a step depends on, but for what is of the moment. The record is left, because a write
    /// based on an old one fails.
    pub(in crate::node) fn forget_before(&mut self, irreversible: &Step, now: SystemTime) {
        let holder = self.holder().map(|held| held.instance.clone());
        let is_blocked = matches!(irreversible, Step::Blocked(_));
        self.key_matters |= !is_blocked;
        self.volume.forget_if_older(OF_THE_MOMENT, now);
        // It may have been given the volume a moment ago; of an instance without it nothing else matters.
        if let Step::Complete { transition: Transition::Terminating, instance, .. } = irreversible
            && holder.as_ref() != Some(instance)
        {
            return;
        }
        self.group.forget_if_older(OF_THE_MOMENT, now);
        self.instances.forget_if_older(OF_THE_MOMENT, now);
        self.commands.forget_if_older(OF_THE_MOMENT, now);
        // A person may have mended what the run has known from its beginning.
        if is_blocked {
            self.name.forget_if_older(OF_THE_MOMENT, now);
            self.key.forget_if_older(OF_THE_MOMENT, now);
        }
        if matches!(irreversible, Step::Complete { .. } | Step::Blocked(_)) {
            self.answers.clear();
        }
        // That a holder has let go of the volume is true whether its agent is online or not.
        let agents_matter_for = match irreversible {
            Step::Detach { .. } => return,
            // It takes Systems Manager minutes to notice that an agent is gone.
            Step::Release { .. } => AGENTS_KNOWN_FOR,
            Step::Attach { .. }
            | Step::Mark { .. }
            | Step::Replace { .. }
            | Step::LaunchFirst { .. }
            | Step::EndSpare { .. }
            | Step::RestoreCapacity { .. }
            | Step::Resume { .. }
            | Step::Ask { .. }
            | Step::Terminate { .. }
            | Step::ClaimName
            | Step::PointRecord { .. }
            | Step::Complete { .. }
            | Step::Wait(_)
            | Step::Done(_)
            | Step::Blocked(_) => OF_THE_MOMENT,
        };
        // That the holder is not heard may be one answer's failure, and ends it.
        let is_heard = self.agents.get().zip(holder).is_some_and(|(agents, holder)| agents.is_online(&holder));
        self.agents.forget_if_older(if is_heard { agents_matter_for } else { Duration::ZERO }, now);
    }

    /// For a second look at what another run may be doing. The record is read before the volume.
    pub(in crate::node) fn forget_record_and_group(&mut self) {
        self.name.forget();
        self.volume.forget();
        self.group.forget();
    }

    /// Forgets what a step would change, so that the next look sees whether another run has taken it.
    pub(in crate::node) fn forget_effect(&mut self, step: &Step) {
        match step {
            Step::Attach { .. } | Step::Detach { .. } | Step::Terminate { .. } => self.volume.forget(),
            // Another may have gone as far as to give the volume to the successor.
            Step::Release { .. } | Step::Resume { .. } => {
                self.commands.forget();
                self.volume.forget();
            }
            Step::ClaimName | Step::PointRecord { .. } => {
                self.name.forget();
                self.volume.forget();
            }
            Step::Replace { .. }
            | Step::LaunchFirst { .. }
            | Step::EndSpare { .. }
            | Step::RestoreCapacity { .. }
            | Step::Complete { .. } => self.group.forget(),
            Step::Mark { .. } => self.instances.forget(),
            Step::Ask { instance, .. } => self.forget_answers(instance),
            Step::Blocked(_) => self.forget_all(),
            Step::Wait(_) | Step::Done(_) => {}
        }
    }
}
