//! Snapshots of volumes.

use std::collections::BTreeMap;

use super::Ec2;
use super::Ec2Change;
use super::World;
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};
use crate::world::ids::is_hex_id;
use crate::world::{ACCOUNT, REGION};

/// A copy of a volume at one point in time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// `snap-` and 17 hexadecimal digits.
    pub id: String,
    /// Account id.
    pub owner: String,
    /// The volume that it was made from, which need not exist any more.
    pub volume_id: String,
    /// GiB, of the volume.
    pub size_gib: u32,
    pub state: SnapshotState,
    /// When it was asked for.
    pub started: Time,
    /// Free text; of what images are made from, `Created by CreateImage(i-…) for ami-…`.
    pub description: String,
    pub encrypted: bool,
    /// What forbids to delete it, if anything does.
    pub hold: Option<SnapshotHold>,
    pub tags: BTreeMap<String, String>,
}

/// What keeps a snapshot from being deleted, but for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotHold {
    /// EBS User Guide: snapshot lock. For years, if it is one for compliance.
    Lock,
    /// It is a recovery point of AWS Backup, which alone may delete it.
    Backup,
    /// Fast snapshot restore is on, and has to be switched off first.
    FastRestore,
}

/// The states of a snapshot, with EC2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    Pending,
    Completed,
    Error,
}

impl SnapshotState {
    /// EC2's name.
    pub fn name(self) -> &'static str {
        match self {
            SnapshotState::Pending => "pending",
            SnapshotState::Completed => "completed",
            SnapshotState::Error => "error",
        }
    }
}

/// A snapshot to begin with: completed, of this account's, made now, unless given otherwise.
#[derive(Clone, Debug, Default)]
pub struct SnapshotSpec {
    /// Drawn unless given.
    pub id: Option<String>,
    /// Account id.
    pub owner: Option<String>,
    /// Drawn unless given.
    pub volume_id: Option<String>,
    /// GiB; 8 by default.
    pub size_gib: Option<u32>,
    pub state: Option<SnapshotState>,
    /// When it was asked for.
    pub started: Option<Time>,
    pub description: String,
    pub encrypted: bool,
    pub tags: BTreeMap<String, String>,
}

impl SnapshotHold {
    /// As AWS words it, where that is known: in openshift/installer#9964 and rebuy-de/aws-nuke#453.
    fn refusal(self, id: &str) -> ApiError {
        match self {
            // AWS's own code for this is not known to us.
            SnapshotHold::Lock => ApiError::new("OperationNotPermitted", format!("The snapshot {id} is locked.")),
            SnapshotHold::Backup => ApiError::new(
                "InvalidParameterValue",
                "This snapshot is managed by the AWS Backup service and cannot be deleted via EC2 APIs. If you wish to \
                 delete this snapshot, please do so via the Backup console.",
            ),
            SnapshotHold::FastRestore => {
                let text = format!(
                    "The snapshot {id} is currently enabled for fast restores in {REGION}a. Fast snapshot restores must \
                     be disabled within all Availability Zones before the snapshot may be deleted."
                );
                ApiError::new("InvalidSnapshot.InUse", text)
            }
        }
    }
}

impl Snapshot {
    /// How far it is, in percent.
    pub fn progress(&self) -> &'static str {
        match self.state {
            SnapshotState::Completed => "100%",
            SnapshotState::Pending | SnapshotState::Error => "0%",
        }
    }
}

impl Ec2 {
    /// LockSnapshot, or what else forbids to delete it.
    ///
    /// # Panics
    /// When there is no such snapshot.
    pub fn hold_snapshot(&mut self, id: &str, hold: SnapshotHold) {
        self.snapshots.get_mut(id).expect("a snapshot to hold").hold = Some(hold);
    }
}

impl Ec2 {
    /// The snapshot, or the error that EC2 answers for its id.
    pub(crate) fn known_snapshot(&self, id: &str) -> ApiResult<&Snapshot> {
        if !is_hex_id(id, "snap") {
            let text = format!("Value ({id}) for parameter snapshotId is invalid. Expected: 'snap-...'.");
            return Err(ApiError::new("InvalidParameterValue", text));
        }
        self.snapshots.get(id).ok_or_else(|| snapshot_not_found(id))
    }
}

impl World {
    /// Puts a snapshot into the world without anybody having made it: its id.
    pub fn add_snapshot(&mut self, spec: SnapshotSpec) -> String {
        let id = spec.id.unwrap_or_else(|| self.hex_id("snap"));
        let volume_id = spec.volume_id.unwrap_or_else(|| self.hex_id("vol"));
        let snapshot = Snapshot {
            id: id.clone(),
            owner: spec.owner.unwrap_or_else(|| ACCOUNT.to_owned()),
            volume_id,
            size_gib: spec.size_gib.unwrap_or(8),
            state: spec.state.unwrap_or(SnapshotState::Completed),
            started: spec.started.unwrap_or(self.now),
            description: spec.description,
            encrypted: spec.encrypted,
            hold: None,
            tags: spec.tags,
        };
        self.ec2.snapshots.insert(id.clone(), snapshot);
        id
    }

    /// DeleteSnapshot. A snapshot that an image is made from stays until the image is deregistered, and sometimes for
    /// a moment longer.
    pub fn delete_snapshot(&mut self, id: &str) -> ApiResult<()> {
        let snapshot = self.ec2.known_snapshot(id)?;
        if snapshot.owner != ACCOUNT {
            let text = format!("You do not own this snapshot: {id}");
            return Err(ApiError::new("UnauthorizedOperation", text).with_status(403));
        }
        if let Some(image) = self.holder_of_snapshot(id) {
            let text = format!("The snapshot {id} is currently in use by {image}");
            return Err(ApiError::new("InvalidSnapshot.InUse", text));
        }
        if let Some(hold) = snapshot.hold {
            return Err(hold.refusal(id));
        }
        self.check_way_back_is_unreferenced(id);
        self.remove_snapshot(id);
        Ok(())
    }

    /// Away with it, into the recycle bin if there is one.
    pub(super) fn remove_snapshot(&mut self, id: &str) {
        self.check_snapshot_is_unreferenced(id);
        let snapshot = self.ec2.snapshots.remove(id).expect("the snapshot was looked up");
        self.note_change(id, Ec2Change::Deleted);
        self.recycle_snapshot(snapshot);
    }

    /// The image that keeps the snapshot from being deleted, if any. Seen on AWS: for a moment after its
    /// deregistration an image still does.
    fn holder_of_snapshot(&self, id: &str) -> Option<&str> {
        let now = self.now;
        let holds = |image: &&super::Image| image.gone.as_ref().is_none_or(|gone| now < gone.snapshots_held_until);
        self.ec2.images_from(id).find(holds).map(|image| image.id.as_str())
    }
}

/// What EC2 answers for an id that no snapshot has.
pub(crate) fn snapshot_not_found(id: &str) -> ApiError {
    ApiError::new("InvalidSnapshot.NotFound", format!("The snapshot '{id}' does not exist."))
}
