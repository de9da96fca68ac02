//! Who uses which image and which snapshot. What could not be read is kept too: it forbids every removal.

mod closer;
mod parameters;
mod read;
mod templates;

use durin_decisions::images::references::{Reference, References};

pub(super) use closer::examine;
pub(super) use read::read;
