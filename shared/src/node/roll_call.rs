//! The schedule asks every holder whether it serves. No event tells that k3s has died on an instance that runs on.
//!
//! One tick asks, fifty instances with one command, and the next reads the answers, so that nobody waits for them. All that
//! comes of an answer is that the owner is told: an instance that does not serve may recover, and has the data in its hands;
//! and silence may be its agent's.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use durin_decisions::node::{Attachment, Question, Word};

use super::commands::Command;
use super::documents::Document;
use super::{LONGEST_PERIOD, ask, read, words};
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
    now: Option<SystemTime>,
}

/// Reads the answers to the last tick, and asks again. Fail open: nodes are looked after without it.
pub(super) async fn roll_call(aws: &Aws, holders: &[Attachment]) -> RollCall {
    if holders.is_empty() {
        return RollCall::default();
    }
    let now = aws.clock.now();
    let mut answers: BTreeMap<InstanceId, Vec<Command>> = BTreeMap::new();
    match read::commands_of(aws, Document::Serves, now - ANSWERS_OF).await {
        Ok(listed) => listed.into_iter().for_each(|(id, command)| answers.entry(id).or_default().push(command)),
        Err(failure) => warn(&failure),
    }
    let is_due = |holder: &&Attachment| {
        let asked = answers.get(&holder.instance).into_iter().flatten().map(|command| command.requested).max();
        asked.is_none_or(|asked| asked + ASKED_EVERY <= now)
    };
    let due: Vec<&InstanceId> = holders.iter().filter(is_due).map(|holder| &holder.instance).collect();
    for chunk in due.chunks(AT_ONCE) {
        if let Err(failure) = ask_all(aws, chunk).await {
            warn(&failure);
        }
    }
    RollCall { answers, now: Some(now) }
}

impl RollCall {
    /// Why a holder has said that it does not serve, if it has, of this attachment.
    pub(super) fn denial(&self, holder: &Attachment) -> Option<String> {
        let (listed, since) = (self.answers.get(&holder.instance)?, holder.since?);
        let has_spoken = listed.iter().max_by_key(|it| it.requested).is_some_and(|last| last.said.is_some());
        match words::word(listed, Question::Serves, since, None, self.now?) {
            Word::NotYet { why } | Word::No { why } if has_spoken => Some(why),
            Word::NotYet { .. }
            | Word::No { .. }
            | Word::NotAsked
            | Word::Asked { .. }
            | Word::Yes
            | Word::Absent { .. } => None,
        }
    }
}

/// One instance that Systems Manager does not know, or not any more, has all of them refused.
async fn ask_all(aws: &Aws, instances: &[&InstanceId]) -> Result<(), Failure> {
    match ask::send(aws, Question::Serves, instances).send().await {
        Err(error) if code(&error) == "InvalidInstanceId" => {
            let online = read::agents(aws, &instances.iter().copied().collect()).await?;
            let known: Vec<&InstanceId> = instances.iter().copied().filter(|id| online.contains(*id)).collect();
            if known.is_empty() {
                return Ok(());
            }
            let sent = ask::send(aws, Question::Serves, &known).send().await;
            sent.map(drop).map_err(failed("ssm:SendCommand"))
        }
        sent => sent.map(drop).map_err(failed("ssm:SendCommand")),
    }
}

fn warn(failure: &Failure) {
    tracing::warn!(reason = failure.chain(), "the holders cannot be asked whether they serve");
}
