//! The commands by which a holder lets go of the volume, or serves again, and how far they are.

use std::time::{Duration, SystemTime};

use aws_sdk_ssm::types as ssm;
use durin_decisions::node::{Attachment, LONGEST_RELEASE, LONGEST_RESUME, ReleaseState, command_ended};

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

/// What a resume says that ends before the check, the mount or the release that is under way
/// (`infra/node/src/decide/letting_go.rs`).
const STILL_UNDER_WAY: &str = "is still being checked";

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

    /// Whether the instance was at it when it answered. It is no failure, however often it says so.
    fn is_under_way(&self) -> bool {
        self.outcome == Outcome::Failed && self.refusal.as_ref().is_some_and(|why| why.contains(STILL_UNDER_WAY))
    }
}

fn longest(document: Document) -> Duration {
    match document {
        Document::Resume => LONGEST_RESUME,
        Document::Release | Document::Prepared | Document::Serves => LONGEST_RELEASE,
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
        (true, Some(resume)) => resumed_state(resume, &ours),
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
        (Answer::Refused, Document::Resume) => ReleaseState::ResumeFailed { at: sent.at, times: 1 },
    })
}

impl Sent {
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

fn resumed_state(resume: &Command, ours: &[&Command]) -> ReleaseState {
    let since_release = ours.iter().rev().take_while(|command| command.document == Document::Resume);
    match resume.outcome {
        Outcome::Success => ReleaseState::NotStarted,
        Outcome::Open => ReleaseState::Resuming { since: resume.requested },
        Outcome::Failed | Outcome::Undelivered if resume.is_under_way() => {
            ReleaseState::StillResuming { at: resume.ended }
        }
        Outcome::Failed | Outcome::Undelivered => {
            let failures = since_release.filter(|command| !command.is_under_way());
            ReleaseState::ResumeFailed { at: resume.ended, times: failures.count() }
        }
    }
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
mod tests {
    use aws_smithy_types::DateTime;
    use durin_decisions::node::AttachmentState;
    use rstest::rstest;
    use ssm::CommandInvocationStatus as Status;

    use super::*;
    use crate::ids::InstanceId;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn attached(since: Option<u64>) -> Attachment {
        let instance = InstanceId::new("i-12345678").expect("an id");
        Attachment { instance, state: AttachmentState::Attached, since: since.map(at) }
    }

    fn command(document: Document, requested: i64, status: Status, ended: Option<i64>) -> Command {
        let ended = ended.map(DateTime::from_secs);
        let began = DateTime::from_secs(requested);
        let plugin =
            ssm::CommandPlugin::builder().response_start_date_time(began).set_response_finish_date_time(ended).build();
        let invocation = ssm::CommandInvocation::builder()
            .command_id(format!("{requested} {status}"))
            .document_name(document.name())
            .requested_date_time(DateTime::from_secs(requested))
            .status(status)
            .command_plugins(plugin);
        Command::listed(&invocation.build()).expect("a command")
    }

    fn release(requested: i64, status: Status, ended: i64) -> Command {
        command(Document::Release, requested, status, Some(ended))
    }

    fn resume(requested: i64, status: Status) -> Command {
        command(Document::Resume, requested, status, Some(requested + 40))
    }

    /// It has run for as long as it may, and something is still under way.
    fn still_checking(requested: i64) -> Command {
        let why = "vol-0123456789abcdef0 is still being checked, mounted or released: ask again";
        let ended = Some(requested + 165);
        let resume = command(Document::Resume, requested, Status::Failed, ended);
        Command { refusal: Some(why.to_owned()), ..resume }
    }

    fn released(last: u64) -> ReleaseState {
        ReleaseState::Released { at: at(last) }
    }

    #[rstest]
    #[case::of_this_attachment(release(100, Status::Success, 110), Some(100), released(110))]
    #[case::of_an_earlier_attachment(release(99, Status::Success, 110), Some(100), ReleaseState::Marked)]
    #[case::of_an_earlier_attachment_and_taken_back(resume(99, Status::Success), Some(100), ReleaseState::NotStarted)]
    #[case::of_an_earlier_attachment_and_not_taken_back(resume(99, Status::Failed), Some(100), ReleaseState::Marked)]
    #[case::the_attachment_has_no_time(release(100, Status::Success, 110), None, ReleaseState::NotStarted)]
    #[case::the_instances_clock_is_wrong(release(100, Status::Success, 3_700), Some(100), released(100))]
    #[case::it_does_not_say_when_it_ended(
        command(Document::Release, 100, Status::Success, None),
        Some(100),
        released(100)
    )]
    fn a_success_counts_only_if_it_is_certainly_of_this_attachment(
        #[case] command: Command,
        #[case] since: Option<u64>,
        #[case] state: ReleaseState,
    ) {
        assert_eq!(release_state(&[command], &attached(since), None), state);
    }

