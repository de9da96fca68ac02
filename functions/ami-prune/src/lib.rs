//! `durin-ami-prune`: the daily schedule. Removes images and snapshots that nothing needs, in two steps with days
//! between, and never one that anything refers to.

mod settings;

use durin::ami::prune::{self, ImageVerdict, Plan, SnapshotVerdict};
use durin::aws::Aws;
use durin::clock::Deadline;
use durin::events::{Event, Received};
use durin::failure::Failure;
use durin::news::{self, Occasion};
use serde_json::{Value, json};

pub use settings::{Settings, SettingsError};

/// Handles one tick of the schedule.
///
/// # Errors
/// When the event is not a schedule's, a reference cannot be read (nothing is removed then), or some removals failed.
pub async fn handle(aws: &Aws, settings: &Settings, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let occasion = Occasion::of(&event, aws.clock.now());
    news::of_failure(aws, &occasion, act(aws, settings, event, deadline).await).await
}

async fn act(aws: &Aws, settings: &Settings, event: Value, deadline: Deadline) -> Result<Value, Failure> {
    let Received { kind, event } = Received::parse(event)?;
    let Event::Schedule = event else { return Err(kind.not_for_this_function().into()) };
    if settings.dry_run {
        return dry_run(prune::look(aws, &settings.policy, usize::MAX).await?);
    }
    let pruned = prune::prune(aws, &settings.policy, deadline).await?;
    tracing::info!(pruned = ?pruned, "done");
    Ok(json!(pruned))
}

/// The plan, image by image, for a dry run.
fn dry_run(plan: Plan) -> Result<Value, Failure> {
    if !plan.unread.is_empty() {
        return Err(Failure::ReferencesUnread { unread: plan.unread });
    }
    let images = plan.images.iter().filter(|entry| !matches!(entry.verdict, ImageVerdict::Keep(_)));
    let snapshots = plan.snapshots.iter().filter(|entry| !matches!(entry.verdict, SnapshotVerdict::Keep(_)));
    let images = images.map(|entry| (entry.image.id.to_string(), entry.verdict.to_string()));
    let snapshots = snapshots.map(|entry| (entry.snapshot.id.to_string(), entry.verdict.to_string()));
    let would: serde_json::Map<String, Value> = images.chain(snapshots).map(|(id, what)| (id, json!(what))).collect();
    for (id, what) in &would {
        tracing::info!(id, would = %what, "dry run");
    }
    Ok(json!({"dry-run": would}))
}
