//! `just check-node GROUP`: what an Auto Scaling group, whoever has made it, still lacks to be a node. Only reads.

mod judge;
mod list;
mod read;
mod screen;

use durin::aws::Aws;
use durin::ids::GroupName;
use serde::Serialize;

pub use list::{Kind, LIST, Requirement, Verdict};
use read::Facts;
pub use screen::lines;

use crate::sentence::Wrong;

/// A group, line by line.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    pub region: String,
    pub group: String,
    /// Whether nothing is missing that a node needs: the exit status.
    pub well: bool,
    pub lines: Vec<Line>,
}

/// What a node needs, and whether the group has it.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub id: &'static str,
    pub kind: Kind,
    pub needs: &'static str,
    pub reason: &'static str,
    pub verdict: Found,
    /// What is there instead, and what to do.
    pub missing: Option<Wrong>,
    /// Why nobody knows.
    pub unknown: Option<String>,
}

/// The verdict, for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    Present,
    Missing,
    Unknown,
}

/// Checks one group.
///
/// # Errors
/// When the group itself cannot be read. What else cannot be read is unknown.
pub async fn check(aws: &Aws, region: &str, group: &GroupName) -> Result<Option<Checked>, String> {
    Ok(Facts::read(aws, group).await?.map(|facts| judged(&facts, region)))
}

/// What a node lacks, with the reason, by the ids of its lines.
///
/// # Errors
/// As for [`check`].
pub(crate) async fn missing(aws: &Aws, group: &GroupName) -> Result<Vec<(&'static str, Wrong)>, String> {
    let Some(facts) = Facts::read(aws, group).await? else { return Ok(Vec::new()) };
    let needed = LIST.iter().filter(|requirement| requirement.kind == Kind::Needed);
    let missing = needed.filter_map(|requirement| match (requirement.judge)(&facts) {
        Verdict::Missing(Wrong { what, remedy }) => {
            let what = format!("{}: {}", what.trim_end_matches('.'), requirement.reason);
            Some((requirement.id, Wrong::new(what, remedy)))
        }
        Verdict::Present | Verdict::Unknown(_) => None,
    });
    Ok(missing.collect())
}

fn judged(facts: &Facts, region: &str) -> Checked {
    let lines: Vec<Line> = LIST.iter().map(|requirement| line(requirement, facts)).collect();
    let is_missing = |line: &Line| line.kind == Kind::Needed && line.verdict == Found::Missing;
    Checked { region: region.to_owned(), group: facts.name.to_string(), well: !lines.iter().any(is_missing), lines }
}

fn line(requirement: &Requirement, facts: &Facts) -> Line {
    let Requirement { id, kind, needs, reason, judge } = *requirement;
    let (verdict, missing, unknown) = match judge(facts) {
        Verdict::Present => (Found::Present, None, None),
        Verdict::Missing(wrong) => (Found::Missing, Some(wrong), None),
        Verdict::Unknown(why) => (Found::Unknown, None, Some(why)),
    };
    Line { id, kind, needs, reason, verdict, missing, unknown }
}
