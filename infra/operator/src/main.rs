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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn every_commands_help_has_an_example() {
        for command in Arguments::command().get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("\nExample: just "), "{help}");
        }
    }
}
