//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use durin_decisions::ids::VolumeId;
use durin_node::answer::{Answer, Steps};
use durin_node::commands::status::Goal;
use durin_node::commands::{prepare, release, resume, settle, status, volume, watch};
use durin_node::decide::marker::Until;
use durin_node::decide::protocol;
use durin_node::machine::metadata::Metadata;
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
    /// The metadata service
    #[arg(long, global = true, default_value = "169.254.169.254:80", hide = true)]
    metadata: SocketAddr,
    /// The protocol that the caller speaks
    #[arg(long, global = true)]
    protocol: Option<u32>,
}

#[derive(Subcommand)]
enum Command {
    /// Get ready before the volume comes: read the tags, write k3s's configuration, check the image
    Prepare {
        /// Go on with whatever tags there are after this many seconds [default: 60]
        #[arg(long)]
        within: Option<u64>,
    },
    /// Wait for this node's volume, and mount it if that is safe
    Volume(Volume),
    /// Let go of the volume: stop k3s, end its containers, unmount; succeeds only if it can be detached
    Release {
        /// The volume, vol-…; without it, the one that is mounted
        volume: Option<String>,
        /// At a shutdown: let the units mount it again when they are started again
        #[arg(long)]
        at_shutdown: bool,
    },
    /// Take a release back: mount the volume and serve again
    Resume {
        /// The volume, vol-…
        volume: String,
        /// Give up after this many seconds [default: 165]
        #[arg(long, hide = true)]
        within: Option<u64>,
    },
    /// Wait for an interruption notice, and let go of the volume at the last moment if nobody else has
    Watch {
        /// Milliseconds between two looks
        #[arg(long, hide = true)]
        poll: Option<u64>,
    },
    /// Beside k3s as it starts: remove what an earlier instance has left in the cluster, and say when it serves
    Settle {
        /// Wait for this many seconds [default: 600]
        #[arg(long)]
        within: Option<u64>,
    },
    /// Say how this instance is
    Status {
        /// Wait until this is so
        #[arg(long)]
        wait: Option<Goal>,
        /// Wait for this many seconds at most
        #[arg(long, default_value_t = 40)]
        within: u64,
    },
}

#[derive(Args)]
struct Volume {
    /// The volume, vol-…; without it, the one of the tag durin:volume-id
    #[arg(long)]
    volume: Option<VolumeArgument>,
    /// It is new: format it, if it is blank; without it, as the tag durin:new-volume says
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
            Ok(()) => self.run(&world, &mut steps),
        };
        answer.print(&world, name, &steps)
    }

    fn run(&self, world: &World, steps: &mut Steps) -> Answer {
        let metadata = || Metadata::at(self.metadata);
        match &self.command {
            Command::Prepare { within } => prepare::run(world, &mut metadata(), within.map(Duration::from_secs), steps),
            Command::Volume(options) => {
                let options = volume::Options {
                    volume: options.volume.as_ref().map(|argument| argument.0.clone()),
                    is_new: options.new,
                    within: options.within.map(Duration::from_secs),
                };
                volume::run(world, &options, steps)
            }
            Command::Release { volume, at_shutdown } => {
                let until = if *at_shutdown { Until::Started } else { Until::Resumed };
                release::run(world, volume.as_deref(), until, steps)
            }
            Command::Resume { volume, within } => resume::run(world, volume, within.map(Duration::from_secs), steps),
            Command::Watch { poll } => watch::run(world, &mut metadata(), poll.map(Duration::from_millis), steps),
            Command::Settle { within } => settle::run(world, within.map(Duration::from_secs), steps),
            Command::Status { wait, within } => status::run(world, *wait, Duration::from_secs(*within)),
        }
    }
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Command::Prepare { .. } => "prepare",
            Command::Volume(_) => "volume",
            Command::Release { .. } => "release",
            Command::Resume { .. } => "resume",
            Command::Watch { .. } => "watch",
            Command::Settle { .. } => "settle",
            Command::Status { .. } => "status",
        }
    }

    fn refusal(&self) -> &'static str {
        match self {
            Command::Release { .. } => "not released",
            Command::Resume { .. } => "not resumed",
            Command::Prepare { .. }
            | Command::Volume(_)
            | Command::Watch { .. }
            | Command::Settle { .. }
            | Command::Status { .. } => "refused",
        }
    }
}
