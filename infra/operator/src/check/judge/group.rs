//! The group itself: its size, its hooks, its processes, its instance.

use durin::lifecycle::Transition;
use durin::node::{Blocked, Hook, hook_problem};
use durin_decisions::node::{ActionResult, LONGEST_PERIOD};

use super::{missing, named, unknown};
use crate::check::list::Verdict;
use crate::check::read::Facts;
use crate::sentence::Wrong;

pub(in crate::check) fn size(facts: &Facts) -> Verdict {
    let group = &facts.group;
    let [min, desired, max] =
        [group.min_size(), group.desired_capacity(), group.max_size()].map(Option::unwrap_or_default);
    match (min, desired, max) {
        (0 | 1, 1, 2..) | (0, 0, 2..) => Verdict::Present,
        (0 | 1, 2, 2..) => unknown("two instances are wanted, as Durin does while a host retires; look again later"),
        _ => missing(
            format!("the group's minimum is {min}, its desired capacity {desired}, its maximum {max}"),
            format!(
                "aws autoscaling update-auto-scaling-group {} --min-size 1 --desired-capacity 1 --max-size 2",
                named(facts)
            ),
        ),
    }
}

pub(in crate::check) fn launch_hook(facts: &Facts) -> Verdict {
    hook(facts, Transition::Launching)
}

pub(in crate::check) fn terminate_hook(facts: &Facts) -> Verdict {
    hook(facts, Transition::Terminating)
}

/// The functions judge both at once, so the other one is taken to be right.
fn hook(facts: &Facts, transition: Transition) -> Verdict {
    let hooks = match &facts.hooks {
        Ok(hooks) => hooks,
        Err(why) => return unknown(why),
    };
    let ours = hooks.iter().filter(|hook| hook.name == transition.hook()).cloned();
    let with_other: Vec<Hook> = ours.chain([other(transition)]).collect();
    match hook_problem(&with_other) {
        None => Verdict::Present,
        Some(problem) => {
            let blocked = Blocked::Hook { group: facts.name.clone(), problem };
            Verdict::Missing(Wrong::of_message(&blocked.to_string(), "put the hook again"))
        }
    }
}

fn other(transition: Transition) -> Hook {
    let (transition, result) = match transition {
        Transition::Launching => (Transition::Terminating, ActionResult::Continue),
        Transition::Terminating => (Transition::Launching, ActionResult::Abandon),
    };
    Hook {
        name: transition.hook().to_owned(),
        transition: Some(transition),
        default_result: Some(result),
        heartbeat: Some(LONGEST_PERIOD * 24),
    }
}

pub(in crate::check) fn processes(facts: &Facts) -> Verdict {
    let suspended = facts.group.suspended_processes().iter().filter_map(|it| it.process_name());
    let ours: Vec<&str> = suspended.filter(|name| ["Launch", "Terminate"].contains(name)).collect();
    if ours.is_empty() {
        return Verdict::Present;
    }
    missing(
        format!("the group's process {} is suspended", ours.join(" and ")),
        format!("aws autoscaling resume-processes {} --scaling-processes {}", named(facts), ours.join(" ")),
    )
}

pub(in crate::check) fn agent(facts: &Facts) -> Verdict {
    let in_service = facts
        .group
        .instances()
        .iter()
        .filter(|it| it.lifecycle_state().is_some_and(|state| state.as_str() == "InService"));
    let ids: Vec<&str> = in_service.filter_map(|it| it.instance_id()).collect();
    match (&facts.online, &ids[..]) {
        (_, []) => unknown("the group has no instance in service; run the same command again when it has"),
        (Err(why), _) => unknown(why),
        (Ok(online), ids) => match ids.iter().find(|id| !online.contains(**id)) {
            None => Verdict::Present,
            Some(id) => missing(
                format!("the agent of {id} is not online"),
                "see that the image has the Systems Manager agent, the instance's role the statements Register and \
                 GetCommandsAndSessions of infra/node.yaml, and its subnet a way to Systems Manager",
            ),
        },
    }
}
