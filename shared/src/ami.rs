//! Images: puts the newest of each family into its parameter, and removes those that nothing needs.
//!
//! An image's tag [`FAMILY`](crate::tags::FAMILY) names its family: the SSM parameter that the image is a candidate
//! for, and that a launch template resolves at each launch. [`publish`] decides which image that should be, [`prune`]
//! which images and snapshots can go; with [`pin`] a person overrules the first.

pub mod pin;
pub mod prune;
pub mod publish;
mod read;
mod references;
