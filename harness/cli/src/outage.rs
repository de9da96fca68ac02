//! `durin outage`: the same interruptions, with the same drawn latencies, under Durin and under the usual set-ups.

mod measure;
pub mod report;
mod set_ups;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use crate::cores::{cores, on_all_cores};
use crate::picture::{self, distribution};
use crate::print::say;
use crate::prove::Measured;
use crate::seeds::{LAST_SEED, MOST_RUNS, seed};
pub use measure::{Outage, is_served, of_story};
pub use set_ups::{
    Interruption, Part, SetUp, drawn_from, has_moved, interruption, survive, survive_at_the_bad_end, survive_drawn_from,
};

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
    /// Use the latencies that `just prove` has measured on AWS and kept in this file, and the estimates for the others
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// Also draw the distributions into this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
}

/// Runs all set-ups and prints them side by side.
///
/// # Errors
/// When a stage cannot be set.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let seeds = options.seed..options.seed + u64::from(options.runs);
    let all: Vec<u64> = seeds.clone().collect();
    let measured = options.proof.as_deref().map(Measured::read).transpose()?.unwrap_or_default();
    let ranges = &measured.latencies;
    let (mut results, begun) = (Vec::new(), Instant::now());
    for set_up in SetUp::ALL {
        let what = format!("{}, interruptions", set_up.name());
        results.push((set_up, on_all_cores(what, &all, |seed| survive_drawn_from(ranges, set_up, *seed))?));
    }
    let mut at_the_bad_end = Vec::new();
    for set_up in SetUp::ALL.into_iter().filter(|it| *it != SetUp::PersistentStop) {
        at_the_bad_end.push((set_up, vec![survive_at_the_bad_end(ranges, set_up, options.seed)?]));
    }
    report::print(&measured, seeds, &results, &at_the_bad_end);
    if let Some(file) = &options.picture {
        picture::write(&distribution::of_outages(&results), file)?;
        say!("\nPicture  {}", file.display());
    }
    let (took, cores) = (begun.elapsed().as_secs_f64(), cores());
    let took = if took < 100.0 { format!("{took:.0} s") } else { format!("{:.0} minutes", took / 60.0) };
    say!("\nTo measure this took {took} on {cores} cores.");
    let is_clean = |outage: &Outage| outage.lost_writes == 0 && outage.complaints.is_empty();
    let durin_is_clean =
        results.iter().filter(|(it, _)| it.is_durin()).all(|(_, outages)| outages.iter().all(is_clean));
    Ok(if durin_is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
