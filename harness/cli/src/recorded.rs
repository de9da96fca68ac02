//! The recorded events of `events/`: recorded in the world of seed 1, so that they fit the world that they are replayed in.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::seed::{NodeNames, Seed};
use serde_json::Value;

use crate::deployment::Deployment;

/// By then the world without anybody's help has emitted all that it will.
const STORY: Duration = Duration::from_secs(20 * 60);

/// How long a world has been in its steady state when its story begins.
const SETTLED: Duration = Duration::from_secs(10 * 60);

/// The events of the story that are recorded: file name, `detail-type`, and which one of several.
const RECORDED: [(&str, &str, usize); 6] = [
    ("spot-interruption-warning", "EC2 Spot Instance Interruption Warning", 0),
    ("rebalance-recommendation", "EC2 Instance Rebalance Recommendation", 0),
    ("instance-state-change", "EC2 Instance State-change Notification", 0),
    ("terminate", "EC2 Instance-terminate Lifecycle Action", 0),
    ("launch", "EC2 Instance-launch Lifecycle Action", 0),
    ("terminate-successful", "EC2 Instance Terminate Successful", 0),
];

/// The world in which the events were recorded, at its beginning: one node in its steady state, nobody reacts.
///
/// # Errors
/// When what is in the repository cannot be deployed.
pub fn opening() -> Result<(World, NodeNames), Box<dyn Error>> {
    opening_at(Time::GENESIS)
}

fn opening_at(start: Time) -> Result<(World, NodeNames), Box<dyn Error>> {
    let seed = Seed { start: Some(start.iso_seconds()), ..Seed::one_node().rebalancing(false) };
    let deployment = Deployment::shipped()?;
    let mut world = World::from_seed(&seed, &deployment.node)?;
    let node = world.settle_nodes()?.into_iter().next().ok_or("the template declares no node")?;
    deployment.deploy_roles(&mut world)?;
    Ok((world, node))
}

/// The story of a reclaim, as far as it comes without Durin: interrupted, replaced, and waiting in its hooks.
fn begin_story(world: &mut World, node: &NodeNames) {
    let holder = world.serving(&node.volume).unwrap_or_default().to_owned();
    world.recommend_rebalance(&holder);
    world.interrupt(&holder, SpotAction::Terminate);
}

/// The world as it is when `event` is emitted, if it is one of the story's; else at its beginning. Its clock shows the
/// real time by then, give or take the seconds that the story takes to get there.
///
/// # Errors
/// When what is in the repository cannot be deployed.
pub fn world_of(event: &Value) -> Result<(World, NodeNames), Box<dyn Error>> {
    let opening = || opening_at(Time::real_now() - SETTLED);
    let (mut world, node) = opening()?;
    begin_story(&mut world, &node);
    let end = world.now() + STORY;
    while !world.bus.emitted.iter().any(|emitted| same(emitted, event)) {
        match world.next_due() {
            Some(due) if due <= end => world.advance_to(due),
            _ => return opening(),
        }
    }
    Ok((world, node))
}

/// Whether two events tell of the same thing: their ids and times may differ.
fn same(one: &Value, other: &Value) -> bool {
    one["detail-type"] == other["detail-type"] && one["detail"] == other["detail"]
}

/// The story's events as they are now, by file name.
///
/// # Errors
/// When what is in the repository cannot be deployed.
pub fn recordings() -> Result<Vec<(&'static str, Value)>, Box<dyn Error>> {
    let (mut world, node) = opening()?;
    begin_story(&mut world, &node);
    let end = world.now() + STORY;
    world.advance_to(end);
    let find = |(file, detail_type, number): (&'static str, &str, usize)| {
        let of_kind = |event: &&Value| event["detail-type"] == detail_type;
        world.bus.emitted.iter().filter(of_kind).nth(number).map(|event| (file, event.clone()))
    };
    Ok(RECORDED.into_iter().filter_map(find).collect())
}

/// Writes the story's events into a folder.
///
/// # Errors
/// When a file cannot be written.
pub fn record(folder: &Path) -> Result<ExitCode, Box<dyn Error>> {
    for (name, event) in recordings()? {
        let path = folder.join(format!("{name}.json"));
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&event)?))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
