//! Images: which one a family's parameter should name, and which images and snapshots can go.

mod image;
mod mark;
pub mod prune;
pub mod publish;
pub mod references;

pub use image::{Image, ImageState, Snapshot, Unpublishable};
use image::{is_full, is_kept};
pub use mark::Mark;
