//! The schedule asks every holder whether it serves. No event tells that k3s has died on an instance that runs on.
//!
//! One tick asks, fifty instances with one command, and the next reads the answers, so that nobody waits for them. All that
//! comes of an answer is that the owner is told: an instance that does not serve may recover, and has the data in its hands;
//! and silence may be its agent's. Only a holder that has let go of the volume, and says so twice, is asked to serve again.
//!
//! Of one whose agent Systems Manager has never heard of nothing is known. It may be an image that does without, or one that
//! has not booted: its owner is told once an hour.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use durin_decisions::node::{Agents, Attachment, Question, Word};

use super::commands::{Command, Outcome};
use super::documents::Document;
use super::{LONGEST_PERIOD, ask, checks, read, words};
use crate::aws::{Aws, code, failed};
use crate::failure::Failure;
use crate::ids::InstanceId;

/// SendCommand takes no more. It sends to all of them before the first can fail, so that its limit of errors, which is none,
/// keeps nobody from being asked. (Systems Manager API Reference, SendCommand: `MaxConcurrency`, `MaxErrors`.)
const AT_ONCE: usize = 50;

/// An answer of the last tick is younger; that of the one before is not read again.
const ANSWERS_OF: Duration = Duration::from_secs(LONGEST_PERIOD.as_secs() * 3 / 2);

/// A tick is followed by two retries within three minutes when it fails, which ask nobody again.
const ASKED_EVERY: Duration = Duration::from_secs(LONGEST_PERIOD.as_secs() - 60);

/// What the holders have answered to the last tick.
#[derive(Debug, Default)]
pub(super) struct RollCall {
    answers: BTreeMap<InstanceId, Vec<Command>>,
    /// Those that could not be asked, because Systems Manager has never heard of them.
    unheard: BTreeSet<InstanceId>,
    now: Option<SystemTime>,
}

/// Why a holder does not serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denial {
    #[error("{why}")]
    DoesNotServe { why: String },
    /// Twice in one boot. Then its k3s starts for nobody but `durin-node resume`.
    #[error("it has let go of the volume")]
    HasReleased,
    /// Nothing follows for the node but that its owner is told: it may serve.
    #[error("its Systems Manager agent has gone silent")]
    HasLostItsAgent,
    /// The same, told once an hour.
    #[error("Systems Manager has never heard of its agent")]
    WasNeverHeard,
}

/// Reads the answers to the last tick, and asks again. Fail open: nodes are looked after without it.
pub(super) async fn roll_call(aws: &Aws, holders: &[Attachment]) -> RollCall {
    if holders.is_empty() {
        return RollCall::default();
    }
    let now = aws.clock.now();
    let RollCall { answers, .. } = last_answers(aws, holders).await.unwrap_or_else(|failure| {
        warn(&failure);
        RollCall::default()
    });
    let is_due = |holder: &&Attachment| {
        let asked = answers.get(&holder.instance).into_iter().flatten().map(|command| command.requested).max();
        asked.is_none_or(|asked| asked + ASKED_EVERY <= now)
    };
    let due: Vec<&InstanceId> = holders.iter().filter(is_due).map(|holder| &holder.instance).collect();
    let mut unheard = BTreeSet::new();
    for chunk in due.chunks(AT_ONCE) {
        if let Err(failure) = ask_all(aws, chunk, &mut unheard).await {
            warn(&failure);
            break;
        }
    }
    RollCall { answers, unheard, now: Some(now) }
}

/// Only reads the answers to the last tick.
///
/// # Errors
/// When the call fails.
pub(super) async fn last_answers(aws: &Aws, holders: &[Attachment]) -> Result<RollCall, Failure> {
    let now = aws.clock.now();
    let mut answers: BTreeMap<InstanceId, Vec<Command>> = BTreeMap::new();
    let listed = read::commands_of(aws, Document::Serves, now - ANSWERS_OF).await?;
    listed.into_iter().for_each(|(id, command)| answers.entry(id).or_default().push(command));
    // That it has released the volume counts when it is said twice, and silence when it is kept three times.
    let is_for_several =
        |it: &Command| words::is_missing(it) || it.said.as_ref().is_some_and(|said| said.released.is_some());
    for holder in holders {
        if let Some(listed) = answers.get_mut(&holder.instance)
            && listed.iter().any(is_for_several)
            && let Ok(all) = read::commands_since(aws, &holder.instance, now - 3 * ANSWERS_OF).await
        {
            *listed = all;
        }
    }
    Ok(RollCall { answers, unheard: BTreeSet::new(), now: Some(now) })
}

impl RollCall {
    /// What an instance was asked lately.
    pub(super) fn of(&self, instance: &InstanceId) -> &[Command] {
        self.answers.get(instance).map(Vec::as_slice).unwrap_or_default()
    }

