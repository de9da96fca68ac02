//! `durin serve`: the local AWS on a loopback port, with Durin deployed in it.

use std::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use durin_harness::seed::Seed;
use durin_harness::time::Time;
use durin_harness::world::REGION;
use tokio::net::TcpListener;

use crate::print::say;
use crate::stage::Stage;

/// The world to serve, and how.
#[derive(Args)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 4566)]
    pub port: u16,
    /// How many seconds of the world pass in a second
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pub speed: f64,
    /// The world to start from: `one-node`, `empty`, or a JSON file with a seed and nodes
    #[arg(long, default_value = "one-node")]
    pub world: String,
    /// Leave Durin's functions out: nothing reacts to events
    #[arg(long)]
    pub no_functions: bool,
}

/// Serves until interrupted.
///
/// # Errors
/// When the world cannot be read or the port is taken.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let mut seed = seed(&options.world)?;
    // Clients have real clocks, so the world has one too, unless its file says otherwise.
    seed.start.get_or_insert_with(|| Time::real_now().iso_seconds());
    let set = if options.no_functions { Stage::set_without_functions } else { Stage::set };
    let stage = set(&seed, options.speed)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    say!("The local AWS listens on {endpoint}; time runs at {} x. Stop it with Ctrl-C. To use it:", options.speed);
    say!();
    say!("  export AWS_ENDPOINT_URL={endpoint} AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}");
    say!("  export AWS_ACCESS_KEY_ID=operator AWS_SECRET_ACCESS_KEY=any");
    for node in &stage.nodes {
        say!();
        say!("  # the node {}: volume {}, zone {}", node.group, node.volume, node.zone_id);
        say!("  aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names {}", node.group);
    }
    tokio::select! {
        served = stage.aws.serve(listener) => served?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The world to start from, by name or from a file.
///
/// # Errors
/// When there is no such file, or it is not a seed.
pub fn seed(world: &str) -> Result<Seed, Box<dyn Error>> {
    match world {
        "one-node" => Ok(Seed::one_node()),
        "empty" => Ok(Seed { seed: 1, ..Seed::default() }),
        path => {
            let path = PathBuf::from(path);
            let text = fs::read_to_string(&path).map_err(|error| {
                format!("the world {} is neither one-node, empty, nor a file: {error}", path.display())
            })?;
            Ok(serde_json::from_str(&text).map_err(|error| format!("the world {}: {error}", path.display()))?)
        }
    }
}

/// A factor that time can run at.
///
/// # Errors
/// When it is not a positive number.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 && factor <= 10_000.0 => Ok(factor),
        _ => Err("a number above 0 and up to 10000".to_owned()),
    }
}
