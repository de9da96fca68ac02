//! The table of what an instance can find (`infra/node/situations.toml`), played on machines: the rows that a whole machine
//! shows, with systemd, udev and the units. The guest of the local AWS and the program on loop devices play it, too.

mod instance;
mod steps;

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Deserialize;

use crate::print::say;
use instance::Ground;

const TABLE: &str = include_str!("../../../../infra/node/situations.toml");

#[derive(Deserialize)]
struct Table {
    situation: Vec<Situation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Situation {
    name: String,
    /// `too`, or `only` where nothing else can show it; not at all without.
    machine: Option<Machine>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Machine {
    Too,
    Only,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    r#do: String,
    with: Option<String>,
    gives: Option<String>,
    says: Option<String>,
}

/// Whether a machine plays a row whose name has these words.
///
/// # Errors
/// When none does: why.
pub(super) fn check(words: &str) -> Result<(), String> {
    let table: Table = toml::from_str(TABLE).map_err(|error| error.to_string())?;
    let named: Vec<_> = table.situation.iter().filter(|situation| situation.name.contains(words)).collect();
    if named.is_empty() {
        return Err(format!("no situation has {words:?} in its name: infra/node/situations.toml has them all"));
    }
    if named.iter().all(|situation| situation.machine.is_none()) {
        return Err(format!(
            "no machine plays a situation that has {words:?} in its name, only those that say `machine` in \
             infra/node/situations.toml do; `cargo test -p durin-node` plays it on a loop device"
        ));
    }
    Ok(())
}

/// Plays those whose name has these words, or all, one after the other. Returns how they ended otherwise than the table says.
///
/// # Errors
/// When the table is not what we take it for.
pub(super) fn play(only: Option<&str>, image: &Path, directory: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let table: Table = toml::from_str(TABLE)?;
    let played = table.situation.iter().filter(|situation| situation.machine.is_some());
    let played: Vec<_> = played.filter(|situation| only.is_none_or(|only| situation.name.contains(only))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ground = runtime.block_on(async { Ground::lay(image, directory) })?;
    let interrupted = ground.stops_when_interrupted();
    let mut problems = Vec::new();
    for situation in &played {
        let ended = runtime.block_on(async {
            tokio::select! {
                ended = ground.play(situation) => ended,
                () = is_set(&interrupted) => Ok(()),
            }
        });
        if interrupted.load(Ordering::SeqCst) {
            problems.push("it was interrupted".to_owned());
            break;
        }
        match ended {
            Ok(()) => say!("  as the table says   {}", situation.name),
            Err(problem) => {
                say!("  NOT                 {}: {problem}", situation.name);
                problems.push(format!("{}: {problem}", situation.name));
            }
        }
        ground.clear();
    }
    Ok(problems)
}

async fn is_set(flag: &AtomicBool) {
    while !flag.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