    /// Without what nobody has answered yet.
    pub(super) fn answered(&self) -> RollCall {
        let is_answered = |it: &&Command| it.outcome != Outcome::Open;
        let of_one = |listed: &Vec<Command>| listed.iter().filter(is_answered).cloned().collect();
        let answers = self.answers.iter().map(|(id, listed)| (id.clone(), of_one(listed)));
        RollCall { answers: answers.collect(), unheard: self.unheard.clone(), now: self.now }
    }

    /// The last word of a holder, of this attachment.
    pub(super) fn word(&self, holder: &Attachment) -> Word {
        match (holder.since, self.now) {
            (Some(since), Some(now)) => words::word(self.of(&holder.instance), Question::Serves, since, None, now),
            (None, _) | (_, None) => Word::NotAsked,
        }
    }

    /// What a holder has said if it does not serve, of this attachment.
    pub(super) fn denial(&self, holder: &Attachment) -> Option<Denial> {
        let last = self.of(&holder.instance).iter().max_by_key(|it| it.requested);
        let has_spoken = last.is_some_and(|last| last.said.is_some() && !words::is_missing(last));
        let is_missing = last.is_some_and(words::is_missing);
        let is_unheard = self.unheard.contains(&holder.instance) && self.now.is_some_and(is_of_the_hour);
        match self.word(holder) {
            Word::NotYet { why } if has_spoken => Some(Denial::DoesNotServe { why }),
            Word::No { .. } if has_spoken => Some(Denial::HasReleased),
            Word::NotYet { .. } if is_missing => Some(Denial::HasLostItsAgent),
            Word::NotAsked if is_unheard => Some(Denial::WasNeverHeard),
            Word::NotYet { .. }
            | Word::No { .. }
            | Word::NotAsked
            | Word::Asked { .. }
            | Word::Yes
            | Word::Absent { .. } => None,
        }
    }
}

/// One instance that Systems Manager does not know, or without the tags of a node, has all of them refused.
async fn ask_all(aws: &Aws, instances: &[&InstanceId], unheard: &mut BTreeSet<InstanceId>) -> Result<(), Failure> {
    let mut asked: Vec<InstanceId> = instances.iter().map(|id| (*id).clone()).collect();
    for _ in 0..3 {
        let ids: Vec<&InstanceId> = asked.iter().collect();
        let Err(error) = ask::send(aws, Question::Serves, &ids).await else { return Ok(()) };
        let left: Vec<InstanceId> = match code(&error) {
            // Probe: command-to-nobody-is-refused.
            "InvalidInstanceId" => {
                let agents = read::agents(aws, &ids.iter().copied().collect()).await?;
                left_by(&agents, &asked, unheard)
            }
            "AccessDeniedException" => {
                let declared = read::declared_instances(aws, &asked).await?;
                asked.iter().filter(|id| declared.contains_key(*id)).cloned().collect()
            }
            _ => return Err(failed("ssm:SendCommand")(error)),
        };
        if left.is_empty() {
            return Ok(());
        }
        if left.len() == asked.len() {
            return Err(failed("ssm:SendCommand")(error));
        }
        asked = left;
    }
    Ok(())
}

/// Whether the owner hears of what fails now, as of a tick that was due a moment ago. ([`crate::news::Occasion`].)
fn is_of_the_hour(now: SystemTime) -> bool {
    const LATE: Duration = Duration::from_secs(60);
    checks::is_hourly(now) || checks::is_hourly(now - LATE)
}

/// Whom to ask instead. One whose agent is lost is asked like any other, so that its silence is noticed, unless the refusal can
/// be about no other.
fn left_by(agents: &Agents, asked: &[InstanceId], unheard: &mut BTreeSet<InstanceId>) -> Vec<InstanceId> {
    let (heard, others): (Vec<InstanceId>, Vec<InstanceId>) = asked.iter().cloned().partition(|id| agents.lists(id));
    if others.is_empty() {
        return heard.into_iter().filter(|id| agents.is_online(id)).collect();
    }
    unheard.extend(others);
    heard
}

fn warn(failure: &Failure) {
    tracing::warn!(reason = failure.chain(), "the holders cannot be asked whether they serve");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_never_heard_is_left_out_and_one_that_is_lost_only_if_nobody_else_can_be_meant() {
        let [online, lost, never] =
            ["i-00000001", "i-00000002", "i-00000003"].map(|id| InstanceId::new(id).expect("an id"));
        let agents = Agents::Listed { online: BTreeSet::from([online.clone()]), lost: BTreeSet::from([lost.clone()]) };
        let mut unheard = BTreeSet::new();
        let all = [online.clone(), lost.clone(), never.clone()];
        assert_eq!(left_by(&agents, &all, &mut unheard), [online.clone(), lost.clone()]);
        assert_eq!(unheard, BTreeSet::from([never]));
        assert_eq!(left_by(&agents, &[online.clone(), lost], &mut unheard), [online]);
    }
}
