//! The second act: a new image is baked, and the next instance boots from it.

use std::collections::BTreeMap;
use std::error::Error;

use durin_harness::seed::IMAGE_PARAMETER;
use durin_harness::world::World;
use durin_harness::world::autoscaling::{AutoScalingChange, LifecycleState};
use durin_harness::world::bakes::{Bake, Course, Pipeline};
use durin_harness::world::conventions::FAMILY_TAG;
use durin_harness::world::ec2::images::PUBLIC_IMAGE;
use durin_harness::world::ec2::{Ec2Change, InstanceState, RunInstances};
use durin_harness::world::history::{Change, Entry, Fact};

use super::interruption::{marks, strike};
use super::{EPILOGUE, LONGEST, Since, Story, is_by, prose, tell};
use crate::old_images::name_of_bake;
use crate::stage::Stage;

/// Plays and prints it. Returns the mishaps.
pub(super) async fn play(stage: &Stage, story: &Story) -> Result<Vec<String>, Box<dyn Error>> {
    let name = stage.aws.world(|world| name_of_bake(world.now()));
    prose!(story, "2. A new image\n");
    prose!(story, "A Packer build makes {name}, tagged {FAMILY_TAG}={IMAGE_PARAMETER}.");
    prose!(story, "EC2 announces it before Packer has tagged it. The launch template resolves the");
    prose!(story, "parameter at each launch.\n");
    let builder = builder(stage).await?;
    let begin = Since::now(stage);
    let image = stage.aws.world(|world| {
        let bake = Bake {
            pipeline: Pipeline::Packer,
            name,
            tags: [(FAMILY_TAG.to_owned(), IMAGE_PARAMETER.to_owned())].into(),
            course: Course::Finished,
        };
        world.begin_bake(bake, &builder)
    })?;
    let is_over = |world: &World| !world.is_baking() && parameter(world) == image;
    let published = stage.aws.until(LONGEST, is_over).await;
    stage.aws.world(|world| world.terminate_instances(std::slice::from_ref(&builder)))?;
    // Until the functions that got the last event have looked, too.
    stage.aws.pass(EPILOGUE).await;
    tell(stage, begin, story, Vec::new(), is_of_publishing);

    let struck = Since::now(stage);
    prose!(story, "EC2 wants the capacity back once more, and the replacement boots from the new");
    prose!(story, "image:\n");
    let outage = strike(stage).await;
    let healed = stage.heals(LONGEST).await;
    tell(stage, struck, story, marks(stage.node(), struck, outage.as_ref()), is_of_moving);
    let booted = stage.aws.world(|world| {
        let holder = world.serving(&stage.node().volume).and_then(|holder| world.ec2.instance(holder));
        holder.is_some_and(|holder| holder.image_id == image)
    });
    let expected = [
        (published, "the new image was not published"),
        (healed && outage.is_some(), "the second outage has not ended"),
        (booted, "the replacement has not booted from the new image"),
    ];
    let missed = expected.into_iter().filter(|(is_so, _)| !is_so);
    Ok(missed.map(|(_, text)| text.to_owned()).collect())
}

/// The instance that Packer launches and makes an image of.
async fn builder(stage: &Stage) -> Result<String, Box<dyn Error>> {
    let tags = BTreeMap::from([("Name".to_owned(), "builder".to_owned())]);
    let image_id = Some(PUBLIC_IMAGE.to_owned());
    let ids = stage.aws.world(|world| world.run_instances(RunInstances { image_id, tags, ..Default::default() }))?;
    let id = ids.into_iter().next().ok_or("no builder was launched")?;
    let runs = |world: &World| world.ec2.instance(&id).is_some_and(|it| it.state == InstanceState::Running);
    stage.aws.until(LONGEST, runs).await;
    Ok(id)
}

fn parameter(world: &World) -> &str {
    let parameter = world.ssm.parameter(IMAGE_PARAMETER);
    parameter.and_then(|parameter| parameter.versions.last()).map_or("", |version| &version.value)
}

fn is_of_publishing(entry: &Entry) -> bool {
    let is_told = match &entry.fact {
        Fact::Emitted(event) => event["detail"]["ImageId"].is_string() || event["source"] == "durin.bake",
        Fact::Changed { subject, .. } => subject == IMAGE_PARAMETER || subject.starts_with("ami-"),
        Fact::Invoked { .. } | Fact::Answered { .. } | Fact::Called { .. } | Fact::Guest { .. } | Fact::Violated(_) => {
            false
        }
    };
    is_told || is_by(entry, "durin-ami-publish")
}

/// The first act has shown the rest.
fn is_of_moving(entry: &Entry) -> bool {
    match &entry.fact {
        Fact::Changed { change, .. } => matches!(
            change,
            Change::Ec2(Ec2Change::InterruptionWarned(_))
                | Change::AutoScaling(AutoScalingChange::Lifecycle(LifecycleState::InService))
        ),
        Fact::Guest { .. } => true,
        Fact::Emitted(_) | Fact::Invoked { .. } | Fact::Answered { .. } | Fact::Called { .. } | Fact::Violated(_) => {
            false
        }
    }
}
