//! Images of earlier weeks, for worlds in which `durin-ami-prune` needs something to do.

use std::time::Duration;

use durin::tags::KEEP;
use durin_harness::seed::IMAGE_PARAMETER;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::conventions::FAMILY_TAG;
use durin_harness::world::ec2::{ImageSpec, SnapshotSpec};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many days ago each was baked, and its fate. The node's own image is four days old.
const BAKES: [(u32, Fate); 6] =
    [(11, Fate::Newest), (18, Fate::Stale), (25, Fate::Used), (32, Fate::Stale), (39, Fate::Tagged), (46, Fate::Stale)];
/// The age in days of the bake whose image is gone and whose snapshot is not.
const ORPHANED: u32 = 53;

/// The fate of an old image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is among the newest three.
    Newest,
    /// It stays only if something uses it.
    Used,
    /// It is tagged `durin:keep`.
    Tagged,
    /// Nothing needs it.
    Stale,
}

/// An account's leftovers from earlier weeks.
#[derive(Clone, Debug)]
pub struct OldImages {
    /// The images' ids, and their fates.
    pub images: Vec<(String, Fate)>,
    /// A snapshot whose image is gone.
    pub orphan: String,
}

impl OldImages {
    /// Gives a world a bake of each week before its node's first image. The ids do not come from the world's dice, so
    /// that everything else in it is the same as without them.
    pub fn add_to(world: &mut World) -> OldImages {
        let mut dice = fastrand::Rng::with_seed(1);
        let mut id = |kind: &str| Some(format!("{kind}-0{:016x}", dice.u64(..)));
        let of_family = world.ec2.images().values().filter(|image| image.tags.contains_key(FAMILY_TAG));
        for id in of_family.map(|image| image.id.clone()).collect::<Vec<_>>() {
            world.ec2.tamper_with_image(&id, |image| image.name = name_of_bake(image.created));
        }
        let now = world.now();
        let images = BAKES.map(|(days_ago, fate)| {
            let created = now - DAY * days_ago;
            let image = ImageSpec::named(&name_of_bake(created)).created(created).tagged(FAMILY_TAG, IMAGE_PARAMETER);
            let image = if fate == Fate::Tagged { image.tagged(KEEP, "the last with 1.33") } else { image };
            (world.add_image(ImageSpec { id: id("ami"), ..image }), fate)
        });
        let orphan = world.add_snapshot(SnapshotSpec {
            id: id("snap"),
            volume_id: id("vol"),
            started: Some(now - DAY * ORPHANED),
            description: "Created by CreateImage, for an image that was deregistered".to_owned(),
            tags: [(FAMILY_TAG.to_owned(), IMAGE_PARAMETER.to_owned())].into(),
            ..SnapshotSpec::default()
        });
        OldImages { images: images.into(), orphan }
    }

    /// The first with this fate.
    pub fn with(&self, fate: Fate) -> &str {
        self.images.iter().find(|(_, of)| *of == fate).map_or("", |(id, _)| id)
    }
}

/// The name of an image that is baked now: `k3s-2026-01-05`.
pub fn name_of_bake(now: Time) -> String {
    format!("k3s-{}", now.iso_seconds().split('T').next().unwrap_or_default())
}
