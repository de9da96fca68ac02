//! The documents that an agent runs: durin-node, asked to release a volume or to take that back.

use std::time::Duration;

use super::GuestFact;
use super::GuestStep;
use super::agent::{Agent, AgentMode};
use super::document::{Answer, Document, Facts, Kind, Outcome, Voice};
use super::questions::Question;
use super::release::Manner;
use super::resume::does_not_mount;
use crate::world::World;
use crate::world::conventions::{PREPARED_DOCUMENT, PROTOCOL, RELEASE_DOCUMENT, RESUME_DOCUMENT, SERVES_DOCUMENT};
use crate::world::ec2::Instance;
use crate::world::ssm::Output;

/// How long a document takes that changes nothing, or fails. Estimate. Probe: a-command-begins-in-seconds.
pub(super) const SHORT_RUN: Duration = Duration::from_secs(1);

/// What the documents say themselves.
const NO_PROGRAM: &str = "there is no /usr/local/bin/durin-node on this instance: bake it into the image (DEPLOY.md), and \
                          replace the instance";

/// What a durin-node says to a document of another time. (`infra/node/src/decide/protocol.rs`)
const TOO_FAR_APART: &str = "the command speaks protocol 1, and durin-node 3: bake an image with the durin-node of the same \
                             release, or deploy the functions again";

impl World {
    /// The agent begins to run a document.
    pub(in crate::world) fn run_document(&mut self, id: &str, command: &str, name: &str) {
        if self.has_machines() {
            return self.run_on_machine(id, command);
        }
        let kind = match name {
            RELEASE_DOCUMENT => Kind::Release,
            RESUME_DOCUMENT => Kind::Resume,
            PREPARED_DOCUMENT => Kind::Question(Question::Prepared),
            SERVES_DOCUMENT => Kind::Question(Question::Serves),
            _ => Kind::Other,
        };
        let guest = self.the_guest_mut(id);
        // One that waits for the lock begins when the one before it ends.
        let has_its_turn = !kind.takes_lock() || guest.agent.lock().is_none();
        guest.agent.documents.push(Document { command: command.to_owned(), kind });
        if has_its_turn {
            self.begin_document(id, command, kind);
        }
    }

    fn begin_document(&mut self, id: &str, command: &str, kind: Kind) {
        if let Some((voice, why)) = self.program_is_missing(id) {
            let (of_program, word) = match kind {
                Kind::Release => ("release", "not released"),
                Kind::Resume => ("resume", "not resumed"),
                Kind::Question(question) => ("status", question.refusal(voice)),
                Kind::Other => return self.schedule_end(id, command, SHORT_RUN, Outcome::Success),
            };
            if kind == Kind::Release {
                self.note_guest(id, GuestFact::CannotRelease);
            }
            self.answer(id, command, Answer { by: voice, ..Answer::of(of_program, word, Some(why)) });
            return self.schedule_end(id, command, SHORT_RUN, Outcome::Failed(1));
        }
        match kind {
            Kind::Release => self.begin_release_for(id, command),
            Kind::Resume => self.begin_resume_for(id, command),
            Kind::Question(question) => self.begin_to_answer(id, command, question),
            Kind::Other => self.schedule_end(id, command, SHORT_RUN, Outcome::Success),
        }
    }

    /// Who says why nothing can be done, if there is no durin-node, or one that is too far from the document.
    fn program_is_missing(&self, id: &str) -> Option<(Voice, String)> {
        match self.ec2.the_instance(id).guest.agent.mode {
            AgentMode::Failing => Some((Voice::Document, NO_PROGRAM.to_owned())),
            AgentMode::Outdated => Some((Voice::Program(PROTOCOL + 2), TOO_FAR_APART.to_owned())),
            AgentMode::Online
            | AgentMode::Offline
            | AgentMode::Slow
            | AgentMode::Hanging
            | AgentMode::Gone
            | AgentMode::Behind => None,
        }
    }

    fn begin_release_for(&mut self, id: &str, command: &str) {
        let guest = &self.ec2.the_instance(id).guest;
        let manner = match guest.agent.mode {
            AgentMode::Online
            | AgentMode::Offline
            | AgentMode::Gone
            | AgentMode::Failing
            | AgentMode::Behind
            | AgentMode::Outdated => Manner::Usual,
            AgentMode::Slow => Manner::Slow,
            AgentMode::Hanging => Manner::Hanging,
        };
        if let Some(volume) = self.volume_of_command(command) {
            if !self.sees(id, &volume) {
                return self.refuse(id, command, "release", not_attached(&volume));
            }
            match &guest.mounted {
                Some(other) if *other != volume => {
                    let why = format!(
                        "{volume} is attached, but this instance serves from {other}: correct the tag durin:volume-id"
                    );
                    return self.refuse(id, command, "release", why);
                }
                None if guest.marker.as_ref() == Some(&volume) => {
                    self.answer(id, command, Answer::of("release", "nothing to do", None));
                    return self.schedule_end(id, command, Duration::ZERO, Outcome::Success);
                }
                Some(_) | None => {}
            }
        }
        self.release_in(id, manner);
    }

