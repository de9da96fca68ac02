//! A person's commands, in the account of the environment's credentials. The scripts in `infra/` call them, with the
//! credentials of the AWS CLI.

// A closed pipe would make it panic.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod check;
pub mod commands;
mod remedy;
mod sentence;
pub mod status;
mod words;
