//! One lifecycle action of ours: whether it waits, and how it is completed.

use std::time::{Duration, SystemTime};

use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::node::observed::Observed;
use crate::node::step::{ActionResult, Blocked, Step};

/// How long Auto Scaling may deny an action that the group shows. It does so for the seconds before the action begins,
/// and for as long as the instance waits for an action of somebody else's hook.
const DENIES_FOR: Duration = Duration::from_secs(10);

/// Whether a lifecycle action of ours waits for this instance, according to the group or the event.
///
/// The group may not show yet what the event says, so an action with a token is believed until it has been completed: the
/// token names that one action, and completing it again does nothing. Once the group has shown it, the group decides:
/// another run may have completed it. Without a token a late event could hit a newer action of the same hook, so then the
/// group has to agree; and it decides alone when Auto Scaling has denied the action, which it also does in the seconds
/// before one begins.
pub(super) fn waits(observed: &Observed, instance: &InstanceId, transition: Transition, now: SystemTime) -> bool {
    let this = (instance.clone(), transition);
    if observed.completed.contains(&this) {
        return false;
    }
    let in_group = observed.group.waiting().any(|waiting| waiting == (instance, transition));
    let is_news = !observed.seen_waiting.contains(&this);
    let in_event = is_news
        && observed.action.as_ref().is_some_and(|action| {
            action.instance == *instance && action.transition == transition && action.token.is_some()
        });
    match observed.denied.get(&this) {
        None => in_group || in_event,
        Some(first) => in_group && now < *first + DENIES_FOR,
    }
}

/// Whether Auto Scaling has denied the action whose event started this run for longer than it ever should, although the
/// group shows it. Another run may have completed it, while the action of somebody else's hook waits; or it waits for
/// this one.
pub(super) fn is_denied_in_vain(observed: &Observed, now: SystemTime) -> Option<Blocked> {
    let action = observed.action.as_ref()?;
    let this = (action.instance.clone(), action.transition);
    let is_shown = observed.group.waiting().any(|waiting| waiting == (&action.instance, action.transition));
    let is_denied = observed.denied.get(&this).is_some_and(|first| *first + DENIES_FOR <= now);
    let is_open = is_shown && is_denied && !observed.completed.contains(&this);
    let (group, (instance, transition)) = (observed.declaration.group.clone(), this);
    is_open.then_some(Blocked::ActionDenied { group, instance, transition })
}

pub(super) fn complete(instance: &InstanceId, transition: Transition, result: ActionResult) -> Step {
    Step::Complete { instance: instance.clone(), transition, result }
}
