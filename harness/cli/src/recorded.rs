//! The recorded events of `events/`: recorded in the world of seed 1, so that they fit the world that they are replayed
//! in.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use durin_harness::seed::{IMAGE_PARAMETER, Seed};
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::bakes::{Bake, Course, Pipeline};
use durin_harness::world::conventions::FAMILY_TAG;
use durin_harness::world::ec2::images::PUBLIC_IMAGE;
use durin_harness::world::ec2::{RunInstances, SpotAction};
use durin_harness::world::steady::{NodeNames, SETTLED_FOR};
use serde_json::Value;

use crate::deployment::Deployment;
use crate::old_images::{OldImages, name_of_bake};
use crate::print::{NotUnderstood, say};

/// By then the world, left alone, has emitted all its events.
const STORY: Duration = Duration::from_secs(20 * 60);

/// By then the instance for an image is running.
const BUILDER_RUNS: Duration = Duration::from_secs(2 * 60);

/// A story: how it begins, and which of its events are recorded: file name, `detail-type`, and which one of several.
struct Recorded {
    begin: Beginning,
    events: &'static [(&'static str, &'static str, usize)],
}

type Beginning = fn(&mut World, &NodeNames) -> Result<(), Box<dyn Error>>;

const RECORDED: [Recorded; 2] = [
    Recorded {
        begin: begin_reclaim,
        events: &[
            ("spot-interruption-warning", "EC2 Spot Instance Interruption Warning", 0),
            ("rebalance-recommendation", "EC2 Instance Rebalance Recommendation", 0),
            ("instance-state-change", "EC2 Instance State-change Notification", 0),
            ("terminate", "EC2 Instance-terminate Lifecycle Action", 0),
            ("launch", "EC2 Instance-launch Lifecycle Action", 0),
            ("terminate-successful", "EC2 Instance Terminate Successful", 0),
        ],
    },
    Recorded {
        begin: begin_bake,
        events: &[("ami-available", "EC2 AMI State Change", 0), ("bake-finished", "Durin Bake Finished", 0)],
    },
];

/// The world in which the events were recorded, at its beginning: one node in its steady state, without reactions.
///
/// # Errors
/// When the files in the repository cannot be deployed.
pub fn opening() -> Result<(World, NodeNames), Box<dyn Error>> {
    opening_at(Time::GENESIS)
}

fn opening_at(start: Time) -> Result<(World, NodeNames), Box<dyn Error>> {
    let seed = Seed { start: Some(start.iso_seconds()), ..Seed::one_node().rebalancing(false) };
    let deployment = Deployment::shipped()?;
    let mut world = World::from_seed(&seed, &deployment.node)?;
    let node = world.settle_nodes()?.into_iter().next().ok_or("the template declares no node")?;
    deployment.deploy_roles(&mut world)?;
    OldImages::add_to(&mut world);
    Ok((world, node))
}

/// The part of a reclaim that happens without Durin: interrupted, replaced, and waiting in its hooks.
fn begin_reclaim(world: &mut World, node: &NodeNames) -> Result<(), Box<dyn Error>> {
    let holder = world.serving(&node.volume).unwrap_or_default().to_owned();
    world.recommend_rebalance(&holder);
    world.interrupt(&holder, SpotAction::Terminate);
    Ok(())
}

/// A bake as Packer does it: available, tagged, reported.
fn begin_bake(world: &mut World, _: &NodeNames) -> Result<(), Box<dyn Error>> {
    let image_id = Some(PUBLIC_IMAGE.to_owned());
    let builders = world.run_instances(RunInstances { image_id, ..RunInstances::default() })?;
    world.advance_to(world.now() + BUILDER_RUNS);
    let bake = Bake {
        pipeline: Pipeline::Packer,
        name: name_of_bake(world.now()),
        tags: [(FAMILY_TAG.to_owned(), IMAGE_PARAMETER.to_owned())].into(),
        course: Course::Finished,
    };
    builders.first().map_or(Ok(()), |builder| world.begin_bake(bake, builder).map(drop))?;
    Ok(())
}

/// The world as it is when `event` is emitted, if it is one of a story's; else at its beginning.
///
/// # Errors
/// When the files in the repository cannot be deployed.
pub fn world_of(event: &Value) -> Result<(World, NodeNames), Box<dyn Error>> {
    world_from(Time::GENESIS, event)?.map_or_else(opening, Ok)
}

/// The same world, later: its clock shows the real time.
///
/// # Errors
/// When the files in the repository cannot be deployed.
pub fn world_of_today(event: &Value) -> Result<(World, NodeNames), Box<dyn Error>> {
    let real_now = Time::real_now();
    // Once to find out how long it takes to get there, and once more that much earlier.
    if let Some((world, _)) = world_from(real_now, event)?
        && let Some(found) = world_from(real_now - world.now().since(real_now), event)?
    {
        return Ok(found);
    }
    opening_at(real_now - SETTLED_FOR)
}

fn world_from(start: Time, event: &Value) -> Result<Option<(World, NodeNames)>, Box<dyn Error>> {
    for story in &RECORDED {
        if let Some(found) = story.until(event, start)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

impl Recorded {
    /// The story, begun in a world at `start`, up to `event`; `None` if that is not one of its events.
    fn until(&self, event: &Value, start: Time) -> Result<Option<(World, NodeNames)>, Box<dyn Error>> {
        let (mut world, node) = opening_at(start)?;
        (self.begin)(&mut world, &node)?;
        let end = world.now() + STORY;
        while !world.events.emitted().iter().any(|emitted| same(emitted, event)) {
            match world.next_due() {
                Some(due) if due <= end => world.advance_to(due),
                Some(_) | None => return Ok(None),
            }
        }
        Ok(Some((world, node)))
    }
}

/// Whether two events report the same thing: their ids and times may differ.
fn same(one: &Value, other: &Value) -> bool {
    one["detail-type"] == other["detail-type"] && one["detail"] == other["detail"]
}

/// The stories' events as they are now, by file name.
///
/// # Errors
/// When the files in the repository cannot be deployed.
pub fn recordings() -> Result<Vec<(&'static str, Value)>, Box<dyn Error>> {
    let mut recordings = Vec::new();
    for story in &RECORDED {
        let (mut world, node) = opening()?;
        (story.begin)(&mut world, &node)?;
        world.advance_to(world.now() + STORY);
        recordings.extend(story.events.iter().filter_map(|(file, detail_type, number)| {
            let of_kind = |event: &&Value| event["detail-type"] == *detail_type;
            world.events.emitted().iter().filter(of_kind).nth(*number).map(|event| (*file, event.clone()))
        }));
    }
    Ok(recordings)
}

/// Writes the stories' events into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn record(folder: &Path) -> Result<ExitCode, Box<dyn Error>> {
    if !folder.is_dir() {
        return Err(NotUnderstood(format!("{} is not a folder: name one that exists", folder.display())).into());
    }
    for (name, event) in recordings()? {
        let path = folder.join(format!("{name}.json"));
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&event)?))?;
        say!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
