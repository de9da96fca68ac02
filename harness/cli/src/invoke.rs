//! `durin invoke`: runs a function's real binary on one event, and shows the results.

use std::error::Error;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Args;
use durin::node::DocumentVersions;
use durin_harness::LocalAws;
use durin_harness::runtime_api::{self, Invocation, Said};
use durin_harness::time::Time;
use durin_harness::world::REGION;
use durin_harness::world::lambda::FunctionSettings;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::deployment::{self, Deployment, has_to_do_with_nodes};
use crate::event::{Event, repository};
use crate::print::{NotUnderstood, say};
use crate::recorded;
use crate::serve::speed;
use crate::timeline::{self, Timeline};

/// The function and the event.
#[derive(Args)]
pub struct Options {
    /// The function, for example node-lifecycle
    #[arg(value_parser = function_name)]
    pub function: String,
    /// The event: a file, or the name of one in events/ (`-` reads standard input)
    pub event: String,
    /// How many seconds of the world pass in a second, so that EC2 does not keep you waiting
    #[arg(long, default_value_t = 10.0, allow_negative_numbers = true, value_parser = speed)]
    pub speed: f64,
    /// The function's binary; by default the one beside this program, built if need be
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// Leave the event's time as it was recorded; otherwise the event is from now
    #[arg(long)]
    pub as_recorded: bool,
    /// Show every call and every step, even those that change nothing
    #[arg(long)]
    pub all_calls: bool,
}

/// Runs the function once.
///
/// # Errors
/// When there is no such event or binary.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(invoke(options))
}

async fn invoke(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let function = &options.function;
    let mut event = Event::read(&options.event)?;
    let settings = Deployment::shipped()?.settings(function).ok_or("a function without a manifest")?;
    let binary = match &options.binary {
        Some(binary) if binary.is_file() => binary.clone(),
        Some(binary) => return Err(NotUnderstood(format!("there is no binary {}", binary.display())).into()),
        None => built(function)?,
    };

    let (world, _) = recorded::world_of_today(&event.payload)?;
    let begin = world.now();
    announce(options, settings, &event, begin);
    if !options.as_recorded {
        event.date(begin);
    }
    let mut environment = settings.environment.clone();
    if has_to_do_with_nodes(function) {
        let documents = Deployment::shipped()?.document_versions(&world)?;
        environment.insert(DocumentVersions::VARIABLE.to_owned(), documents);
    }
    let before = world.history().len();
    let aws = LocalAws::new(world, options.speed);
    let endpoint = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let runtime_api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (log, written) = pipe()?;
    let mut process = Command::new(&binary)
        .env_clear()
        .envs(environment)
        .env("AWS_ENDPOINT_URL", format!("http://{}", endpoint.local_addr()?))
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api.local_addr()?.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_mb.to_string())
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_REGION", REGION)
        // The access key identifies the caller to the local AWS.
        .env("AWS_ACCESS_KEY_ID", function)
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .stdout(written)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
    let log = thread::spawn(move || show_log(log));

    let payload = event.payload.to_string().into_bytes();
    let invocation = Invocation { function: function.clone(), payload, timeout: settings.timeout };
    tokio::spawn(aws.clone().run(Default::default()));
    let said = tokio::select! {
        biased;
        said = runtime_api::serve_once(runtime_api, invocation) => Some(said?),
        served = aws.clone().serve(endpoint) => return Err(format!("the local AWS ended: {served:?}").into()),
        exited = process.wait() => return Err(format!("the function ended before it answered: {}", exited?).into()),
        () = tokio::time::sleep(settings.timeout) => None,
    };
    process.kill().await?;
    log.join().map_err(|_| "the log could not be shown")?;
    show_calls(&aws, begin, before, options.all_calls);
    Ok(match said {
        Some(Said::Answer(answer)) => {
            say!("Answer: {answer}");
            ExitCode::SUCCESS
        }
        Some(Said::Error(error) | Said::InitError(error)) => {
            say!("Error: {}", in_words(&error));
            ExitCode::FAILURE
        }
        None => {
            say!("Error: the function's timeout of {} s came first", settings.timeout.as_secs());
            ExitCode::FAILURE
        }
    })
}

