//! IAM: what each role allows, decided as AWS does, and which of it was ever needed.
//!
//! [`policy`] is a policy document, compiled once; [`evaluate`] decides, purely; [`actions`] is what the local AWS knows of
//! the service authorization reference. On which resources a call is checked is part of its operation's row, in `wire/`.

pub mod actions;
mod caller;
mod check;
mod condition;
pub mod evaluate;
mod glob;
pub mod policy;
mod roles;

pub use caller::Caller;
pub use check::Check;
pub use evaluate::Verdict;
pub use policy::{Policy, PolicyError};
pub use roles::{Denial, Grant, Iam, Role};
