//! IAM: the grants of each role, evaluated as AWS does, and whether each was ever needed.
//!
//! [`policy`] is a policy document, compiled once; [`evaluate`] decides, purely; [`actions`] is the part of the service
//! authorization reference that the local AWS knows. An operation's row, in `wire/`, says which resources its call is
//! checked on.

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
