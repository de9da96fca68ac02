//! The Systems Manager agent inside an instance: it registers, falls silent, comes back. What it runs is in `documents.rs`.

use std::time::Duration;

use super::GuestFact;
use super::document::{Document, Outcome};
use super::{Boot, Guest, GuestStep};
use crate::time::Time;
use crate::world::World;
use crate::world::ec2::{Instance, InstanceState};

/// How an instance's agent, and the program it runs, behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AgentMode {
    /// As they should.
    #[default]
    Online,
    Offline,
    /// A release takes [`slow_drain`](crate::world::latency::Latencies::slow_drain) to end the pods.
    Slow,
    /// There is no durin-node on the instance, so that documents fail before they have done anything.
    Failing,
    /// The durin-node on the instance is a version older than the documents.
    Behind,
    /// It is too far from them, and refuses everything.
    Outdated,
    /// A release stops k3s and ends the workload, and then hangs inside the kernel, with the volume mounted.
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
    /// What it runs, in the order in which it was told. Documents that release or resume wait for each other.
    pub(super) documents: Vec<Document>,
    /// What has ended while nobody could be told.
    pub(super) unreported: Vec<(String, Outcome)>,
}

/// An agent that fell silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its last sign.
    pub last_ping: Time,
    /// From when on Systems Manager calls the connection lost.
    pub noticed: Time,
}

/// The default of the agent's own setting `HealthFrequencyMinutes`.
const PING_EVERY: Duration = Duration::from_secs(5 * 60);

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
            AgentMode::Online
            | AgentMode::Slow
            | AgentMode::Failing
            | AgentMode::Behind
            | AgentMode::Outdated
            | AgentMode::Hanging => {
                if up && was_silent {
                    self.schedule_agent(id);
                }
            }
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
