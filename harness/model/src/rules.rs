//! Durin's rules, and what becomes of them when one is taken out: each wrapper shows the real [`next_step`] less than the
//! truth, or does at once what it waits for.

use std::time::{Duration, SystemTime};

use durin_decisions::ids::InstanceId;
use durin_decisions::lifecycle::Transition;
use durin_decisions::node::{
    ActionResult, Agents, Done, Instance, Lifecycle, Number, Observed, Question, ReleaseState, Step, WaitFor, Word,
    next_step,
};
use durin_decisions::risk::{Risk, RiskReason};

use crate::runs::{DURIN, Rules};

pub(crate) const fn but(decide: fn(&Observed, SystemTime) -> Step) -> Rules {
    Rules { decide, ..DURIN }
}

/// The evidence of a release has no end: not with time, and so not with a reboot.
pub(crate) fn a_release_counts_for_ever(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(release) = &mut seen.release
        && matches!(release.state, ReleaseState::Released { .. })
    {
        release.state = ReleaseState::Released { at: now };
    }
    next_step(&seen, now)
}

/// The evidence of a release is not bound to the attachment.
pub(crate) fn a_release_counts_for_every_attachment(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(release) = &mut seen.release
        && release.state == ReleaseState::Marked
    {
        release.state = ReleaseState::Released { at: now };
    }
    next_step(&seen, now)
}

/// A newcomer's sign of life is assumed.
pub(crate) fn a_newcomer_is_taken_to_have_booted(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    let members: Vec<InstanceId> = seen.group.members.keys().cloned().collect();
    for id in &members {
        seen.words.note(id, Question::Prepared, Word::Yes);
    }
    if let Some(release) = &mut seen.release
        && let Agents::Listed { online, .. } = &mut release.agents
    {
        online.extend(members);
    }
    next_step(&seen, now)
}

/// Each holder is taken to have no time left.
pub(crate) fn a_deadline_is_always_assumed(observed: &Observed, now: SystemTime) -> Step {
    let until = Some(now + Duration::from_secs(10));
    with_holder(observed, now, |holder, _| holder.risk = Some(Risk { reason: RiskReason::Interruption, until }))
}

/// A holder that its group ends is not held until a newcomer has booted.
pub(crate) fn the_hold_is_forgotten(observed: &Observed, now: SystemTime) -> Step {
    with_holder(observed, now, |holder, lifecycle| {
        if matches!(lifecycle, Some(Lifecycle::Terminating { .. })) && holder.risk.is_none() {
            holder.risk = Some(Risk { reason: RiskReason::Terminating, until: Some(now) });
        }
    })
}

fn with_holder(observed: &Observed, now: SystemTime, change: impl FnOnce(&mut Instance, Option<&Lifecycle>)) -> Step {
    let mut seen = observed.clone();
    if let Some(id) = holder_of(observed)
        && let Some(holder) = seen.instances.get_mut(&id)
    {
        change(holder, observed.group.members.get(&id));
    }
    next_step(&seen, now)
}

fn holder_of(observed: &Observed) -> Option<InstanceId> {
    Some(observed.volume.as_ref()?.attachments.first()?.instance.clone())
}

/// The holder is taken to serve.
pub(crate) fn a_holder_is_taken_to_serve(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(holder) = holder_of(observed) {
        seen.words.note(&holder, Question::Serves, Word::Yes);
    }
    next_step(&seen, now)
}

/// Nobody waits until the holder has let go.
pub(crate) fn nobody_waits_for_the_release(observed: &Observed, now: SystemTime) -> Step {
    match next_step(observed, now) {
        Step::Wait(WaitFor::Released { holder }) => Step::Detach { holder },
        step => step,
    }
}

/// Nobody waits until the newcomer has booted.
pub(crate) fn nobody_waits_for_the_boot(observed: &Observed, now: SystemTime) -> Step {
    match (next_step(observed, now), holder_of(observed)) {
        (Step::Wait(WaitFor::Booted { successor }), Some(holder)) if successor != holder => Step::Release { holder },
        (step, _) => step,
    }
}

