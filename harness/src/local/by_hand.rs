//! What AWS does and no API of it can cause, by hand: `POST /durin/…` on the port of a world that is served. The answers are
//! sentences. `harness/README.md` describes it.

use std::fmt;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::LocalAws;
use crate::iam::Caller;
use crate::seed::IMAGE_PARAMETER;
use crate::time::Time;
use crate::world::World;
use crate::world::bakes::{Bake, Course, Pipeline};
use crate::world::conventions::FAMILY_TAG;
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ec2::{Ec2Change, InstanceState, RunInstances, SpotAction};
use crate::world::error::ApiError;
use crate::world::history::{Change, Fact};
use crate::world::steady::NodeNames;

/// No path of AWS's own services begins like that.
pub(super) const PREFIX: &str = "/durin/";

const USAGE: &str = "POST /durin/interrupt?node=NAME, /durin/recommend?node=NAME, /durin/reclaim?node=NAME, \
                     /durin/no-capacity?state=on (or off), /durin/bake";

/// Why it was not done.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Refusal {
    fn not_understood(text: impl Into<String>) -> Refusal {
        Refusal { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    fn not_now(text: impl Into<String>) -> Refusal {
        Refusal { status: StatusCode::CONFLICT, text: text.into() }
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Refusal {
        Refusal::not_now(format!("the local AWS refuses it: {error}"))
    }
}

/// Something that AWS does to a node's instance.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Interrupt,
    Recommend,
    Reclaim,
}

impl Fate {
    const ALL: [Fate; 3] = [Fate::Interrupt, Fate::Recommend, Fate::Reclaim];
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fate::Interrupt => "interrupt",
            Fate::Recommend => "recommend",
            Fate::Reclaim => "reclaim",
        })
    }
}

impl LocalAws {
    /// Carries out what the path asks for, and says so in a sentence.
    pub(super) async fn by_hand(&self, method: &Method, path: &str, query: &str) -> Result<String, Refusal> {
        let wanted = path.strip_prefix(PREFIX).unwrap_or_default();
        match (method, wanted) {
            (&Method::GET, "") => return Ok(self.world(|world| format!("{USAGE}. {}", nodes_in_words(world)))),
            (&Method::POST, _) => {}
            _ => {
                let text = "that takes a POST; GET /durin/ lists what there is".to_owned();
                return Err(Refusal { status: StatusCode::METHOD_NOT_ALLOWED, text });
            }
        }
        let fate = Fate::ALL.into_iter().find(|fate| fate.to_string() == wanted);
        match (wanted, fate) {
            (_, Some(fate)) => {
                let name = parameter(query, "node")?;
                self.world(|world| befall(world, fate, &name))
            }
            ("no-capacity", None) => {
                let state = parameter(query, "state")?;
                self.world(|world| set_capacity(world, &state))
            }
            ("bake", None) => {
                only(query, &[])?;
                self.bake().await
            }
            (_, None) => Err(Refusal::not_understood(format!("there is no {wanted:?}; there are {USAGE}"))),
        }
    }

    /// Has Packer make an image. Its builder has to run first.
    async fn bake(&self) -> Result<String, Refusal> {
        let (builder, name) = self.world(|world| {
            if !world.ssm.parameters().contains_key(IMAGE_PARAMETER) {
                return Err(Refusal::not_now(format!("there is no image parameter {IMAGE_PARAMETER}")));
            }
            let name = name_of_bake(world.now());
            note(world, "bake", json!({ "Name": name }));
            let tags = [("Name".to_owned(), "builder".to_owned())].into();
            let image_id = Some(PUBLIC_IMAGE.to_owned());
            let builders = world.run_instances(RunInstances { image_id, tags, ..RunInstances::default() })?;
            Ok((builders.into_iter().next().unwrap_or_default(), name))
        })?;
        let state = |world: &World| world.ec2.instance(&builder).map(|it| it.state);
        self.until(LONGEST, |world| state(world) != Some(InstanceState::Pending)).await;
        let bake = Bake {
            pipeline: Pipeline::Packer,
            name: name.clone(),
            tags: [(FAMILY_TAG.to_owned(), IMAGE_PARAMETER.to_owned())].into(),
            course: Course::Finished,
        };
        let image = self.world(|world| world.begin_bake(bake, &builder))?;
        let aws = self.clone();
        tokio::spawn(async move {
            aws.until(LONGEST, |world| !world.is_baking()).await;
            // A person may have been faster.
            aws.world(|world| drop(world.terminate_instances(&[builder])));
        });
        Ok(format!(
            "Packer makes {image} ({name}). In some minutes it is available, and then tagged {FAMILY_TAG}={IMAGE_PARAMETER}."
        ))
    }
}

