//! `durin-operator`: a person's commands about images, in the account of the environment's credentials.
//! `infra/images.sh` calls it, with the credentials of the AWS CLI.

// A closed pipe would make it panic.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod commands;
mod remedy;

use std::process::ExitCode;

use clap::Parser;

/// Shows the prune plan; pins, unpins or rolls back a parameter.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    commands::run(&Arguments::parse().command).unwrap_or_else(|error| {
        commands::complain(&format!("error: {error}"));
        ExitCode::FAILURE
    })
}
