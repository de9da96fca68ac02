//! The commands: each file tells one of them from beginning to end.

pub mod datastore;
mod drain;
mod journal;
pub mod places;
pub mod prepare;
pub mod release;
pub mod resume;
mod served;
pub mod settle;
pub mod status;
pub mod volume;
pub mod watch;
