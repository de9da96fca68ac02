//! `durin bench-calls`: the API calls of a hand-off, operation by operation, against the least that AWS's semantics allow;
//! and what it costs when a function dies after any one of them.

mod deaths;
mod events;
mod hand_off;
mod least;
mod report;

use std::error::Error;
use std::process::ExitCode;

use clap::Args;

use crate::cores::on_all_cores;
use crate::seeds::{LAST_SEED, MOST_RUNS, seed};
pub use deaths::{Harmed, with_every_death};
pub use events::{Fed, fed};
pub use hand_off::{Call, Death, HandOff, Situation, hand_off};

/// How many hand-offs.
#[derive(Args)]
pub struct Options {
    /// The number of hand-offs of each kind
    #[arg(long, default_value_t = 200, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_RUNS)))]
    pub runs: u32,
    /// The seed of the first hand-off; each further one takes the next
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = seed::<LAST_SEED>)]
    pub seed: u64,
    /// Also play each hand-off again with a function dying after each of its calls, which is 60 times as many
    #[arg(long)]
    pub deaths: bool,
}

/// Plays the hand-offs and prints what they cost. It fails if a death breaks a promise.
///
/// # Errors
/// When a stage cannot be set, or a node does not come back.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let seeds: Vec<u64> = (options.seed..options.seed + u64::from(options.runs)).collect();
    let mut results = Vec::new();
    for situation in Situation::ALL {
        let what = format!("{}, hand-offs", situation.name());
        let played = on_all_cores(what, &seeds, |seed| hand_off(situation, *seed, None))?;
        results.push((situation, seeds.iter().copied().zip(played).collect::<Vec<_>>()));
    }
    report::print(options.runs, &results);
    report::print_events(&fed()?);
    if !options.deaths {
        return Ok(ExitCode::SUCCESS);
    }
    let mut is_well = true;
    for (situation, alive) in &results {
        let what = format!("{}, with a death after each call", situation.name());
        let played = on_all_cores(what, alive, |(seed, alive)| with_every_death(*situation, *seed, &alive.outage))?;
        let played = played.concat();
        report::print_deaths(*situation, &played);
        is_well &= played.iter().all(|it| it.broken(*situation).is_empty());
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
