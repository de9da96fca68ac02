//! What the instances of a node say of themselves, as far as it matters for the next step.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use durin_decisions::node::{Attachment, Observed, Question, Word, boots_matter, word_matters};

use super::documents::Document;
use super::observe::Node;
use super::said::Said;
use super::{read, words};
use crate::aws::{Aws, if_soon};
use crate::ids::InstanceId;

/// How long a run that follows takes it that another asks. The holder serves meanwhile.
const LEAVES_ASKING_FOR: Duration = Duration::from_secs(25);

/// How long an instance boots at the least, until its agent is online, from the moment on at which it can be given a volume.
const LEAST_BOOT: Duration = Duration::from_secs(12);

/// How far back the answers of a holder are looked for. The schedule asks it every five minutes. (`roll_call.rs`.)
const ANSWERS_OF: Duration = Duration::from_secs(3_600);

/// How old an answer may be whose launch or attachment has no time.
const WITHOUT_A_TIME: Duration = Duration::from_secs(240);

impl Node {
    /// Reads the words that matter. What one says may make another the successor, whose word matters then.
    pub(super) async fn hear(&mut self, aws: &Aws, observed: &mut Observed) {
        self.learn_who_has_booted(aws, observed).await;
        let mut heard = BTreeSet::new();
        while let Some((instance, question)) = word_matters(observed, aws.clock.now())
            && heard.insert((instance.clone(), question))
        {
            let mut word = self.word_of(aws, observed, &instance, question).await;
            if (question, &word) == (Question::Prepared, &Word::Yes)
                && let Some(why) = self.has_older_k3s(aws, observed, &instance).await
            {
                word = Word::No { why };
            }
            self.report(&instance, question, &word);
            if (question, &word) == (Question::Serves, &Word::Yes) {
                self.view.know_arrival();
                observed.know_arrival();
            }
            if let (Question::Prepared, Word::Absent { .. }) = (question, &word) {
                self.learn_whether_holder_answers(aws, observed).await;
            }
            observed.words.note(&instance, question, word.clone());
            self.words.note(&instance, question, word);
        }
    }

    /// Whether it can be asked is looked at anew.
    pub(super) fn forget_agent(&mut self, instance: &InstanceId) {
        self.booted.remove(instance);
        self.view.forget_agents();
    }

    /// While the volume is free nobody else asks. Fail open, as for all that Systems Manager is asked.
    async fn learn_who_has_booted(&mut self, aws: &Aws, observed: &mut Observed) {
        let newcomers = boots_matter(observed, aws.clock.now());
        if newcomers.is_empty() {
            return;
        }
        // What was heard while the volume was held may be old.
        self.view.forget_agents();
        let agents = self.view.ask_about_agents(aws, &self.declaration, &newcomers.iter().collect()).await;
        let online: BTreeSet<InstanceId> = newcomers.iter().filter(|id| agents.is_online(id)).cloned().collect();
        self.booted.extend(online.iter().cloned());
        observed.booted.extend(online);
    }

    async fn word_of(&mut self, aws: &Aws, observed: &mut Observed, instance: &InstanceId, question: Question) -> Word {
        if !self.booted.contains(instance) {
            let given = self.writes.times.attached().filter(|_| question == Question::Serves);
            if given.is_some_and(|given| aws.clock.now() < given + LEAST_BOOT) {
                return Word::NotAsked;
            }
            let agents = self.view.ask_about_agents(aws, &self.declaration, &BTreeSet::from([instance])).await;
            // Without an agent nobody can have asked it.
            if !agents.is_online(instance) {
                self.silent.insert(instance.clone());
                return Word::NotAsked;
            }
            self.booted.insert(instance.clone());
            observed.booted.insert(instance.clone());
        }
        let now = aws.clock.now();
        self.asks_about = begun(observed, instance, question);
        let since = self.asks_about.unwrap_or(now - WITHOUT_A_TIME);
        // By what it was about, and not by when: EC2's clock may be ahead of ours.
        let asked = self.writes.asked(instance, question).filter(|asked| asked.about == self.asks_about).cloned();
        match &asked {
            // We have given it the volume ourselves a moment ago, or seen its agent come.
            None if question == Question::Serves && self.writes.has_attached() => return Word::NotAsked,
            None if question == Question::Prepared && self.follows => {
                let since = *self.leaves_asking_since.get_or_insert(now);
                if now < since + LEAVES_ASKING_FOR {
                    return Word::Asked { since };
                }
            }
            None if question == Question::Prepared && self.silent.contains(instance) => return Word::NotAsked,
            Some(asked) if asked.has_no_answer_yet(now) => return Word::Asked { since: asked.at },
            Some(_) | None => {}
        }
        let listed = self.view.ask_about_answers(aws, &self.declaration, instance, since).await;
        words::word(listed, question, since, asked.as_ref(), now)
    }

