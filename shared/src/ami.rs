//! Images: the newest of each family goes into its parameter, and what nothing needs goes.
//!
//! A family is what an image's tag [`FAMILY`](crate::tags::FAMILY) names: the SSM parameter that the image is a candidate for, and that a
//! launch template resolves at each launch. [`publish`] asks which image that should be, [`prune`] which images and
//! snapshots can go; [`pin`] is how a person overrules the first.

pub mod pin;
pub mod prune;
pub mod publish;
mod read;
mod references;
