//! The first act: EC2 wants the capacity back.

use std::path::Path;
use std::time::Duration;

use durin_harness::world::World;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::steady::NodeNames;
use serde_json::{Value, json};

use super::{EPILOGUE, LONGEST, Mark, Since, Story, counted, names, prose, seconds, tell};
use crate::outage::{self, Outage};
use crate::picture::{self, HandOff};
use crate::print::say;
use crate::stage::Stage;

/// From the warning to the reclaim.
const NOTICE: Duration = Duration::from_secs(120);

/// Plays and prints it. Returns the mishaps.
///
/// # Errors
/// When its picture cannot be written.
pub(super) async fn play(stage: &Stage, story: &Story, usual: &Outage) -> Result<Vec<String>, String> {
    let node = stage.node().clone();
    let (old, written) = stage.aws.world(|world| {
        world.latency = outage::interruption(story.seed).latency;
        world.settle();
        let old = world.serving(&node.volume).unwrap_or_default().to_owned();
        (old, world.ec2.volumes()[&node.volume].data.acknowledged)
    });
    prologue(story, stage, &node, &old, written);

    let begin = Since::now(stage);
    let outage = strike(stage).await;
    let healed = stage.heals(LONGEST).await;
    let end = stage.aws.world(|world| world.now());
    stage.aws.pass(EPILOGUE).await;

    let mut marks = marks(&node, begin, outage.as_ref());
    marks.push((begin.at + NOTICE, "the two minutes are over".to_owned()));
    tell(stage, begin, story, marks, |entry| entry.at <= end);
    if story.json {
        say!("{}", numbers(stage, &node, outage.as_ref(), usual));
    } else {
        cost(stage, &node, outage.as_ref(), usual);
    }
    if let (Some(file), Some(outage)) = (&story.picture, &outage) {
        draw(story, stage, begin, outage, usual, file)?;
    }
    let mut complaints = stage.complaints();
    if !healed || outage.is_none() {
        complaints.push("the outage has not ended".to_owned());
    }
    Ok(complaints)
}

fn draw(
    story: &Story,
    stage: &Stage,
    begin: Since,
    outage: &Outage,
    usual: &Outage,
    file: &Path,
) -> Result<(), String> {
    let (node, names) = (stage.node(), names(stage));
    let svg = stage.aws.world(|world| HandOff { world, node, names, begin: begin.at, outage, usual }.svg());
    picture::write(&svg, file)?;
    prose!(story, "Picture  {}\n", file.display());
    Ok(())
}

/// Interrupts the holder, and measures how long the node is away; `None` if it does not come back.
pub(super) async fn strike(stage: &Stage) -> Option<Outage> {
    let node = stage.node().clone();
    let gone = stage.aws.world(|world| {
        let holder = world.serving(&node.volume).unwrap_or_default().to_owned();
        world.interrupt(&holder, SpotAction::Terminate);
        holder
    });
    let volume = node.volume.clone();
    let is_over = move |world: &World| outage::has_moved(world, &volume, &gone);
    outage::of_story(&stage.aws, &node, LONGEST, is_over).await
}

fn prologue(story: &Story, stage: &Stage, node: &NodeNames, old: &str, written: u64) {
    let address = stage.aws.world(|world| world.ec2.instances()[old].private_ip.clone());
    prose!(story, "1. EC2 wants the capacity back\n");
    prose!(story, "The node {} is one spot instance in an Auto Scaling group of one.", node.group);
    prose!(story, "  old = {old} at {address}: {} points to it,", node.record_name);
    prose!(story, "  and it holds the volume {} with {written} acknowledged writes.\n", node.volume);
}

/// The notice, and the beginning and the end of the outage.
pub(super) fn marks(node: &NodeNames, begin: Since, outage: Option<&Outage>) -> Vec<Mark> {
    let mut marks = vec![(begin.at, "EC2 wants the capacity back, and gives two minutes' notice".to_owned())];
    let name = &node.record_name;
    if let Some(Outage { away: Some((from, to)), api, .. }) = outage {
        marks.push((*from, format!("the outage begins: {name} does not answer")));
        marks.push((*to, format!("the outage ends: every client reaches {name} again, after {} s", seconds(*api))));
    }
    marks
}

/// Prints the cost of the interruption beside the cost with the usual set-up.
fn cost(stage: &Stage, node: &NodeNames, outage: Option<&Outage>, usual: &Outage) {
    say!("Outage   {:<28} {:>10} {:>16}", "", "Durin", "usual set-up");
    match outage {
        Some(outage) => {
            say!("         {:<28} {:>8} s {:>14} s", node.record_name, seconds(outage.api), seconds(usual.api));
            say!(
                "         {:<28} {:>8} s {:>14} s",
                "a workload on it",
                seconds(outage.workload),
                seconds(usual.workload)
            );
            say!("         {:<28} {:>10} {:>16}", "unclean unmounts", outage.unclean_mounts, usual.unclean_mounts);
        }
        None => say!("         it has not ended"),
    }
    let Written { acknowledged: written, missing, calls, reads } = Written::of(stage, node);
    say!("Data     {written} writes acknowledged, {missing} of them missing.");
    say!("Calls    {calls} AWS API calls by the functions; {reads} only read (--all shows them).\n");
}

/// The same for programs.
fn numbers(stage: &Stage, node: &NodeNames, outage: Option<&Outage>, usual: &Outage) -> Value {
    let of = |outage: &Outage| {
        let Outage { api, workload, unclean_mounts, .. } = outage;
        json!({"api_s": api.as_secs_f64(), "workload_s": workload.as_secs_f64(), "unclean_unmounts": unclean_mounts})
    };
    let Written { acknowledged, missing, calls, reads } = Written::of(stage, node);
    json!({
        "outage": {"durin": outage.map(of), "usual": of(usual)},
        "writes": {"acknowledged": acknowledged, "missing": missing},
        "calls": {"all": calls, "reads": reads},
    })
}

struct Written {
    acknowledged: u64,
    missing: u64,
    calls: usize,
    reads: usize,
}

impl Written {
    fn of(stage: &Stage, node: &NodeNames) -> Written {
        stage.aws.world(|world| {
            world.settle();
            let data = &world.ec2.volumes()[&node.volume].data;
            let (calls, reads) = counted(world);
            let missing = data.acknowledged.saturating_sub(data.durable);
            Written { acknowledged: data.acknowledged, missing, calls, reads }
        })
    }
}
