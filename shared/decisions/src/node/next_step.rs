//! The decision: takes what is seen of a node, and returns the one next step. Pure, total, and the only place that
//! decides.

mod actions;
mod agreement;
mod capacity;
mod departure;
mod free;
mod hold;
mod hook;
mod in_vain;
mod obstacles;
mod patience;
mod precedence;
mod proven;
mod serving;
mod spare;
mod stuck;
mod successor;
mod take_back;
mod taken;
mod watch;

use std::time::SystemTime;

use super::claim::Claim;
use super::observed::{
    Attachment, AttachmentState, Instance, InstanceState, Observed, Release, ReleaseState, Volume, VolumeState,
};
use super::record::{ARecord, Record, RecordProblem};
use super::step::{ActionResult, Blocked, Done, Step, WaitFor};
use super::word::Question;
use crate::ids::InstanceId;
use crate::lifecycle::Transition;
use crate::risk::Warning;
pub use departure::release_matters;
pub use hold::if_unmarked;
use obstacles::{
    cannot_take_over, mistaken_tag, shared_record, shared_volume, too_many, usable_volume, zone_elsewhere,
};
use patience::GONE_WITHIN;
pub use patience::{LONGEST_PERIOD, RELEASE_TIMEOUT, RUN_LASTS, least_heartbeat};
pub use precedence::{Precedence, precedence, release_due, urgent_from};
use successor::Successor;
pub use successor::{boots_matter, has_successor};
pub use taken::retires;
pub use watch::{is_warned, launch_has_company, warning_has_company};

/// Whose answer matters for the next step, and to which question. Only an instance whose agent is online can give one.
pub fn word_matters(observed: &Observed, now: SystemTime) -> Option<(InstanceId, Question)> {
    let attachment = observed.volume.as_ref()?.attachments.first()?;
    let successor = successor::of(observed, now);
    let id = successor.id()?;
    if *id == attachment.instance {
        // The record comes first, and does not wait for the answer of an agent.
        let is_next = !matches!(record_step(observed, id, now), Ok(Some(_)));
        let matters = is_next && (serving::matters(observed, id, now) || proven::matters(observed, id, now));
        return matters.then(|| (id.clone(), Question::Serves));
    }
    let may_serve = |release: &Release| match release.state {
        ReleaseState::NotStarted
        | ReleaseState::Marked
        | ReleaseState::Failed { .. }
        | ReleaseState::Undelivered { .. }
        | ReleaseState::Unanswered { .. }
        | ReleaseState::Resuming { .. }
        | ReleaseState::StillResuming { .. } => true,
        // It has let go for the successor, or is about to.
        ReleaseState::Running { .. } | ReleaseState::Released { .. } | ReleaseState::ResumeFailed { .. } => false,
    };
    let has_to_release = release_matters(observed, false, now).is_some();
    (has_to_release && observed.release.as_ref().is_some_and(may_serve) && observed.has_booted(id))
        .then(|| (id.clone(), Question::Prepared))
}

/// What to do next for this node.
///
/// The volume comes first, because its holder is the node; then the record, which follows the attachment; then the
/// launch action, which tells the group that the successor serves. Lifecycle actions that nothing depends on are
/// completed whenever there is nothing more urgent, also while a person has to mend something: it may take days.
pub fn next_step(observed: &Observed, now: SystemTime) -> Step {
    if let Some(step) = actions::that_move_no_node(observed).or_else(|| mark_warned(observed, now)) {
        return step;
    }
    match hand_off(observed, now) {
        idle @ (Step::Wait(_) | Step::Done(_) | Step::Blocked(_)) => {
            actions::that_nothing_depends_on(observed, now).unwrap_or_else(|| report_what_is_amiss(observed, idle, now))
        }
        step => step,
    }
}

/// What a person has to mend before the node goes on, also while there is a step that does not wait for it.
pub fn hindrance(observed: &Observed, now: SystemTime) -> Option<Blocked> {
    let blocked = |step| if let Step::Blocked(blocked) = step { Some(blocked) } else { None };
    blocked(next_step(observed, now)).or_else(|| blocked(hand_off(observed, now)))
}

/// Only if there is nothing else to report: whatever runs is still looked after.
fn report_what_is_amiss(observed: &Observed, idle: Step, now: SystemTime) -> Step {
    let group = &observed.group;
    match (idle, too_many(observed).or_else(|| mistaken_tag(observed).map(Blocked::Tags))) {
        (Step::Done(Done::NoSuccessor), _) if group.launch_suspended && observed.lacks_holder() => {
            Step::Blocked(Blocked::NobodyWhileLaunchSuspended { group: observed.declaration.group.clone() })
        }
        (Step::Done(done), mistake) => {
            mistake.or_else(|| hook::is_denied_in_vain(observed, now)).map_or(Step::Done(done), Step::Blocked)
        }
        (idle, _) => idle,
    }
}

