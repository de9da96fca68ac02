//! `durin-operator`: what a person does about images, in the account that the environment's credentials are for.
//! `infra/images.sh` calls it, with the credentials of the AWS CLI.

mod commands;

use std::process::ExitCode;

use clap::Parser;

/// Looks at the prune plan, pins a parameter, unpins it, rolls it back.
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
