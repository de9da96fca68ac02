//! `durin rehearse`: hand-offs on real machines, at home. The local AWS's instances are QEMU's, with systemd, udev, the units
//! and the program that a node runs; its model of an instance is held to what happens in them.
//!
//! It shows order, data and refusals. It shows nothing about seconds on EC2: machines under emulation are slow.

mod host;
mod making;
mod order;
mod play;
mod scenarios;
mod several;
mod situations;
mod writes;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::print::{NotUnderstood, complain, say};
use scenarios::{Kind, SCENARIOS, Scenario};

pub use host::relay;
pub use making::NotRehearsed;

/// What to rehearse.
#[derive(Args)]
pub struct Options {
    /// The scenarios, by name; by default an interruption
    scenarios: Vec<String>,
    /// All scenarios, several at a time
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// List the scenarios
    #[arg(long, conflicts_with = "all")]
    list: bool,
    /// How many scenarios at once, each with up to three machines; by default one more than there are cores
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<usize>,
    /// Only the situations whose name contains this
    #[arg(long, value_name = "WORDS", conflicts_with = "all")]
    row: Option<String>,
    /// A real k3s to run instead of the stand-in for it: the program, for x86-64
    #[arg(long, value_name = "FILE")]
    k3s: Option<PathBuf>,
    /// A directory whose files go over the image's own, to try what is not in the repository
    #[arg(long, value_name = "DIRECTORY")]
    overlay: Option<PathBuf>,
    /// A directory that keeps what the machines leave, such as their consoles
    #[arg(long, value_name = "DIRECTORY")]
    keep: Option<PathBuf>,
    /// Show every call and every step, even those that change nothing
    #[arg(long)]
    all_calls: bool,
}

/// Rehearses, and prints what happens.
///
/// # Errors
/// When there are no machines to be had: with what to install.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    if options.list {
        SCENARIOS.iter().for_each(|it| say!("{:<28} {}", it.name, it.about));
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = chosen(options)?;
    let image = making::image(options.k3s.as_deref(), options.overlay.as_deref())?;
    if let [scenario] = chosen.as_slice() {
        let went_well = play_one(options, scenario, &image)?;
        say!("It shows order, data and refusals, and nothing about seconds on EC2.");
        return Ok(if went_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let failed = several::play(options, &chosen);
    say!("{} of {} rehearsals went as they should.", chosen.len() - failed.len(), chosen.len());
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    complain(format_args!("not as it should be: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
}

/// Whether it went as it should.
fn play_one(options: &Options, scenario: &Scenario, image: &Path) -> Result<bool, Box<dyn Error>> {
    let directory = making::directory(options.keep.as_deref(), scenario.name)?;
    say!("Rehearsal of: {}.", scenario.about);
    match options.k3s {
        None => say!("Real machines under emulation, which are slow; a stand-in for k3s, which is no Kubernetes.\n"),
        Some(_) => say!("Real machines under emulation, which are slow; k3s is the real one.\n"),
    }
    let problems = match scenario.play {
        Kind::Story(story) => play::on_machines(story, scenario.loss, image, &directory, options.all_calls)?,
        Kind::Situations => situations::play(options.row.as_deref(), image, &directory)?,
    };
    problems.iter().for_each(|problem| say!("BROKEN   {problem}"));
    if problems.is_empty() {
        say!("All hold: {}.", scenario.name);
    } else {
        complain(format_args!("not as it should be: {}", scenario.name));
    }
    if options.keep.is_none() {
        drop(std::fs::remove_dir_all(&directory));
    }
    Ok(problems.is_empty())
}

fn chosen(options: &Options) -> Result<Vec<&'static Scenario>, NotUnderstood> {
    if options.all {
        // What takes longest first, so that no core waits for it at the end.
        return Ok(SCENARIOS.iter().rev().collect());
    }
    if let Some(words) = &options.row {
        return of_a_row(options, words);
    }
    if options.scenarios.is_empty() {
        return Ok(SCENARIOS.iter().take(1).collect());
    }
    let find = |name: &String| {
        let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
        found.ok_or_else(|| NotUnderstood(format!("there is no scenario {name}: `just rehearse --list` lists them")))
    };
    options.scenarios.iter().map(find).collect()
}

/// A row is one of the situations: whoever asks for it means them, and nobody is to wait for a machine to hear that there is
/// none.
fn of_a_row(options: &Options, words: &str) -> Result<Vec<&'static Scenario>, NotUnderstood> {
    if let Some(other) = options.scenarios.iter().find(|name| *name != "situations") {
        return Err(NotUnderstood(format!("--row chooses among the situations, and {other} has no rows")));
    }
    situations::check(words).map_err(NotUnderstood)?;
    Ok(SCENARIOS.iter().filter(|scenario| matches!(scenario.play, Kind::Situations)).collect())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Options, chosen};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn names(words: &[&str]) -> Result<Vec<&'static str>, String> {
        let line = Line::try_parse_from([&["rehearse"], words].concat()).map_err(|error| error.to_string())?;
        let chosen = chosen(&line.options).map_err(|error| error.to_string())?;
        Ok(chosen.iter().map(|scenario| scenario.name).collect())
    }

    #[test]
    fn a_row_is_one_of_the_situations() {
        assert_eq!(names(&[]), Ok(vec!["interruption"]));
        assert_eq!(names(&["--row", "power-off"]), Ok(vec!["situations"]));
        assert_eq!(names(&["situations", "--row", "power-off"]), Ok(vec!["situations"]));
        assert!(names(&["interruption", "--row", "power-off"]).is_err_and(|why| why.contains("has no rows")));
        assert!(names(&["--all", "--row", "power-off"]).is_err());
    }

    #[test]
    fn a_row_that_no_machine_plays_is_said_before_anything_is_made() {
        assert!(names(&["--row", "no such words"]).is_err_and(|why| why.contains("no situation has")));
        assert!(names(&["--row", "a partition table"]).is_err_and(|why| why.contains("no machine plays")));
    }
}