/// A warning reaches one function, and all have to know about it.
fn mark_warned(observed: &Observed, now: SystemTime) -> Option<Step> {
    let warning = observed.warning.as_ref()?;
    let warned = observed.instances.get(&warning.instance)?;
    is_news(warning, warned, now).then(|| Step::Mark { instance: warning.instance.clone(), risk: warning.risk })
}

/// Whether the instance has to be marked with a warning.
pub fn is_news(warning: &Warning, warned: &Instance, now: SystemTime) -> bool {
    warned.state != InstanceState::Dead && warning.holds(warned.launched, now) && warning.risk.adds_to(warned.risk, now)
}

fn hand_off(observed: &Observed, now: SystemTime) -> Step {
    let volume = match usable_volume(observed) {
        Ok(volume) => volume,
        Err(blocked) => return Step::Blocked(blocked),
    };
    let successor = successor::of(observed, now);
    let step = match (volume.attachments.first(), &volume.state) {
        (Some(attachment), _) if successor.is(&attachment.instance) => follow(observed, attachment, now),
        (Some(attachment), _) => free::next_step(observed, volume, attachment, &successor, now),
        (None, VolumeState::Available) => attach(observed, volume, &successor, now),
        (None, VolumeState::Creating | VolumeState::InUse | VolumeState::Unusable(_)) => {
            if observed.stands_for(GONE_WITHIN, now) {
                return Step::Blocked(Blocked::NeverAvailable { volume: observed.declaration.volume.clone() });
            }
            Step::Wait(WaitFor::Volume)
        }
    };
    match (step, volume.attachments.first()) {
        (idle @ (Step::Wait(_) | Step::Done(_) | Step::Blocked(_)), Some(attachment)) => {
            record_of_serving(observed, attachment, now).unwrap_or(idle)
        }
        (step, _) => step,
    }
}

/// A holder serves until it lets go, even one that has to go: until then clients have to find it.
fn record_of_serving(observed: &Observed, attachment: &Attachment, now: SystemTime) -> Option<Step> {
    let holder = &attachment.instance;
    let instance = observed.instances.get(holder).filter(|it| it.state == InstanceState::Running)?;
    let is_ours = instance.of_group || observed.group.members.contains_key(holder);
    let has_it = attachment.state == AttachmentState::Attached
        && observed.release.as_ref().is_none_or(|release| release.state == ReleaseState::NotStarted);
    let step = (is_ours && has_it).then(|| record_step(observed, holder, now).ok().flatten())??;
    matches!(step, Step::ClaimName | Step::PointRecord { .. }).then_some(step)
}

/// The volume is with the successor, or on its way there: the record follows, then the launch action is completed.
fn follow(observed: &Observed, attachment: &Attachment, now: SystemTime) -> Step {
    let holder = &attachment.instance;
    if let Some(step) = departure::of_warned(observed, attachment, now) {
        return step;
    }
    match attachment.state {
        AttachmentState::Detaching => return stuck::of_leaving_volume(observed, attachment, now),
        AttachmentState::Attaching if attachment.is_stuck(observed, now) => {
            return stuck::of_stuck_volume(observed, holder, now);
        }
        AttachmentState::Attaching | AttachmentState::Attached => {}
    }
    let launch_waits = hook::waits(observed, holder, Transition::Launching, now);
    let is_taken = observed.instances.get(holder).is_some_and(|instance| taken::is_taken(instance, now));
    // One that EC2 takes has no time to serve again. It goes into service, so that its group replaces it before it ends.
    let goes_into_service = launch_waits && is_taken;
    if !goes_into_service && let Some(step) = take_back::next_step(observed, holder, now) {
        return step;
    }
    // Even while it is still attaching: the fence has closed behind the successor, and the record's TTL is outage.
    let record = record_step(observed, holder, now);
    if let Ok(Some(step)) = record {
        return step;
    }
    if !is_taken
        && serving::matters(observed, holder, now)
        && let Some(step) = serving::next_step(observed, attachment, now)
    {
        return step;
    }
    if attachment.state == AttachmentState::Attaching {
        return Step::Wait(WaitFor::Attached { successor: holder.clone() });
    }
    // Even without the record: the node serves, and the failure is reported to whoever finds it by its name.
    if launch_waits {
        return hook::complete(holder, Transition::Launching, ActionResult::Continue);
    }
    if let Some(step) = capacity::next_step(observed, holder, now) {
        return step;
    }
    // The rightful node reports it too: somebody else's tags are wrong.
    let mistake = || {
        let shared = shared_record(observed).or_else(|| shared_volume(observed));
        let of_volume = shared.or_else(|| agreement::lacks_tag(observed)).or_else(|| zone_elsewhere(observed));
        of_volume.or_else(|| in_vain::too_often(observed, holder, now))
    };
    match record.and_then(|_| mistake().map_or(Ok(()), Err)) {
        Ok(()) => Step::Done(serves(observed, holder)),
        Err(blocked) => Step::Blocked(blocked),
    }
}

