//! Lifecycle actions: which wait, and which can be completed without regard to the volume.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::spare;
use super::successor::{self, Successor};
use crate::ids::InstanceId;
use crate::lifecycle::{Passage, Transition};
use crate::node::observed::{InstanceState, Lifecycle, Observed};
use crate::node::step::{ActionResult, Done, Number, Step};

/// How long Auto Scaling may deny an action that the group shows. It does so for the seconds before the action begins, and
/// for as long as an action of somebody else's hook is what the instance waits for.
const DENIES_FOR: Duration = Duration::from_secs(10);

/// Whether a lifecycle action of ours waits for this instance, by what the group or the event says.
///
/// The group may not show yet what the event says, so an action with a token is believed until it was completed: the
/// token names that one action, and completing it again does nothing. Without a token a late event could hit a newer
/// action of the same hook, so then the group has to agree; and it decides alone when Auto Scaling has denied the action,
/// which it also does in the seconds before one begins.
pub(super) fn waits(observed: &Observed, instance: &InstanceId, transition: Transition, now: SystemTime) -> bool {
    let this = (instance.clone(), transition);
    if observed.completed.contains(&this) {
        return false;
    }
    let in_group = match observed.group.members.get(instance) {
        Some(Lifecycle::Launching { waits }) => *waits && transition == Transition::Launching,
        Some(Lifecycle::Terminating { waits }) => *waits && transition == Transition::Terminating,
        Some(Lifecycle::InService | Lifecycle::Retained | Lifecycle::Standby | Lifecycle::Elsewhere) | None => false,
    };
    let in_event = observed.action.as_ref().is_some_and(|action| {
        action.instance == *instance && action.transition == transition && action.token.is_some()
    });
    match observed.denied.get(&this) {
        None => in_group || in_event,
        Some(first) => in_group && now < *first + DENIES_FOR,
    }
}

/// An instance on its way into or out of the warm pool, or whose root volume is replaced: nothing moves, but the action
/// still has to be completed.
pub(super) fn that_move_no_node(observed: &Observed) -> Option<Step> {
    let action = observed.action.as_ref()?;
    match action.passage {
        Passage::Service => None,
        Passage::WarmPool | Passage::InPlace => {
            let this = (action.instance.clone(), action.transition);
            let is_over = observed.completed.contains(&this) || observed.denied.contains_key(&this);
            Some(if is_over {
                Step::Done(Done::NoMove { instance: action.instance.clone() })
            } else {
                complete(&action.instance, action.transition, ActionResult::Continue)
            })
        }
    }
}

/// The actions that the hand-off does not wait for: terminate actions of instances that are dead, that are stopped with no
/// successor, or that do not hold the volume; and launch actions of instances that died or were stopped, or are going to be,
/// before they could take over, or that another was faster than.
pub(super) fn that_nothing_depends_on(observed: &Observed, now: SystemTime) -> Option<Step> {
    let holder = observed.volume.as_ref().and_then(|volume| volume.attachments.first()).map(|held| &held.instance);
    let is_dead =
        |id: &InstanceId| observed.instances.get(id).is_some_and(|instance| instance.state == InstanceState::Dead);
    let will_not_serve = |id: &InstanceId| {
        let state = observed.instances.get(id).map(|instance| instance.state);
        matches!(state, Some(InstanceState::Dead | InstanceState::Stopping | InstanceState::Stopped))
            || (holder != Some(id) && successor::is_doomed(observed, id, now))
    };
    // A stopped instance serves nobody; but detaching from it is quicker than ending it, once there is a successor.
    let is_off = |id: &InstanceId| {
        let state = observed.instances.get(id).map(|instance| instance.state);
        state == Some(InstanceState::Stopped) && successor::of(observed, now) == Successor::None
    };
    let known: BTreeSet<&InstanceId> =
        observed.group.members.keys().chain(observed.action.as_ref().map(|action| &action.instance)).collect();
    known.into_iter().find_map(|id| {
        if waits(observed, id, Transition::Terminating, now) && (is_dead(id) || is_off(id) || holder != Some(id)) {
            Some(complete(id, Transition::Terminating, ActionResult::Continue))
        } else if waits(observed, id, Transition::Launching, now)
            && (will_not_serve(id) || successor::is_twin(observed, id, now))
        {
            // It will never serve: let the group launch the next one at once, if it wants one.
            Some(complete(id, Transition::Launching, ActionResult::Abandon))
        } else {
            None
        }
    })
}

/// Gives up a newcomer that cannot take over, so that the group launches another; none if nothing has to be given up.
pub(super) fn give_newcomer_up(observed: &Observed, newcomer: &InstanceId, now: SystemTime) -> Option<Step> {
    if observed.group.desired_capacity > 1 {
        return Some(spare::end(observed, newcomer, now));
    }
    if observed.group.members.get(newcomer) == Some(&Lifecycle::InService) {
        return Some(Step::EndSpare { instance: newcomer.clone(), number: Number::Stays });
    }
    waits(observed, newcomer, Transition::Launching, now)
        .then(|| complete(newcomer, Transition::Launching, ActionResult::Abandon))
}

pub(super) fn complete(instance: &InstanceId, transition: Transition, result: ActionResult) -> Step {
    Step::Complete { instance: instance.clone(), transition, result }
}
