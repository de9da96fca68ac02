//! The local AWS: a small AWS with real dynamics, for a laptop.
//!
//! [`world`] is what exists and how it changes with time, and [`iam`] who may do what in it; [`wire`] is how the SDK and
//! the AWS CLI speak to it; [`templates`] reads what a user deploys, and [`seed`] makes a world of that; [`LocalAws`] lets
//! a world live; [`runtime_api`] runs a function's real binary.
//! The harness knows nothing of Durin's functions: it meets them as AWS does, through events in and API calls out; a
//! caller is a function if it has assumed a role. What it has to know of Durin is the names on which everybody agrees, in [`world::conventions`].

pub mod account;
pub mod clock;
pub mod iam;
mod local;
pub mod runtime_api;
pub mod seed;
pub mod templates;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod wire;
pub mod world;

pub use local::{FunctionError, Handler, Kill, LocalAws};
pub use wire::ResponseLost;
