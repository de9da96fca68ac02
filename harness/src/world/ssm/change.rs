//! What changes in Systems Manager, as the history has it.

use std::fmt;

use super::InvocationStatus;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SsmChange {
    DocumentStored,
    /// The copy of a command for one instance.
    Invocation {
        document: String,
        instance: String,
        status: InvocationStatus,
    },
    Version {
        version: u64,
        value: String,
    },
    /// The parameter stays as it was, because of what was to be its value.
    Refused {
        value: String,
        why: Refusal,
    },
    Labelled {
        version: u64,
        labels: Vec<String>,
    },
    Unlabelled {
        version: u64,
        labels: Vec<String>,
    },
    TagsChanged,
    Deleted,
}

/// Why the value of an image parameter is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The value is looked at in the name of the caller who put it, and that caller may not.
    NotDescribable,
    NotLaunchable,
}

impl fmt::Display for SsmChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SsmChange::DocumentStored => f.write_str("document"),
            SsmChange::Invocation { document, instance, status } => {
                write!(f, "{document} on {instance}: {}", status.details())
            }
            SsmChange::Version { version, value } => write!(f, "version {version}: {value}"),
            SsmChange::Refused { value, why: Refusal::NotDescribable } => {
                write!(f, "still as it was: {value} cannot be described by who has put it")
            }
            SsmChange::Refused { value, why: Refusal::NotLaunchable } => {
                write!(f, "still as it was: {value} is not an image that can be launched")
            }
            SsmChange::Labelled { version, labels } => write!(f, "version {version} labelled {}", labels.join(", ")),
            SsmChange::Unlabelled { version, labels } => {
                write!(f, "version {version} not labelled {} any more", labels.join(", "))
            }
            SsmChange::TagsChanged => f.write_str("tags changed"),
            SsmChange::Deleted => f.write_str("deleted"),
        }
    }
}
