//! The commands.

mod nodes;

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use durin::ami::pin::{self, Pin};
use durin::ami::prune::{self, Policy, table};
use durin::aws::Aws;
use durin::clock::Deadline;
use durin::failure::Failure;
use durin::ids::ParameterName;
use durin::times::timestamp;
use durin_ami_prune::{Settings, SettingsError};

use crate::remedy::advised;

/// A person is waiting, at worst for two validations by Parameter Store: somebody else's, and then theirs.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Subcommand)]
pub enum Command {
    /// Show the state of every node of the region, what is wrong, and what to do; changes nothing
    #[command(after_help = "Example: just status home")]
    Status(nodes::Status),
    /// Show what an Auto Scaling group still lacks to be a node, however it was made; changes nothing
    #[command(after_help = "Example: just check-node home")]
    CheckNode(nodes::CheckNode),
    /// Print which images and snapshots would stay, which would go, and why; removes nothing
    #[command(after_help = "Example: just prune-plan --keep-newest 5")]
    PrunePlan(PrunePlan),
    /// Publish nothing to a parameter until it is unpinned
    #[command(after_help = "Example: just pin /durin/image 1.34 breaks the ingress")]
    Pin {
        /// The parameter's name
        #[arg(value_parser = parameter)]
        parameter: ParameterName,
        /// The reason, for anyone who wonders later; an earlier pin keeps its own if this is left out
        why: Vec<String>,
    },
    /// List the parameters that are pinned, since when, and why
    #[command(after_help = "Example: just pins")]
    Pins,
    /// Let images be published to a parameter again
    #[command(after_help = "Example: just unpin /durin/image")]
    Unpin {
        /// The parameter's name
        #[arg(value_parser = parameter)]
        parameter: ParameterName,
    },
    /// Pin a parameter and put it back to its previous image
    #[command(after_help = "Example: just rollback /durin/image")]
    Rollback {
        /// The parameter's name
        #[arg(value_parser = parameter)]
        parameter: ParameterName,
    },
}

impl Command {
    /// What a script reads if the command could not be carried out.
    pub fn status_of_failure(&self) -> ExitCode {
        match self {
            Command::Status(_) | Command::CheckNode(_) => ExitCode::from(nodes::NOT_ASKED),
            Command::PrunePlan(_)
            | Command::Pin { .. }
            | Command::Pins
            | Command::Unpin { .. }
            | Command::Rollback { .. } => ExitCode::FAILURE,
        }
    }
}

/// How much to keep. `just` sets the variables to the settings of the deployed function, or of its manifest if none is
/// deployed, and says which in `DURIN_SETTINGS_OF`; the options come first.
#[derive(Args)]
pub struct PrunePlan {
    /// Keep this many of the newest images of each family
    #[arg(long, allow_negative_numbers = true)]
    keep_newest: Option<u32>,
    /// Keep everything younger than this many days
    #[arg(long, allow_negative_numbers = true)]
    keep_days: Option<u32>,
    /// Days between disabling and deregistering
    #[arg(long, allow_negative_numbers = true)]
    soak_days: Option<u32>,
}

impl PrunePlan {
    fn settings(&self) -> Result<Settings, SettingsError> {
        Settings::read(|name| {
            let option = match name {
                "DURIN_KEEP_NEWEST" => self.keep_newest,
                "DURIN_KEEP_DAYS" => self.keep_days,
                "DURIN_SOAK_DAYS" => self.soak_days,
                _ => None,
            };
            option.map(|number| number.to_string()).or_else(|| std::env::var(name).ok())
        })
    }

    /// What a person has to know about the settings to trust the plan.
    fn said(&self, settings: &Settings) -> String {
        let whose = std::env::var("DURIN_SETTINGS_OF").unwrap_or_else(|_| "Durin's defaults".to_owned());
        let changed = [self.keep_newest, self.keep_days, self.soak_days].iter().any(Option::is_some);
        let Policy { keep_newest, keep_younger, soak } = &settings.policy;
        let (younger, soak) = (days(*keep_younger), days(*soak));
        format!(
            "Settings: keep the newest {keep_newest} of each family, and anything younger than {younger} days; soak for \
             {soak} days. They are {whose}{}.{}",
            if changed { ", but for your options" } else { "" },
            if settings.dry_run { " DURIN_DRY_RUN is true there, so the function removes nothing." } else { "" },
        )
    }
}

