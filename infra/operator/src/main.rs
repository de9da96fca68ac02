//! `durin-operator`: a person's commands about nodes and images.

use std::process::ExitCode;

use clap::Parser;
use durin_operator::commands::{self, Command};

/// Looks at nodes; shows the prune plan; pins, unpins or rolls back a parameter.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    commands::run(&command).unwrap_or_else(|error| {
        commands::complain(&format!("error: {error}"));
        command.status_of_failure()
    })
}
