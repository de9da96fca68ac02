//! The resources that calls name, for IAM.

use crate::iam::Check;
use crate::wire::query::Params;
use crate::wire::resources::of_ec2;
use crate::world::World;

pub(super) fn image(world: &World, params: &Params, action: &str) -> Vec<Check> {
    one(world, params, "ImageId", action)
}

/// What the parameter names, if it is there.
pub(super) fn one(world: &World, params: &Params, parameter: &str, action: &str) -> Vec<Check> {
    params.text(parameter).map(|id| of_ec2(world, action, id)).into_iter().collect()
}

/// What the parameter lists.
pub(super) fn each(world: &World, params: &Params, parameter: &str, action: &str) -> Vec<Check> {
    params.list(parameter).iter().map(|id| of_ec2(world, action, id)).collect()
}
