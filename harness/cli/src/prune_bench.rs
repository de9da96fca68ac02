//! `durin prune-bench`: an account full of old images, emptied by Durin and by the usual tools, call by call against
//! EC2's token buckets.

mod account;
mod measure;
mod report;
mod usual;

use std::error::Error;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Args;
use durin::ami::prune::{Policy, Pruned, prune};
use durin::aws::Aws;
use durin::clock::Deadline;

pub use account::OldImages;
pub use measure::Cost;
pub use usual::UsualTool;

use crate::print::Progress;
use crate::seeds::seed;
use crate::stage::StageError;

/// The function's name, so that its role decides what it may do here too.
const FUNCTION: &str = "durin-ami-prune";

/// Lambda's longest. (Lambda quotas.)
const LONGEST_RUN: Duration = Duration::from_secs(900);

/// The most runs that it may take: each removes some 4,500 images.
const MOST_RUNS: u32 = 100;

/// How much there is to remove.
#[derive(Args)]
pub struct Options {
    /// The number of images to remove
    #[arg(long, default_value_t = 5000, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u32).range(200..=50_000))]
    pub images: u32,
    /// The seed of the latencies
    #[arg(long, default_value_t = 1, allow_negative_numbers = true, value_parser = seed::<{ u64::MAX }>)]
    pub seed: u64,
}

/// The tool that removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remover {
    /// Durin's function, run again and again, each time for at most this long.
    Durin(Duration),
    /// One of the usual tools.
    Usual(UsualTool),
}

impl Remover {
    /// Durin, as it is deployed.
    pub const DURIN: Remover = Remover::Durin(LONGEST_RUN);
    /// All of them.
    pub const ALL: [Remover; 4] = [
        Remover::DURIN,
        Remover::Usual(UsualTool::GO),
        Remover::Usual(UsualTool::PYTHON),
        Remover::Usual(UsualTool::PYTHON_UNTUNED),
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Remover::Durin(_) => "Durin",
            Remover::Usual(tool) => tool.name,
        }
    }
}

/// The reason why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The account cannot be made.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// No runtime, or a run has panicked.
    #[error("{0}")]
    Run(String),
    /// A call failed that should not have.
    #[error("{0}")]
    Aws(String),
}

/// Removes the same images with each tool, and prints the cost.
///
/// # Errors
/// When the account cannot be made, or a tool fails.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let of = |snapshots_each, soaked| OldImages { images: options.images, snapshots_each, soaked, seed: options.seed };
    let removals = [1, 2].into_iter().flat_map(|each| Remover::ALL.map(|remover| (remover, of(each, true))));
    let jobs: Vec<_> = removals.chain([(Remover::DURIN, of(1, false))]).collect();
    let costs = measure_all(&jobs)?;
    report::print(&jobs, &costs);
    let is_whole = costs.iter().all(|cost| cost.left == 0);
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On every core; each depends on nothing but its seed. The answers are in the order of the jobs.
fn measure_all(jobs: &[(Remover, OldImages)]) -> Result<Vec<Cost>, BenchError> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let progress = Progress::begin("removals measured".to_owned(), jobs.len());
    let of_core = |core: usize| {
        let mine = jobs.iter().enumerate().skip(core).step_by(cores);
        let measured = |(number, (remover, images)): (usize, &(Remover, OldImages))| {
            let cost = measure(*remover, images)?;
            progress.step();
            Ok((number, cost))
        };
        mine.map(measured).collect()
    };
    let done: Result<Vec<Vec<(usize, Cost)>>, BenchError> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || of_core(core))).collect();
        let died = |_| Err(BenchError::Run("a run panicked".to_owned()));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(died)).collect()
    });
    let mut costs = done?.concat();
    costs.sort_by_key(|(number, _)| *number);
    Ok(costs.into_iter().map(|(_, cost)| cost).collect())
}

/// Has an account's old images removed (or disabled, unless they have soaked), in virtual time. Returns the cost.
///
/// # Errors
/// When the account cannot be made, or a call fails for good.
pub fn measure(remover: Remover, images: &OldImages) -> Result<Cost, BenchError> {
    // A runtime of its own: nothing goes on in the background that would draw from the same dice.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.map_err(|error| BenchError::Run(error.to_string()))?;
    runtime.block_on(async {
        let (stage, old) = images.account()?;
        let begun = stage.aws.world(|world| world.now());
        let aws = Aws::new(&stage.aws.sdk_config(FUNCTION));
        let runs = match remover {
            Remover::Durin(run) => run_until_done(&aws, run).await?,
            Remover::Usual(tool) => tool.run(&Aws::new(&stage.aws.sdk_config("operator")).ec2, &stage).await?,
        };
        Ok(Cost::of(&stage, remover, images, &old, begun, runs))
    })
}

/// One invocation right after the other; returns how many. The schedule leaves a day between, in which EC2's buckets
/// fill; this is harder.
async fn run_until_done(aws: &Aws, longest: Duration) -> Result<u32, BenchError> {
    for run in 1..=MOST_RUNS {
        let deadline = Deadline::before(aws.clock.now() + longest);
        let pruned: Pruned =
            prune(aws, &Policy::default(), deadline).await.map_err(|it| BenchError::Aws(it.chain()))?;
        if !pruned.cut_short {
            return Ok(run);
        }
    }
    Err(BenchError::Run(format!("not done after {MOST_RUNS} runs")))
}
