//! How far a holder is that was asked to serve again, by what has become of each time that it was asked since it let go.

use std::time::{Duration, SystemTime};

use super::ended::LONGEST_RESUME;
use super::observed::ReleaseState;

/// How long somebody may have the device of a released volume open, before that counts as any other failure. A person who
/// repairs the file system, or restores a backup, is told after ten minutes that the node is down. What holds it without a
/// reason goes with the instance.
const IN_USE_FOR: Duration = Duration::from_secs(3600);

/// A command that has asked a holder to serve again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    pub requested: SystemTime,
    /// Of what is not over, when it was last known to be so.
    pub ended: SystemTime,
    pub outcome: Resumed,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// It is on its way, or under way.
    Open,
    Serves,
    /// It says that it cannot, or says nothing.
    Failed,
    /// A check of the file system, a mount or a release goes on, whatever is asked for meanwhile.
    UnderWay,
    /// Somebody has the volume's device, and the instance takes it from nobody.
    InUse,
}

/// The state by all such commands since the release, the one that was requested first in front. Two runs may have asked at
/// once, and then one success is enough, and no failure is one while the other is not over.
pub fn resume_state(resumes: &[Resume]) -> ReleaseState {
    let served = resumes.iter().filter(|it| it.outcome == Resumed::Serves).map(|it| it.ended).max();
    let is_later = |it: &&Resume| it.outcome != Resumed::Serves && served.is_none_or(|served| it.requested > served);
    let later: Vec<Resume> = resumes.iter().filter(is_later).copied().collect();
    let answered = later.iter().filter(|it| it.outcome != Resumed::Open).map(|it| it.ended).max();
    // One that is over although nobody says so is one that has failed.
    let may_come = |it: &&Resume| answered.is_none_or(|answered| answered < it.requested + LONGEST_RESUME);
    if let Some(open) = later.iter().filter(|it| it.outcome == Resumed::Open).rfind(may_come) {
        return ReleaseState::Resuming { since: open.requested };
    }
    let (mut since, mut times, mut state) = (None, 0, ReleaseState::NotStarted);
    for Resume { ended: at, outcome, .. } in later {
        let cannot_yet = match outcome {
            Resumed::UnderWay => Some(*since.get_or_insert(at)),
            Resumed::InUse => Some(*since.get_or_insert(at)).filter(|first| at < *first + IN_USE_FOR),
            Resumed::Open | Resumed::Serves | Resumed::Failed => {
                since = None;
                None
            }
        };
        state = match cannot_yet {
            Some(since) => ReleaseState::StillResuming { since, at },
            None => {
                times += 1;
                ReleaseState::ResumeFailed { at, times }
            }
        };
    }
    state
}
