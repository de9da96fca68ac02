//! `just status`: every node of a region on one screen. Only reads.

mod activities;
mod judge;
mod read;
mod report;
mod screen;
mod story;
mod table;
mod told;
mod wrong;

use std::time::SystemTime;

use durin::aws::Aws;
use durin::failure::Failure;
use durin::ids::GroupName;
use durin::node::{Look, Looks, Released, look_at};
use futures_util::stream::{self, StreamExt};

use crate::check;
use read::Facts;
pub use report::{Holder, Image, LastHandOff, NodeReport, Report, Snapshot, State};
pub use screen::lines;

/// How many nodes are asked about at once; each takes a dozen calls.
const NODES_AT_ONCE: usize = 8;

/// Looks at every node of the region, or at one.
///
/// # Errors
/// When the nodes themselves cannot be read. What else cannot be read is unknown in the report.
pub async fn report(aws: &Aws, region: &str, only: Option<&GroupName>) -> Result<Report, Failure> {
    let Looks { nodes, mistakes, released } = look_at(aws, only).await?;
    let facts = Facts::read(aws, &nodes).await;
    let now = aws.clock.now();
    let released = released.map_err(|failure| failure.chain());
    let reports = stream::iter(nodes.iter().map(|(name, look)| one(aws, name, look, &facts, &released, now)));
    let reports = reports.buffered(NODES_AT_ONCE).collect().await;
    let mistakes = mistakes.iter().map(judge::mistake).collect();
    Ok(Report::of(region, now, reports, mistakes))
}

async fn one(
    aws: &Aws,
    name: &GroupName,
    look: &Result<Look, Failure>,
    facts: &Facts,
    released: &Result<Vec<Released>, String>,
    now: SystemTime,
) -> NodeReport {
    let look = match look {
        Ok(look) => look,
        Err(failure) => return NodeReport::unread(name, &failure.chain()),
    };
    let (activities, missing) = tokio::join!(activities::of(aws, name), check::missing(aws, name));
    let mut report = judge::report(look, facts, &activities, released, now);
    match missing {
        Ok(missing) => report.wrong.extend(told::not_yet_told(look, missing)),
        Err(why) => report.unknown.push(format!("what its group lacks: {why}")),
    }
    report
}
