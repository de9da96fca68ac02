//! What a node lacks by the list of [`crate::check`], without what its own look says already.

use durin::declaration::TagError;
use durin::lifecycle::Transition;
use durin::node::{Blocked, Look};

use crate::sentence::Wrong;

/// Those lines that nothing else says.
pub(super) fn not_yet_told(look: &Look, missing: Vec<(&'static str, Wrong)>) -> Vec<Wrong> {
    let told = look.blocked.as_ref().map_or(&[][..], lines_of);
    // Whether the functions run, and the agent is online, a look at the holder says better.
    let is_said = |id: &str| told.contains(&id) || ["agent", "functions"].contains(&id);
    missing.into_iter().filter(|(id, _)| !is_said(id)).map(|(_, wrong)| wrong).collect()
}

/// The lines that say the same.
fn lines_of(blocked: &Blocked) -> &'static [&'static str] {
    match blocked {
        Blocked::Tags(TagError::NotForMetadata { .. }) => &["tags-metadata"],
        Blocked::Tags(TagError::Missing { .. } | TagError::Malformed { .. } | TagError::Ttl { .. }) => &[],
        Blocked::DesiredCapacity { .. } | Blocked::MaximumTooSmall { .. } | Blocked::MinimumTooLarge { .. } => {
            &["size"]
        }
        Blocked::NoSuchVolume { .. }
        | Blocked::UnusableVolume { .. }
        | Blocked::MultiAttach { .. }
        | Blocked::ForeignHolder { .. } => &["volume"],
        Blocked::LaunchSuspended { .. }
        | Blocked::SpareWhileLaunchSuspended { .. }
        | Blocked::NobodyWhileLaunchSuspended { .. } => &["processes"],
        Blocked::DeviceTaken { .. } => &["device"],
        Blocked::KeyUnusable { .. } => &["volume-key"],
        Blocked::NoAddress { .. } | Blocked::ZoneMismatch { .. } | Blocked::ZoneElsewhere { .. } => &["subnets"],
        Blocked::SharedRecord { .. } => &["unshared", "record"],
        Blocked::SharedVolume { .. } => &["unshared", "volume", "volume-node"],
        Blocked::NotTaggedAsData { .. } => &["volume-data"],
        Blocked::VolumeOfAnotherNode { .. } | Blocked::VolumeOfNoNode { .. } => &["volume-node"],
        Blocked::Hook { problem, .. } => match problem.transition {
            Transition::Launching => &["hook-launch"],
            Transition::Terminating => &["hook-terminate"],
        },
        Blocked::NoSuchZone { .. } | Blocked::ForeignRecord { .. } | Blocked::RecordRefused { .. } => &["record"],
        Blocked::ZoneNotAllowed { .. } => &["zone-allowed"],
        Blocked::TerminationRefused { .. } => &["protection"],
        Blocked::NotDeclared { .. } | Blocked::Tags(TagError::NotPropagated { .. }) => &["propagated"],
        Blocked::Unfit { .. }
        | Blocked::CannotAnswer { .. }
        | Blocked::NeitherIsOnline { .. }
        | Blocked::FollowedInVain { .. }
        | Blocked::NothingIsHeard { .. }
        | Blocked::NotKnownToServe { .. }
        | Blocked::NoCapacity { .. }
        | Blocked::ActionDenied { .. }
        | Blocked::EndRefused { .. }
        | Blocked::NeverFreed { .. }
        | Blocked::NeverAvailable { .. }
        | Blocked::DetachedWhileMounted { .. }
        | Blocked::CannotBeAsked { .. }
        | Blocked::ServesNotYet { .. }
        | Blocked::AttachRefused { .. } => &[],
    }
}
