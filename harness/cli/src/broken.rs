//! What a history shows that must never happen, beyond what its end shows.

use durin_harness::wire;
use durin_harness::world::World;
use durin_harness::world::autoscaling::AutoScalingChange;
use durin_harness::world::ec2::Ec2Change;
use durin_harness::world::history::{Change, Fact};

/// Everything of that kind, in words for a person. Empty when all is well.
pub fn broken(world: &World) -> Vec<String> {
    let denied = world.iam.denials.iter().map(ToString::to_string);
    let forced = world.history().iter().filter_map(|entry| forced_detach(&entry.fact));
    let violated = world.history().iter().filter_map(|entry| match &entry.fact {
        Fact::Violated(violation) => Some(violation.to_string()),
        // A lifecycle action that nobody completed in time; a detach of a volume that was still mounted.
        Fact::Changed { subject, change } => match change {
            Change::AutoScaling(AutoScalingChange::ActionTimedOut { .. }) | Change::Ec2(Ec2Change::Busy { .. }) => {
                Some(format!("{subject}: {change}"))
            }
            Change::AutoScaling(_) | Change::Ec2(_) | Change::Ssm(_) | Change::Route53(_) | Change::Bake(_) => None,
        },
        Fact::Emitted(_) | Fact::Invoked { .. } | Fact::Answered { .. } | Fact::Called { .. } | Fact::Guest { .. } => {
            None
        }
    });
    denied.chain(forced).chain(violated).collect()
}

/// A function that asked for a volume to be torn from its holder, whatever EC2 answered.
fn forced_detach(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Called { caller, operation, parameters, .. }
            if caller.is_function() && operation == "ec2:DetachVolume" && parameters["Force"] == "true" =>
        {
            Some(format!("{caller} detaches by force: {}", wire::about(operation, parameters)))
        }
        Fact::Emitted(_)
        | Fact::Invoked { .. }
        | Fact::Answered { .. }
        | Fact::Called { .. }
        | Fact::Changed { .. }
        | Fact::Guest { .. }
        | Fact::Violated(_) => None,
    }
}