    #[rstest]
    #[case::two_at_once(&[release(101, Status::Failed, 102), release(102, Status::Success, 110)], released(110))]
    #[case::the_other_way_round(&[release(101, Status::Success, 110), release(103, Status::Failed, 104)], released(110))]
    #[case::asked_again(&[release(101, Status::Success, 110), release(150, Status::Success, 152)], released(152))]
    #[case::asked_again_and_not_over(
        &[release(101, Status::Success, 110), release(150, Status::InProgress, 0)], ReleaseState::Running { since: at(150) })]
    #[case::asked_again_and_refused(
        &[release(101, Status::Success, 110), release(150, Status::Failed, 160)], ReleaseState::Failed { at: at(160) })]
    #[case::failed(&[release(101, Status::TimedOut, 150)], ReleaseState::Failed { at: at(150) })]
    #[case::taken_back(&[release(101, Status::Success, 110), resume(130, Status::Success)], ReleaseState::NotStarted)]
    #[case::being_taken_back(
        &[release(101, Status::Success, 110), resume(130, Status::InProgress)], ReleaseState::Resuming { since: at(130) })]
    #[case::it_does_not_come_back(&[release(101, Status::Success, 110), resume(130, Status::Failed)], ReleaseState::ResumeFailed { at: at(170), times: 1 })]
    #[case::it_does_not_come_back_and_was_asked_twice(
        &[release(101, Status::Success, 110), resume(130, Status::Failed), resume(300, Status::Failed)],
        ReleaseState::ResumeFailed { at: at(340), times: 2 })]
    #[case::it_is_still_being_checked(
        &[release(101, Status::Success, 110), still_checking(130)], ReleaseState::StillResuming { at: at(295) })]
    #[case::it_is_still_being_checked_long_after(
        &[release(101, Status::Success, 110), still_checking(130), still_checking(360)],
        ReleaseState::StillResuming { at: at(525) })]
    #[case::it_was_checked_and_does_not_come_back(
        &[release(101, Status::Success, 110), still_checking(130), resume(360, Status::Failed)],
        ReleaseState::ResumeFailed { at: at(400), times: 1 })]
    #[case::it_was_checked_and_serves(
        &[release(101, Status::Success, 110), still_checking(130), resume(360, Status::Success)],
        ReleaseState::NotStarted)]
    #[case::taken_back_and_released_again(
        &[release(101, Status::Success, 110), resume(130, Status::Success), release(300, Status::Success, 310)],
        released(310))]
    #[case::nothing(&[], ReleaseState::NotStarted)]
    fn the_newest_word_counts(#[case] commands: &[Command], #[case] state: ReleaseState) {
        let mut commands = commands.to_vec();
        assert_eq!(release_state(&commands, &attached(Some(100)), None), state);
        commands.reverse();
        assert_eq!(release_state(&commands, &attached(Some(100)), None), state, "in whatever order they are listed");
    }

    #[test]
    fn durin_node_says_of_a_check_that_it_is_under_way() {
        assert!(include_str!("../../../infra/node/src/decide/letting_go.rs").contains(STILL_UNDER_WAY));
    }

    #[rstest]
    #[case::not_listed_yet(taken("new"), Document::Release, 100, ReleaseState::Running { since: at(200) })]
    #[case::listed(taken("101 Success"), Document::Release, 100, released(110))]
    #[case::refused(Answer::Refused, Document::Release, 100, ReleaseState::Undelivered { at: at(200) })]
    #[case::to_an_earlier_attachment(taken("new"), Document::Release, 99, released(110))]
    #[case::refused_for_an_earlier_attachment(Answer::Refused, Document::Release, 99, released(110))]
    #[case::asked_to_serve_again(taken("new"), Document::Resume, 100, ReleaseState::Resuming { since: at(200) })]
    #[case::it_cannot_be_asked_to_serve_again(
        Answer::Refused, Document::Resume, 100, ReleaseState::ResumeFailed { at: at(200), times: 1 })]
    #[case::nobody_has_answered(
        lost(190), Document::Release, 100, ReleaseState::Unanswered { since: at(190), at: at(200) })]
    #[case::nobody_has_answered_and_it_is_listed(lost(111), Document::Release, 100, released(110))]
    #[case::nobody_has_answered_and_another_is_listed(
        lost(112), Document::Release, 100, ReleaseState::Unanswered { since: at(112), at: at(200) })]
    #[case::nobody_has_answered_whether_it_serves_again(
        lost(200), Document::Resume, 100, ReleaseState::Resuming { since: at(200) })]
    fn what_we_have_sent_counts_for_the_attachment_that_it_was_sent_to(
        #[case] answer: Answer,
        #[case] document: Document,
        #[case] attached_at: u64,
        #[case] state: ReleaseState,
    ) {
        let sent = Sent { attachment: attached(Some(attached_at)), document, at: at(200), answer };
        let listed = [release(101, Status::Success, 110)];
        assert_eq!(release_state(&listed, &attached(Some(100)), Some(&sent)), state);
    }

    fn taken(id: &str) -> Answer {
        Answer::Taken { id: id.to_owned() }
    }

    fn lost(since: u64) -> Answer {
        Answer::Lost { since: at(since) }
    }

    #[rstest]
    #[case::released(Document::Release, "unmount: done (1.12 s)\n{\"answer\":\"released\"}\n", None)]
    #[case::not_released(
        Document::Release,
        "lock: done (0.00 s)\n{\"answer\":\"not released\"}\n\n----------ERROR-------\nnot released: it is busy\nfailed to run \
         commands: exit status 1",
        Some("it is busy")
    )]
    #[case::not_resumed(Document::Resume, "not resumed: there is no durin-node", Some("there is no durin-node"))]
    #[case::of_another(Document::Resume, "not released: it is busy", None)]
    fn an_instance_gives_its_reason_in_one_line(
        #[case] document: Document,
        #[case] output: &str,
        #[case] reason: Option<&str>,
    ) {
        assert_eq!(document.refusal(output).as_deref(), reason);
    }

    #[test]
    fn a_command_that_was_not_delivered_has_stopped_nothing() {
        let timed_out = ssm::CommandInvocation::builder()
            .command_id("1")
            .document_name(Document::Release.name())
            .requested_date_time(DateTime::from_secs(101))
            .status(Status::TimedOut)
            .status_details("Delivery Timed Out");
        let listed = Command::listed(&timed_out.clone().build()).expect("a command");
        assert_eq!(release_state(&[listed], &attached(Some(100)), None), ReleaseState::Undelivered { at: at(101) });
        let again = timed_out.clone().requested_date_time(DateTime::from_secs(150)).build();
        let again = Command::listed(&again).expect("a command");
        for earlier in [release(101, Status::Success, 110), release(101, Status::Failed, 110)] {
            let state = release_state(&[earlier, again.clone()], &attached(Some(100)), None);
            assert_eq!(state, ReleaseState::Failed { at: at(150) }, "an earlier one has");
        }
        assert_eq!(Command::listed(&timed_out.document_name("AWS-RunShellScript").build()), None);
    }
}
