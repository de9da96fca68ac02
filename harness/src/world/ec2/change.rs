//! What changes in EC2, as the history has it.

use std::fmt;

use super::images::ImageState;
use super::instances::{InstanceState, SpotAction};
use super::volumes::VolumeState;
use crate::time::Time;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ec2Change {
    Instance(InstanceState),
    InterruptionWarned(SpotAction),
    RebalanceRecommended,
    CapacityReclaimed,
    RetirementScheduled,

    Volume(VolumeState),
    Attaching {
        instance: String,
    },
    Attached {
        instance: String,
    },
    Detaching {
        instance: String,
    },
    /// Detaching was asked for, but the instance still has it mounted.
    Busy {
        instance: String,
    },

    ImagePending {
        name: String,
    },
    Image(ImageState),
    DeprecatedFrom(Time),
    NotDeprecated,
    Protected,
    ProtectionDisabled,
    LaunchPermissionsChanged,
    Described,

    LaunchTemplateCreated {
        name: String,
    },
    LaunchTemplateVersion(u64),
    DefaultVersion(u64),

    Tagged(Vec<(String, String)>),
    Untagged(Vec<String>),
    Deleted,
    /// From the recycle bin.
    Restored,
    /// Its time in the recycle bin is over.
    GoneForGood,
}

impl fmt::Display for Ec2Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ec2Change::Instance(state) => f.write_str(state.name()),
            Ec2Change::InterruptionWarned(action) => write!(f, "spot interruption warning: {}", action.name()),
            Ec2Change::RebalanceRecommended => f.write_str("rebalance recommendation"),
            Ec2Change::CapacityReclaimed => f.write_str("spot capacity reclaimed"),
            Ec2Change::RetirementScheduled => f.write_str("retirement scheduled"),
            Ec2Change::Volume(state) => f.write_str(state.name()),
            Ec2Change::Attaching { instance } => write!(f, "attaching to {instance}"),
            Ec2Change::Attached { instance } => write!(f, "attached to {instance}"),
            Ec2Change::Detaching { instance } => write!(f, "detaching from {instance}"),
            Ec2Change::Busy { instance } => write!(f, "busy: still mounted on {instance}"),
            Ec2Change::ImagePending { name } => write!(f, "pending: {name}"),
            Ec2Change::Image(state) => f.write_str(state.name()),
            Ec2Change::DeprecatedFrom(from) => write!(f, "deprecated from {from}"),
            Ec2Change::NotDeprecated => f.write_str("not deprecated any more"),
            Ec2Change::Protected => f.write_str("protected from deregistration"),
            Ec2Change::ProtectionDisabled => f.write_str("not to be protected from deregistration any more"),
            Ec2Change::LaunchPermissionsChanged => f.write_str("launch permissions changed"),
            Ec2Change::Described => f.write_str("described anew"),
            Ec2Change::LaunchTemplateCreated { name } => write!(f, "launch template {name}"),
            Ec2Change::LaunchTemplateVersion(number) => write!(f, "version {number}"),
            Ec2Change::DefaultVersion(number) => write!(f, "default version {number}"),
            Ec2Change::Tagged(tags) => {
                let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
                write!(f, "tagged {}", tags.join(", "))
            }
            Ec2Change::Untagged(keys) => write!(f, "untagged {}", keys.join(", ")),
            Ec2Change::Deleted => f.write_str("deleted"),
            Ec2Change::Restored => f.write_str("restored"),
            Ec2Change::GoneForGood => f.write_str("gone from the recycle bin"),
        }
    }
}
