//! A guest is asked about itself: durin-node waits until it can say yes.

use std::time::Duration;

use super::document::{Answer, Facts, Kind, Outcome, Voice};
use super::documents::SHORT_RUN;
use super::{AgentMode, Boot, GuestStep};
use crate::world::World;
use crate::world::conventions::PROTOCOL;

/// For so long durin-node waits. (`infra/release.yaml`)
const WAITS: Duration = Duration::from_secs(120);

/// Between its two looks at k3s. (`infra/node/src/commands/status.rs`)
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Prepared,
    Serves,
}

/// What there is to say.
struct Judged {
    word: &'static str,
    why: Option<String>,
    /// Waiting would not change it.
    is_final: bool,
}

impl World {
    pub(super) fn begin_to_answer(&mut self, id: &str, command: &str, question: Question) {
        if self.judge(id, question).is_final {
            self.say(id, command, question);
        } else {
            self.schedule_guest(id, WAITS, GuestStep::HasWaited { command: command.to_owned() });
        }
    }

    /// Something has changed that a document may be waiting for.
    pub(super) fn answer_waiting(&mut self, id: &str) {
        for (command, question) in self.waiting(id) {
            if self.judge(id, question).is_final {
                self.say(id, &command, question);
            }
        }
    }

    pub(super) fn on_waited(&mut self, id: &str, command: &str) {
        let waiting = self.waiting(id).into_iter().find(|(waiting, _)| waiting == command);
        if let Some((_, question)) = waiting {
            self.say(id, command, question);
        }
    }

    /// The documents that have a question, and what it is. One that has been answered is about to end.
    fn waiting(&self, id: &str) -> Vec<(String, Question)> {
        let documents = self.ec2.the_instance(id).guest.agent.documents.iter();
        let questions = documents.filter_map(|document| match document.kind {
            Kind::Question(question) => Some((document.command.clone(), question)),
            Kind::Release | Kind::Resume | Kind::Other => None,
        });
        questions.filter(|(command, _)| !self.has_answered(id, command)).collect()
    }

    fn say(&mut self, id: &str, command: &str, question: Question) {
        let Judged { word, why, .. } = self.judge(id, question);
        let outcome = if why.is_none() { Outcome::Success } else { Outcome::Failed(1) };
        let guest = &self.ec2.the_instance(id).guest;
        let by = Voice::Program(if guest.agent.mode == AgentMode::Behind { PROTOCOL - 1 } else { PROTOCOL });
        let since_mount = |time: Option<crate::time::Time>| Some(time?.since(guest.k3s_begun?));
        let facts = Facts {
            released: guest.marker.clone(),
            mount: guest.mount_took.filter(|_| guest.mounted.is_some()),
            k3s: since_mount(guest.serving_since),
            workload: since_mount(guest.workload_up_since),
            k3s_version: Some(self.k3s_version(id).to_owned()),
            served_by: guest.mounted.as_ref().and_then(|volume| self.ec2.the_volume(volume).data.served_by.clone()),
            ..Facts::default()
        };
        self.answer(id, command, Answer { by, facts, ..Answer::of("status", word, why) });
        // A yes to that takes two looks.
        let looks = question == Question::Serves && outcome == Outcome::Success;
        self.schedule_end(id, command, if looks { SHORT_RUN + BETWEEN_LOOKS } else { SHORT_RUN }, outcome);
    }

    fn judge(&self, id: &str, question: Question) -> Judged {
        let guest = &self.ec2.the_instance(id).guest;
        let no = |word, why: &str, is_final| Judged { word, why: Some(why.to_owned()), is_final };
        match question {
            Question::Prepared => match guest.boot {
                Boot::Unfit => no("unfit", "there is no k3s.service: install k3s", true),
                // What fails then is not on the image's list.
                Boot::Whole | Boot::WithoutK3s | Boot::WithoutApi => {
                    Judged { word: "prepared", why: None, is_final: true }
                }
                Boot::Never => no("not prepared", "durin-prepare has not ended", false),
            },
            Question::Serves => match &guest.marker {
                Some(volume) => no("does not serve", &format!("{volume} has been released"), true),
                None if guest.mounted.is_none() => no("does not serve", "the volume is not mounted", false),
                None if guest.serving_since.is_none() => no("does not serve", "k3s does not answer", false),
                None if guest.has_hanging_volume => {
                    no("does not serve", "the volume does not take what is written to it: look at `dmesg`", false)
                }
                None => Judged { word: "serves", why: None, is_final: true },
            },
        }
    }
}

impl Question {
    /// What is said by a document without durin-node, or by one that refuses.
    pub(super) fn refusal(self, voice: Voice) -> &'static str {
        match (voice, self) {
            (Voice::Program(_), _) => "refused",
            (Voice::Document, Question::Prepared) => "not prepared",
            (Voice::Document, Question::Serves) => "does not serve",
        }
    }
}
