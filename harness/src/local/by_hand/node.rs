//! What happens to a node's instance, or to its volume.

use std::fmt;

use http::StatusCode;
use serde_json::json;

use super::{Refusal, nodes_in_words, note};
use crate::world::World;
use crate::world::ec2::{Ec2Change, InstanceState, SpotAction};
use crate::world::history::{Change, Fact};
use crate::world::steady::NodeNames;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Interrupt,
    Recommend,
    Reclaim,
    Retire,
    StickVolume,
}

impl Fate {
    pub(super) const ALL: [Fate; 5] =
        [Fate::Interrupt, Fate::Recommend, Fate::Reclaim, Fate::Retire, Fate::StickVolume];

    /// Whether it happens only to spot instances.
    fn is_of_spot(self) -> bool {
        match self {
            Fate::Interrupt | Fate::Recommend | Fate::Reclaim => true,
            Fate::Retire | Fate::StickVolume => false,
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fate::Interrupt => "interrupt",
            Fate::Recommend => "recommend",
            Fate::Reclaim => "reclaim",
            Fate::Retire => "retire",
            Fate::StickVolume => "stick-volume",
        })
    }
}

pub(super) fn befall(world: &mut World, fate: Fate, name: &str) -> Result<String, Refusal> {
    let Some(node) = world.nodes().into_iter().find(|node| node.group == name) else {
        let text = format!("there is no node {name:?}. {}", nodes_in_words(world));
        return Err(Refusal { status: StatusCode::NOT_FOUND, text });
    };
    let Some(instance) = instance_of(world, &node) else {
        return Err(Refusal::not_now(format!("the node {name} has no instance at the moment")));
    };
    if fate.is_of_spot() && !world.ec2.instance(&instance).is_some_and(|it| it.spot) {
        let text = format!("{instance} of the node {name} is an on-demand instance, which EC2 does not take back");
        return Err(Refusal::not_now(text));
    }
    if fate == Fate::Interrupt && has(world, &instance, &|it| matches!(it, Ec2Change::InterruptionWarned(_))) {
        return Err(Refusal::not_now(format!("{instance} of the node {name} has had its warning; EC2 gives only one")));
    }
    if fate == Fate::Retire && has(world, &instance, &|it| *it == Ec2Change::RetirementScheduled) {
        return Err(Refusal::not_now(format!("the host of {instance} of the node {name} retires already")));
    }
    note(world, &fate.to_string(), json!({ "node": name }));
    Ok(match fate {
        Fate::Interrupt => {
            world.interrupt(&instance, SpotAction::Terminate);
            format!("EC2 has warned {instance} of the node {name}, and takes its capacity back in two minutes.")
        }
        Fate::Recommend => {
            world.recommend_rebalance(&instance);
            format!("EC2 has sent a rebalance recommendation for {instance} of the node {name}; nothing need follow.")
        }
        Fate::Reclaim => {
            world.reclaim(&instance);
            format!("EC2 has taken back the capacity of {instance} of the node {name}, without a warning.")
        }
        Fate::Retire => {
            world.schedule_retirement(&instance);
            let event = world.ec2.instance(&instance).and_then(|it| it.scheduled_event.as_ref());
            let day = event.map_or(String::new(), |event| format!(" on {}", &event.not_before.iso_seconds()[..10]));
            format!("AWS Health says that the host of {instance} of the node {name} retires; EC2 stops it{day}.")
        }
        Fate::StickVolume => {
            world.ec2.stick_detach(&node.volume);
            let volume = &node.volume;
            format!("The next detachment of {volume} of the node {name} stays in detaching until its instance ends.")
        }
    })
}

/// Whether this has happened to an instance.
fn has(world: &World, instance: &str, is_it: &dyn Fn(&Ec2Change) -> bool) -> bool {
    world.history().iter().any(|entry| {
        matches!(&entry.fact, Fact::Changed { subject, change: Change::Ec2(change) } if subject == instance && is_it(change))
    })
}

/// The holder of its volume; else the youngest instance of its group that lives.
fn instance_of(world: &World, node: &NodeNames) -> Option<String> {
    let is_alive = |id: &str| world.ec2.instance(id).is_some_and(|it| ALIVE.contains(&it.state));
    let attachment = world.ec2.volumes().get(&node.volume).and_then(|volume| volume.attachment.as_ref());
    let holder = attachment.map(|held| held.instance_id.clone()).filter(|id| is_alive(id));
    let members = world.autoscaling.groups().get(&node.group).map(|group| &group.members);
    let newest = || {
        let living = members.into_iter().flatten().filter(|member| is_alive(&member.instance_id));
        living.max_by_key(|member| member.joined).map(|member| member.instance_id.clone())
    };
    holder.or_else(newest)
}

const ALIVE: [InstanceState; 2] = [InstanceState::Pending, InstanceState::Running];
