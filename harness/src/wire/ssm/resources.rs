//! The parameters that calls name, for IAM.

use crate::iam::Check;
use crate::wire::fields::Fields;
use crate::wire::resources::of_parameter;
use crate::world::World;

pub(super) fn parameter(world: &World, fields: &Fields, action: &str) -> Vec<Check> {
    vec![of_parameter(world, action, text(fields, "Name"))]
}

pub(super) fn parameters(world: &World, fields: &Fields, action: &str) -> Vec<Check> {
    texts(fields, "Names").into_iter().map(|name| of_parameter(world, action, name)).collect()
}

pub(super) fn tagged(world: &World, fields: &Fields, action: &str) -> Vec<Check> {
    match text(fields, "ResourceType") {
        "Parameter" => vec![of_parameter(world, action, text(fields, "ResourceId"))],
        _ => Vec::new(),
    }
}

/// What is not a text is refused later, by the operation.
pub(super) fn text<'a>(fields: &'a Fields, member: &str) -> &'a str {
    fields.text(member).ok().flatten().unwrap_or_default()
}

pub(super) fn texts<'a>(fields: &'a Fields, member: &str) -> Vec<&'a str> {
    fields.texts(member).unwrap_or_default()
}
