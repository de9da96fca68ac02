//! Who uses which image and which snapshot. What could not be read is kept too: it forbids every removal.

mod closer;
mod found;
mod parameters;
mod read;
mod templates;

pub(super) use closer::examine;
pub(super) use read::read;
