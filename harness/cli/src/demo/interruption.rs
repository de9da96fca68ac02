//! The first act: EC2 wants the capacity back.

use durin_harness::world::World;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::steady::NodeNames;

use super::{EPILOGUE, LONGEST, Since, calls, seconds, tell};
use crate::outage::{self, Outage};
use crate::print::say;
use crate::stage::Stage;

/// Plays and prints it. Returns the mishaps.
pub(super) async fn play(stage: &Stage, seed: u64, all: bool, usual: &Outage) -> Vec<String> {
    let node = stage.node().clone();
    let (old, written) = stage.aws.world(|world| {
        world.latency = outage::interruption(seed).latency;
        world.settle();
        let old = world.serving(&node.volume).unwrap_or_default().to_owned();
        (old, world.ec2.volumes()[&node.volume].data.acknowledged)
    });
    prologue(stage, &node, &old, written);

    let begin = Since::now(stage);
    let outage = strike(stage).await;
    let healed = stage.heals(LONGEST).await;
    let end = stage.aws.world(|world| world.now());
    stage.aws.pass(EPILOGUE).await;

    tell(stage, begin, all, |entry| entry.at <= end);
    cost(stage, &node, outage.as_ref(), usual);
    let mut complaints = stage.complaints();
    if !healed || outage.is_none() {
        complaints.push("the outage has not ended".to_owned());
    }
    complaints
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

fn prologue(stage: &Stage, node: &NodeNames, old: &str, written: u64) {
    let address = stage.aws.world(|world| world.ec2.instances()[old].private_ip.clone());
    say!("1. EC2 wants the capacity back\n");
    say!("The node {} is one spot instance in an Auto Scaling group of one.", node.group);
    say!("  old = {old} at {address} holds the volume {} with {written} acknowledged writes;", node.volume);
    say!("  {} points at it.\n", node.record_name);
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
    let (written, missing, calls) = stage.aws.world(|world| {
        world.settle();
        let data = &world.ec2.volumes()[&node.volume].data;
        (data.acknowledged, data.acknowledged.saturating_sub(data.durable), calls(world))
    });
    say!("Data     {written} writes acknowledged, {missing} of them missing.");
    say!("Calls    {calls} AWS API calls by the functions in all.\n");
}
