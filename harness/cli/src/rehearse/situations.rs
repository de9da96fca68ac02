//! The table of what an instance can find (`infra/node/situations.toml`), played on machines: the rows that a whole machine
//! shows, with systemd, udev and the units. The guest of the local AWS and the program on loop devices play it, too.

mod instance;
mod steps;

use std::error::Error;
use std::path::Path;

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

/// Plays those whose name has these words, or all, one after the other. Returns how they ended otherwise than the table says.
///
/// # Errors
/// When the table is not what we take it for.
pub(super) fn play(only: Option<&str>, image: &Path, directory: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let table: Table = toml::from_str(TABLE)?;
    let played = table.situation.iter().filter(|situation| situation.machine.is_some());
    let played: Vec<_> = played.filter(|situation| only.is_none_or(|only| situation.name.contains(only))).collect();
    if played.is_empty() {
        return Ok(vec!["no row of the table has these words in its name".to_owned()]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ground = runtime.block_on(async { Ground::lay(image, directory) })?;
    let mut problems = Vec::new();
    for situation in &played {
        let ended = runtime.block_on(async {
            tokio::select! {
                ended = ground.play(situation) => ended,
                _ = tokio::signal::ctrl_c() => Err("it was interrupted".to_owned()),
            }
        });
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
