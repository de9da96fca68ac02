//! The story: a node's spot instance is reclaimed, and the node comes back.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use durin_harness::world::World;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::seed::{NodeNames, Seed};

use crate::outage::{self, Outage, SetUp};
use crate::stage::Stage;
use crate::timeline::Timeline;

/// However unlucky the dice, the story is over by then.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// How long the world is watched after the node is whole again, in which nothing may happen any more.
const EPILOGUE: Duration = Duration::from_secs(10 * 60);

/// Plays the story in virtual time and tells it.
///
/// # Errors
/// When the stage cannot be set.
pub fn run(seed: u64, all: bool) -> Result<ExitCode, Box<dyn Error>> {
    let usual = outage::survive(SetUp::UsualWithoutRebalancing, seed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(play(seed, all, &usual))
}

async fn play(seed: u64, all: bool, usual: &Outage) -> Result<ExitCode, Box<dyn Error>> {
    let stage = Stage::set(&Seed { seed, ..Seed::one_node().rebalancing(false) }, 1.0)?;
    let node = stage.node().clone();
    let (begin, old, written) = stage.aws.world(|world| {
        world.latency = outage::interruption(seed).latency;
        world.settle();
        let old = world.serving(&node.volume).unwrap_or_default().to_owned();
        (world.now(), old, world.volumes[&node.volume].data.acknowledged)
    });
    prologue(&stage, &node, &old, written);

    let before = stage.aws.world(|world| world.history.entries.len());
    stage.aws.world(|world| world.interrupt(&old, SpotAction::Terminate));
    let (gone, volume) = (old.clone(), node.volume.clone());
    let is_over = move |world: &World| outage::has_moved(world, &volume, &gone);
    let outage = outage::of_story(&stage.aws, &node, LONGEST, is_over).await;
    let healed = stage.heals(LONGEST).await;
    let end = stage.aws.world(|world| world.now());
    stage.aws.pass(EPILOGUE).await;

    let complaints = stage.complaints();
    let names = names(&stage, &node, &old);
    let timeline = Timeline::new(begin, names, all);
    let lines = stage.aws.world(|world| {
        let story: Vec<_> = world.history.entries[before..].iter().filter(|entry| entry.at <= end).cloned().collect();
        timeline.tell(&story)
    });
    lines.iter().for_each(|line| println!("{line}"));
    epilogue(&stage, &node, outage.as_ref(), usual, &complaints);
    Ok(if healed && outage.is_some() && complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn prologue(stage: &Stage, node: &NodeNames, old: &str, written: u64) {
    let address = stage.aws.world(|world| world.instances[old].private_ip.clone());
    println!("The node {} is one spot instance in an Auto Scaling group of one.", node.group);
    println!("  old = {old} at {address} holds the volume {} with {written} acknowledged writes;", node.volume);
    println!("  {} points at it. EC2 wants the capacity back.\n", node.record_name);
}

fn epilogue(stage: &Stage, node: &NodeNames, outage: Option<&Outage>, usual: &Outage, complaints: &[String]) {
    println!();
    println!("Outage   {:<28} {:>10} {:>16}", "", "Durin", "usual set-up");
    match outage {
        Some(outage) => {
            println!("         {:<28} {:>8} s {:>14} s", node.record_name, seconds(outage.api), seconds(usual.api));
            println!(
                "         {:<28} {:>8} s {:>14} s",
                "a workload on it",
                seconds(outage.workload),
                seconds(usual.workload)
            );
            println!("         {:<28} {:>10} {:>16}", "unclean unmounts", outage.unclean_mounts, usual.unclean_mounts);
        }
        None => println!("         it has not ended"),
    }
    let (written, missing, calls) = stage.aws.world(|world| {
        world.settle();
        let data = &world.volumes[&node.volume].data;
        (data.acknowledged, data.acknowledged.saturating_sub(data.durable), calls(world))
    });
    println!("Data     {written} writes acknowledged, {missing} of them missing.");
    println!("Calls    {calls} AWS API calls by the functions in all.");
    println!("Checked  at most one mount at any time; nothing taken from the living; no acknowledged write missing;");
    println!("         record = holder's address; holder = the one InService instance; no lifecycle action pending.");
    match complaints {
        [] => println!("         All hold."),
        broken => broken.iter().for_each(|text| println!("BROKEN   {text}")),
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.1}", span.as_secs_f64())
}

/// How many API calls the functions made.
pub fn calls(world: &World) -> usize {
    use durin_harness::world::history::What;
    let by_function = |what: &What| matches!(what, What::Called { caller, .. } if caller.starts_with("durin-"));
    world.history.entries.iter().filter(|entry| by_function(&entry.what)).count()
}

/// What to call things, so that a reader need not compare hexadecimal digits.
fn names(stage: &Stage, node: &NodeNames, old: &str) -> BTreeMap<String, String> {
    stage.aws.world(|world| {
        let mut names = BTreeMap::from([
            (old.to_owned(), "old".to_owned()),
            (node.volume.clone(), "volume".to_owned()),
            (node.zone_id.clone(), "zone".to_owned()),
        ]);
        let mut launched: Vec<_> = world.instances.values().filter(|instance| instance.id != old).collect();
        launched.sort_by_key(|instance| instance.launched);
        for (number, instance) in launched.iter().enumerate() {
            let name = if number == 0 { "new".to_owned() } else { format!("new{}", number + 1) };
            names.insert(instance.id.clone(), name);
        }
        names
    })
}
