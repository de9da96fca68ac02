//! Lifecycle actions that can be completed without regard to the volume.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::hook::{complete, waits};
use super::successor::{self, Successor};
use crate::ids::InstanceId;
use crate::lifecycle::{Passage, Transition};
use crate::node::observed::{InstanceState, Observed, Volume};
use crate::node::step::{ActionResult, Done, Step};

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

/// Probe: a-dead-instance-still-has-its-hook.
///
/// The actions that the hand-off does not wait for: terminate actions of instances that are dead, that are stopped with
/// no successor, or that do not hold the volume; and launch actions of instances that died or were stopped, or are going
/// to be, before they could take over, or that another instance has beaten to it.
pub(super) fn that_nothing_depends_on(observed: &Observed, now: SystemTime) -> Option<Step> {
    let known = observed.volume.as_ref().filter(|volume| is_the_nodes(observed, volume));
    // Any of them may have the node's volume, if the tag of the group does not name it.
    let may_hold =
        |id: &InstanceId| known.is_none_or(|volume| volume.attachments.iter().any(|held| held.instance == *id));
    let is_dead =
        |id: &InstanceId| observed.instances.get(id).is_some_and(|instance| instance.state == InstanceState::Dead);
    let will_not_serve = |id: &InstanceId| {
        let state = observed.instances.get(id).map(|instance| instance.state);
        matches!(state, Some(InstanceState::Dead | InstanceState::Stopping | InstanceState::Stopped))
            || (!may_hold(id) && successor::is_doomed(observed, id, now))
    };
    // Beside a number that a person has to correct, no instance is ended that runs. (capacity.rs)
    let is_beaten = |id: &InstanceId| observed.group.desired_capacity < 2 && successor::is_twin(observed, id, now);
    // A stopped instance does not serve; but once there is a successor, detaching from it is quicker than ending it.
    let is_off = |id: &InstanceId| {
        let state = observed.instances.get(id).map(|instance| instance.state);
        state == Some(InstanceState::Stopped) && successor::of(observed, now) == Successor::None
    };
    let all: BTreeSet<&InstanceId> =
        observed.group.members.keys().chain(observed.action.as_ref().map(|action| &action.instance)).collect();
    all.into_iter().find_map(|id| {
        if waits(observed, id, Transition::Terminating, now) && (is_dead(id) || is_off(id) || !may_hold(id)) {
            Some(complete(id, Transition::Terminating, ActionResult::Continue))
        } else if waits(observed, id, Transition::Launching, now) && (will_not_serve(id) || is_beaten(id)) {
            // It will never serve: let the group launch the next one at once, if it wants one.
            Some(complete(id, Transition::Launching, ActionResult::Abandon))
        } else {
            None
        }
    })
}

/// Whether the volume that the group's tag names is the node's beyond that: by its own tag, or because an instance of the group
/// has it or had it. A slip of the tag names no volume, or another one, and then nobody sees which instance has the right one.
fn is_the_nodes(observed: &Observed, volume: &Volume) -> bool {
    let is_ours = |id: &InstanceId| {
        observed.group.members.contains_key(id) || observed.instances.get(id).is_some_and(|instance| instance.of_group)
    };
    observed.has_held
        || volume.node.as_deref() == Some(observed.declaration.group.as_str())
        || volume.attachments.iter().any(|held| is_ours(&held.instance))
}