    /// The document ends with a no, and has changed nothing.
    pub(super) fn refuse(&mut self, id: &str, command: &str, program_command: &'static str, why: String) {
        let word = if program_command == "resume" { "not resumed" } else { "not released" };
        self.answer(id, command, Answer::of(program_command, word, Some(why)));
        self.schedule_end(id, command, SHORT_RUN, Outcome::Failed(1));
    }

    pub(super) fn schedule_end(&mut self, id: &str, command: &str, delay: Duration, outcome: Outcome) {
        self.schedule_guest(id, delay, GuestStep::DocumentEnds { command: command.to_owned(), outcome });
    }

    /// The release under way has come to its end: the document that asked for it has, too, if it was one.
    pub(super) fn finish_release(&mut self, id: &str, outcome: Outcome, why: Option<String>) {
        let Some(command) = self.running_document(id, Kind::Release) else { return };
        let word = if why.is_none() { "released" } else { "not released" };
        let took = std::mem::take(&mut self.the_guest_mut(id).took);
        let facts = Facts { took, ..Facts::default() };
        self.answer(id, &command, Answer { facts, ..Answer::of("release", word, why) });
        self.finish_document(id, &command, outcome);
    }

    /// The command whose document resumes now.
    pub(super) fn running_resume(&self, id: &str) -> Option<String> {
        self.running_document(id, Kind::Resume)
    }

    fn running_document(&self, id: &str, kind: Kind) -> Option<String> {
        let lock = self.ec2.the_instance(id).guest.agent.lock();
        lock.filter(|document| document.kind == kind).map(|document| document.command.clone())
    }

    /// The document ends after a reboot, because the agent runs it again then. What keeps the volume from being mounted
    /// is still there.
    pub(super) fn end_after_reboot(&mut self, id: &str, command: &str) {
        let why = self.volume_of_command(command).map(|volume| does_not_mount(&volume));
        self.answer(id, command, Answer::of("resume", "not resumed", why));
        self.the_guest_mut(id).agent.unreported.push((command.to_owned(), Outcome::Failed(1)));
    }

    /// A document that runs has ended, and the next one that waits for its lock goes on.
    pub(super) fn finish_document(&mut self, id: &str, command: &str, outcome: Outcome) {
        let guest = self.the_guest_mut(id);
        let documents = &mut guest.agent.documents;
        // It may have been killed meanwhile.
        let Some(place) = documents.iter().position(|document| document.command == command) else { return };
        let held_lock = documents.iter().position(|document| document.kind.takes_lock()) == Some(place);
        documents.remove(place);
        let next = guest.agent.lock().filter(|_| held_lock).cloned();
        self.end_document(id, command, outcome, None);
        if let Some(next) = next {
            self.begin_document(id, &next.command, next.kind);
        }
    }

    /// The agent reports it, as soon as it can.
    pub(in crate::world) fn end_document(&mut self, id: &str, command: &str, outcome: Outcome, output: Option<Output>) {
        if output.is_some() {
            self.write_output(command, id, output);
        }
        let guest = self.the_guest_mut(id);
        if guest.agent_online_since.is_some() {
            self.record_outcome(command, id, outcome);
        } else {
            guest.agent.unreported.push((command.to_owned(), outcome));
        }
    }

    /// The agent kills the document, if it still runs.
    pub(in crate::world) fn kill_document(&mut self, id: &str, command: &str, outcome: Outcome) {
        // EC2 forgets an instance long before a command to it times out.
        let Some(Instance { guest, .. }) = self.ec2.instance(id) else { return };
        if self.has_machines() {
            return self.kill_on_machine(id, command, outcome);
        }
        if guest.releasing && guest.agent.lock().is_some_and(|document| document.command == command) {
            self.give_release_up(id);
        }
        self.finish_document(id, command, outcome);
    }
}

impl Agent {
    /// The document that has the lock for which the others wait.
    fn lock(&self) -> Option<&Document> {
        self.documents.iter().find(|document| document.kind.takes_lock())
    }
}

/// What durin-node says of a volume that it does not see.
pub(super) fn not_attached(volume: &str) -> String {
    format!("{volume} is not attached: no NVMe device has its serial number")
}
