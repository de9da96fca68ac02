//! Everything that must never happen, and did.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A guest found fewer writes on the volume than k3s had acknowledged to clients.
    WritesLost {
        volume: String,
        instance: String,
        lost: u64,
    },
    MountedTwice {
        volume: String,
        instance: String,
        other: String,
    },
    /// The device went while the guest had it mounted.
    DetachedByForce {
        volume: String,
        instance: String,
    },
    DeregisteredInUse {
        image: String,
        references: Vec<String>,
    },
    DeletedInUse {
        snapshot: String,
        references: Vec<String>,
    },
    /// A parameter came to name an image of another family.
    OfAnotherFamily {
        parameter: String,
        image: String,
    },
    /// A parameter came to name an older image than the one before.
    Older {
        parameter: String,
        image: String,
    },
    /// A rule or a schedule invoked a function of which this process has no code.
    WithoutHandler {
        function: String,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::WritesLost { volume, instance, lost } => {
                write!(f, "{volume} lost {lost} acknowledged writes before {instance} mounted it")
            }
            Violation::MountedTwice { volume, instance, other } => {
                write!(f, "{instance} mounted {volume} while {other} still had it mounted")
            }
            Violation::DetachedByForce { volume, instance } => {
                write!(f, "{volume} was detached by force while {instance} had it mounted")
            }
            Violation::DeregisteredInUse { image, references } => {
                write!(f, "{image} was deregistered while {} referred to it", references.join(", "))
            }
            Violation::DeletedInUse { snapshot, references } => {
                write!(f, "{snapshot} was deleted while {} referred to it", references.join(", "))
            }
            Violation::OfAnotherFamily { parameter, image } => {
                write!(f, "{parameter} names {image}, which is not of its family")
            }
            Violation::Older { parameter, image } => {
                write!(f, "{parameter} names {image}, which is older than the image before")
            }
            Violation::WithoutHandler { function } => {
                write!(f, "{function} was invoked, and has no handler: add it to the table of functions")
            }
        }
    }
}