/// However slow EC2 is, an image is available by then.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(30 * 60);

fn befall(world: &mut World, fate: Fate, name: &str) -> Result<String, Refusal> {
    let Some(node) = world.nodes().into_iter().find(|node| node.group == name) else {
        let text = format!("there is no node {name:?}. {}", nodes_in_words(world));
        return Err(Refusal { status: StatusCode::NOT_FOUND, text });
    };
    let Some(instance) = instance_of(world, &node) else {
        return Err(Refusal::not_now(format!("the node {name} has no instance at the moment")));
    };
    if !world.ec2.instance(&instance).is_some_and(|it| it.spot) {
        let text = format!("{instance} of the node {name} is an on-demand instance, which EC2 does not take back");
        return Err(Refusal::not_now(text));
    }
    let is_warned = world.history().iter().any(|entry| {
        let Fact::Changed { subject, change: Change::Ec2(Ec2Change::InterruptionWarned(_)) } = &entry.fact else {
            return false;
        };
        *subject == instance
    });
    if fate == Fate::Interrupt && is_warned {
        return Err(Refusal::not_now(format!("{instance} of the node {name} has had its warning; EC2 gives only one")));
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
    })
}

fn set_capacity(world: &mut World, state: &str) -> Result<String, Refusal> {
    let groups: Vec<_> = world.autoscaling.groups().keys().cloned().collect();
    let text = match state {
        "on" if groups.is_empty() => return Err(Refusal::not_now("there is no group that could launch anything")),
        "on" => {
            for group in &groups {
                world.autoscaling.fail_launches_until(group, Time(i64::MAX));
            }
            format!("No launch of {} finds capacity, until no-capacity is off.", groups.join(", "))
        }
        "off" => {
            world.autoscaling.end_shortages();
            "Every launch finds capacity again.".to_owned()
        }
        other => return Err(Refusal::not_understood(format!("state is on or off, not {other:?}"))),
    };
    note(world, "no-capacity", json!({ "state": state }));
    Ok(text)
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

fn nodes_in_words(world: &World) -> String {
    let names: Vec<_> = world.nodes().into_iter().map(|node| node.group).collect();
    match names.as_slice() {
        [] => "There is no node in this world.".to_owned(),
        [only] => format!("There is one node: {only}."),
        names => format!("The nodes are {}.", names.join(", ")),
    }
}

/// In the history it is a call of the operator's, like those to AWS.
fn note(world: &mut World, what: &str, parameters: Value) {
    let operation = format!("durin:{what}");
    world.note(Fact::Called { caller: Caller::Operator, operation, parameters, error: None });
}

/// `k3s-2026-01-05-060000`: the names of images are unique.
fn name_of_bake(now: Time) -> String {
    let time: String = now.iso_seconds().trim_end_matches('Z').replace('T', "-").replace(':', "");
    format!("k3s-{time}")
}

/// The only parameter of a query.
fn parameter(query: &str, name: &str) -> Result<String, Refusal> {
    only(query, &[name])?;
    let found = form_urlencoded::parse(query.as_bytes()).find(|(given, value)| given == name && !value.is_empty());
    found.map(|(_, value)| value.into_owned()).ok_or_else(|| Refusal::not_understood(format!("{name} is missing")))
}

fn only(query: &str, known: &[&str]) -> Result<(), Refusal> {
    match form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !known.contains(&name.as_ref())) {
        Some((name, _)) => Err(Refusal::not_understood(format!("there is no parameter {name:?}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
