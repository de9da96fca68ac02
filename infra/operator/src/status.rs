//! `just status`: every node of a region on one screen. Only reads.

mod activities;
mod judge;
mod read;
mod report;
mod screen;
mod story;
mod table;
mod wrong;

use durin::aws::Aws;
use durin::failure::Failure;
use durin::ids::GroupName;
use durin::node::{Looks, hooks_of, look_at};

use read::Facts;
pub use report::{Holder, Image, LastHandOff, NodeReport, Report, Snapshot, State};
pub use screen::lines;

/// Looks at every node of the region, or at one.
///
/// # Errors
/// When the nodes themselves cannot be read. What else cannot be read is unknown in the report.
pub async fn report(aws: &Aws, region: &str, only: Option<&GroupName>) -> Result<Report, Failure> {
    let Looks { nodes, mistakes, released } = look_at(aws, only).await?;
    let facts = Facts::read(aws, &nodes).await;
    let now = aws.clock.now();
    let released = released.map_err(|failure| failure.chain());
    let mut reports = Vec::new();
    for (name, look) in nodes {
        let activities = activities::of(aws, &name).await;
        let report = match look {
            Ok(look) => {
                let mut report = judge::report(&look, &facts, &activities, &released, now);
                wrong::with_hooks(&mut report, &name, hooks_of(aws, &name).await);
                report
            }
            Err(failure) => NodeReport::unread(&name, &failure.chain()),
        };
        reports.push(report);
    }
    let mistakes = mistakes.iter().map(judge::mistake).collect();
    Ok(Report::of(region, now, reports, mistakes))
}
