//! Systems Manager, of which there are Parameter Store, documents and Run Command: JSON in, JSON out.

mod answers;
mod commands;
mod documents;
mod filters;
mod history;
mod instances;
mod invocations;
mod parameters;
mod resources;

use super::operation::Operation;

pub(super) const TABLES: &[&[Operation]] = &[
    commands::OPERATIONS,
    documents::OPERATIONS,
    history::OPERATIONS,
    instances::OPERATIONS,
    invocations::OPERATIONS,
    parameters::OPERATIONS,
];
