//! What instances have said of themselves, by the commands that asked them.

use std::time::{Duration, SystemTime};

use durin_decisions::node::{Question, Word};

use super::commands::{Answer, Command, Outcome};
use super::documents::Document;

/// A question that this invocation has asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The beginning of the launch or the attachment that it was about, if EC2 says.
    pub(super) about: Option<SystemTime>,
    pub(super) at: SystemTime,
    pub(super) answer: Answer,
    /// Whether it was refused for the moment only, because too much is asked.
    pub(super) may_ask_again: bool,
    /// Why it was refused, if it was.
    pub(super) why: String,
}

impl Asked {
    /// Whether it was taken so lately that there is no use in looking.
    pub(super) fn has_no_answer_yet(&self, now: SystemTime) -> bool {
        matches!(self.answer, Answer::Taken { .. }) && now < self.at + LEAST_ANSWER
    }
}

/// How long an answer takes: the command has to arrive, its end to be seen, and for a second Systems Manager does not even list
/// it. (aws/aws-cli#3546)
pub(super) const LEAST_ANSWER: Duration = Duration::from_secs(3);

/// How long it is certain that an instance is prepared. Nothing tells us of a reboot, or of what a person does to it.
const PREPARED_FOR: Duration = Duration::from_secs(600);

/// How long it may take until Systems Manager lists a command whose answer was lost.
const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// A question that was taken and is not listed by then is one of a list that cannot be read.
const LISTS_FAIL_AFTER: Duration = Duration::from_secs(160);

/// How soon an instance is asked again whose answer is missing.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(8);

/// So many missing answers in a row are silence. Each may take the 30 s of a delivery.
const SILENT_AFTER: usize = 3;

/// The last word of an instance. What it was asked before `since` was about another launch, or another attachment; but EC2's
/// clock may be ahead of Systems Manager's, and a command of our own is known by its id.
///
/// That it cannot be asked is only what is certain to stay so. An answer that is missing may be its own trouble.
pub(super) fn word(
    listed: &[Command],
    question: Question,
    since: SystemTime,
    asked: Option<&Asked>,
    now: SystemTime,
) -> Word {
    let document = Document::that_asks(question);
    let is_ours = |it: &Command| asked.is_some_and(|asked| asked.answer == Answer::Taken { id: it.id.clone() });
    let mut about_it: Vec<&Command> =
        listed.iter().filter(|it| it.document == document && (it.requested >= since || is_ours(it))).collect();
    about_it.sort_by_key(|it| it.requested);
    let last = about_it.last().copied();
    if let Some(asked) = asked
        && let Some(word) = unlisted(&about_it, asked, question, now)
    {
        return word;
    }
    let Some(last) = last else { return Word::NotAsked };
    match last.outcome {
        Outcome::Open => Word::Asked { since: last.requested },
        Outcome::Success if is_of_this_boot(last, listed) && is_fresh(last, question, now) => Word::Yes,
        Outcome::Success => Word::NotAsked,
        Outcome::Undelivered | Outcome::Failed if is_missing(last) => missing(&about_it, now),
        Outcome::Undelivered | Outcome::Failed => match (denied(last, question), question) {
            (Word::No { .. }, Question::Serves) if !is_said_twice(&about_it, listed) => Word::NotAsked,
            (word, _) => word,
        },
    }
}

/// Whether the question has ended without an answer: not delivered, timed out, cancelled, cut off.
pub(super) fn is_missing(command: &Command) -> bool {
    let is_whole = command.said.as_ref().is_some_and(|said| !said.is_cut_off);
    let has_answered = is_whole || command.refusal.is_some() || command.is_unknown;
    match command.outcome {
        Outcome::Undelivered => true,
        Outcome::Failed => !has_answered,
        Outcome::Open | Outcome::Success => false,
    }
}

/// One answer that is missing says nothing of the instance, and it is asked again, after a while. Several in a row are
/// silence.
fn missing(about_it: &[&Command], now: SystemTime) -> Word {
    let misses = about_it.iter().rev().take_while(|it| is_missing(it)).count();
    match about_it.last() {
        Some(last) if now < last.ended + ASKED_AGAIN_AFTER => Word::Asked { since: last.requested },
        Some(_) | None if misses < SILENT_AFTER => Word::NotAsked,
        Some(_) | None => {
            Word::NotYet { why: "it does not answer: several questions have ended without a word".to_owned() }
        }
    }
}