/// Carries out one of the commands.
///
/// # Errors
/// When there are no credentials or no region, or AWS refuses.
pub fn run(command: &Command) -> Result<ExitCode, Box<dyn Error>> {
    for variable in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        if std::env::var_os(variable).is_none() {
            let text = format!(
                "{variable} is not set. `just` takes credentials and region from the AWS CLI; without it, set them \
                 yourself, for example with: eval \"$(aws configure export-credentials --format env)\""
            );
            return Err(text.into());
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Done { told, status } = runtime.block_on(carry_out(command))?;
    match std::io::stdout().write_all(told.as_bytes()) {
        // A reader that has seen enough (`| head -1`) has closed the pipe, and that is no failure.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot print: {error}").into()),
        Ok(()) | Err(_) => Ok(status),
    }
}

/// What a command has to say in the end.
struct Done {
    told: String,
    status: ExitCode,
}

impl Done {
    fn all_is_well(lines: &[String]) -> Done {
        Done { told: text(lines), status: ExitCode::SUCCESS }
    }
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

async fn carry_out(command: &Command) -> Result<Done, Box<dyn Error>> {
    let aws = Aws::from_lambda_environment().await;
    match command {
        Command::Status(options) => nodes::show_status(&aws, options).await,
        Command::CheckNode(options) => nodes::check(&aws, options).await,
        Command::PrunePlan(options) => {
            let settings = options.settings()?;
            let plan = prune::look(&aws, &settings.policy, usize::MAX).await.map_err(whole)?;
            let told = format!("{}\n\n{}", options.said(&settings), text(&table::lines(&plan)));
            let status = if plan.unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
            Ok(Done { told, status })
        }
        Command::Pin { parameter, why } => {
            let pin = pin::pin(&aws, parameter, &why.join(" ")).await.map_err(whole)?;
            Ok(Done::all_is_well(&[
                format!("{parameter} is pinned: nothing is published to it until `just unpin {parameter}`."),
                format!("  {}: {}", since(&pin), pin.why),
            ]))
        }
        Command::Pins => {
            let pins = pin::pins(&aws).await.map_err(whole)?;
            let width = pins.iter().map(|pin| pin.parameter.as_str().len()).max().unwrap_or_default();
            let row = |pin: &Pin| format!("{:width$}  {:>20}  {}", pin.parameter.as_str(), since(pin), pin.why);
            let lines: Vec<_> = pins.iter().map(row).collect();
            let none = ["No parameter is pinned.".to_owned()];
            Ok(Done::all_is_well(if lines.is_empty() { &none } else { &lines }))
        }
        Command::Unpin { parameter } => {
            let said = match pin::unpin(&aws, parameter).await.map_err(whole)? {
                Some(_) => "is not pinned any more: the newest image is published within the hour.",
                None => "was not pinned, so nothing has changed. `just pins` lists those that are.",
            };
            Ok(Done::all_is_well(&[format!("{parameter} {said}")]))
        }
        Command::Rollback { parameter } => {
            let deadline = Deadline::before(SystemTime::now() + PATIENCE);
            let (_, to) = pin::way_back(&aws, parameter).await.map_err(whole)?;
            complain(&format!("{parameter} goes back to {to}, which Parameter Store may take some minutes to check."));
            let rolled = pin::roll_back(&aws, parameter, deadline).await.map_err(whole)?;
            Ok(Done::all_is_well(&[
                format!("{parameter} names {} again, instead of {}.", rolled.to, rolled.from),
                match rolled.pin {
                    Some(_) => format!("It is pinned: no bake undoes this until `just unpin {parameter}`."),
                    None => "It is not pinned, because nothing is ever published to it.".to_owned(),
                },
                "The next launch boots from it; a running node stays as it is.".to_owned(),
            ]))
        }
    }
}

/// Parameter Store takes `/k3s` and `k3s` for one name, and refuses `durin/image`.
fn parameter(text: &str) -> Result<ParameterName, String> {
    if text.contains('/') && !text.starts_with('/') {
        return Err(format!("a name of several parts begins with a slash: /{text}"));
    }
    ParameterName::new(text).map_err(|error| error.to_string())
}

fn since(pin: &Pin) -> String {
    pin.since.map_or_else(|| "?".to_owned(), timestamp)
}

/// Says something to a person who waits, or to nobody.
pub fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// With all causes, of which an error shows only the first.
fn whole(failure: Failure) -> Box<dyn Error> {
    advised(&failure).into()
}

fn days(span: Duration) -> u32 {
    u32::try_from(span.as_secs() / 86_400).unwrap_or(u32::MAX)
}
