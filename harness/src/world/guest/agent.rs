//! The Systems Manager agent inside an instance: it registers, and runs the documents that commands ask for.

use std::time::Duration;

use super::GuestFact;
use super::release::Manner;
use super::{Boot, Guest, GuestStep};
use crate::time::Time;
use crate::world::World;
use crate::world::conventions::{RELEASE_DOCUMENT, RESUME_DOCUMENT};
use crate::world::ec2::{Instance, InstanceState};

/// How an instance's agent, and the scripts it runs, behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentMode {
    /// As they should.
    #[default]
    Online,
    Offline,
    /// The pods take [`slow_drain`](crate::world::latency::Latencies::slow_drain) to end in a release.
    Slow,
    /// A release fails before it has done anything.
    Failing,
    /// A release stops k3s and ends the workload, but never unmounts the volume.
    Hanging,
    /// The agent has registered, and does not answer any more.
    Gone,
}

/// The Systems Manager agent. What Systems Manager knows of it outlives the power.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    pub mode: AgentMode,
    /// When it registered for the first time.
    pub registered: Option<Time>,
    /// What is known of it since it fell silent.
    pub lost: Option<Lost>,
    /// What it runs, in the order in which it was told. Documents that release wait for each other.
    documents: Vec<Document>,
    /// What has ended while nobody could be told.
    unreported: Vec<(String, Outcome)>,
}

/// An agent that fell silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its last sign.
    pub last_ping: Time,
    /// From when on Systems Manager calls the connection lost.
    pub noticed: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Document {
    command: String,
    /// Whether it is the one that releases.
    releases: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With exit code 0.
    Success,
    /// With this exit code.
    Failed(i32),
    /// The agent killed it because it took too long.
    TimedOut,
    /// The agent killed it because it was cancelled.
    Cancelled,
}

/// The default of the agent's own setting `HealthFrequencyMinutes`.
const PING_EVERY: Duration = Duration::from_secs(5 * 60);

/// How long a document takes that changes nothing, or fails. Estimate.
const SHORT_RUN: Duration = Duration::from_secs(1);

impl World {
    /// From now on the agent on the instance behaves like that.
    ///
    /// # Panics
    /// When EC2 does not list the instance.
    pub fn set_agent_mode(&mut self, id: &str, mode: AgentMode) {
        let Instance { state, guest, .. } = self.ec2.the_instance_mut(id);
        let running = *state == InstanceState::Running;
        let before = std::mem::replace(&mut guest.agent.mode, mode);
        let up = running && guest.up_since.is_some();
        let was_silent = matches!(before, AgentMode::Offline | AgentMode::Gone);
        match mode {
            AgentMode::Offline => {
                guest.agent_online_since = None;
                (guest.agent.registered, guest.agent.lost) = (None, None);
            }
            AgentMode::Gone => {
                self.note_guest(id, GuestFact::AgentGone);
                self.silence_agent(id);
            }
            AgentMode::Online | AgentMode::Slow | AgentMode::Failing | AgentMode::Hanging if up && was_silent => {
                self.schedule_agent(id);
            }
            AgentMode::Online | AgentMode::Slow | AgentMode::Failing | AgentMode::Hanging => {}
        }
    }

    pub(super) fn schedule_agent(&mut self, id: &str) {
        let delay = self.draw(self.latency.agent_online);
        self.schedule_guest(id, delay, GuestStep::AgentOnline);
    }

    /// The agent connects, unless it has or its mode has changed meanwhile.
    pub(in crate::world) fn on_agent_online(&mut self, id: &str) {
        let now = self.now;
        let guest = self.the_guest_mut(id);
        let is_dead = guest.agent.mode == AgentMode::Gone && guest.agent.registered.is_some();
        if guest.agent_online_since.is_some() || guest.agent.mode == AgentMode::Offline || is_dead {
            return;
        }
        guest.agent.registered.get_or_insert(now);
        guest.agent.lost = None;
        guest.agent_online_since = Some(now);
        let unreported = std::mem::take(&mut guest.agent.unreported);
        let gone = guest.agent.mode == AgentMode::Gone;
        self.note_guest(id, GuestFact::AgentOnline);
        if gone {
            self.silence_agent(id);
            return;
        }
        for (command, outcome) in unreported {
            self.record_outcome(&command, id, outcome);
        }
        self.deliver_delayed(id);
    }

    /// The power is gone or going: what the agent runs is lost.
    pub(super) fn stop_agent(&mut self, id: &str) {
        self.the_guest_mut(id).agent.documents.clear();
        self.silence_agent(id);
    }

    fn silence_agent(&mut self, id: &str) {
        let now = self.now;
        let guest = &self.ec2.the_instance(id).guest;
        // It may have been silent before.
        let Some(last_ping) = guest.last_ping(now).filter(|_| guest.agent_online_since.is_some()) else { return };
        let noticed = now + self.draw(self.latency.agent_connection_lost);
        let guest = self.the_guest_mut(id);
        guest.agent_online_since = None;
        guest.agent.lost = Some(Lost { last_ping, noticed });
    }

