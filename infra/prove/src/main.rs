//! `durin-prove`: asks the account of the environment's credentials. `infra/prove.sh` calls it, with the credentials of the
//! AWS CLI.

// A closed pipe would make it panic.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod asked;

use std::error::Error;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use durin_prove::clean::Whose;
use durin_prove::proof::{self, Proof};
use durin_prove::session::{clean_up, run};
use durin_prove::{Bench, Level, Probe, Verdict, probes, report};

/// Asks an AWS account what Durin assumes of AWS, and keeps the answers in proof/.
///
/// The exit status is 0 if nothing is refuted, 1 if something is refuted or left behind, 2 if the arguments are not understood,
/// and 3 if nothing could be asked.
#[derive(Parser)]
#[command(name = "just prove", version, after_help = "Example: just prove --cheap")]
struct Arguments {
    /// Ask only what changes nothing; the default
    #[arg(long, group = "level")]
    read: bool,
    /// Ask also with parameters, zones, images and launch templates, for cents
    #[arg(long, group = "level")]
    cheap: bool,
    /// Ask also with a small group, instances and volumes, for less than a dollar
    #[arg(long, group = "level")]
    full: bool,
    /// Ask only these probes
    #[arg(long, value_name = "PROBE", value_parser = probe)]
    only: Vec<&'static Probe>,
    /// Ask again even what has been answered today
    #[arg(long)]
    again: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Print every probe with what it assumes, calls, makes and costs; asks nothing
    #[arg(long)]
    list: bool,
    /// Print what is proved, refuted and unproved; asks nothing
    #[arg(long)]
    report: bool,
    /// Remove what any run has left behind in this region, and ask nothing
    #[arg(long)]
    clean: bool,
    /// Where to make whatever needs a network; by default in the first default subnet
    #[arg(long)]
    subnet: Option<String>,
    /// The instance profile of the instances that it launches, so that Systems Manager knows them; a node's will do
    #[arg(long)]
    instance_profile: Option<String>,
    /// Where the proofs are
    #[arg(long, default_value = "proof")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    act(&arguments).unwrap_or_else(|error| {
        drop(writeln!(io::stderr(), "error: {error}"));
        ExitCode::from(3)
    })
}

fn act(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    if arguments.list {
        say(&report::catalogue(chosen(arguments).into_iter()))?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.report {
        let proofs = proof::read_all(&arguments.folder)?;
        say(&report::lines(chosen(arguments).into_iter(), &proofs).join("\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut bench = asked::bench().await?;
        bench.subnet.clone_from(&arguments.subnet);
        bench.profile.clone_from(&arguments.instance_profile);
        if arguments.clean {
            return clear(&bench, arguments).await;
        }
        ask(&mut bench, arguments).await
    })
}

/// The probes that are meant: those that are named, or those of the level, or of all levels.
fn chosen(arguments: &Arguments) -> Vec<&'static Probe> {
    if !arguments.only.is_empty() {
        return arguments.only.clone();
    }
    let level = match arguments {
        Arguments { full: true, .. } => Level::Full,
        Arguments { cheap: true, .. } => Level::Cheap,
        Arguments { read: false, list, report, .. } if *list || *report => Level::Full,
        Arguments { .. } => Level::Read,
    };
    probes::up_to(level).collect()
}

async fn ask(bench: &mut Bench, arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let probes = chosen(arguments);
    let region = asked::region(bench);
    let mut proof = Proof::resume_or_begin(&arguments.folder, asked::who(), &region, bench.now())?;
    bench.former.clone_from(&proof.runs);
    if arguments.again {
        probes.iter().for_each(|probe| drop(proof.findings.remove(probe.name)));
    }
    say(&asked::offer(&probes, &proof, &arguments.folder))?;
    if !arguments.yes && !confirmed("Go on?")? {
        return Err("nothing was asked".into());
    }
    let folder = arguments.folder.clone();
    let mut tell = |progress: durin_prove::session::Progress<'_>| asked::tell(&progress, &folder);
    let is_clean = tokio::select! {
        is_clean = run(bench, &probes, &mut proof, &mut tell) => is_clean,
        stopped = tokio::signal::ctrl_c() => {
            stopped?;
            drop(say("\nStopped. What was made is removed; Ctrl-C once more leaves it for the next run."));
            let cleaned = clean_up(bench, Whose::Ours).await;
            cleaned.left.iter().for_each(|left| drop(say(&format!("LEFT: {left}"))));
            return Err("stopped; run it again to go on".into());
        }
    };
    let here = [proof.clone()];
    say(&format!("\n{}", asked::table(&probes, &proof).join("\n")))?;
    if proof.is_of_aws() {
        say(&report::summary(&probes, &here))?;
        say(&format!("Kept in {}: commit it, or send it to the project.", proof.path(&arguments.folder).display()))?;
    }
    let refuted = probes.iter().filter_map(|probe| proof.findings.get(probe.name));
    let is_refuted = refuted.into_iter().any(|found| found.finding.verdict == Verdict::Refuted);
    Ok(if is_clean && !is_refuted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn clear(bench: &Bench, arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    say("This removes what any run of `just prove` has made in this region, also one that is at work now.")?;
    if !arguments.yes && !confirmed("Go on?")? {
        return Err("nothing was done".into());
    }
    let cleaned = clean_up(bench, Whose::Everybodys).await;
    cleaned.removed.iter().try_for_each(|removed| say(&format!("removed {removed}")))?;
    cleaned.left.iter().try_for_each(|left| say(&format!("LEFT: {left}")))?;
    say(&format!("{} removed, {} left.", cleaned.removed.len(), cleaned.left.len()))?;
    Ok(if cleaned.left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn confirmed(question: &str) -> Result<bool, Box<dyn Error>> {
    if !io::stdin().is_terminal() {
        return Err("there is no terminal to ask on: pass --yes".into());
    }
    write!(io::stdout(), "{question} [y/N] ")?;
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

fn probe(name: &str) -> Result<&'static Probe, String> {
    probes::named(name).ok_or_else(|| format!("there is no probe {name}; `just prove --list` names them"))
}

/// A line; a reader that has seen enough has closed the pipe, and that is no failure.
fn say(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
