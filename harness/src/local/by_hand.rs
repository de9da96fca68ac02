//! What AWS does and no API of it can cause, by hand: `POST /durin/…` on the port of a world that is served. The answers are
//! sentences. `harness/README.md` describes it.

mod account;
mod node;

use std::ops::RangeInclusive;

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
use crate::world::ec2::{InstanceState, RunInstances};
use crate::world::error::ApiError;
use crate::world::history::Fact;
use node::Fate;

/// No path of AWS's own services begins like that.
pub(super) const PREFIX: &str = "/durin/";

const USAGE: &str = "POST /durin/interrupt?node=NAME, /durin/recommend?node=NAME, /durin/reclaim?node=NAME, \
                     /durin/retire?node=NAME, /durin/stick-volume?node=NAME, /durin/no-capacity?state=on (or off), \
                     /durin/bad-image?state=on (or off), /durin/lose-event, /durin/bake, /durin/speed?factor=20 \
                     (0 pauses)";

/// How fast a world can run; at 0 it stands still.
pub const SPEEDS: RangeInclusive<f64> = 0.01..=10_000.0;

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
        if let Some(fate) = Fate::ALL.into_iter().find(|fate| fate.to_string() == wanted) {
            let name = parameter(query, "node")?;
            return self.world(|world| node::befall(world, fate, &name));
        }
        match wanted {
            "no-capacity" => {
                let is_on = switch(&parameter(query, "state")?)?;
                self.world(|world| account::set_capacity(world, is_on))
            }
            "bad-image" => {
                let is_on = switch(&parameter(query, "state")?)?;
                self.world(|world| account::set_image(world, is_on))
            }
            "lose-event" => {
                only(query, &[])?;
                Ok(self.world(account::lose_event))
            }
            "bake" => {
                only(query, &[])?;
                self.bake().await
            }
            "speed" => self.run_at(&parameter(query, "factor")?),
            _ => Err(Refusal::not_understood(format!("there is no {wanted:?}; there are {USAGE}"))),
        }
    }

    fn run_at(&self, factor: &str) -> Result<String, Refusal> {
        let speed = factor.parse().ok().filter(|speed| *speed == 0.0 || SPEEDS.contains(speed));
        let speed = speed.ok_or_else(|| {
            Refusal::not_understood(format!("factor is 0, or a number from 0.01 to 10000, not {factor:?}"))
        })?;
        self.clock().run_at(speed);
        self.world(|world| note(world, "speed", json!({ "Factor": factor })));
        Ok(if speed == 0.0 { "Time stands still.".to_owned() } else { format!("Time runs at {speed} x.") })
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

fn switch(state: &str) -> Result<bool, Refusal> {
    match state {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(Refusal::not_understood(format!("state is on or off, not {other:?}"))),
    }
}

fn only(query: &str, known: &[&str]) -> Result<(), Refusal> {
    match form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !known.contains(&name.as_ref())) {
        Some((name, _)) => Err(Refusal::not_understood(format!("there is no parameter {name:?}"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