/// Whether the answer before a no was no, too, in the same boot. One that shuts down for a reboot says no once, and mounts the
/// volume again; so does one that has been asked to serve again since.
fn is_said_twice(about_it: &[&Command], listed: &[Command]) -> bool {
    let [.., before, _] = about_it else { return false };
    let is_no = before.outcome == Outcome::Failed && matches!(denied(before, Question::Serves), Word::No { .. });
    let is_undone = || {
        let is_resume = |it: &&Command| it.document == Document::Resume && it.outcome == Outcome::Success;
        listed.iter().filter(is_resume).any(|it| it.ended >= before.ended)
    };
    is_no && is_of_this_boot(before, listed) && !is_undone()
}

/// What was asked last, if Systems Manager does not list it yet, or has refused it. What it has not taken says nothing of the
/// instance: it is asked again. A successor that has the volume does not wait for that for ever.
fn unlisted(about_it: &[&Command], asked: &Asked, question: Question, now: SystemTime) -> Option<Word> {
    let is_listed = about_it.last().is_some_and(|last| last.requested + LISTED_WITHIN >= asked.at);
    let again = || match question {
        Question::Prepared => Word::NotAsked,
        Question::Serves => Word::NotYet { why: asked.why.clone() },
    };
    let open_for = match &asked.answer {
        // Somebody else may have asked after us.
        Answer::Taken { id } if about_it.iter().any(|it| it.id == *id) => return None,
        Answer::Lost { .. } | Answer::Refused if is_listed => return None,
        Answer::Taken { .. } => LISTS_FAIL_AFTER,
        Answer::Lost { .. } => LISTED_WITHIN,
        Answer::Refused if asked.may_ask_again => Duration::ZERO,
        Answer::Refused => return Some(Word::Absent { why: asked.why.clone() }),
    };
    Some(if now < asked.at + open_for { Word::Asked { since: asked.at } } else { again() })
}

/// It has not said anything since in another boot.
fn is_of_this_boot(command: &Command, listed: &[Command]) -> bool {
    let boot = |it: &Command| it.said.as_ref().map(|said| said.boot.clone()).filter(|boot| !boot.is_empty());
    let newest = listed.iter().filter(|it| boot(it).is_some()).max_by_key(|it| it.ended).and_then(boot);
    boot(command).is_none_or(|own| newest.is_none_or(|newest| own == newest))
}

fn is_fresh(command: &Command, question: Question, now: SystemTime) -> bool {
    match question {
        Question::Prepared => now < command.ended + PREPARED_FOR,
        Question::Serves => true,
    }
}