/// What runs with which settings: those that it would be deployed with.
fn announce(options: &Options, settings: &FunctionSettings, event: &Event, now: Time) {
    say!("{} <- {}", options.function, event.source);
    let folder = options.function.trim_start_matches("durin-");
    let variables: Vec<_> = settings.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !variables.is_empty() {
        say!("with the settings of functions/{folder}/Cargo.toml: {}", variables.join(" "));
    }
    match event.recorded() {
        Some(recorded) if options.as_recorded => say!("at {recorded}, as it was recorded"),
        Some(recorded) => say!("at {}, now (--as-recorded leaves it at {recorded})", now.iso_seconds()),
        None => {}
    }
    if options.speed > 1.0 {
        say!(
            "at {0} x: what the function itself waits for takes {0} times as long in the world; --speed 1 does not",
            options.speed
        );
    }
    say!();
}

/// Shows a function's log as it comes, but a failure once: Lambda's runtime logs what the function has logged before.
fn show_log(log: PipeReader) {
    let mut has_failed = false;
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        let fields: Value = serde_json::from_str(&line).unwrap_or_default();
        let is_error = fields["level"] == "ERROR";
        if is_error && has_failed && fields["error_type"].is_null() {
            continue;
        }
        has_failed |= is_error;
        say!("{line}");
    }
}

fn show_calls(aws: &LocalAws, begin: Time, before: usize, all: bool) {
    let history = aws.world(|world| world.history()[before..].to_vec());
    say!("\nCalls and changes ({}):", counted(timeline::count(&history), all));
    for line in Timeline::new(begin, Default::default(), all).tell(&history) {
        say!("{line}");
    }
    say!();
}

fn counted((calls, reads): (usize, usize), all: bool) -> String {
    let calls = match calls {
        0 => return "no API call".to_owned(),
        1 => "1 API call".to_owned(),
        calls => format!("{calls} API calls"),
    };
    match reads {
        0 => calls,
        _ if all => calls,
        reads => format!("{calls}; --all-calls shows the {reads} that only read"),
    }
}

/// Lambda's JSON for an error as its type and text.
fn in_words(error: &str) -> String {
    let fields: Value = serde_json::from_str(error).unwrap_or_default();
    match (fields["errorType"].as_str(), fields["errorMessage"].as_str()) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (None, _) | (_, None) => error.to_owned(),
    }
}

/// `node-lifecycle` or `durin-node-lifecycle`.
fn function_name(given: &str) -> Result<String, String> {
    let name = if given.starts_with("durin-") { given.to_owned() } else { format!("durin-{given}") };
    let known: Vec<_> = deployment::function_names().collect();
    if known.contains(&name.as_str()) {
        Ok(name)
    } else {
        Err(format!("there is no such function; there are {}", known.join(", ").replace("durin-", "")))
    }
}

/// The function's binary beside this program: cargo builds both into the same folder.
fn built(function: &str) -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let binary = program.with_file_name(format!("{function}{}", std::env::consts::EXE_SUFFIX));
    if !binary.exists() {
        say!("Building {function} ...");
        let mut cargo = std::process::Command::new("cargo");
        let built = cargo.args(["build", "--quiet", "--bin", function]).current_dir(repository()).status()?;
        if !built.success() {
            return Err(format!("cargo could not build {function}").into());
        }
    }
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_in_words() {
        for (calls, all, expected) in [
            ((0, 0), false, "no API call"),
            ((1, 0), false, "1 API call"),
            ((5, 5), false, "5 API calls; --all-calls shows the 5 that only read"),
            ((5, 5), true, "5 API calls"),
        ] {
            assert_eq!(counted(calls, all), expected);
        }
    }
}
