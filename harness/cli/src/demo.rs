//! The story in three acts: a node's spot instance is reclaimed and the node comes back; a new image is baked and the
//! next instance boots from it; days pass, and old images go.

mod bake;
mod interruption;
mod prune;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use durin_harness::seed::Seed;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::history::{Entry, Fact};
use serde_json::json;

use crate::old_images::OldImages;
use crate::outage::{self, Outage, SetUp};
use crate::print::say;
use crate::stage::Stage;
use crate::timeline::{self, Timeline};

/// However unlucky the dice, an interruption and a bake are over by then.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// How long the world is watched after the end: nothing may happen in that time.
const EPILOGUE: Duration = Duration::from_secs(10 * 60);

/// Which story, and how to tell it.
#[derive(Default)]
pub struct Story {
    pub seed: u64,
    /// With every call and every step.
    pub all: bool,
    /// The file to draw the first act into.
    pub picture: Option<PathBuf>,
    /// For programs: an object on each line.
    pub json: bool,
}

/// A line of prose, for people only.
macro_rules! prose {
    ($story:expr $(, $($text:tt)+)?) => {
        if !$story.json {
            $crate::print::say!($($($text)+)?);
        }
    };
}
pub(crate) use prose;

/// Plays the story in virtual time and prints it.
///
/// # Errors
/// When the stage cannot be set, or the picture cannot be written.
pub fn run(story: &Story) -> Result<ExitCode, Box<dyn Error>> {
    let usual = outage::survive(SetUp::UsualWithoutRebalancing, story.seed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let complaints = runtime.block_on(play(story, &usual))?;
    let exit = if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };

    if story.json {
        say!("{}", json!({ "broken": complaints }));
        return Ok(exit);
    }
    say!("Checked  at most one mount at any time; nothing taken from the living; no");
    say!("         acknowledged write missing; record = holder's address; holder = the one");
    say!("         InService instance; no lifecycle action pending; the parameter names an");
    say!("         available image of its family, never an older one than before; no image");
    say!("         and no snapshot in use was removed; no function lacked a permission.");
    match complaints.as_slice() {
        [] => say!("         All hold."),
        broken => broken.iter().for_each(|text| say!("BROKEN   {text}")),
    }
    Ok(exit)
}

/// The three acts, one after the other in the same world. Returns the mishaps.
async fn play(story: &Story, usual: &Outage) -> Result<Vec<String>, Box<dyn Error>> {
    let stage = Stage::set(&Seed { seed: story.seed, ..Seed::one_node().rebalancing(false) }, 1.0)?;
    let old_images = stage.aws.world(OldImages::add_to);
    let begin = Since::now(&stage);
    let mut complaints = interruption::play(&stage, story, usual).await?;
    complaints.extend(bake::play(&stage, story).await?);
    complaints.extend(prune::play(&stage, story, &old_images, begin.at).await?);
    complaints.extend(stage.complaints());
    complaints.extend(stage.aws.world(|world| violations(world)));
    Ok(complaints)
}

/// The history's events that must never happen.
fn violations(world: &World) -> Vec<String> {
    let violated = world.history().iter().filter_map(|entry| Some(entry.fact.violation()?.to_string()));
    violated.chain(world.iam.denials.iter().map(ToString::to_string)).collect()
}

/// A moment from which to print the history.
#[derive(Clone, Copy)]
struct Since {
    at: Time,
    /// The length of the history up to then.
    entries: usize,
}

impl Since {
    fn now(stage: &Stage) -> Since {
        stage.aws.world(|world| Since { at: world.now(), entries: world.history().len() })
    }
}

/// Something to stand between the entries of the history.
type Mark = (Time, String);

/// Prints the `wanted` part of the history since then, with marks.
fn tell(stage: &Stage, since: Since, story: &Story, marks: Vec<Mark>, wanted: impl Fn(&Entry) -> bool) {
    let timeline = Timeline::new(since.at, names(stage), story.all).marked(marks);
    let wanted: Vec<_> = stage
        .aws
        .world(|world| world.history()[since.entries..].iter().filter(|entry| wanted(entry)).cloned().collect());
    if story.json {
        timeline.objects(&wanted).iter().for_each(|row| say!("{row}"));
    } else {
        timeline.tell(&wanted).iter().for_each(|line| say!("{line}"));
        say!();
    }
}

/// Whether it is something that this function did.
fn is_by(entry: &Entry, name: &str) -> bool {
    match &entry.fact {
        Fact::Invoked { function, .. } | Fact::Answered { function, .. } => function == name,
        Fact::Called { caller, .. } => caller.is(name),
        Fact::Emitted(_) | Fact::Changed { .. } | Fact::Guest { .. } | Fact::Violated(_) => false,
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.1}", span.as_secs_f64())
}

/// How many API calls the functions made, and how many of them only read.
fn counted(world: &World) -> (usize, usize) {
    let by_function = |fact: &Fact| matches!(fact, Fact::Called { caller, .. } if caller.is_function());
    timeline::count(world.history().iter().filter(|entry| by_function(&entry.fact)))
}

/// Names for things, so that a reader need not compare hexadecimal digits: the node's instances by their order,
/// everything else by its name.
fn names(stage: &Stage) -> BTreeMap<String, String> {
    let node = stage.node();
    stage.aws.world(|world| {
        let mut names =
            BTreeMap::from([(node.volume.clone(), "volume".to_owned()), (node.zone_id.clone(), "zone".to_owned())]);
        let mut instances: Vec<_> = world.ec2.instances().values().collect();
        instances.sort_by_key(|instance| instance.launched);
        let (of_node, others): (Vec<_>, Vec<_>) =
            instances.into_iter().partition(|instance| instance.tags.contains_key("durin:volume-id"));
        for (number, instance) in of_node.into_iter().enumerate() {
            let name = match number {
                0 => "old".to_owned(),
                1 => "new".to_owned(),
                number => format!("new{number}"),
            };
            names.insert(instance.id.clone(), name);
        }
        names.extend(others.into_iter().filter_map(|it| Some((it.id.clone(), it.tags.get("Name")?.clone()))));
        for image in world.ec2.images().values() {
            let snapshots = image.block_devices.iter();
            names.extend(snapshots.map(|it| (it.snapshot_id.clone(), format!("{}'s snapshot", image.name))));
            names.insert(image.id.clone(), image.name.clone());
        }
        names
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_ends_well() {
        for seed in 1..=3 {
            let story = Story { seed, ..Story::default() };
            let usual = outage::survive(SetUp::UsualWithoutRebalancing, seed).expect("an outage");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let complaints = runtime.expect("a runtime").block_on(play(&story, &usual)).expect("a stage");
            assert_eq!(complaints, Vec::<String>::new(), "seed {seed}");
        }
    }
}
