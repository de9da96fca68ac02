//! Removing images and snapshots that nothing needs: plan, look closer at those that could go, plan again, apply.

mod apply;
mod mark;
mod pace;
mod pruned;
mod refusal;

use std::collections::{BTreeMap, BTreeSet};

use tracing::{info, warn};

pub use durin_decisions::images::prune::{Account, ImageVerdict, Keep, Plan, Policy, SnapshotVerdict, plan, table};
pub use pruned::Pruned;

use durin_decisions::images::Image;

use super::{read, references};
use crate::aws::Aws;
use crate::clock::Deadline;
use crate::failure::Failure;
use crate::ids::ImageId;
use apply::apply;
use pace::Pace;

/// How many images the prune looks at closely and then acts on before it reads everything anew. At EC2's five
/// deregistrations a second, a removal never relies on reads older than about two minutes.
const BATCH: usize = 500;

/// How many batches one run makes at most. Lambda's 15 minutes are over long before.
const MOST_BATCHES: usize = 200;

/// Reads the account and plans, with a closer look at no more than `most` of the images that could go.
///
/// # Errors
/// When images or snapshots cannot be read. A reference that cannot be read is part of the plan instead.
pub async fn look(aws: &Aws, policy: &Policy, most: usize) -> Result<Plan, Failure> {
    let (images, snapshots) = (read::every_image(aws).await?, read::every_snapshot(aws).await?);
    // After the images: a reference to an image that is younger than this list is a reference to one that is kept.
    let families: BTreeSet<_> = images.iter().filter_map(Image::family).collect();
    let (references, texts) = references::read(aws, families.into_iter()).await;
    let mut account = Account { images, snapshots, references };
    let now = aws.clock.now();
    let at_first_sight = plan(&account, policy, now);
    if at_first_sight.needs_a_closer_look() {
        let unexamined: BTreeSet<ImageId> = at_first_sight.unexamined().take(most).cloned().collect();
        let could_go: Vec<&Image> = account.images.iter().filter(|image| unexamined.contains(&image.id)).collect();
        references::examine(aws, &could_go, &texts, &mut account.references).await;
    }
    let looked_closely = plan(&account, policy, now);
    if looked_closely.unaccounted.is_empty() {
        return Ok(looked_closely);
    }
    match read::listed(aws, &looked_closely.unaccounted).await {
        Ok(of_others) => account.references.of_others = of_others,
        Err(failure) => account.references.unread.push(format!("images of others: {}", failure.chain())),
    }
    Ok(plan(&account, policy, now))
}

/// Removes what the plan says, batch by batch, reading everything anew before each.
///
/// # Errors
/// When something could not be read (nothing more is removed then), or some removals failed (all others were made). A
/// refusal by EC2 about one thing is not an error, but part of the answer.
pub async fn prune(aws: &Aws, policy: &Policy, deadline: Deadline) -> Result<Pruned, Failure> {
    let mut total = Pruned::default();
    let pace = Pace::new(aws.clock.now());
    // By image or snapshot. A failed removal is not tried again in this run, so that every batch makes progress or is
    // the last.
    let mut failures: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..MOST_BATCHES {
        let plan = look(aws, policy, BATCH).await?;
        if !plan.unread.is_empty() {
            return Err(Failure::ReferencesUnread { unread: plan.unread });
        }
        // It happened after all: the answer was lost, or a person has done it.
        failures.retain(|id, _| plan.acts_on(id));
        total.refused.retain(|id, _| plan.acts_on(id));
        let more = plan.unexamined().next().is_some();
        let tried = failures.keys().chain(total.refused.keys()).cloned().collect();
        let done = apply(aws, &plan, &tried, &pace, deadline).await;
        info!(batch = %serde_json::to_string(&done.pruned).unwrap_or_default());
        let (attempted, cut_short) = (done.attempted, done.pruned.cut_short);
        total.add(done.pruned);
        for (id, problem) in done.failures {
            warn!(id, problem, "left for the next run");
            failures.insert(id, problem);
        }
        // The next run also finds anything that only the next look could find, such as a new orphan; but a failure gets
        // another look.
        if cut_short || attempted == 0 || (!more && failures.is_empty()) {
            break;
        }
    }
    let failures: Vec<String> = failures.into_iter().map(|(id, problem)| format!("{id}: {problem}")).collect();
    if failures.is_empty() { Ok(total) } else { Err(Failure::RemovalsFailed { failures }) }
}
