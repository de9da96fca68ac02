//! Images: the newest of each family into its parameter, and nothing kept that nobody needs.
//!
//! A family is what an image's tag [`FAMILY`] names: the SSM parameter that the image is a candidate for, and that a
//! launch template resolves at each launch. [`publish`] asks which image that should be, [`prune`] which images and
//! snapshots can go; [`pin`] is how a person overrules the first.

mod image;
pub mod pin;
pub mod prune;
pub mod publish;
mod read;
pub mod references;

pub use image::{FAMILY, Image, ImageState, KEEP, STALE_SINCE, Snapshot, Unpublishable, instant, timestamp};
