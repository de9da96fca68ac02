//! How instances end, and do not.

use super::*;
use crate::seed::NodeSeed;
use crate::testing::settled;
use crate::world::autoscaling::{ActionResult, LifecycleState};

#[test]
fn a_protected_instance_is_not_terminated_and_nor_is_any_in_its_zone() {
    let mut world = World::new(1);
    let [protected, beside] = [(); 2].map(|()| world.launch_in("eu-central-1a"));
    let elsewhere = world.launch_in("eu-central-1b");
    world.pass(60);
    world.protect_instance(&protected, true).unwrap();
    let all = [beside.clone(), protected.clone(), elsewhere.clone()];
    let refused = world.terminate_instances(&all).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "OperationNotPermitted: The instance '{protected}' may not be terminated. Modify its 'disableApiTermination' \
             instance attribute and try again."
        )
    );
    let states = all.each_ref().map(|id| world.ec2.state_of(id).unwrap());
    assert_eq!(states, [InstanceState::Running, InstanceState::Running, InstanceState::ShuttingDown]);
    world.protect_instance(&protected, false).unwrap();
    world.terminate(&protected);
}

#[test]
fn neither_a_group_nor_an_interruption_minds_protection() {
    let (mut world, node) = settled(1, NodeSeed::default());
    let (holder, spot) = (world.serving(&node.volume).unwrap().to_owned(), world.running());
    for id in [&holder, &spot] {
        world.protect_instance(id, true).unwrap();
    }
    world.interrupt(&spot, SpotAction::Terminate);
    world.terminate_instance_in_auto_scaling_group(&holder, false).unwrap();
    world.pass_until_one(LifecycleState::TerminatingWait);
    world.complete("durin-terminate", &holder, ActionResult::Continue).unwrap();
    world.pass_until_terminated(&holder);
    world.pass_until_terminated(&spot);
}
