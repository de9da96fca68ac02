//! `durin`: the local AWS from the command line.

// A closed pipe would make it panic.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use durin_cli::print::{NotUnderstood, complain};
use durin_cli::{demo, invoke, outage, prune_bench, recorded, serve};

/// A local AWS in which Durin keeps a k3s node on a spot instance alive.
///
/// The exit status is 0 for yes, 1 for no, and 2 if the arguments are not understood.
#[derive(Parser)]
#[command(name = "durin", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show how a node survives the reclaim of its spot instance, gets a new image, and loses old ones, in virtual time
    Demo {
        /// Random seed; the same seed plays the same story
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Show every API call and every step, even repeated ones
        #[arg(long)]
        all: bool,
    },
    /// Serve the local AWS on a loopback port, for the AWS CLI, boto3, Terraform or `cargo lambda watch`
    Serve(serve::Options),
    /// Start a function's real binary, feed it an event, and show its answer, its calls and its changes
    Invoke(invoke::Options),
    /// Measure the outage of many interruptions, under Durin and under the usual set-ups, side by side
    Outage(outage::Options),
    /// Measure the removal of thousands of images, by Durin and by the usual tools, side by side
    PruneBench(prune_bench::Options),
    /// Record the events of the local AWS's own story into a folder
    Record {
        /// The folder
        #[arg(default_value = "events")]
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo { seed, all } => demo::run(seed, all),
        Command::Serve(options) => serve::run(options),
        Command::Invoke(options) => invoke::run(&options),
        Command::Outage(options) => outage::run(&options),
        Command::PruneBench(options) => prune_bench::run(&options),
        Command::Record { folder } => recorded::record(&folder),
    };
    outcome.unwrap_or_else(|error| {
        complain(format_args!("{error}"));
        status(error.as_ref())
    })
}

fn status(error: &(dyn Error + 'static)) -> ExitCode {
    if error.is::<NotUnderstood>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
