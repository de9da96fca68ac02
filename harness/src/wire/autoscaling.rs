//! Auto Scaling: a form in, XML out.

mod activities;
mod answers;
mod describe;
mod groups;
mod hooks;
mod instances;
mod launch_configurations;
mod launch_sources;
mod processes;
mod refresh;
mod resources;
mod tags;

use super::operation::Operation;

pub(super) const TABLES: &[&[Operation]] = &[
    activities::OPERATIONS,
    describe::OPERATIONS,
    groups::OPERATIONS,
    hooks::OPERATIONS,
    instances::OPERATIONS,
    launch_configurations::OPERATIONS,
    processes::OPERATIONS,
    refresh::OPERATIONS,
    tags::OPERATIONS,
];
