//! The local AWS: a small AWS with real dynamics, for a laptop.
//!
//! [`iam`] is who may do what; [`world`] is what exists and how it changes with time; [`wire`] is how the SDK and the AWS CLI speak to it;
//! [`LocalAws`] lets a world live; [`runtime_api`] runs a function's real binary.
//! The harness knows nothing of Durin's functions: it meets them as AWS does, through events in and API calls out. A caller is
//! a function if it has assumed a role.

pub mod account;
pub mod clock;
pub mod iam;
mod local;
pub mod runtime_api;
pub mod templates;
pub mod time;
pub mod wire;
pub mod world;

pub use local::{FunctionError, Handler, Kill, LocalAws};
pub use wire::ResponseLost;
