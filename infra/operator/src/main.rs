//! `durin-operator`: a person's commands about images, in the account of the environment's credentials.
//! `infra/images.sh` calls it, with the credentials of the AWS CLI.

mod commands;

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
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
