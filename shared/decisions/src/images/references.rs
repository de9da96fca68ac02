//! The users of each image and snapshot. Failed reads are kept too: each forbids every removal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::ids::{ImageId, SnapshotId};

/// All references that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    pub images: BTreeMap<ImageId, BTreeSet<Reference>>,
    /// By snapshot: block device mappings that name one.
    pub snapshots: BTreeMap<SnapshotId, BTreeSet<Reference>>,
    /// The images that were also asked about one by one: who else may launch them, and which references EC2 itself
    /// knows.
    pub examined: BTreeSet<ImageId>,
    /// Images of others that there are, of those that something refers to: their owners look after them. Read only if it
    /// matters, so others of them may be missing.
    pub of_others: BTreeSet<ImageId>,
    /// Whether plain text parameters were read too, any of which may name an image. That costs calls, so it is done
    /// only if something could go.
    pub texts_read: bool,
    /// The sources that could not be read, and why.
    pub unread: Vec<String>,
}

/// A user of an image or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// An instance that is not terminated.
    Instance(String),
    LaunchConfiguration(String),
    /// A version of a launch template that is the default or the latest, or that a group or fleet names.
    LaunchTemplate {
        name: String,
        version: i64,
    },
    /// An override of an Auto Scaling group.
    Group(String),
    Fleet(String),
    SpotFleet(String),
    /// A persistent spot request.
    SpotRequest(String),
    /// A version of a parameter: the current one, the one before, or one that has a label or is named by a selector.
    Parameter {
        name: String,
        version: i64,
    },
    /// Something that DescribeImageReferences lists, by its ARN.
    Listed(String),
    /// Another account, an organization, or everyone, that may launch it.
    SharedWith(String),
}

impl References {
    /// Adds a use of the image that a configuration names: an id, or something that names nothing of ours.
    pub fn add_image(&mut self, image: &str, by: Reference) {
        if let Ok(id) = ImageId::new(image) {
            self.images.entry(id).or_default().insert(by);
        }
    }

    /// Adds a use of every image and snapshot that a text names: alone, in a list, in JSON.
    pub fn add_text(&mut self, text: &str, by: &Reference) {
        for id in words(text, "ami-") {
            self.add_image(id, by.clone());
        }
        for id in words(text, "snap-") {
            self.add_snapshot(id, by.clone());
        }
    }

    /// Adds a use of a snapshot by a block device mapping.
    pub fn add_snapshot(&mut self, snapshot: &str, by: Reference) {
        if let Ok(id) = SnapshotId::new(snapshot) {
            self.snapshots.entry(id).or_default().insert(by);
        }
    }
}

/// Whether a text names an image or a snapshot, of any account.
pub fn names_any(text: &str) -> bool {
    let mut found = References::default();
    found.add_text(text, &Reference::Listed(String::new()));
    found != References::default()
}

/// The image that EC2 says a snapshot was made for: `Created by CreateImage(i-…) for ami-…`, or the first image in
/// `Copied for DestinationAmi ami-… from SourceAmi ami-…`.
pub fn image_in_description(description: &str) -> Option<ImageId> {
    images_in(description).next()
}

/// Every image that a text names.
pub(super) fn images_in(text: &str) -> impl Iterator<Item = ImageId> {
    words(text, "ami-").filter_map(|id| ImageId::new(id).ok())
}

/// Every word with this prefix, cut after its letters and digits.
fn words<'t>(text: &'t str, beginning: &'t str) -> impl Iterator<Item = &'t str> {
    text.match_indices(beginning).map(move |(at, _)| {
        let rest = &text[at + beginning.len()..];
        let end = rest.find(|next: char| !next.is_ascii_alphanumeric()).unwrap_or(rest.len());
        &text[at..at + beginning.len() + end]
    })
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Instance(id) => write!(f, "instance {id}"),
            Reference::LaunchConfiguration(name) => write!(f, "launch configuration {name}"),
            Reference::LaunchTemplate { name, version } => write!(f, "launch template {name} version {version}"),
            Reference::Group(name) => write!(f, "Auto Scaling group {name}"),
            Reference::Fleet(id) => write!(f, "fleet {id}"),
            Reference::SpotFleet(id) => write!(f, "spot fleet {id}"),
            Reference::SpotRequest(id) => write!(f, "spot request {id}"),
            Reference::Parameter { name, version } => write!(f, "parameter {name} version {version}"),
            Reference::Listed(arn) => write!(f, "{arn}"),
            Reference::SharedWith(whom) => write!(f, "shared with {whom}"),
        }
    }
}
