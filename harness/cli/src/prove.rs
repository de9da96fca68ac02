//! `durin prove`: puts the probes of `just prove` to the local AWS, in virtual time. That shows that the probes work, and that
//! the local AWS answers as the code assumes; it proves nothing about AWS.

mod measured;
mod way;

use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use durin::aws::Aws;
use durin_harness::LocalAws;
use durin_harness::iam::policy::Owner;
use durin_harness::iam::{Policy, Role};
use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::ec2::ImageSpec;
use durin_harness::world::ec2::images::PUBLIC_OWNER;
use durin_harness::world::error::{ApiError, ApiResult};
use durin_prove::probe::Here;
use durin_prove::{Bench, Finding, Level, Probe, Verdict, probes, report};
use serde_json::json;
use tokio::runtime::Builder;

use crate::print::say;
use crate::stage::{Stage, StageError};
pub use measured::Measured;
pub use way::Way;

/// Which probes.
#[derive(Args)]
pub struct Options {
    /// Only what changes nothing
    #[arg(long, group = "level")]
    read: bool,
    /// Only what makes no instance
    #[arg(long, group = "level")]
    cheap: bool,
    /// All of it, as without an option
    #[arg(long, group = "level")]
    full: bool,
    /// Only these probes
    #[arg(long, value_name = "PROBE", value_parser = named)]
    only: Vec<&'static Probe>,
}

/// Asks, and prints what is answered.
///
/// # Errors
/// When the stage cannot be set.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let level = match options {
        Options { read: true, .. } => Level::Read,
        Options { cheap: true, .. } => Level::Cheap,
        Options { .. } => Level::Full,
    };
    let chosen = if options.only.is_empty() { probes::up_to(level).collect() } else { options.only.clone() };
    let width = chosen.iter().map(|probe| probe.name.len()).max().unwrap_or_default();
    let mut failed = 0;
    let mut beyond = 0;
    for probe in &chosen {
        if let Here::Beyond(reason) = probe.here {
            say!("{:width$}  beyond the local AWS: {reason}", probe.name);
            beyond += 1;
            continue;
        }
        let finding = in_virtual_time(async { Ok(Proving::begin(1)?.ask(probe).await) })?;
        say!("{:width$}  {}: {}", probe.name, finding.verdict.name(), finding.saw);
        if finding.verdict != Verdict::Proved {
            failed += 1;
            report::refuted(probe, &finding.saw).iter().for_each(|line| say!("  {line}"));
        }
    }
    let asked = chosen.len() - beyond;
    say!(
        "\nThe local AWS answers {} of {asked} as the code assumes. Whether AWS does, `just prove` asks.",
        asked - failed
    );
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The name of whoever may hardly do anything.
const LIMITED: &str = "durin-prove-limited";

/// A local AWS that is asked.
pub struct Proving {
    pub stage: Stage,
    pub way: Way,
    pub bench: Bench,
}

impl Proving {
    /// A world with a node and with Amazon's images, in which no function reacts.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub fn begin(seed: u64) -> Result<Proving, StageError> {
        let stage = Stage::set_without_functions(&Seed { seed, ..Seed::one_node() }, 1.0)?;
        stage.aws.world(publish).map_err(|error| StageError::Seed(error.to_string()))?;
        let way = Way::to(&stage.aws);
        let mut bench = Bench::new(Aws::new(&way.config(&stage.aws)));
        bench.limited = Some(Aws::new(&way.limited_config(&stage.aws)).ec2);
        Ok(Proving { stage, way, bench })
    }

    pub fn aws(&self) -> &LocalAws {
        &self.stage.aws
    }

    pub async fn ask(&self, probe: &Probe) -> Finding {
        probe.ask(&self.bench).await
    }
}

/// What Amazon has in every region: another image than the world has, for it publishes one every other week, and a document.
fn publish(world: &mut World) -> ApiResult<()> {
    let name = "al2023-ami-2023.9.20251201.0-kernel-6.1-x86_64";
    let created = durin_harness::time::Time(world.now().0 - 60 * 24 * 3600 * 1000);
    let spec = ImageSpec::named(name).created(created);
    world.add_image(ImageSpec { owner: Some(PUBLIC_OWNER.to_owned()), public: true, ..spec });
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "DetachData",
        "Effect": "Allow",
        "Action": "ec2:DetachVolume",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/durin:volume": "data"}},
    }]});
    let policies = vec![
        Policy::parse("prove", &policy, Owner::Role)
            .map_err(|error| ApiError::new("MalformedPolicy", error.to_string()))?,
    ];
    world.iam.assume(LIMITED, Role { name: LIMITED.to_owned(), policies });
    world.put_document("AWS-RunShellScript", include_str!("prove/run-shell-script.json"))
}

fn in_virtual_time<T>(play: impl Future<Output = Result<T, StageError>>) -> Result<T, Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
    Ok(runtime.block_on(play)?)
}

fn named(name: &str) -> Result<&'static Probe, String> {
    probes::named(name).ok_or_else(|| format!("there is no probe {name}; `just prove --list` names them"))
}
