//! Images end: deregistered, with or without their snapshots, and eventually forgotten.

use std::time::Duration;

use super::{DeregistrationProtection, Image, ImageState, World};
use crate::time::Time;
use crate::world::ACCOUNT;
use crate::world::ec2::Ec2Change;
use crate::world::ec2::InstanceState;
use crate::world::error::{ApiError, ApiResult};

/// What is still seen of a deregistered image. EC2 API Reference (DescribeImages): it is listed for a short interval;
/// then its id gives an empty list; and an error only after the instances that were launched from it are terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// DescribeImages lists it until then.
    pub listed_until: Time,
    /// Its id gives an empty list until then, at least.
    pub remembered_until: Time,
    /// Its snapshots cannot be deleted until then.
    pub snapshots_held_until: Time,
}

/// What became of a snapshot that was to be deleted with its image, with EC2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotDeletion {
    /// Deleted.
    Success,
    /// Kept, because another image is made from it too.
    Skipped,
    /// Kept, because the caller may not delete it.
    MissingPermissions,
    /// Kept, because it cannot be deleted: it is gone, held, or not this account's.
    ClientError,
}

impl SnapshotDeletion {
    /// EC2's name.
    pub fn name(self) -> &'static str {
        match self {
            SnapshotDeletion::Success => "success",
            SnapshotDeletion::Skipped => "skipped",
            SnapshotDeletion::MissingPermissions => "missing-permissions",
            SnapshotDeletion::ClientError => "client-error",
        }
    }
}

impl World {
    /// DeregisterImage: what became of its snapshots, if they were to be deleted too.
    pub fn deregister_image(&mut self, id: &str, delete_snapshots: bool) -> ApiResult<Vec<(String, SnapshotDeletion)>> {
        self.deregister_image_for(id, delete_snapshots, |_, _| true)
    }

    /// The same for a caller who may not delete every snapshot. The image goes nonetheless.
    pub(crate) fn deregister_image_for(
        &mut self,
        id: &str,
        delete_snapshots: bool,
        may_delete: impl Fn(&mut World, &str) -> bool,
    ) -> ApiResult<Vec<(String, SnapshotDeletion)>> {
        let now = self.now;
        match self.own_image_mut(id)?.protection {
            DeregistrationProtection::Disabled => {}
            DeregistrationProtection::CoolingDown { until } if until <= now => {}
            DeregistrationProtection::Enabled { .. } | DeregistrationProtection::CoolingDown { .. } => {
                // AWS's own code for this is not known to us.
                let text = format!("The image {id} cannot be deregistered: deregistration protection is enabled.");
                return Err(ApiError::new("OperationNotPermitted", text));
            }
        }
        self.check_image_is_unreferenced(id);
        self.recycle_image(id);
        let listed = self.draw(self.latency.deregistered_image_listed);
        let remembered = listed + self.draw(self.latency.deregistered_image_remembered);
        let held = if delete_snapshots { Duration::ZERO } else { self.draw(self.latency.snapshots_held) };
        let image = self.own_image_mut(id)?;
        image.state = ImageState::Deregistered;
        image.gone = Some(Gone {
            listed_until: now + listed,
            remembered_until: now + remembered,
            snapshots_held_until: now + held,
        });
        let mut snapshots: Vec<_> = image.block_devices.iter().map(|device| device.snapshot_id.clone()).collect();
        snapshots.dedup();
        self.note_change(id, Ec2Change::Image(ImageState::Deregistered));
        self.emit_image_state(id, ImageState::Deregistered, "");
        if !delete_snapshots {
            return Ok(Vec::new());
        }
        let outcomes = snapshots.into_iter().map(|snapshot| {
            let outcome = self.delete_along(&snapshot, &may_delete);
            (snapshot, outcome)
        });
        Ok(outcomes.collect())
    }

    fn delete_along(&mut self, id: &str, may_delete: impl Fn(&mut World, &str) -> bool) -> SnapshotDeletion {
        if self.ec2.images_from(id).any(|image| image.gone.is_none()) {
            return SnapshotDeletion::Skipped;
        }
        if self.ec2.snapshots.get(id).is_none_or(|snapshot| snapshot.owner != ACCOUNT || snapshot.hold.is_some()) {
            return SnapshotDeletion::ClientError;
        }
        if !may_delete(self, id) {
            return SnapshotDeletion::MissingPermissions;
        }
        self.remove_snapshot(id);
        SnapshotDeletion::Success
    }

    /// Whether DescribeImages shows it at all now.
    pub fn is_listed(&self, image: &Image) -> bool {
        image.gone.as_ref().is_none_or(|gone| self.now < gone.listed_until)
    }

    /// Whether something is still known about a deregistered image.
    pub(super) fn is_remembered(&self, image: &Image, gone: &Gone) -> bool {
        let lives_on = || {
            let mut instances = self.ec2.instances.values().filter(|instance| instance.image_id == image.id);
            instances.any(|instance| instance.state != InstanceState::Terminated)
        };
        self.now < gone.remembered_until || lives_on()
    }

    /// A deregistered image comes back as it was.
    pub(in crate::world) fn bring_image_back(&mut self, image: Image) {
        let id = image.id.clone();
        self.ec2.insert_image(image);
        self.note_change(&id, Ec2Change::Restored);
    }
}
