//! Route 53: paths and XML in, XML out.

mod answers;
mod changes;
mod record_sets;
mod resources;
mod zones;

use super::operation::Operation;

pub(super) const TABLES: &[&[Operation]] = &[changes::OPERATIONS, record_sets::OPERATIONS, zones::OPERATIONS];
