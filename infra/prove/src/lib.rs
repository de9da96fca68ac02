//! What Durin assumes of AWS, as questions that an account answers.
//!
//! Each assumption is a [`Probe`]. [`session`] asks them, [`clean`] removes what they make, [`proof`] keeps the answers, and
//! [`report`] says what they amount to.

// A closed pipe would make it panic.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod answer;
pub mod bench;
pub mod clean;
pub mod probe;
pub mod probes;
pub mod proof;
pub mod report;
pub mod session;

pub use bench::Bench;
pub use probe::{Finding, Level, Probe, Trouble, Verdict};
