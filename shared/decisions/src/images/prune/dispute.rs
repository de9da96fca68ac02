//! Images that two families claim. Which of them a person means is not ours to guess, so such an image is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Account;
use crate::ids::{ImageId, ParameterName, SnapshotId};
use crate::images::{Image, Snapshot};
use crate::tags::FAMILY;

/// The other claim, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dispute {
    /// Images name the same parameter in this other way.
    SameParameter(ParameterName),
    /// This snapshot of it names another family.
    Snapshot(SnapshotId, ParameterName),
    /// This snapshot of it is also this image's, which is of another family.
    SharedSnapshot(SnapshotId, ImageId, ParameterName),
}

/// All claims of an account.
pub(super) struct Claims<'a> {
    names: BTreeMap<String, BTreeSet<ParameterName>>,
    images: BTreeMap<&'a SnapshotId, Vec<(&'a ImageId, ParameterName)>>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(account: &'a Account) -> Claims<'a> {
        let mut claims = Claims { names: BTreeMap::new(), images: BTreeMap::new() };
        for image in &account.images {
            // One of no family claims nothing. It keeps its snapshots for as long as it is there; one that it has shared with
            // an image of ours is an orphan after that, which nothing else would ever find, and soaks from then.
            let Some(family) = image.family() else { continue };
            for snapshot in &image.snapshots {
                claims.images.entry(snapshot).or_default().push((&image.id, family.clone()));
            }
            claims.names.entry(family.reached().to_owned()).or_default().insert(family);
        }
        claims
    }

    /// Another family's claim to an image of this family.
    pub(super) fn other(
        &self,
        image: &Image,
        family: &ParameterName,
        snapshots: &BTreeMap<&SnapshotId, &Snapshot>,
    ) -> Option<Dispute> {
        let names = self.names.get(family.reached()).into_iter().flatten();
        if let Some(other) = names.into_iter().find(|other| *other != family) {
            return Some(Dispute::SameParameter(other.clone()));
        }
        image.snapshots.iter().find_map(|id| {
            let named = snapshots.get(id).and_then(|snapshot| snapshot.family());
            if let Some(other) = named.filter(|other| other.reached() != family.reached()) {
                return Some(Dispute::Snapshot(id.clone(), other));
            }
            let (sharer, other) = self.images.get(id)?.iter().find(|(_, other)| other.reached() != family.reached())?;
            Some(Dispute::SharedSnapshot(id.clone(), (*sharer).clone(), other.clone()))
        })
    }
}

impl fmt::Display for Dispute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dispute::SameParameter(other) => {
                write!(f, "the family {other} has the same parameter; name it alike in the tag {FAMILY} of all images")
            }
            Dispute::Snapshot(snapshot, other) => {
                write!(f, "{snapshot} is tagged {FAMILY}={other}; tag the image and its snapshots alike")
            }
            Dispute::SharedSnapshot(snapshot, image, other) => {
                write!(f, "{snapshot} is also of {image}, of the family {other}; tag both images alike")
            }
        }
    }
}
