//! The users of each image and snapshot. Failed reads are kept too: each forbids every removal.

mod closer;
mod found;
mod parameters;
mod read;
mod templates;

pub(super) use closer::examine;
pub(super) use read::read;