fn serves(observed: &Observed, holder: &InstanceId) -> Done {
    let (holder, declaration) = (holder.clone(), &observed.declaration);
    match &observed.record {
        Record::Unavailable(RecordProblem::Unanswered(problem)) => Done::ServesWithoutRecord {
            holder,
            name: declaration.record.clone(),
            zone: declaration.zone.clone(),
            problem: problem.clone(),
        },
        Record::Absent
        | Record::Simple(_)
        | Record::Foreign(_)
        | Record::Unavailable(RecordProblem::NoSuchZone | RecordProblem::ZoneNotAllowed | RecordProblem::Refused(_)) => {
            Done::Serves { holder }
        }
    }
}

/// The change that makes the record name the holder, if one is needed.
///
/// # Errors
/// When the record cannot name it.
fn record_step(observed: &Observed, holder: &InstanceId, now: SystemTime) -> Result<Option<Step>, Blocked> {
    let (name, zone) = (observed.declaration.record.clone(), observed.declaration.zone.clone());
    let group = observed.declaration.group.clone();
    if observed.claim != Claim::Ours
        && let Some(blocked) = shared_record(observed)
    {
        return Err(blocked);
    }
    let from = match &observed.record {
        Record::Absent => None,
        Record::Simple(from) => Some(from.clone()),
        Record::Foreign(what) => return Err(Blocked::ForeignRecord { name, zone, what: what.clone() }),
        Record::Unavailable(RecordProblem::NoSuchZone) => return Err(Blocked::NoSuchZone { group, zone }),
        Record::Unavailable(RecordProblem::ZoneNotAllowed) => return Err(Blocked::ZoneNotAllowed { group, zone }),
        Record::Unavailable(RecordProblem::Refused(problem)) => {
            return Err(Blocked::RecordRefused { name, zone, problem: problem.clone() });
        }
        // Nobody has made a mistake: the next run tries again.
        Record::Unavailable(RecordProblem::Unanswered(_)) => return Ok(None),
    };
    let instance = observed.instances.get(holder);
    let Some(address) = instance.and_then(|instance| instance.private_ip) else {
        return match instance.map(|instance| instance.state) {
            // EC2 lists an address from the first second, if the subnet has one to give.
            Some(InstanceState::Running) => Err(Blocked::NoAddress { group, holder: holder.clone() }),
            Some(_) if observed.stands_for(GONE_WITHIN, now) => {
                Err(Blocked::NoAddress { group, holder: holder.clone() })
            }
            None if observed.stands_for(GONE_WITHIN, now) => {
                Err(Blocked::NeverFreed { volume: observed.declaration.volume.clone(), holder: holder.clone() })
            }
            Some(_) | None => Ok(Some(Step::Wait(WaitFor::Address { successor: holder.clone() }))),
        };
    };
    // Before the record: once EC2 has forgotten the holder, its address proves nothing.
    if observed.claim == Claim::Absent {
        return Ok(Some(Step::ClaimName));
    }
    let to = ARecord { address: address.to_string(), ttl_s: i64::from(observed.declaration.ttl_s) };
    Ok((from.as_ref() != Some(&to)).then_some(Step::PointRecord { from, to }))
}

fn attach(observed: &Observed, volume: &Volume, successor: &Successor, now: SystemTime) -> Step {
    // The tag of another group cannot keep the volume from the node that its own tag names.
    let is_shared = || shared_volume(observed).filter(|_| volume.node.is_none() && !observed.has_held);
    let refused = successor.id().and_then(|_| agreement::blocks_attaching(observed).or_else(is_shared));
    if let Some(blocked) = refused.or_else(|| cannot_take_over(observed, volume, successor)) {
        return Step::Blocked(blocked);
    }
    match successor {
        Successor::Running(successor) => Step::Attach { successor: successor.clone() },
        Successor::Booting(_) => successor.wait_until_it_runs(observed, now),
        Successor::None => {
            departure::of_empty(observed, now).unwrap_or_else(|| successor.wait_until_it_runs(observed, now))
        }
    }
}
