//! Nothing is waited for without a bound: every state of the volume, its holder and its release that AWS may never leave is
//! looked at for hours, and has to come to an action, to a person, or to "nothing is left to do".

use std::time::{Duration, SystemTime};

use durin_decisions::node::{
    AttachmentState, InstanceState, Lifecycle, ReleaseState, Standstill, Step, next_step, release_matters,
};
use durin_decisions::risk::{Risk, RiskReason};

use crate::situation::*;

/// The sum of what may come one after the other: a warning (120 s), a reclaim that may still come (300 s), a hook that holds
/// (540 s), and a release (60 s). A newcomer that is silent for 600 s is given up meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(120 + 300 + 540 + 60);

/// What Systems Manager lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agent {
    Online,
    Lost,
    None,
}

const BETWEEN_LOOKS: Duration = Duration::from_secs(20);

/// What AWS shows and does not change, however long we look.
#[derive(Clone, Copy, Debug)]
struct Frozen {
    attachment: AttachmentState,
    attached_since: Option<SystemTime>,
    /// None if EC2 does not list the holder.
    holder: Option<InstanceState>,
    hibernates: bool,
    /// None if it is not a member of the group any more.
    membership: Option<&'static Lifecycle>,
    release: Option<ReleaseState>,
    holder_agent: Agent,
    /// Whether the newcomer's agent is online.
    newcomer_hears: bool,
    newcomer: Option<(&'static Lifecycle, InstanceState)>,
    desired: i32,
    risk: Option<Risk>,
}

impl Frozen {
    /// There is no newcomer whose agent could be online.
    fn is_the_same_as_another(self) -> bool {
        self.newcomer.is_none() && self.newcomer_hears
    }

    /// Systems Manager says nothing about a living holder that has a successor. The holder serves on for as long, and the
    /// launch action's own timeout ends the newcomer.
    fn is_asked_in_vain(self) -> bool {
        let is_alive = matches!(self.holder, Some(InstanceState::Pending | InstanceState::Running));
        is_alive && self.release.is_none() && self.newcomer.is_some() && self.attachment != AttachmentState::Attaching
    }

    fn situation(self) -> Situation {
        let state = self.holder.unwrap_or(InstanceState::Running);
        let mut seen = healthy().state(OLD, state).held_by(OLD, self.attachment).desired(self.desired);
        seen = seen.attached(self.attached_since);
        if self.hibernates {
            seen = seen.hibernates(OLD);
        }
        if let Some((lifecycle, state)) = self.newcomer {
            seen = seen.instance(NEW, lifecycle.clone(), state);
        }
        if let Some(state) = self.release {
            let online = [(OLD, self.holder_agent == Agent::Online), (NEW, self.newcomer_hears)];
            let online: Vec<&str> = online.iter().filter(|(_, is_online)| *is_online).map(|(id, _)| *id).collect();
            seen = seen.release(&online, state);
            if self.holder_agent == Agent::Lost {
                seen = seen.agent_lost(OLD);
            }
        }
        if let Some(Risk { reason, until }) = self.risk {
            seen = seen.at_risk(OLD, reason, until);
        }
        seen = match self.membership {
            Some(lifecycle) => seen.lifecycle(OLD, lifecycle.clone()),
            None => seen.not_a_member(OLD),
        };
        if self.holder.is_none() { seen.unlisted(OLD) } else { seen }
    }

