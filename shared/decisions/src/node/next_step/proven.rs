//! The instance that the holder has taken over from is ended only when the holder says that it serves.
//!
//! A holder is in service once it has said so, or after four minutes without a word (see serving.rs). Where the group has
//! launched it in the other's place, the group ends the other then. Where Durin has, for a host that retires in two weeks,
//! nothing hurries: the other has let go of the volume, and could serve again at once. In seconds:
//!
//! ```text
//!    0  new  is given the volume, and k3s does not start there
//!  241  new  goes into service, and its owner hears that it does not serve
//!  245       old is kept, and its owner hears of that once an hour, until new says that it serves, or one of them is ended
//! ```

use std::time::SystemTime;

use super::patience::ANSWERS_WITHIN;
use super::{spare, successor, taken};
use crate::ids::InstanceId;
use crate::node::observed::{InstanceState, Lifecycle, Observed};
use crate::node::step::{Blocked, Step, WaitFor};
use crate::node::word::{Question, Word};

/// Whether the holder's answer is waited for: a second instance is about to be ended that could serve in its place.
pub(super) fn matters(observed: &Observed, holder: &InstanceId, now: SystemTime) -> bool {
    let group = &observed.group;
    let is_in_service = group.members.get(holder) == Some(&Lifecycle::InService);
    let ends_spare = group.desired_capacity == 2 && group.min_size <= 1 && !group.launch_suspended;
    let could = |spare| could_serve_instead(observed, holder, spare, now);
    is_in_service && ends_spare && spare::first(observed, holder).is_some_and(could)
}

/// What has to come before a spare is ended; none if nothing has to.
pub(super) fn before_end(
    observed: &Observed,
    holder: &InstanceId,
    spare: &InstanceId,
    now: SystemTime,
) -> Option<Step> {
    if !could_serve_instead(observed, holder, spare, now) {
        return None;
    }
    let ask = || Step::Ask { instance: holder.clone(), question: Question::Serves };
    let wait = || Step::Wait(WaitFor::Serves { holder: holder.clone() });
    let tell = || {
        let (group, holder, spare) = (observed.declaration.group.clone(), holder.clone(), spare.clone());
        Step::Blocked(Blocked::NotKnownToServe { group, holder, spare })
    };
    match observed.words.of(holder, Question::Serves) {
        Word::Yes | Word::Absent { .. } => None,
        Word::NotAsked if observed.has_booted(holder) => Some(ask()),
        Word::Asked { since } if now < *since + ANSWERS_WITHIN => Some(wait()),
        Word::NotAsked | Word::Asked { .. } | Word::NotYet { .. } | Word::No { .. } => Some(tell()),
    }
}

/// Whether a spare was there before the holder, and could take the volume back.
fn could_serve_instead(observed: &Observed, holder: &InstanceId, spare: &InstanceId, now: SystemTime) -> bool {
    let launched = |id: &InstanceId| observed.instances.get(id).and_then(|instance| instance.launched);
    let was_there_before = launched(spare).zip(launched(holder)).is_some_and(|(spare, holder)| spare < holder);
    let is_in_service = observed.group.members.get(spare) == Some(&Lifecycle::InService);
    let stays = observed
        .instances
        .get(spare)
        .is_some_and(|instance| instance.state == InstanceState::Running && !taken::is_doomed(instance, now));
    was_there_before && is_in_service && stays && !successor::is_out_of_place(observed, spare)
}