fn denied(command: &Command, question: Question) -> Word {
    // The document says it itself, if there is no durin-node; an old one does not know the question.
    let Some(said) = &command.said else {
        return match &command.refusal {
            Some(refusal) => Word::Absent { why: refusal.clone() },
            None if command.is_unknown => Word::Absent {
                why: "its durin-node does not know the question: bake an image with that of this release".to_owned(),
            },
            None => Word::NotYet { why: "it does not answer".to_owned() },
        };
    };
    if said.is_cut_off {
        // It has a durin-node, and that has said no.
        let why = command.refusal.clone().unwrap_or_else(|| "its answer was cut off".to_owned());
        return Word::NotYet { why };
    }
    let why = said.why.clone().unwrap_or_else(|| said.answer.clone());
    match (question, said.answer.as_str()) {
        _ if !said.is_understood() => Word::Absent { why },
        (Question::Prepared, "unfit") => Word::No { why },
        (Question::Prepared, "not prepared") => Word::NotYet { why },
        (Question::Serves, "does not serve") if said.released.is_some() => Word::No { why },
        (Question::Serves, "does not serve") => Word::NotYet { why },
        (Question::Prepared | Question::Serves, _) => Word::Absent { why },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::types::{CommandInvocation, CommandInvocationStatus as Status, CommandPlugin};
    use aws_smithy_types::DateTime;
    use rstest::rstest;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn listed(document: Document, requested: i64, status: Status, output: &str) -> Command {
        let [began, ended] = [requested, requested + 2].map(DateTime::from_secs);
        let plugin =
            CommandPlugin::builder().response_start_date_time(began).response_finish_date_time(ended).output(output);
        let invocation = CommandInvocation::builder()
            .command_id(requested.to_string())
            .document_name(document.name())
            .requested_date_time(DateTime::from_secs(requested))
            .status(status)
            .command_plugins(plugin.build());
        Command::listed(&invocation.build()).expect("a command")
    }

    /// As durin-node writes it, with its reason on standard error.
    fn line(answer: &str, facts: &str, why: &str) -> String {
        format!(
            "{{\"protocol\":1,\"version\":\"0.1.0\",\"command\":\"status\",\"answer\":\"{answer}\",\"boot\":\"b1\",\
             \"why\":\"{why}\",{facts}}}\n\n----------ERROR-------\n{answer}: {why}\nfailed to run commands: exit status 1"
        )
    }

    fn not_yet(why: &str) -> Word {
        Word::NotYet { why: why.to_owned() }
    }

    fn no(why: &str) -> Word {
        Word::No { why: why.to_owned() }
    }

    const NOTES: &str = "\"prepared\":{\"boot\":\"b1\",\"unfit\":[]},\"volume\":null,\"k3s\":null";

    #[rstest]
    #[case::it_is_not_fit(Question::Prepared, line("unfit", NOTES, "no k3s"), no("no k3s"))]
    #[case::it_prepares(Question::Prepared, line("not prepared", NOTES, "not ended"), not_yet("not ended"))]
    #[case::k3s_starts(
        Question::Serves,
        line("does not serve", "\"released\":null", "k3s does not answer"),
        not_yet("k3s does not answer")
    )]
    fn a_program_gives_its_reason(#[case] question: Question, #[case] output: String, #[case] expected: Word) {
        let said = listed(Document::that_asks(question), 100, Status::Failed, &output);
        assert_eq!(word(&[said], question, at(100), None, at(110)), expected);
    }

    fn has_released(requested: i64) -> Command {
        let output = line("does not serve", "\"released\":\"vol-1\"", "vol-1 has been released");
        listed(Document::Serves, requested, Status::Failed, &output)
    }

    fn in_an_earlier_boot(mut no: Command) -> Command {
        no.said.as_mut().expect("a no").boot = "b0".to_owned();
        no
    }

    #[rstest]
    #[case::said_twice(&[has_released(120), has_released(150)], no("vol-1 has been released"))]
    #[case::said_once(&[has_released(150)], Word::NotAsked)]
    #[case::the_other_was_of_an_earlier_attachment(&[has_released(99), has_released(150)], Word::NotAsked)]
    #[case::the_other_was_of_an_earlier_boot(
        &[in_an_earlier_boot(has_released(120)), has_released(150)], Word::NotAsked)]
    #[case::it_was_resumed_in_between(
        &[has_released(120), yes(Document::Resume, 130, "b1"), has_released(150)], Word::NotAsked)]
    #[case::it_served_before(&[yes(Document::Serves, 120, "b1"), has_released(150)], Word::NotAsked)]
    fn a_no_is_meant_when_it_is_said_twice_in_one_boot(#[case] listed: &[Command], #[case] expected: Word) {
        assert_eq!(word(listed, Question::Serves, at(100), None, at(160)), expected);
    }

    #[rstest]
    #[case::it_timed_out(Status::TimedOut, "", None)]
    #[case::it_was_cancelled(Status::Cancelled, "", None)]
    #[case::it_failed_without_a_word(Status::Failed, "", None)]
    #[case::its_output_was_cut_off(Status::Failed, "{\"protocol\":1,\"answer\":\"unf", None)]
    #[case::it_was_not_delivered(Status::TimedOut, "", Some(Outcome::Undelivered))]
    fn an_answer_that_is_missing_is_asked_for_again_and_three_are_silence(
        #[case] status: Status,
        #[case] output: &str,
        #[case] outcome: Option<Outcome>,
    ) {
        let ended = |requested| {
            let command = listed(Document::Prepared, requested, status.clone(), output);
            Command { outcome: outcome.unwrap_or(command.outcome), ..command }
        };
        let words = |listed: &[Command], now| word(listed, Question::Prepared, at(100), None, at(now));
        assert_eq!(words(&[ended(110)], 119), Word::Asked { since: at(110) });
        assert_eq!(words(&[ended(110)], 160), Word::NotAsked);
        assert_eq!(words(&[ended(110), ended(150)], 200), Word::NotAsked);
        assert!(matches!(words(&[ended(110), ended(150), ended(190)], 240), Word::NotYet { .. }));
        let answered = yes(Document::Prepared, 150, "b1");
        assert_eq!(words(&[ended(110), answered, ended(190)], 240), Word::NotAsked, "it has answered since");
    }

    /// Its durin-node is older than ours, and says more than Systems Manager keeps.
    #[rstest]
    #[case::prepared(Question::Prepared, "not prepared")]
    #[case::serves(Question::Serves, "does not serve")]
    fn a_no_whose_line_is_cut_off_is_a_no(#[case] question: Question, #[case] answer: &str) {
        let cut = format!(
            "{{\"protocol\":1,\"answer\":\"{answer}\",\"k3s\":{{\"fin\n\n----------ERROR-------\n{answer}: it is down"
        );
        let said = listed(Document::that_asks(question), 100, Status::Failed, &cut);
        assert!(!is_missing(&said));
        assert_eq!(word(&[said], question, at(100), None, at(110)), not_yet("it is down"));
    }

    /// EC2's clock is ahead of Systems Manager's.
    #[test]
    fn a_command_of_our_own_is_known_by_its_id() {
        let answer = Answer::Taken { id: "98".to_owned() };
        let asked = Asked { about: None, at: at(100), answer, may_ask_again: false, why: String::new() };
        let said = yes(Document::Serves, 98, "b1");
        assert_eq!(word(&[said], Question::Serves, at(100), Some(&asked), at(110)), Word::Yes);
    }

    #[rstest]
    #[case::no_program("not prepared: there is no durin-node", "there is no durin-node")]
    #[case::an_old_one("error: unrecognized subcommand", "its durin-node does not know the question")]
    #[case::one_of_a_later_protocol(
        "{\"protocol\":3,\"answer\":\"refused\",\"why\":\"too far apart\"}\nrefused: too far apart",
        "too far apart"
    )]
    #[case::one_that_refuses("{\"protocol\":0,\"answer\":\"refused\",\"why\":\"no\"}\nrefused: no", "no")]
    fn what_cannot_be_asked_is_absent(#[case] output: &str, #[case] reason: &str) {
        let said = listed(Document::Prepared, 100, Status::Failed, output);
        let word = word(&[said], Question::Prepared, at(100), None, at(110));
        assert!(matches!(&word, Word::Absent { why } if why.starts_with(reason)), "{word:?}");
    }

    /// With the boot that it speaks of.
    fn yes(document: Document, requested: i64, boot: &str) -> Command {
        let output = format!("{{\"protocol\":0,\"answer\":\"yes\",\"boot\":\"{boot}\"}}\n");
        listed(document, requested, Status::Success, &output)
    }

    #[rstest]
    #[case::yes(&[yes(Document::Prepared, 100, "b1")], 110, Word::Yes)]
    #[case::of_an_earlier_launch(&[yes(Document::Prepared, 99, "b1")], 110, Word::NotAsked)]
    #[case::of_ten_minutes_ago(&[yes(Document::Prepared, 100, "b1")], 702, Word::NotAsked)]
    #[case::in_another_boot(
        &[yes(Document::Prepared, 100, "b1"), yes(Document::Release, 150, "b2")], 200, Word::NotAsked)]
    #[case::in_the_same_boot(
        &[yes(Document::Prepared, 100, "b1"), yes(Document::Release, 150, "b1")], 200, Word::Yes)]
    #[case::asked_again(
        &[yes(Document::Prepared, 100, "b1"), listed(Document::Prepared, 150, Status::InProgress, "")], 160,
        Word::Asked { since: at(150) })]
    #[case::nothing(&[], 110, Word::NotAsked)]
    fn a_yes_counts_for_this_launch_and_this_boot(
        #[case] listed: &[Command],
        #[case] now: u64,
        #[case] expected: Word,
    ) {
        assert_eq!(word(listed, Question::Prepared, at(100), None, at(now)), expected);
    }

    #[rstest]
    #[case::taken(Answer::Taken { id: "new".to_owned() }, 130, Word::Asked { since: at(120) })]
    #[case::lost_a_moment_ago(Answer::Lost { since: at(120) }, 129, Word::Asked { since: at(120) })]
    #[case::lost(Answer::Lost { since: at(120) }, 130, not_yet("no document"))]
    #[case::taken_and_never_listed(Answer::Taken { id: "new".to_owned() }, 280, not_yet("no document"))]
    #[case::refused(Answer::Refused, 121, Word::Absent { why: "no document".to_owned() })]
    fn what_is_not_listed_may_come_or_not(#[case] answer: Answer, #[case] now: u64, #[case] expected: Word) {
        let asked = Asked { about: None, at: at(120), answer, may_ask_again: false, why: "no document".to_owned() };
        assert_eq!(word(&[], Question::Serves, at(100), Some(&asked), at(now)), expected);
    }

    #[test]
    fn what_was_refused_for_the_moment_is_asked_again() {
        let why = "ThrottlingException".to_owned();
        let asked = Asked { about: None, at: at(120), answer: Answer::Refused, may_ask_again: true, why };
        assert_eq!(word(&[], Question::Serves, at(100), Some(&asked), at(121)), not_yet("ThrottlingException"));
        assert_eq!(word(&[], Question::Prepared, at(100), Some(&asked), at(121)), Word::NotAsked);
    }

    #[test]
    fn an_answer_counts_although_somebody_else_has_asked_since() {
        let answer = Answer::Taken { id: "110".to_owned() };
        let asked = Asked { about: None, at: at(110), answer, may_ask_again: false, why: String::new() };
        let both = [yes(Document::Serves, 110, "b1"), yes(Document::Serves, 115, "b1")];
        assert_eq!(word(&both, Question::Serves, at(100), Some(&asked), at(120)), Word::Yes);
    }
}
