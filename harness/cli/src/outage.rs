//! `durin outage`: the same interruptions, with the same drawn latencies, under Durin and under the usual set-ups.

mod measure;
pub mod report;
mod set_ups;

use std::error::Error;
use std::num::NonZero;
use std::ops::Range;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use clap::Args;

use crate::print::{Progress, say};
use crate::seeds::seed;
pub use measure::{Outage, is_served, of_story};
pub use set_ups::{Interruption, SetUp, has_moved, interruption, survive};

/// The most interruptions of one measurement.
const MOST_RUNS: u32 = 100_000;
/// The last seed that is followed by so many others.
const LAST_SEED: u64 = u64::MAX - MOST_RUNS as u64;

/// How many interruptions.
#[derive(Args)]
pub struct Options {
    /// The number of interruptions for each set-up
    #[arg(long, default_value_t = 1000, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_RUNS)))]
    pub runs: u32,
    /// The seed of the first interruption; each further one takes the next
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = seed::<LAST_SEED>)]
    pub seed: u64,
}

/// Runs all set-ups and prints them side by side.
///
/// # Errors
/// When a stage cannot be set.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let seeds = options.seed..options.seed + u64::from(options.runs);
    let (mut results, begun) = (Vec::new(), Instant::now());
    for set_up in SetUp::ALL {
        results.push((set_up, survive_all(set_up, seeds.clone())?));
    }
    report::print(options.runs, seeds, &results);
    let (took, cores) = (begun.elapsed().as_secs_f64(), cores());
    let took = if took < 100.0 { format!("{took:.0} s") } else { format!("{:.0} minutes", took / 60.0) };
    say!("\nTo measure this took {took} on {cores} cores.");
    let is_clean = |outage: &Outage| outage.lost_writes == 0 && outage.complaints.is_empty();
    let durin_is_clean =
        results.iter().filter(|(it, _)| it.is_durin()).all(|(_, outages)| outages.iter().all(is_clean));
    Ok(if durin_is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// One interruption after the other on every core; each depends on nothing but its seed.
fn survive_all(set_up: SetUp, seeds: Range<u64>) -> Result<Vec<Outage>, Box<dyn Error>> {
    let cores = cores();
    let progress = Progress::begin(format!("{}, interruptions", set_up.name()), seeds.clone().count());
    let survive = |seed| survive(set_up, seed).inspect(|_| progress.step());
    let of_core = |core: usize| seeds.clone().skip(core).step_by(cores).map(survive).collect();
    let outages: Vec<Result<Vec<Outage>, String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || of_core(core))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a run panicked".to_owned()))).collect()
    });
    let outages: Vec<Vec<Outage>> = outages.into_iter().collect::<Result<_, _>>()?;
    Ok(outages.concat())
}
