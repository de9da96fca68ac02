//! What a run knows beyond what EC2 and the group show: what Systems Manager says, what the event said, and what it has
//! done and seen itself.

use durin_decisions::ids::{ActionToken, GroupName, HookName};
use durin_decisions::lifecycle::{LifecycleAction, Passage, Transition};
use durin_decisions::node::{Agents, Question, Release, ReleaseState, Word};

use super::{Situation, ago, id};

impl Situation {
    /// Systems Manager was asked: whose agents are online, and how far the release is.
    pub(crate) fn release(self, agents: &[&str], state: ReleaseState) -> Situation {
        let agents = Agents::Listed { online: agents.iter().map(|agent| id(agent)).collect(), lost: [].into() };
        self.but(|observed| observed.release = Some(Release { agents, state }))
    }

    /// Systems Manager has heard of its agent once, and does not now.
    pub(crate) fn agent_lost(self, instance: &str) -> Situation {
        self.but(|observed| {
            let release = observed.release.as_mut().expect("Systems Manager was asked");
            let Agents::Listed { online, lost } = &mut release.agents else { panic!("it has given no answer") };
            online.remove(&id(instance));
            lost.insert(id(instance));
        })
    }

    /// Systems Manager was asked, and has said nothing about agents.
    pub(crate) fn agents_unknown(self, state: ReleaseState) -> Situation {
        self.but(|observed| observed.release = Some(Release { agents: Agents::Unknown, state }))
    }

    /// It has said nothing to this run for so many seconds.
    pub(crate) fn silent_for(self, seconds: u64) -> Situation {
        self.but(|observed| observed.silent_since = Some(ago(seconds)))
    }

    /// Auto Scaling said so many seconds ago that the instance has no such action.
    pub(crate) fn denied_ago(self, instance: &str, transition: Transition, seconds: u64) -> Situation {
        self.but(|observed| observed.denied.extend([((id(instance), transition), ago(seconds))]))
    }

    /// The group was at something else so many seconds ago.
    pub(crate) fn replacement_asked_ago(self, seconds: u64) -> Situation {
        self.but(|observed| observed.replacement_asked = Some(ago(seconds)))
    }

    /// The group has refused for so many seconds to end an instance.
    pub(crate) fn end_refused_for(self, instance: &str, seconds: u64) -> Situation {
        self.but(|observed| observed.end_refused.extend([(id(instance), ago(seconds))]))
    }

    pub(crate) fn event(self, instance: &str, transition: Transition, passage: Passage) -> Situation {
        let action = LifecycleAction {
            group: GroupName::new("k3s").expect("a group"),
            hook: HookName::new(transition.hook()).expect("a hook"),
            instance: id(instance),
            token: ActionToken::new("87654321-4321-4321-4321-210987654321").ok(),
            transition,
            passage,
        };
        self.but(|observed| observed.action = Some(action))
    }

    pub(crate) fn without_token(self) -> Situation {
        self.but(|observed| observed.action.as_mut().expect("an event").token = None)
    }

    /// This run has seen the group show the action.
    pub(crate) fn seen_waiting(self, instance: &str, transition: Transition) -> Situation {
        self.but(|observed| observed.seen_waiting.extend([(id(instance), transition)]))
    }

    pub(crate) fn completed(self, instance: &str, transition: Transition) -> Situation {
        self.but(|observed| observed.completed.extend([(id(instance), transition)]))
    }

    /// This run has seen its agent online.
    pub(crate) fn booted(self, instance: &str) -> Situation {
        self.but(|observed| observed.booted.extend([id(instance)]))
    }

    /// This run has not seen its agent.
    pub(crate) fn unheard_of(self, instance: &str) -> Situation {
        self.but(|observed| observed.booted.retain(|known| *known != id(instance)))
    }

    /// What the instance has said of itself.
    pub(crate) fn says(self, instance: &str, question: Question, word: Word) -> Situation {
        self.but(|observed| observed.words.note(&id(instance), question, word))
    }

    /// It has answered since it was given the volume.
    pub(crate) fn has_answered(self, instance: &str) -> Situation {
        self.but(|observed| observed.have_answered.extend([id(instance)]))
    }

    /// This run has seen the volume and its holder like this for so many seconds.
    pub(crate) fn stands_for(self, seconds: u64) -> Situation {
        self.but(|observed| observed.volume_stands_since = Some(ago(seconds)))
    }

    /// The same of the group.
    pub(crate) fn group_stands_for(self, seconds: u64) -> Situation {
        self.but(|observed| observed.group_stands_since = Some(ago(seconds)))
    }
}
