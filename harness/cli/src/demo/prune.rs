//! The third act: days pass, and the images that nothing needs go.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use durin::ami::prune::{self, Policy, table};
use durin::aws::Aws;
use durin::tags::KEEP;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::ec2::{Ec2Change, ImageState, InstanceState, RunInstances};
use durin_harness::world::history::{Change, Entry, Fact};

use super::{EPILOGUE, LONGEST, Since, Story, is_by, names, prose, tell};
use crate::old_images::{Fate, OldImages};
use crate::print::say;
use crate::stage::Stage;
use crate::timeline::wrapped;

/// By then the daily run has found the images that nothing needs, let them soak, and removed them.
const LONGEST_SOAK: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// Plays and prints it, counting from when the world `began`. Returns the mishaps.
pub(super) async fn play(
    stage: &Stage,
    story: &Story,
    old: &OldImages,
    began: Time,
) -> Result<Vec<String>, Box<dyn Error>> {
    prose!(story, "3. Old images\n");
    prose!(story, "The bakes of earlier weeks are still there, and a snapshot whose image is gone.");
    prose!(story, "A stopped instance was launched from k3s-2025-12-11, and k3s-2025-11-27 is");
    prose!(story, "tagged {KEEP}. Days pass.\n");
    stop_an_instance(stage, old).await?;
    // Later, terminated instances are forgotten, and numbers would change.
    let names = names(stage);
    // The node has nothing to do with this act, and looking after it every five minutes would be most of its cost.
    stage.aws.world(|world| world.events.delete_rules_of("durin-node-resync"));
    let begin = Since { at: began, ..Since::now(stage) };
    let is_gone = |world: &World, id: &String| world.ec2.images().get(id).is_none_or(|image| image.gone.is_some());
    let has_gone = |world: &World| {
        let mut stale = old.images.iter().filter(|(_, fate)| *fate == Fate::Stale);
        stale.all(|(id, _)| is_gone(world, id)) && !world.ec2.snapshots().contains_key(&old.orphan)
    };
    let pruned = stage.aws.until(LONGEST_SOAK, has_gone).await;
    stage.aws.pass(EPILOGUE).await;
    tell(stage, begin, story, Vec::new(), |entry| if story.all { is_of_pruning(entry) } else { is_outcome(entry) });
    if !story.json {
        print_plan(stage, &names).await?;
    }

    let needed = old.images.iter().filter(|(_, fate)| *fate != Fate::Stale);
    let lost = needed.filter(|(id, _)| stage.aws.world(|world| is_gone(world, id)));
    let mut complaints: Vec<_> = lost.map(|(id, fate)| format!("{id} is gone, although it is {fate:?}")).collect();
    if !pruned {
        complaints.push("images or snapshots are left that nothing needs".to_owned());
    }
    Ok(complaints)
}

/// As the operator sees it, without ids and families, and with the instances' names.
async fn print_plan(stage: &Stage, names: &BTreeMap<String, String>) -> Result<(), Box<dyn Error>> {
    say!("What is kept, and why (`just prune-plan` prints this for your account, with ids");
    say!("and families):\n");
    let operator = Aws::new(&stage.aws.sdk_config("operator"));
    let plan = prune::look(&operator, &Policy::default(), usize::MAX).await.map_err(|failure| failure.chain())?;
    let instances: Vec<_> = names.iter().filter(|(id, _)| id.starts_with("i-")).collect();
    let lines: Vec<_> = table::lines(&plan).into_iter().collect();
    let column = |head: &str| lines.first().and_then(|line| line.find(head)).unwrap_or_default();
    let (name, verdict) = (column("NAME"), column("VERDICT"));
    for line in lines {
        let with_names =
            |line: &str| instances.iter().fold(line.to_owned(), |line, (id, name)| line.replace(*id, name));
        let is_row = line.starts_with("ID") || line.starts_with("ami-") || line.starts_with("snap-");
        match (is_row, line.get(name..verdict), line.get(verdict..)) {
            (true, Some(columns), Some(verdict)) => {
                let mut rows = wrapped(&with_names(verdict), columns.len()).into_iter();
                say!("{columns}{}", rows.next().unwrap_or_default());
                rows.for_each(|row| say!("{:1$}  {row}", "", columns.len()));
            }
            _ => say!("{}", with_names(&line)),
        }
    }
    say!();
    Ok(())
}

fn is_of_pruning(entry: &Entry) -> bool {
    let is_of_image = |subject: &str| subject.starts_with("ami-") || subject.starts_with("snap-");
    is_by(entry, "durin-ami-prune") || matches!(&entry.fact, Fact::Changed { subject, .. } if is_of_image(subject))
}

/// Tags, deprecations and calls are left out: only their results are shown.
fn is_outcome(entry: &Entry) -> bool {
    is_of_pruning(entry)
        && match &entry.fact {
            Fact::Changed { change, .. } => matches!(
                change,
                Change::Ec2(Ec2Change::Image(ImageState::Disabled | ImageState::Deregistered) | Ec2Change::Deleted)
            ),
            Fact::Answered { .. } => true,
            Fact::Emitted(_) | Fact::Invoked { .. } | Fact::Called { .. } | Fact::Guest { .. } | Fact::Violated(_) => {
                false
            }
        }
}

/// Launches an instance from an old image, and stops it.
async fn stop_an_instance(stage: &Stage, old: &OldImages) -> Result<(), Box<dyn Error>> {
    let image_id = Some(old.with(Fate::Used).to_owned());
    let tags = BTreeMap::from([("Name".to_owned(), "stopped".to_owned())]);
    let ids = stage.aws.world(|world| world.run_instances(RunInstances { image_id, tags, ..Default::default() }))?;
    let is = |world: &World, state| ids.iter().all(|id| world.ec2.instance(id).is_some_and(|it| it.state == state));
    stage.aws.until(LONGEST, |world| is(world, InstanceState::Running)).await;
    stage.aws.world(|world| world.stop_instances(&ids))?;
    stage.aws.until(LONGEST, |world| is(world, InstanceState::Stopped)).await;
    Ok(())
}
