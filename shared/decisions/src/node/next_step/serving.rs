//! A successor that has the volume is the node when it says that it serves. Its launch action waits for that answer,
//! because the end of the action means the same to its group: the old instance goes, and a refresh counts this one as
//! done.
//!
//! It is given up only for what it says itself. Silence may be the agent's, and the volume is there already:
//!
//! ```text
//! it serves                                   goes into service
//! it does not, and has released the volume    given up
//! it does not yet                             asked again; after four minutes it goes into service, and its owner is told
//! it does not answer, or was not reached      the same
//! it cannot answer: no program, no document   goes into service at once, with a warning
//! its agent does not come                     goes into service after two minutes, and its owner is told
//! ```

use std::time::SystemTime;

use super::hook::{complete, waits};
use super::patience::{ANSWERS_AT_ONCE, BOOT_PATIENCE, SERVES_WITHIN};
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::node::observed::{Attachment, Lifecycle, Observed};
use crate::node::step::{ActionResult, Step, WaitFor};
use crate::node::word::{Question, Word};

/// Whether its launch action waits for its answer. The event of an action that is over may come late, or twice.
pub(super) fn matters(observed: &Observed, holder: &InstanceId, now: SystemTime) -> bool {
    let is_in_service = observed.group.members.get(holder) == Some(&Lifecycle::InService);
    !is_in_service && waits(observed, holder, Transition::Launching, now)
}

/// What has to come before the successor's launch action is completed; none if nothing has to.
pub(super) fn next_step(observed: &Observed, attachment: &Attachment, now: SystemTime) -> Option<Step> {
    let holder = &attachment.instance;
    let launched = observed.instances.get(holder).and_then(|instance| instance.launched);
    let begun = attachment.since.max(launched);
    let is_over = |patience| begun.is_none_or(|begun| begun + patience < now);
    let ask = || Step::Ask { instance: holder.clone(), question: Question::Serves };
    match observed.words.of(holder, Question::Serves) {
        Word::Yes | Word::Absent { .. } => None,
        Word::No { .. } => Some(complete(holder, Transition::Launching, ActionResult::Abandon)),
        Word::NotYet { .. } if is_over(SERVES_WITHIN) => None,
        Word::NotYet { .. } => Some(ask()),
        Word::Asked { since } if is_over(SERVES_WITHIN) && *since + ANSWERS_AT_ONCE < now => None,
        Word::Asked { .. } => Some(Step::Wait(WaitFor::Serves { holder: holder.clone() })),
        Word::NotAsked if observed.has_booted(holder) => Some(ask()),
        Word::NotAsked if is_over(BOOT_PATIENCE) => None,
        Word::NotAsked => Some(Step::Wait(WaitFor::Booted { successor: holder.clone() })),
    }
}
