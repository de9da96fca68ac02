//! The commands by which a holder lets go of the volume, or serves again, and how far they are.

use std::time::{Duration, SystemTime};

use aws_sdk_ssm::types as ssm;
use durin_decisions::node::{
    Attachment, LONGEST_ANSWER, LONGEST_RELEASE, LONGEST_RESUME, ReleaseState, Resume, Resumed, command_ended,
    resume_state,
};

use super::convert::time;
use super::documents::Document;
use super::said::Said;

/// A command to an instance, as Systems Manager lists it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Command {
    pub(super) id: String,
    pub(super) document: Document,
    pub(super) requested: SystemTime,
    pub(super) outcome: Outcome,
    /// Of the outcome, as far as it is certain ([`command_ended`]).
    pub(super) ended: SystemTime,
    /// The reason that the instance gives, if it has not done what it was asked.
    pub(super) refusal: Option<String>,
    /// By durin-node, if that has run to its end.
    pub(super) said: Option<Said>,
    /// Whether a durin-node of another version has refused its arguments.
    pub(super) is_unknown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// On its way, under way, being cancelled, or in a state of the future: not over.
    Open,
    Success,
    Failed,
    /// It has never reached the instance.
    Undelivered,
}

/// A command that this invocation has sent, and to which attachment it spoke. It means nothing for any other.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) attachment: Attachment,
    pub(super) document: Document,
    pub(super) at: SystemTime,
    pub(super) answer: Answer,
    /// How often in a row it was refused, this time included.
    pub(super) refused: usize,
}

/// What Systems Manager has said to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Taken {
        id: String,
    },
    Refused,
    /// Nothing: it may have taken the command, or not.
    Lost {
        /// When the first of such attempts ended, in a row.
        since: SystemTime,
    },
}

/// How long before its answer was given up a command may have been taken, and how much clocks differ.
const SENDING: Duration = Duration::from_secs(10);

/// What a resume says that ends before the check, the mount or the release that is under way, if its durin-node has no word
/// for it (`Obstacle` in `infra/node/src/decide/letting_go.rs`).
const STILL_UNDER_WAY: &str = "is still being checked";
const UNDER_WAY: &str = "under way";
const IN_USE: &str = "in use";

impl Command {
    /// None for other people's commands, and for what lacks an id or a time.
    pub(super) fn listed(invocation: &ssm::CommandInvocation) -> Option<Command> {
        use ssm::CommandInvocationStatus as Status;

        let document =
            Document::ALL.into_iter().find(|document| invocation.document_name() == Some(document.name()))?;
        let requested = time(invocation.requested_date_time()?)?;
        let details: String = invocation.status_details().unwrap_or_default().split_whitespace().collect();
        let outcome = match invocation.status() {
            Some(Status::Success) => Outcome::Success,
            Some(_) if matches!(details.as_str(), "DeliveryTimedOut" | "Undeliverable") => Outcome::Undelivered,
            Some(Status::Failed | Status::Cancelled | Status::TimedOut) => Outcome::Failed,
            _ => Outcome::Open,
        };
        let plugins = || invocation.command_plugins().iter();
        let began = plugins().filter_map(|plugin| time(plugin.response_start_date_time()?)).min();
        let ended = plugins().filter_map(|plugin| time(plugin.response_finish_date_time()?)).max();
        let ended = command_ended(requested, began, ended, longest(document));
        let outputs = || invocation.command_plugins().iter().filter_map(|plugin| plugin.output());
        let (refusal, said) = (outputs().find_map(|it| document.refusal(it)), outputs().find_map(Said::in_output));
        // As clap writes it.
        let is_unknown = outputs().any(|it| it.lines().any(|line| line.starts_with("error: ")));
        let id = invocation.command_id()?.to_owned();
        Some(Command { id, document, requested, outcome, ended, refusal, said, is_unknown })
    }

    /// As one that has asked the holder to serve again.
    fn resume(&self) -> Resume {
        let outcome = match self.outcome {
            Outcome::Open => Resumed::Open,
            Outcome::Success => Resumed::Serves,
            Outcome::Failed => self.obstacle(),
            Outcome::Undelivered => Resumed::Failed,
        };
        Resume { requested: self.requested, ended: self.ended, outcome }
    }

    /// By the program's own word, which its sentence quotes.
    fn obstacle(&self) -> Resumed {
        let is_old_and_at_it = || self.refusal.as_ref().is_some_and(|why| why.contains(STILL_UNDER_WAY));
        match self.said.as_ref().and_then(|said| said.obstacle.as_deref()) {
            Some(UNDER_WAY) => Resumed::UnderWay,
            Some(IN_USE) => Resumed::InUse,
            Some(_) => Resumed::Failed,
            None if is_old_and_at_it() => Resumed::UnderWay,
            None => Resumed::Failed,
        }
    }
}

fn longest(document: Document) -> Duration {
    match document {
        Document::Resume => LONGEST_RESUME,
        Document::Release => LONGEST_RELEASE,
        Document::Prepared | Document::Serves => LONGEST_ANSWER,
    }
}

/// What was asked for since the volume was attached, and not done: by the command's id, the instance's reason.
pub(super) fn refusals<'a>(
    listed: &'a [Command],
    attachment: &Attachment,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let since = attachment.since;
    let of_it =
        listed.iter().filter(move |it| it.document.moves_volume() && since.is_some_and(|since| it.requested >= since));
    of_it.filter_map(|command| Some((command.id.as_str(), command.refusal.as_deref()?)))
}

