//! An account with one node, and many images that nobody needs any more.

use std::time::Duration;

use durin::tags::{FAMILY, STALE_SINCE};
use durin_harness::seed::{IMAGE_PARAMETER, Seed};
use durin_harness::world::World;
use durin_harness::world::ec2::{ImageSpec, ImageState, SnapshotSpec};
use durin_harness::world::latency::Range;

use crate::stage::{Stage, StageError};

const DAY: Duration = Duration::from_secs(86_400);

/// Images to remove, all of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldImages {
    /// How many.
    pub images: u32,
    /// How many snapshots each has.
    pub snapshots_each: u32,
    /// Whether they were disabled long ago; if not, that is still to do.
    pub soaked: bool,
    /// The seed of the latencies.
    pub seed: u64,
}

impl OldImages {
    /// A stage with them, and their ids. Besides them there are as many newer ones as the policy keeps.
    ///
    /// # Errors
    /// When the stage cannot be set.
    pub fn account(&self) -> Result<(Stage, Vec<String>), StageError> {
        let stage = Stage::set_without_functions(&Seed { seed: self.seed, ..Seed::one_node() }, 1.0)?;
        let old = stage.aws.world(|world| {
            // The usual tools at their best: on AWS an image may hold its snapshots for a moment after it is gone, and
            // costs them futile calls.
            world.latency.snapshots_held = Range::exactly(Duration::ZERO);
            for number in 1..=2 {
                self.add(world, &format!("newer-{number}"), 10 * DAY, false);
            }
            (0..self.images).map(|it| self.add(world, &format!("old-{it}"), 60 * DAY, self.soaked)).collect()
        });
        Ok((stage, old))
    }

    fn add(&self, world: &mut World, name: &str, age: Duration, soaked: bool) -> String {
        let created = world.now() - age;
        let snapshot = |world: &mut World| {
            let tags = [(FAMILY.to_owned(), IMAGE_PARAMETER.to_owned())].into();
            world.add_snapshot(SnapshotSpec { started: Some(created), tags, ..SnapshotSpec::default() })
        };
        let snapshots: Vec<String> = (0..self.snapshots_each).map(|_| snapshot(world)).collect();
        let image = ImageSpec { snapshots: Some(snapshots.clone()), ..ImageSpec::named(name) };
        let image = image.tagged(FAMILY, IMAGE_PARAMETER).created(created);
        let id = world.add_image(if soaked {
            let since = world.now() - 3 * DAY;
            let deprecated_from = Some(since + Duration::from_secs(60));
            let image = image.tagged(STALE_SINCE, &since.iso_seconds());
            ImageSpec { state: Some(ImageState::Disabled), deprecated_from, ..image }
        } else {
            image
        });
        for snapshot in &snapshots {
            let description = format!("Created by CreateImage(i-0123456789abcdef0) for {id}");
            world.ec2.tamper_with_snapshot(snapshot, |snapshot| snapshot.description = description);
        }
        id
    }
}
