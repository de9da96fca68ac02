//! `durin serve`: the local AWS on a loopback port, with Durin deployed in it, and what happens in it as it happens.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use durin_harness::seed::{IMAGE_PARAMETER, Seed};
use durin_harness::time::Time;
use durin_harness::world::steady::{NodeNames, SETTLED_FOR};
use durin_harness::world::{REGION, World};
use durin_harness::{LocalAws, Page, SPEEDS};
use tokio::net::TcpListener;

use crate::print::{complain, say};
use crate::prove::Measured;
use crate::stage::Stage;
use crate::timeline::{Timeline, told};
use crate::world_file;

/// The world to serve, and how.
#[derive(Args)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 4566, allow_negative_numbers = true)]
    pub port: u16,
    /// Use the latencies that `just prove` has measured on AWS and kept in this file, and the estimates for the others
    #[arg(long, value_name = "FILE")]
    pub proof: Option<PathBuf>,
    /// How many seconds of the world pass in a second
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true, value_parser = speed)]
    pub speed: f64,
    /// The world to start from: `one-node`, `empty`, or a JSON file with a seed and nodes (harness/README.md)
    #[arg(long, default_value = "one-node", value_parser = world_file::seed)]
    pub world: Seed,
    /// Leave Durin's functions out: nothing reacts to events
    #[arg(long)]
    pub no_functions: bool,
    /// Do not show what happens
    #[arg(long, conflicts_with = "all_calls")]
    pub quiet: bool,
    /// Show every call and every step, even those that change nothing
    #[arg(long)]
    pub all_calls: bool,
}

/// Serves until interrupted.
///
/// # Errors
/// When the world cannot be made or the port is taken.
pub fn run(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(options))
}

async fn serve(options: Options) -> Result<ExitCode, Box<dyn Error>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {} is taken: stop what listens there, or pass another --port (0 takes a free one)",
            options.port
        ),
        _ => format!("cannot listen on {address}: {error}"),
    })?;
    let as_written = options.world.clone();
    let mut seed = options.world;
    // Clients have real clocks, so the world has one too, unless its file says otherwise: it shows the present when it has
    // settled.
    seed.start.get_or_insert_with(|| (Time::real_now() - SETTLED_FOR).iso_seconds());
    let measured = options.proof.as_deref().map(Measured::read).transpose()?;
    let set = if options.no_functions { Stage::set_without_functions } else { Stage::set };
    let stage = set(&seed, options.speed)?;
    if let Some(measured) = measured {
        stage.aws.world(|world| world.latency = measured.latencies);
    }
    let seen = stage.aws.world(|world| world.history().len());
    let stopped = stopped()?;
    let begun = stage.aws.clock().time();
    let page = Page { tell: told, seed: as_written, begun };
    greet(&stage, &format!("http://{}", listener.local_addr()?), options.speed);
    let (aws, story) = (stage.aws.clone(), seed.story);
    tokio::spawn(async move { aws.play(&story, begun, |text| complain(format_args!("{text}"))).await });
    tokio::select! {
        served = stage.aws.clone().serve_with_page(listener, page) => served?,
        () = tell(&stage.aws, seen, options.all_calls), if !options.quiet => {}
        stopped = stopped => stopped?,
    }
    say!("\nStopped. The world is gone.");
    Ok(ExitCode::SUCCESS)
}

fn greet(stage: &Stage, endpoint: &str, speed: f64) {
    say!("The local AWS listens on {endpoint}; time runs at {speed} x. Stop it with Ctrl-C.");
    say!("Open {endpoint} in a browser to watch it, or use it from another terminal:\n");
    say!("  export AWS_ENDPOINT_URL={endpoint} AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}");
    say!("  export AWS_ACCESS_KEY_ID=operator AWS_SECRET_ACCESS_KEY=any");
    for node in &stage.nodes {
        let NodeNames { group, volume, zone_id, .. } = node;
        say!("\n  # the node {group}: volume {volume}, zone {zone_id}, image parameter {IMAGE_PARAMETER}");
        say!("  aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names {group}");
        if stage.aws.world(|world| is_spot(world, node)) {
            say!(
                "  just interrupt {group}   # what no AWS API can cause; also recommend, reclaim, retire, stick-volume,"
            );
        } else {
            say!(
                "  just retire {group}   # what no AWS API can cause (EC2 interrupts no on-demand instance); also stick-volume,"
            );
        }
        say!("                       # no-capacity, bad-image, lose-event, bake-locally, speed");
    }
    say!();
}

fn is_spot(world: &World, node: &NodeNames) -> bool {
    let held = world.ec2.volume(&node.volume).and_then(|volume| volume.attachment.as_ref());
    held.and_then(|held| world.ec2.instance(&held.instance_id)).is_some_and(|holder| holder.spot)
}

/// Prints what happens, as it happens. Ends only with the world.
async fn tell(aws: &LocalAws, mut seen: usize, all: bool) {
    let timeline = Timeline::by_the_clock(all);
    loop {
        let entries = aws.history_from(seen).await;
        if entries.is_empty() {
            return;
        }
        seen += entries.len();
        timeline.tell(&entries).iter().for_each(|line| say!("{line}"));
    }
}

/// Ctrl-C, or a polite `kill`, from now on.
#[cfg(unix)]
fn stopped() -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => Ok(()),
            _ = terminated.recv() => Ok(()),
        }
    })
}

#[cfg(not(unix))]
fn stopped() -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    Ok(tokio::signal::ctrl_c())
}

/// A factor that time can run at.
///
/// # Errors
/// When it is not such a number.
pub fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if SPEEDS.contains(&factor) => Ok(factor),
        Ok(_) | Err(_) => Err(format!("it takes a number from {} to {}", SPEEDS.start(), SPEEDS.end())),
    }
}
