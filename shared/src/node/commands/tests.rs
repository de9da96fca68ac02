//! How far a release is, by what Systems Manager lists.

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

/// It has refused, with a word for what keeps it.
fn kept_by(requested: i64, obstacle: &str) -> Command {
    let said = Said::in_output(&format!("{{\"protocol\":1,\"answer\":\"not resumed\",\"obstacle\":\"{obstacle}\"}}"));
    Command { said, ..resume(requested, Status::Failed) }
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
#[case::it_does_not_say_when_it_ended(command(Document::Release, 100, Status::Success, None), Some(100), released(100))]
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
    &[release(101, Status::Success, 110), still_checking(130)],
    ReleaseState::StillResuming { since: at(295), at: at(295) })]
#[case::it_is_still_being_checked_long_after(
    &[release(101, Status::Success, 110), still_checking(130), still_checking(360)],
    ReleaseState::StillResuming { since: at(295), at: at(525) })]
#[case::somebody_has_its_device_open(
    &[release(101, Status::Success, 110), kept_by(130, "in use")],
    ReleaseState::StillResuming { since: at(170), at: at(170) })]
#[case::it_is_still_being_checked_in_a_word(
    &[release(101, Status::Success, 110), kept_by(130, "under way")],
    ReleaseState::StillResuming { since: at(170), at: at(170) })]
#[case::something_else_keeps_it(
    &[release(101, Status::Success, 110), kept_by(130, "a later word")], ReleaseState::ResumeFailed { at: at(170), times: 1 })]
#[case::two_have_asked_and_one_has_not_reached_it(
    &[release(101, Status::Success, 110), resume(130, Status::Success), resume(131, Status::TimedOut)],
    ReleaseState::NotStarted)]
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

/// Longer than its document lets it run, it cannot have taken.
#[rstest]
#[case::a_release(Document::Release, 81, 0)]
#[case::a_resume(Document::Resume, 165, 165)]
#[case::a_longer_resume(Document::Resume, 216, 0)]
#[case::a_newcomer_that_boots(Document::Prepared, 125, 125)]
#[case::k3s_after_a_power_cut(Document::Serves, 125, 125)]
fn a_command_is_believed_to_have_taken_as_long_as_its_document_lets_it(
    #[case] document: Document,
    #[case] took: i64,
    #[case] expected: u64,
) {
    let command = command(document, 100, Status::Failed, Some(100 + took));
    assert_eq!(command.ended, at(100 + expected));
}

#[test]
fn durin_node_says_of_a_check_that_it_is_under_way() {
    let says = include_str!("../../../../infra/node/src/decide/letting_go.rs");
    for words in [STILL_UNDER_WAY.to_owned(), format!("=> \"{UNDER_WAY}\""), format!("=> \"{IN_USE}\"")] {
        assert!(says.contains(&words), "{words}");
    }
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
    let sent = Sent { attachment: attached(Some(attached_at)), document, at: at(200), answer, refused: 1 };
    let listed = [release(101, Status::Success, 110)];
    assert_eq!(release_state(&listed, &attached(Some(100)), Some(&sent)), state);
}

/// Systems Manager lists nothing of what it has refused: the run that was refused counts.
#[test]
fn a_holder_that_cannot_be_asked_to_serve_again_has_failed_as_often_as_it_was_refused() {
    let refused = |refused, attached_at, document| {
        let attachment = attached(Some(attached_at));
        Sent { attachment, document, at: at(200), answer: Answer::Refused, refused }
    };
    let twice = refused(2, 100, Document::Resume);
    let listed = [release(101, Status::Success, 110)];
    let state = release_state(&listed, &attached(Some(100)), Some(&twice));
    assert_eq!(state, ReleaseState::ResumeFailed { at: at(200), times: 2 });
    assert_eq!(twice.refusals(&attached(Some(100)), Document::Resume), 2);
    assert_eq!(twice.refusals(&attached(Some(99)), Document::Resume), 0);
    assert_eq!(twice.refusals(&attached(Some(100)), Document::Release), 0);
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
