//! Everything that Durin decides, from an observation to the next action. Pure and total: no AWS SDK, no clock, no
//! randomness, no I/O, so that `cargo test -p durin-decisions` judges it alone in seconds.
//!
//! [`node::next_step`] decides about a node, [`images::publish::decide`] about the image that the next instance boots
//! from, and [`images::prune::plan`] about the images and snapshots that nothing needs.

pub mod declaration;
pub mod ids;
pub mod images;
pub mod k3s;
pub mod lifecycle;
pub mod node;
pub mod risk;
pub mod shell;
pub mod tags;
pub mod times;
