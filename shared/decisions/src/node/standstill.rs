//! Since when a run has seen parts of a node stand still.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::next_step::release_matters;
use super::observed::{Agents, Attachment, InstanceState, Lifecycle, Observed, Release, VolumeState};
use crate::ids::InstanceId;

/// The only clock for what AWS gives no time of: since when a volume has been leaving an instance, or an instance stopping.
/// It begins when a run first looks and ends with the run, so a bound that is counted by it has to be shorter than a
/// function may take. A stale read only sets it back.
#[derive(Clone, Debug, Default)]
pub struct Standstill {
    volume: Option<(Option<Held>, SystemTime)>,
    group: Option<(Members, SystemTime)>,
    silence: Option<SystemTime>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    volume: VolumeState,
    attachment: Option<Attachment>,
    holder: Option<InstanceState>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Members {
    wanted: i32,
    members: BTreeMap<InstanceId, Lifecycle>,
}

impl Standstill {
    /// Notes in the observation since when what it shows is as it is.
    pub fn note(&mut self, observed: &mut Observed, now: SystemTime) {
        observed.volume_stands_since = Some(since(&mut self.volume, held(observed), now));
        let members = Members { wanted: observed.group.desired_capacity, members: observed.group.members.clone() };
        observed.group_stands_since = Some(since(&mut self.group, members, now));
    }

    /// The same of Systems Manager, once it has been asked about agents, or need not be: nobody asks about those of a holder
    /// that stays, and then they are as unknown.
    pub fn note_silence(&mut self, observed: &mut Observed, now: SystemTime) {
        let is_asked = release_matters(observed, false, now).is_some();
        let is_unknown = |release: &Release| release.agents == Agents::Unknown;
        let is_silent = is_asked && observed.release.as_ref().is_some_and(is_unknown);
        self.silence = is_silent.then(|| self.silence.unwrap_or(now));
        observed.silent_since = self.silence;
    }
}

/// Keeps the time of what is as it was.
fn since<T: PartialEq>(known: &mut Option<(T, SystemTime)>, seen: T, now: SystemTime) -> SystemTime {
    match known {
        Some((before, since)) if *before == seen => *since,
        Some(_) | None => {
            *known = Some((seen, now));
            now
        }
    }
}

fn held(observed: &Observed) -> Option<Held> {
    let volume = observed.volume.as_ref()?;
    let attachment = volume.attachments.first().cloned();
    let holder = attachment.as_ref().and_then(|held| observed.instances.get(&held.instance)).map(|it| it.state);
    Some(Held { volume: volume.state.clone(), attachment, holder })
}
