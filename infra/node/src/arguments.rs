//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use durin_decisions::ids::VolumeId;
use durin_node::answer::{Answer, Steps};
use durin_node::commands::volume::Wanted;
use durin_node::commands::{release, resume, status, volume};
use durin_node::decide::protocol;
use durin_node::world::World;

/// The half of Durin that runs on the instance. Run it as root; the units and the command documents do.
#[derive(Parser)]
#[command(name = "durin-node", version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where the volume is mounted
    #[arg(long, global = true, default_value = "/data")]
    mount_point: PathBuf,
    /// The root of everything, for tests
    #[arg(long, global = true, default_value = "/", hide = true)]
    root: PathBuf,
    /// The protocol that the caller speaks
    #[arg(long, global = true)]
    protocol: Option<u32>,
}

#[derive(Subcommand)]
enum Command {
    /// Wait for this node's volume, and mount it if that is safe
    Volume(Volume),
    /// Let go of the volume: stop k3s, end its containers, unmount; succeeds only if it can be detached
    Release {
        /// The volume, vol-…
        volume: String,
    },
    /// Take a release back: mount the volume and serve again
    Resume {
        /// The volume, vol-…
        volume: String,
    },
    /// How this instance is
    Status,
}

#[derive(Args)]
struct Volume {
    /// The volume, vol-…
    #[arg(long)]
    volume: VolumeArgument,
    /// It is new: format it, if it is blank
    #[arg(long)]
    new: bool,
    /// Give up after this many seconds; without it, never
    #[arg(long)]
    within: Option<u64>,
}

#[derive(Clone)]
struct VolumeArgument(VolumeId);

impl std::str::FromStr for VolumeArgument {
    type Err = String;
    fn from_str(text: &str) -> Result<VolumeArgument, String> {
        VolumeId::new(text).map(VolumeArgument).map_err(|error| error.to_string())
    }
}

impl Arguments {
    pub(crate) fn carry_out(&self) -> ExitCode {
        let world = World::new(&self.root, &self.mount_point);
        let mut steps = Steps::default();
        let name = self.command.name();
        let answer = match protocol::agree(self.protocol) {
            Err(why) => Answer::no(self.command.refusal(), &why.to_string()),
            Ok(()) => self.command.run(&world, &mut steps),
        };
        answer.print(&world, name, &steps)
    }
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Command::Volume(_) => "volume",
            Command::Release { .. } => "release",
            Command::Resume { .. } => "resume",
            Command::Status => "status",
        }
    }

    fn refusal(&self) -> &'static str {
        match self {
            Command::Volume(_) | Command::Status => "refused",
            Command::Release { .. } => "not released",
            Command::Resume { .. } => "not resumed",
        }
    }

    fn run(&self, world: &World, steps: &mut Steps) -> Answer {
        match self {
            Command::Volume(options) => {
                let wanted = Wanted {
                    volume: options.volume.0.clone(),
                    declared_new: options.new,
                    within: options.within.map(Duration::from_secs),
                    node_name: None,
                };
                volume::run(world, &wanted, steps)
            }
            Command::Release { volume } => release::run(world, volume, steps),
            Command::Resume { volume } => resume::run(world, volume, steps),
            Command::Status => status::run(world),
        }
    }
}
