//! The local AWS: a small AWS with real dynamics, for a laptop.
//!
//! [`world`] holds everything that exists and how it changes with time, and [`iam`] the permissions in it; the SDK and
//! the AWS CLI speak to it through [`wire`]; [`templates`] reads the files that a user deploys, and [`seed`] makes a
//! world from them; [`LocalAws`] brings a world to life; [`runtime_api`] runs a function's real binary. The harness
//! knows nothing of Durin's functions: it meets them as AWS does, through events in and API calls out; a caller is a
//! function if it has assumed a role. From Durin it needs only the names on which all parts agree, in
//! [`world::conventions`].

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

pub use local::{Cost, FunctionError, Handler, Kill, LocalAws, Page, SPEEDS, Tell, Told};
pub use wire::ResponseLost;