    /// How long it is waited for, and what is done then. Our own marks are seen; nothing else moves.
    fn watch(self) -> (Duration, Step) {
        let mut observed = self.situation().seen();
        let mut standstill = Standstill::default();
        let mut waited = Duration::ZERO;
        loop {
            let at = now() + waited;
            standstill.note(&mut observed, at);
            let release = observed.release.clone();
            if release_matters(&observed, true, at).is_none() {
                observed.release = None;
            }
            let step = next_step(&observed, at);
            observed.release = release;
            match step {
                Step::Mark { instance, risk } => {
                    let marked = observed.instances.get_mut(&instance).expect("it is marked");
                    assert_ne!(marked.risk.replace(risk), Some(risk), "marked without end: {self:?}");
                }
                Step::Wait(_) if waited <= LONGEST_WAIT => waited += BETWEEN_LOOKS,
                step => return (waited, step),
            }
        }
    }
}

const MEMBERSHIPS: [Option<&Lifecycle>; 6] = [
    Some(&Lifecycle::InService),
    Some(&PENDING_WAIT),
    Some(&TERMINATING_WAIT),
    Some(&TERMINATING),
    Some(&Lifecycle::Standby),
    None,
];

const ATTACHMENTS: [AttachmentState; 3] =
    [AttachmentState::Attaching, AttachmentState::Attached, AttachmentState::Detaching];

const NEWCOMERS: [Option<(&Lifecycle, InstanceState)>; 4] = [
    None,
    Some((&PENDING_WAIT, InstanceState::Pending)),
    Some((&PENDING_WAIT, InstanceState::Running)),
    Some((&Lifecycle::InService, InstanceState::Running)),
];

fn releases() -> [Option<ReleaseState>; 13] {
    [
        None,
        Some(ReleaseState::NotStarted),
        Some(ReleaseState::Marked),
        Some(ReleaseState::Running { since: now() }),
        Some(ReleaseState::Released { at: now() }),
        Some(ReleaseState::Failed { at: now() }),
        Some(ReleaseState::Undelivered { at: now() }),
        Some(unanswered_ago(0, 0)),
        Some(unanswered_ago(60, 0)),
        Some(ReleaseState::Resuming { since: now() }),
        Some(still_resuming_ago(0)),
        Some(ReleaseState::ResumeFailed { at: now(), times: 1 }),
        Some(ReleaseState::ResumeFailed { at: now(), times: 2 }),
    ]
}

fn risks() -> [Option<Risk>; 3] {
    let interruption = |until| Some(Risk { reason: RiskReason::Interruption, until: Some(until) });
    [None, interruption(in_s(100)), interruption(ago(60))]
}

/// All that can be seen of a holder in that state.
fn every(holder: Option<InstanceState>, hibernates: bool, mut look: impl FnMut(Frozen)) {
    let is_alive = matches!(holder, Some(InstanceState::Pending | InstanceState::Running));
    let (releases, agents): (Vec<_>, Vec<_>) = if is_alive {
        let agents = [Agent::Online, Agent::Lost, Agent::None];
        (releases().to_vec(), agents.into_iter().flat_map(|agent| [(agent, true), (agent, false)]).collect())
    } else {
        (vec![None], vec![(Agent::None, false)])
    };
    let unknown_since = [(AttachmentState::Attaching, None)];
    let known = ATTACHMENTS.map(|attachment| (attachment, Some(now())));
    for (attachment, attached_since) in known.into_iter().chain(unknown_since) {
        for membership in MEMBERSHIPS {
            for newcomer in NEWCOMERS {
                for (desired, risk) in [1, 2].into_iter().flat_map(|desired| risks().map(|risk| (desired, risk))) {
                    let of_systems_manager =
                        releases.iter().flat_map(|release| agents.iter().map(move |agents| (*release, *agents)));
                    for (release, (holder_agent, newcomer_hears)) in of_systems_manager {
                        look(Frozen {
                            attachment,
                            attached_since,
                            holder,
                            hibernates,
                            membership,
                            release,
                            holder_agent,
                            newcomer_hears,
                            newcomer,
                            desired,
                            risk,
                        });
                    }
                }
            }
        }
    }
}

fn assert_that_all_end(holder: Option<InstanceState>, hibernates: bool) {
    let mut looks = 0;
    let mut endless = Vec::new();
    every(holder, hibernates, |frozen| {
        if frozen.is_asked_in_vain() || frozen.is_the_same_as_another() {
            return;
        }
        looks += 1;
        let (waited, step) = frozen.watch();
        assert!(!(hibernates && matches!(step, Step::Detach { .. })), "{frozen:?}");
        if waited > LONGEST_WAIT {
            endless.push((waited, step, frozen));
        }
    });
    assert!(looks > 500, "{looks}");
    let total = endless.len();
    endless.sort_by_key(|(waited, _, _)| *waited);
    endless.truncate(8);
    assert!(endless.is_empty(), "{total} of {looks}: {endless:#?}");
}

#[test]
fn a_running_holder_is_waited_for_within_bounds() {
    assert_that_all_end(Some(InstanceState::Running), false);
}

#[test]
fn a_starting_holder_is_waited_for_within_bounds() {
    assert_that_all_end(Some(InstanceState::Pending), false);
}

#[test]
fn a_stopping_holder_is_waited_for_within_bounds() {
    assert_that_all_end(Some(InstanceState::Stopping), false);
}

#[test]
fn a_stopped_holder_is_waited_for_within_bounds() {
    assert_that_all_end(Some(InstanceState::Stopped), false);
    assert_that_all_end(Some(InstanceState::Stopped), true);
}

#[test]
fn a_dead_holder_is_waited_for_within_bounds() {
    assert_that_all_end(Some(InstanceState::Dead), false);
}

#[test]
fn an_unlisted_holder_is_waited_for_within_bounds() {
    assert_that_all_end(None, false);
}
