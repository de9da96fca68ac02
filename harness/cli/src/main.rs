//! `durin`: the local AWS from the command line.

// A closed pipe would make it panic.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use durin_cli::print::{NotUnderstood, complain};
#[cfg(unix)]
use durin_cli::rehearse;
use durin_cli::seeds::seed;
use durin_cli::{bench_calls, by_hand, demo, event, invoke, outage, prove, prune_bench, recorded, serve, simulate};

/// A local AWS in which Durin keeps a k3s node on a spot instance alive.
///
/// The exit status is 0 if all went well, 1 if not, 2 if the arguments are not understood, and 3 if nothing could be rehearsed.
#[derive(Parser)]
#[command(name = "durin", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show how a node survives the reclaim of its spot instance, gets a new image, and loses old ones, in virtual time
    #[command(after_help = "Example: cargo demo --seed 2 --picture hand-off.svg")]
    Demo {
        /// Random seed; the same seed plays the same story
        #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = seed::<{ u64::MAX }>)]
        seed: u64,
        /// Show every API call and every step, even repeated ones
        #[arg(long)]
        all: bool,
        /// Also draw the first hand-off into this file, as SVG
        #[arg(long, value_name = "FILE")]
        picture: Option<PathBuf>,
        /// Print an object on each line, for programs: the rows, the numbers of the outage, and what was broken
        #[arg(long)]
        json: bool,
    },
    /// Serve the local AWS on a loopback port, for the AWS CLI, boto3 or `cargo lambda watch`, and show what happens in it
    #[command(after_help = "Example: just serve --speed 20, then open http://127.0.0.1:4566")]
    Serve(serve::Options),
    /// In the world of `just serve`, have EC2 warn a node's spot instance and take its capacity back two minutes later
    #[command(after_help = "Example: just interrupt k3s")]
    Interrupt(by_hand::OfNode),
    /// In the world of `just serve`, have EC2 send a rebalance recommendation for a node's spot instance
    #[command(after_help = "Example: just recommend k3s")]
    Recommend(by_hand::OfNode),
    /// In the world of `just serve`, have EC2 take back the capacity of a node's spot instance at once, without a warning
    #[command(after_help = "Example: just reclaim k3s")]
    Reclaim(by_hand::OfNode),
    /// In the world of `just serve`, have the host of a node's instance retire
    #[command(after_help = "Example: just retire k3s")]
    Retire(by_hand::OfNode),
    /// In the world of `just serve`, have the next detachment of a node's volume hang in `detaching`
    #[command(after_help = "Example: just stick-volume k3s")]
    StickVolume(by_hand::OfNode),
    /// In the world of `just serve`, let no launch find capacity (on), or every launch (off)
    #[command(after_help = "Example: just no-capacity on")]
    NoCapacity(by_hand::Switch),
    /// In the world of `just serve`, make the newest image bad (on), or every image good again (off)
    #[command(after_help = "Example: just bad-image on")]
    BadImage(by_hand::Switch),
    /// In the world of `just serve`, lose the next event that a rule waits for
    #[command(after_help = "Example: just lose-event")]
    LoseEvent(by_hand::Plain),
    /// In the world of `just serve`, have Packer make a new image
    #[command(after_help = "Example: just bake-locally")]
    Bake(by_hand::Plain),
    /// In the world of `just serve`, change the speed of time, or stop it
    #[command(after_help = "Example: just speed 20")]
    Speed(by_hand::Speed),
    /// Start a function's real binary, feed it an event, and show its answer, its calls and its changes
    #[command(after_help = "Example: just invoke node-lifecycle launch")]
    Invoke(invoke::Options),
    /// Print an event from events/ as if it came now, to feed it to a function under `just watch`
    #[command(after_help = "Example: just feed node-resync schedule")]
    Event {
        /// A file, or the name of one in events/
        event: String,
    },
    /// Play random histories of a node, each decided by its seed alone, and report those that do not end well
    #[command(after_help = "Example: just simulate --seeds 1..1000")]
    Simulate(simulate::Options),
    /// Measure the outage of many interruptions, under Durin and under the usual set-ups, side by side
    #[command(after_help = "Example: just outage --runs 20 --picture outage.svg")]
    Outage(outage::Options),
    /// Measure the API calls of many hand-offs, against the least that AWS's semantics allow
    #[command(after_help = "Example: just bench-calls --runs 20")]
    BenchCalls(bench_calls::Options),
    /// Measure the removal of thousands of images, by Durin and by the usual tools, side by side (three minutes)
    #[command(after_help = "Example: just prune-bench")]
    PruneBench(prune_bench::Options),
    /// Ask the local AWS, in virtual time, what `just prove` asks your account
    #[command(after_help = "Example: just prove --local")]
    Prove(prove::Options),
    /// Rehearse hand-offs on real machines (QEMU) with the program and the units that a node runs
    #[cfg(unix)]
    #[command(after_help = "Example: just rehearse interruption")]
    Rehearse(rehearse::Options),
    /// Connect standard input and output with a socket: QEMU starts this for a machine's calls of its metadata service
    #[cfg(unix)]
    #[command(hide = true)]
    Relay { socket: PathBuf },
    /// Record the events of the local AWS's own story into a folder
    #[command(after_help = "Example: just record")]
    Record {
        /// The folder
        #[arg(default_value = "events")]
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo { seed, all, picture, json } => demo::run(&demo::Story { seed, all, picture, json }),
        Command::Serve(options) => serve::run(options),
        Command::Interrupt(options) => options.run("interrupt"),
        Command::Recommend(options) => options.run("recommend"),
        Command::Reclaim(options) => options.run("reclaim"),
        Command::Retire(options) => options.run("retire"),
        Command::StickVolume(options) => options.run("stick-volume"),
        Command::NoCapacity(options) => options.run("no-capacity"),
        Command::BadImage(options) => options.run("bad-image"),
        Command::LoseEvent(options) => options.run("lose-event"),
        Command::Bake(options) => options.run("bake"),
        Command::Speed(options) => options.run(),
        Command::Invoke(options) => invoke::run(&options),
        Command::Event { event } => event::print(&event),
        Command::Simulate(options) => simulate::run(&options),
        Command::Outage(options) => outage::run(&options),
        Command::BenchCalls(options) => bench_calls::run(&options),
        Command::PruneBench(options) => prune_bench::run(&options),
        Command::Prove(options) => prove::run(&options),
        #[cfg(unix)]
        Command::Rehearse(options) => rehearse::run(&options),
        #[cfg(unix)]
        Command::Relay { socket } => rehearse::relay(&socket).map(|()| ExitCode::SUCCESS).map_err(Into::into),
        Command::Record { folder } => recorded::record(&folder),
    };
    outcome.unwrap_or_else(|error| {
        complain(format_args!("{error}"));
        status(error.as_ref())
    })
}

fn status(error: &(dyn Error + 'static)) -> ExitCode {
    #[cfg(unix)]
    if error.is::<rehearse::NotRehearsed>() {
        return ExitCode::from(3);
    }
    if error.is::<NotUnderstood>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
