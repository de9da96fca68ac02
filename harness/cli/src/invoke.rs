//! `durin invoke`: runs a function's real binary on one recorded event, and shows the results.

use std::error::Error;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::Args;
use durin_harness::LocalAws;
use durin_harness::runtime_api::{self, Invocation, Said};
use durin_harness::world::REGION;
use durin_harness::world::history::Fact;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::deployment;
use crate::print::say;
use crate::recorded;
use crate::serve::speed;
use crate::timeline::Timeline;

/// The function and the event.
#[derive(Args)]
pub struct Options {
    /// The function, for example node-lifecycle
    pub function: String,
    /// The event: a file, or the name of one in events/ (`-` reads standard input)
    pub event: String,
    /// How many seconds of the world pass in a second, so that EC2 does not keep you waiting
    #[arg(long, default_value_t = 10.0, value_parser = speed)]
    pub speed: f64,
    /// The function's binary; by default the one beside this program, built if need be
    #[arg(long)]
    pub binary: Option<PathBuf>,
}

/// Runs the function once.
///
/// # Errors
/// When there is no such function, event or binary.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(invoke(options))
}

async fn invoke(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let function = function_name(&options.function)?;
    let payload = payload(&options.event)?;
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => built(&function)?,
    };
    let timeout = deployment::timeout(&function)?.unwrap_or(Duration::from_secs(60));

    let mut event: Value = serde_json::from_slice(&payload).unwrap_or(Value::Null);
    let (world, _) = recorded::world_of(&event)?;
    let begin = world.now();
    // The function lives by the real clock, and so does this world: an event of last winter would come too late.
    let payload = match event.get_mut("time") {
        Some(time) => {
            *time = Value::String(begin.iso_seconds());
            event.to_string().into_bytes()
        }
        None => payload,
    };
    let before = world.history().len();
    let aws = LocalAws::new(world, options.speed);
    let endpoint = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let runtime_api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let mut process = Command::new(&binary)
        .env_clear()
        .env("AWS_ENDPOINT_URL", format!("http://{}", endpoint.local_addr()?))
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.local_addr()?.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", &function)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_REGION", REGION)
        // The access key identifies the caller to the local AWS.
        .env("AWS_ACCESS_KEY_ID", &function)
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .stdout(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;

    say!("{function} <- {}\n", options.event);
    let invocation = Invocation { function: function.clone(), payload, timeout };
    tokio::spawn(aws.clone().run(Default::default()));
    let said = tokio::select! {
        biased;
        said = runtime_api::serve_once(runtime_api, invocation) => Some(said?),
        served = aws.clone().serve(endpoint) => return Err(format!("the local AWS ended: {served:?}").into()),
        exited = process.wait() => return Err(format!("the function ended before it answered: {}", exited?).into()),
        () = tokio::time::sleep(timeout) => None,
    };
    process.kill().await?;
    Ok(report(&aws, begin, before, said))
}

fn report(aws: &LocalAws, begin: durin_harness::time::Time, before: usize, said: Option<Said>) -> ExitCode {
    let (history, calls) = aws.world(|world| {
        let history = world.history()[before..].to_vec();
        let calls = history.iter().filter(|entry| matches!(entry.fact, Fact::Called { .. })).count();
        (history, calls)
    });
    say!("\nCalls and changes ({calls} API calls):");
    for line in Timeline::new(begin, Default::default(), false).tell(&history) {
        say!("{line}");
    }
    say!();
    match said {
        Some(Said::Answer(answer)) => {
            say!("Answer: {answer}");
            ExitCode::SUCCESS
        }
        Some(Said::Error(error) | Said::InitError(error)) => {
            say!("Error: {error}");
            ExitCode::FAILURE
        }
        None => {
            say!("Error: the function's timeout came first");
            ExitCode::FAILURE
        }
    }
}

/// `node-lifecycle` or `durin-node-lifecycle`.
fn function_name(given: &str) -> Result<String, String> {
    let name = if given.starts_with("durin-") { given.to_owned() } else { format!("durin-{given}") };
    let known: Vec<_> = deployment::function_names().collect();
    if known.contains(&name.as_str()) {
        Ok(name)
    } else {
        Err(format!("there is no function {given}; there are {}", known.join(", ").replace("durin-", "")))
    }
}

fn payload(event: &str) -> Result<Vec<u8>, String> {
    if event == "-" {
        let mut payload = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut payload).map_err(|error| error.to_string())?;
        return Ok(payload);
    }
    let named = PathBuf::from(format!("events/{event}.json"));
    let path = if Path::new(event).exists() { Path::new(event) } else { named.as_path() };
    fs::read(path).map_err(|error| format!("no event {event}: neither a file nor {} ({error})", named.display()))
}

/// The function's binary beside this program: cargo builds both into the same folder.
fn built(function: &str) -> Result<PathBuf, Box<dyn Error>> {
    let folder = std::env::current_exe()?.parent().map(Path::to_path_buf).unwrap_or_default();
    let binary = folder.join(function);
    if !binary.exists() {
        say!("Building {function} ...");
        let built = std::process::Command::new("cargo").args(["build", "--quiet", "--bin", function]).status()?;
        if !built.success() {
            return Err(format!("cargo could not build {function}").into());
        }
    }
    Ok(binary)
}
