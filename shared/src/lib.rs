//! The common parts of Durin's functions: the node loop, the events they understand, AWS clients, clock and tags.
//!
//! A node is immortal: an Auto Scaling group of desired capacity 1, its data volume and its A record. [`node`] keeps
//! the three together while instances come and go. [`ami`] keeps the image that the next instance boots from the
//! newest, and removes those that nothing needs.

pub mod ami;
pub mod aws;
pub mod clock;
pub mod events;
pub mod failure;
pub mod lambda;
pub mod news;
pub mod node;
pub mod outcome;

/// The vocabulary of the decisions, so that a function needs only this crate.
pub use durin_decisions::{declaration, ids, lifecycle, risk, tags, times};