    /// A newcomer that cannot be asked replaces no holder that can.
    async fn learn_whether_holder_answers(&mut self, aws: &Aws, observed: &mut Observed) {
        let Some(held) = observed.volume.as_ref().and_then(|volume| volume.attachments.first()) else { return };
        if self.said_by_holder(aws, held).await.is_some_and(|said| !said.is_empty()) {
            observed.have_answered.insert(held.instance.clone());
        }
    }

    /// Why a newcomer of another image cannot serve from what its holder has served from: it would find out when it has the
    /// volume. Where one of them does not say its version, it does find out then.
    async fn has_older_k3s(&mut self, aws: &Aws, observed: &Observed, newcomer: &InstanceId) -> Option<String> {
        let held = observed.volume.as_ref()?.attachments.first()?;
        let image = |id| observed.instances.get(id).and_then(|known| known.image.as_ref());
        if image(newcomer) == image(&held.instance) {
            return None;
        }
        let own = self.view.last_answer(newcomer, Document::Prepared)?.said.as_ref()?.own_k3s()?;
        let served = self.said_by_holder(aws, held).await?.iter().find_map(Said::served_by)?;
        own.is_of_earlier_minor(&served).then(|| {
            format!(
                "k3s {served} has served from the volume, and this image has {own}, which cannot go on from there; one with {} or \
                 newer can",
                served.minor()
            )
        })
    }

    /// What a holder has said of late when it was asked whether it serves. Fail open: of one whose answers cannot be read nothing
    /// is known.
    async fn said_by_holder(&mut self, aws: &Aws, held: &Attachment) -> Option<&[Said]> {
        let (holder, since) = (&held.instance, held.since?.max(aws.clock.now() - ANSWERS_OF));
        if !self.said_of_serving.contains_key(holder) {
            let said = read::said_of_serving(aws, holder, since);
            match if_soon(&aws.clock, "ssm:ListCommandInvocations", said).await {
                Ok(said) => {
                    self.said_of_serving.insert(holder.clone(), said);
                }
                Err(failure) => {
                    let (node, reason) = (&self.declaration.group, failure.chain());
                    tracing::warn!(%node, instance = %holder, reason, "its answers cannot be read");
                }
            }
        }
        self.said_of_serving.get(holder).map(Vec::as_slice)
    }

    /// Once each: an instance that cannot be asked is taken to be what is hoped for, and its owner should know.
    fn report(&self, instance: &InstanceId, question: Question, word: &Word) {
        let Word::Absent { why } = word else { return };
        if self.words.of(instance, question) != word {
            let question = match question {
                Question::Prepared => "prepared",
                Question::Serves => "serves",
            };
            tracing::warn!(node = %self.declaration.group, instance = %instance, question, why, "cannot be asked");
        }
    }
}

/// When the launch or the attachment began that an answer is about, if EC2 says.
fn begun(observed: &Observed, instance: &InstanceId, question: Question) -> Option<SystemTime> {
    let attachment = observed.volume.as_ref().and_then(|volume| volume.attachments.first());
    match question {
        Question::Prepared => observed.instances.get(instance).and_then(|known| known.launched),
        Question::Serves => attachment.and_then(|held| held.since),
    }
}
