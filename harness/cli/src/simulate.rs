//! `durin simulate`: random histories of a node, each decided by its seed alone. Every one has to end well; one that does
//! not is reported as a short story, with the command that replays it.

mod blow;
mod history;
mod mishap;
mod report;

use std::error::Error;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cores::{cores, on_cores};
use crate::deployment::Deployment;
use crate::seeds::{seed, seeds};
pub use history::{HEALS_WITHIN, Played, Shape, play};

/// Which histories.
#[derive(Args)]
pub struct Options {
    /// Play this history alone
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seed::<{ u64::MAX }>)]
    #[arg(conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Play the histories from the first seed to the last, both included
    #[arg(long, value_name = "A..B", default_value = "1..100", allow_hyphen_values = true, value_parser = seeds)]
    pub seeds: RangeInclusive<u64>,
    /// What goes wrong around the node; the same things happen to its instances in any case
    #[arg(long, value_enum, value_name = "PROFILE", default_value_t)]
    pub faults: Faults,
    /// Play this many hours, one episode after another; without this, one episode of about half an hour
    #[arg(long, value_name = "HOURS", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=168))]
    pub hours: Option<u32>,
    /// How many histories to play at once; by default as many as the machine has cores
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Print everything that happens in the history
    #[arg(long, requires = "seed")]
    pub trace: bool,
}

/// What goes wrong around a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Faults {
    /// All of it
    #[default]
    All,
    /// Nothing
    None,
    /// Events are lost, late, or arrive twice
    Events,
    /// API calls are throttled, fail, or lose their answers
    Calls,
    /// Functions die between two API calls
    Deaths,
    /// Agents on instances are slow, fail, hang, or are gone
    Agents,
}

/// Plays the histories and reports those that do not end well.
///
/// # Errors
/// When a stage cannot be set.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let seeds: Vec<u64> = match options.seed {
        Some(alone) => vec![alone],
        None => options.seeds.clone().collect(),
    };
    let shape = Shape { faults: options.faults, hours: options.hours, is_traced: options.trace };
    let deployment = Deployment::shipped()?;
    let jobs = options.jobs.map_or_else(cores, usize::from);
    let played = on_cores(jobs, "histories".to_owned(), &seeds, |seed| history(deployment, *seed, shape))?;
    report::print(&played, |bad| simplest(deployment, bad, shape))?;
    Ok(if played.iter().all(Played::is_well) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays one history in virtual time, in a runtime of its own: a world that goes on in the background draws from the same
/// dice. A panic is an ending, too: others still have to be played.
///
/// # Errors
/// When the stage cannot be set.
pub fn history(deployment: &Deployment, seed: u64, shape: Shape) -> Result<Played, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(deployment, seed, shape))));
    ended.unwrap_or_else(|_| Ok(Played::panicked(seed))).map_err(|error| error.to_string())
}

/// The same history with the fewest faults with which it does not end well: of a failure that needs only deaths, nobody has
/// to read about lost events.
///
/// # Errors
/// When the stage cannot be set.
fn simplest(deployment: &Deployment, bad: &Played, shape: Shape) -> Result<(Shape, Played), String> {
    let fewer: &[Faults] = match shape.faults {
        Faults::All => &[Faults::None, Faults::Events, Faults::Calls, Faults::Deaths, Faults::Agents],
        Faults::Events | Faults::Calls | Faults::Deaths | Faults::Agents => &[Faults::None],
        Faults::None => &[],
    };
    for &faults in fewer {
        let shape = Shape { faults, is_traced: false, ..shape };
        let played = history(deployment, bad.seed, shape)?;
        if !played.is_well() {
            return Ok((shape, played));
        }
    }
    Ok((shape, bad.clone()))
}
