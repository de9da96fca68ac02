//! The cost of removing an account's old images, counted by the local AWS.

use std::time::Duration;

use durin_harness::time::Time;
use durin_harness::world::ec2::ImageState;
use durin_harness::world::history::Fact;

use super::{OldImages, Remover};
use crate::stage::Stage;
use crate::timeline::is_read;

/// The size of DeregisterImage's bucket, and of DeleteSnapshot's. (EC2 Developer Guide, request throttling.)
const BURST: u32 = 100;
/// The size of DisableImage's bucket, and of EnableImageDeprecation's: they are "other mutating actions" there.
const BURST_OF_OTHERS: u32 = 50;
/// How many tokens come back a second, in each of the four.
pub(super) const RATE: f64 = 5.0;

/// The cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// How many images there were to handle.
    pub images: u32,
    /// Calls that change something, refused ones too.
    pub writes: u32,
    /// Calls that change nothing.
    pub reads: u32,
    /// Calls that EC2 refused because there were too many.
    pub throttled: u32,
    /// From the first call until the tool was done, in virtual time.
    pub took: Duration,
    /// The least that the buckets of DeregisterImage (or DisableImage) allow any tool.
    pub floor: Duration,
    /// The same, with the bucket of DeleteSnapshot for a tool that deletes each snapshot by a call of its own.
    pub own_floor: Duration,
    /// Invocations of the function, or passes of the tool over its earlier failures.
    pub runs: u32,
    /// Images and snapshots that should be gone (or images that should be disabled), and are not.
    pub left: u32,
}

impl Cost {
    pub(super) fn of(
        stage: &Stage,
        remover: Remover,
        images: &OldImages,
        old: &[String],
        begun: Time,
        runs: u32,
    ) -> Cost {
        stage.aws.world(|world| {
            let floor = floor_of(images.images, if images.soaked { BURST } else { BURST_OF_OTHERS });
            let own_floor = match remover {
                Remover::Durin(_) => floor,
                Remover::Usual(_) => floor.max(floor_of(images.images * images.snapshots_each, BURST)),
            };
            let mut cost = Cost {
                images: images.images,
                writes: 0,
                reads: 0,
                throttled: 0,
                took: world.now().since(begun),
                floor,
                own_floor,
                runs,
                left: 0,
            };
            for entry in world.history().iter().filter(|entry| entry.at >= begun) {
                if let Fact::Called { operation, error, .. } = &entry.fact {
                    *if is_read(operation) { &mut cost.reads } else { &mut cost.writes } += 1;
                    cost.throttled += u32::from(error.as_deref() == Some("RequestLimitExceeded"));
                }
            }
            for image in old.iter().filter_map(|id| world.ec2.images().get(id)) {
                let snapshots =
                    image.block_devices.iter().filter(|it| world.ec2.snapshots().contains_key(&it.snapshot_id));
                cost.left += match (images.soaked, image.state == ImageState::Disabled) {
                    (true, _) => u32::from(image.gone.is_none()) + u32::try_from(snapshots.count()).unwrap_or(u32::MAX),
                    (false, disabled) => u32::from(!disabled),
                };
            }
            cost
        })
    }

    /// Calls an image.
    pub fn each(&self, calls: u32) -> f64 {
        f64::from(calls) / f64::from(self.images)
    }

    /// The fraction of all calls that EC2 refused.
    pub fn throttled_share(&self) -> f64 {
        f64::from(self.throttled) / f64::from(self.writes + self.reads)
    }

    /// How many times as long as the bucket of DeregisterImage (or DisableImage) alone.
    pub fn times_floor(&self) -> f64 {
        self.took.as_secs_f64() / self.floor.as_secs_f64()
    }

    /// How many times as long as the buckets that the tool draws from allow.
    pub fn times_own_floor(&self) -> f64 {
        self.took.as_secs_f64() / self.own_floor.as_secs_f64()
    }
}

/// The tokens in the bucket go at once, the rest at the rate.
fn floor_of(calls: u32, burst: u32) -> Duration {
    Duration::from_secs_f64(f64::from(calls.saturating_sub(burst)) / RATE)
}
