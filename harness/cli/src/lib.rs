//! Durin on a laptop: the functions, linked to the local AWS that they run in.

// A closed pipe would make it panic; `say!` ends the program.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bench_calls;
pub mod broken;
pub mod by_hand;
mod cores;
pub mod demo;
pub mod deployment;
pub mod event;
pub mod invoke;
pub mod old_images;
pub mod outage;
pub mod picture;
pub mod print;
pub mod prove;
pub mod prune_bench;
pub mod recorded;
#[cfg(unix)]
pub mod rehearse;
pub mod seeds;
pub mod serve;
pub mod simulate;
pub mod stage;
pub mod timeline;
mod world_file;
