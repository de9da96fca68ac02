//! The commands that need no block device: before the volume comes, and beside k3s. The metadata service and k3s are
//! stand-ins, and no test needs root.

mod asking;
mod images;
mod instance;
mod long_answers;
mod metadata;
mod preparing;
mod rescuing;
mod settling;
mod watching;