/// A terminate action is completed although the holder waits for its successor.
pub(crate) fn a_terminate_action_does_not_wait(observed: &Observed, now: SystemTime) -> Step {
    let holder = holder_of(observed);
    let waits = |id: &InstanceId| observed.group.members.get(id) == Some(&Lifecycle::Terminating { waits: true });
    match (next_step(observed, now), holder.filter(waits)) {
        (
            Step::Wait(WaitFor::Replacement { .. } | WaitFor::Running { .. } | WaitFor::Booted { .. }),
            Some(instance),
        ) => Step::Complete { instance, transition: Transition::Terminating, result: ActionResult::Continue },
        (step, _) => step,
    }
}

/// A holder that has let go is asked to serve again as soon as its release is no evidence any more.
pub(crate) fn a_release_is_taken_back_too_soon(observed: &Observed, now: SystemTime) -> Step {
    let state = observed.release.as_ref().map(|release| release.state);
    match (next_step(observed, now), state) {
        (Step::Wait(WaitFor::Replacement { holder }), Some(ReleaseState::Released { at }))
            if at + Duration::from_secs(20) <= now =>
        {
            Step::Resume { holder }
        }
        (step, _) => step,
    }
}

/// A holder that has let go is left alone, whoever follows.
pub(crate) fn a_release_is_never_taken_back(observed: &Observed, now: SystemTime) -> Step {
    match next_step(observed, now) {
        Step::Resume { .. } => Step::Done(Done::NoSuccessor),
        step => step,
    }
}

/// A newcomer goes into service as soon as it has the volume and the record.
pub(crate) fn nobody_waits_for_the_word(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(holder) = holder_of(observed) {
        seen.words.note(&holder, Question::Serves, Word::Yes);
    }
    next_step(&seen, now)
}

/// A newcomer that does not serve yet is taken for one that never will.
pub(crate) fn not_yet_is_no(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(holder) = holder_of(observed)
        && let Word::NotYet { why } = observed.words.of(&holder, Question::Serves)
    {
        seen.words.note(&holder, Question::Serves, Word::No { why: why.clone() });
    }
    next_step(&seen, now)
}

/// That Systems Manager gives no answer is taken for its saying that nobody has an agent, by a run that has seen nobody's.
pub(crate) fn unknown_is_none(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = Observed { booted: [].into(), ..observed.clone() };
    if let Some(release) = &mut seen.release
        && release.agents == Agents::Unknown
    {
        release.agents = Agents::Listed { online: [].into(), lost: [].into() };
    }
    next_step(&seen, now)
}

/// A holder whose agent is lost is taken for one whose image has none.
pub(crate) fn lost_is_none(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(release) = &mut seen.release
        && let Agents::Listed { lost, .. } = &mut release.agents
    {
        lost.clear();
    }
    next_step(&seen, now)
}

/// A newcomer that cannot be asked is taken to be prepared.
pub(crate) fn absent_is_yes(observed: &Observed, now: SystemTime) -> Step {
    next_step(&Observed { have_answered: [].into(), ..observed.clone() }, now)
}

/// A release that has failed on the way is taken for one that never arrived: nothing was stopped.
pub(crate) fn a_failure_is_taken_for_silence(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(release) = &mut seen.release
        && let ReleaseState::Failed { at } = release.state
    {
        release.state = ReleaseState::Undelivered { at };
    }
    next_step(&seen, now)
}

/// What an instance has let go of is forgotten as soon as it has the volume anew.
pub(crate) fn an_earlier_release_is_forgotten(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    if let Some(release) = &mut seen.release
        && release.state == ReleaseState::Marked
    {
        release.state = ReleaseState::NotStarted;
    }
    next_step(&seen, now)
}

/// What EC2 never brings to its end is waited for without end.
pub(crate) fn a_stuck_volume_is_waited_for(observed: &Observed, now: SystemTime) -> Step {
    let mut seen = observed.clone();
    seen.volume_stands_since = None;
    if let Some(release) = &mut seen.release
        && matches!(release.state, ReleaseState::Released { .. })
    {
        release.state = ReleaseState::Released { at: now };
    }
    for held in seen.volume.iter_mut().flat_map(|volume| &mut volume.attachments) {
        held.since = None;
    }
    next_step(&seen, now)
}

/// The number falls with the name, although the group's minimum is none.
pub(crate) fn the_number_always_falls(observed: &Observed, now: SystemTime) -> Step {
    match next_step(observed, now) {
        Step::EndSpare { instance, .. } => Step::EndSpare { instance, number: Number::Falls },
        step => step,
    }
}