/// How far the release of the holder is, by what it was asked for since the volume was attached. Without the time of the
/// attachment a command may be one of an earlier attachment, and counts for nothing.
pub(super) fn release_state(listed: &[Command], attachment: &Attachment, sent: Option<&Sent>) -> ReleaseState {
    let sent = sent.filter(|sent| is_same(&sent.attachment, attachment));
    if let Some(state) = sent.and_then(|sent| unlisted(listed, sent)) {
        return state;
    }
    let Some(since) = attachment.since else { return ReleaseState::NotStarted };
    let (mut ours, earlier): (Vec<&Command>, Vec<&Command>) =
        listed.iter().filter(|it| it.document.moves_volume()).partition(|command| command.requested >= since);
    ours.sort_by_key(|command| command.requested);
    let resumed = ours.iter().rposition(|command| command.document == Document::Resume);
    let releases = ours.split_off(resumed.map_or(0, |index| index + 1));
    match (releases.is_empty(), ours.last()) {
        (true, Some(_)) => resume_state(&since_release(&ours)),
        (true, None) => earlier_state(&earlier),
        (false, _) => released_state(&releases),
    }
}

/// What Systems Manager does not list yet, for a second or two, or has refused.
fn unlisted(listed: &[Command], sent: &Sent) -> Option<ReleaseState> {
    let is_listed = match &sent.answer {
        Answer::Taken { id } => listed.iter().any(|command| command.id == *id),
        Answer::Refused => false,
        // By its kind and time, for want of an id.
        Answer::Lost { since } => {
            listed.iter().any(|command| command.document == sent.document && *since <= command.requested + SENDING)
        }
    };
    if is_listed {
        return None;
    }
    Some(match (&sent.answer, sent.document) {
        // Nothing moves by them.
        (_, Document::Prepared | Document::Serves) => return None,
        (Answer::Taken { .. }, Document::Release) => ReleaseState::Running { since: sent.at },
        (Answer::Refused, Document::Release) => ReleaseState::Undelivered { at: sent.at },
        (Answer::Lost { since }, Document::Release) => ReleaseState::Unanswered { since: *since, at: sent.at },
        (Answer::Taken { .. } | Answer::Lost { .. }, Document::Resume) => ReleaseState::Resuming { since: sent.at },
        (Answer::Refused, Document::Resume) => ReleaseState::ResumeFailed { at: sent.at, times: sent.refused },
    })
}

impl Sent {
    /// How often in a row Systems Manager has refused what the holder is asked for once more now.
    pub(super) fn refusals(&self, attachment: &Attachment, document: Document) -> usize {
        if self.document == document && is_same(&self.attachment, attachment) { self.refused } else { 0 }
    }

    /// Since when no answer has come to what the holder is asked for once more now.
    pub(super) fn unanswered_since(&self, attachment: &Attachment, document: Document) -> Option<SystemTime> {
        match self.answer {
            Answer::Lost { since } if self.document == document && is_same(&self.attachment, attachment) => Some(since),
            Answer::Taken { .. } | Answer::Refused | Answer::Lost { .. } => None,
        }
    }
}

/// What the holder was asked for before it had this attachment is still in its `/run`.
fn earlier_state(earlier: &[&Command]) -> ReleaseState {
    let newest = earlier.iter().filter(|command| command.outcome != Outcome::Undelivered).max_by_key(|it| it.requested);
    match newest.map(|command| (command.document, command.outcome)) {
        Some((Document::Release, _)) => ReleaseState::Marked,
        // Asked to serve again, it has not said that it does.
        Some((Document::Resume, Outcome::Open | Outcome::Failed | Outcome::Undelivered)) => ReleaseState::Marked,
        Some((Document::Resume, Outcome::Success) | (Document::Prepared | Document::Serves, _)) | None => {
            ReleaseState::NotStarted
        }
    }
}

fn since_release(ours: &[&Command]) -> Vec<Resume> {
    let first = ours.iter().rposition(|it| it.document != Document::Resume).map_or(0, |release| release + 1);
    ours[first..].iter().map(|it| it.resume()).collect()
}

/// Two functions may have asked at once, and then one success is enough. What was asked for after it says more.
fn released_state(releases: &[&Command]) -> ReleaseState {
    let successes =
        || releases.iter().filter(|release| release.outcome == Outcome::Success).map(|release| release.ended);
    let last = successes().max();
    let later = releases.iter().rfind(|release| last.is_none_or(|last| release.requested > last));
    let has_begun = releases.iter().any(|it| matches!(it.outcome, Outcome::Success | Outcome::Failed));
    match (later, last) {
        (Some(Command { outcome: Outcome::Open, requested, .. }), _) => ReleaseState::Running { since: *requested },
        (Some(Command { outcome: Outcome::Failed, ended, .. }), _) => ReleaseState::Failed { at: *ended },
        // It has stopped k3s for an earlier one, and does not do what it is asked.
        (Some(Command { outcome: Outcome::Undelivered, ended, .. }), _) if has_begun => {
            ReleaseState::Failed { at: *ended }
        }
        (Some(Command { outcome: Outcome::Undelivered, ended, .. }), _) => ReleaseState::Undelivered { at: *ended },
        (_, Some(at)) => ReleaseState::Released { at },
        (_, None) => ReleaseState::NotStarted,
    }
}

/// An instance may have had the volume before: the time tells its attachments apart.
fn is_same(one: &Attachment, other: &Attachment) -> bool {
    (&one.instance, one.since) == (&other.instance, other.since)
}

#[cfg(test)]
mod tests;