    /// The agent begins to run a document.
    pub(in crate::world) fn run_document(&mut self, id: &str, command: &str, name: &str) {
        if name == RESUME_DOCUMENT {
            self.resume(id, command);
            return;
        }
        let guest = self.the_guest_mut(id);
        let releases = name == RELEASE_DOCUMENT;
        let free = !guest.agent.documents.iter().any(|document| document.releases);
        guest.agent.documents.push(Document { command: command.to_owned(), releases });
        match (releases, free) {
            (true, true) => self.begin_release_for(id, command),
            // The script waits for the lock.
            (true, false) => {}
            (false, _) => self.schedule_end(id, command, Outcome::Success),
        }
    }

    /// The script asks for a reboot if it finds the marker. The agent runs it again afterwards, and then there is none.
    fn resume(&mut self, id: &str, command: &str) {
        let guest = self.the_guest_mut(id);
        if guest.marker.is_some() && guest.agent.mode != AgentMode::Failing {
            guest.agent.unreported.push((command.to_owned(), Outcome::Success));
            self.reboot(id);
            return;
        }
        guest.agent.documents.push(Document { command: command.to_owned(), releases: false });
        let outcome = if guest.marker.is_some() { Outcome::Failed(1) } else { Outcome::Success };
        self.schedule_end(id, command, outcome);
    }

    /// The agent runs a document that has nothing to work on.
    pub(in crate::world) fn run_in_vain(&mut self, id: &str, command: &str) {
        let document = Document { command: command.to_owned(), releases: false };
        self.the_guest_mut(id).agent.documents.push(document);
        self.schedule_end(id, command, Outcome::Failed(1));
    }

    fn begin_release_for(&mut self, id: &str, command: &str) {
        let manner = match self.ec2.the_instance(id).guest.agent.mode {
            AgentMode::Online | AgentMode::Offline | AgentMode::Gone => Manner::Usual,
            AgentMode::Slow => Manner::Slow,
            AgentMode::Hanging => Manner::Hanging,
            AgentMode::Failing => {
                self.note_guest(id, GuestFact::CannotRelease);
                self.schedule_end(id, command, Outcome::Failed(1));
                return;
            }
        };
        self.release_in(id, manner);
    }

    fn schedule_end(&mut self, id: &str, command: &str, outcome: Outcome) {
        self.schedule_guest(id, SHORT_RUN, GuestStep::DocumentEnds { command: command.to_owned(), outcome });
    }

    /// The release under way has come to its end: the document that asked for it has, too, if it was one.
    pub(super) fn finish_release(&mut self, id: &str, outcome: Outcome) {
        let documents = &self.ec2.the_instance(id).guest.agent.documents;
        if let Some(command) = documents.iter().find(|document| document.releases).map(|it| it.command.clone()) {
            self.finish_document(id, &command, outcome);
        }
    }

    /// A document that runs has ended, and the next one that waits for its lock goes on.
    pub(super) fn finish_document(&mut self, id: &str, command: &str, outcome: Outcome) {
        let guest = self.the_guest_mut(id);
        let documents = &mut guest.agent.documents;
        // It may have been killed meanwhile.
        let Some(place) = documents.iter().position(|document| document.command == command) else { return };
        let held_lock = documents.iter().position(|document| document.releases) == Some(place);
        documents.remove(place);
        let next = documents.iter().find(|document| document.releases).map(|document| document.command.clone());
        if guest.agent_online_since.is_some() {
            self.record_outcome(command, id, outcome);
        } else {
            guest.agent.unreported.push((command.to_owned(), outcome));
        }
        if let Some(next) = next.filter(|_| held_lock) {
            self.begin_release_for(id, &next);
        }
    }

    /// The agent kills the document, if it still runs.
    pub(in crate::world) fn kill_document(&mut self, id: &str, command: &str, outcome: Outcome) {
        // EC2 forgets an instance long before a command to it times out.
        let Some(Instance { guest, .. }) = self.ec2.instance(id) else { return };
        let lock = guest.agent.documents.iter().find(|document| document.releases);
        if guest.releasing && lock.is_some_and(|document| document.command == command) {
            self.give_release_up(id);
        }
        self.finish_document(id, command, outcome);
    }
}

impl Guest {
    /// A guest that boots like that, and whose agent behaves like that.
    pub(in crate::world) fn of_launch(boot: Boot, mode: AgentMode) -> Guest {
        Guest { boot, agent: Agent { mode, ..Agent::default() }, ..Guest::default() }
    }

    /// When the agent last pinged.
    pub fn last_ping(&self, now: Time) -> Option<Time> {
        match self.agent_online_since {
            Some(since) => {
                let pings = now.since(since).as_secs() / PING_EVERY.as_secs();
                Some(since + PING_EVERY * u32::try_from(pings).unwrap_or(u32::MAX))
            }
            None => self.agent.lost.map(|lost| lost.last_ping),
        }
    }
}
