//! `durin bench-calls`: the API calls of a hand-off, operation by operation, against the least that AWS's semantics allow;
//! and what it costs when a function dies after any one of them.

mod hand_off;
mod least;
mod report;

use std::error::Error;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread;

use clap::Args;

use crate::print::Progress;
pub use hand_off::{Call, Death, HandOff, Situation, hand_off};

/// The most hand-offs of one measurement.
const MOST_RUNS: u32 = 100_000;
/// The last seed that is followed by so many others.
const LAST_SEED: u64 = u64::MAX - MOST_RUNS as u64;

/// How many hand-offs.
#[derive(Args)]
pub struct Options {
    /// The number of hand-offs of each kind
    #[arg(long, default_value_t = 200, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_RUNS)))]
    pub runs: u32,
    /// The seed of the first hand-off; each further one takes the next
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=LAST_SEED))]
    pub seed: u64,
    /// Also let a function die: in every interruption anew after each of its calls, some 80 times as many hand-offs
    #[arg(long)]
    pub deaths: bool,
}

/// Plays the hand-offs and prints what they cost.
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
    if options.deaths {
        let what = "interruptions in which a function dies after each call".to_owned();
        let played = on_all_cores(what, &seeds, |seed| with_every_death(*seed))?;
        let (_, alive) = &results[0];
        report::print_deaths(&played.concat(), alive);
    }
    Ok(ExitCode::SUCCESS)
}

/// The same interruption, once for each call after which a function may die.
///
/// # Errors
/// When a stage cannot be set, or the node does not come back.
pub fn with_every_death(seed: u64) -> Result<Vec<(Death, HandOff)>, String> {
    let mut played = Vec::new();
    for (function, invocations) in [("durin-spot-interruption", 1), ("durin-node-lifecycle", 2)] {
        for invocation in 1..=invocations {
            for after_calls in 1.. {
                let death = Death { seed, function, invocation, after_calls };
                let hand_off = hand_off(Situation::Interrupted, seed, Some(death))?;
                if !hand_off.has_died {
                    break;
                }
                played.push((death, hand_off));
            }
        }
    }
    Ok(played)
}

fn on_all_cores<T: Send, R: Send>(
    what: String,
    items: &[T],
    play: impl Fn(&T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String>
where
    T: Sync,
{
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let progress = Progress::begin(what, items.len());
    let play = |item: &T| play(item).inspect(|_| progress.step());
    let of_core = |core: usize| items.iter().skip(core).step_by(cores).map(play).collect::<Vec<_>>();
    let mut played: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || of_core(core))).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap_or_default().into_iter());
        joined.collect()
    });
    // In the order of the items again.
    (0..items.len()).map(|number| played[number % cores].next().unwrap_or(Err("a run panicked".to_owned()))).collect()
}
