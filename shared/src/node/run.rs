//! The node loop: observe, decide the next step, apply that one step, observe again, until there is nothing to do.

use std::time::{Duration, SystemTime};

use durin_decisions::node::{
    Done, Observed, Precedence, Question, ReleaseState, Step, WaitFor, Word, has_successor, next_step, precedence,
    release_due, urgent_from,
};
use tracing::info;

use super::applied::Applied;
use super::apply::apply;
use super::following::{Following, Role, Turn};
use super::observe::Node;
use super::words::LEAST_ANSWER;
use crate::aws::Aws;
use crate::clock::Deadline;
use crate::failure::Failure;

/// How long to wait between two looks while the volume is on its way: half of this is outage, on average.
const POLL: Duration = Duration::from_millis(600);

/// How long a release takes at the least, but for a lucky one: the command has to arrive, and k3s and what it runs to end.
const LEAST_RELEASE: Duration = Duration::from_secs(6);

/// How long the run that leads takes at the most to ask a holder to let go that EC2 takes, once it is time. One that follows
/// looks then, and not at everything when nobody waits for anybody any more.
const ASKED_WITHIN: Duration = Duration::from_secs(3);

/// How long EC2 takes at the least to detach a volume.
const LEAST_DETACHMENT: Duration = Duration::from_secs(1);

/// The same while there is nobody to take it yet: no outage that a closer look could shorten.
const UNHURRIED_POLL: Duration = Duration::from_secs(3);

/// How long to wait between two looks for the volume's arrival. The record names the successor already, and its guest mounts
/// the volume without us: no outage.
const ARRIVAL_POLL: Duration = Duration::from_secs(2);

/// How long to wait between two looks for the answer of an instance that is likely to be prepared when it is asked.
const ANSWER_POLL: Duration = Duration::from_secs(2);

/// How long such an answer takes at the most.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// How long it takes until the volume has arrived, is mounted, and k3s answers twice, but for a lucky one.
const LEAST_START: Duration = Duration::from_secs(14);

/// How long to wait between two looks for the word of a successor that starts k3s: no outage, it serves without us.
const START_POLL: Duration = Duration::from_secs(6);

/// How long to wait between two looks for what takes EC2 tens of seconds.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// How long to wait between two looks for the moment at which EC2 can attach a volume to a newcomer. No outage: it boots for at
/// least ten seconds more, and the volume arrives meanwhile.
const STARTING_POLL: Duration = Duration::from_secs(3);

/// How long to wait between two looks while the holder serves until its successor has booted: no outage at all.
const LEISURELY_POLL: Duration = Duration::from_secs(8);

/// The same until the group launches a successor: the launch starts a run of its own, which goes ahead.
const REPLACEMENT_POLL: Duration = Duration::from_secs(20);

/// No node needs so many looks in the 15 minutes that Lambda allows; a loop that does has lost its way.
const MOST_LOOKS: usize = 2_000;

/// Brings the node to where nothing is left to do, and says why nothing is.
///
/// What cannot be given back (a release, a detachment, the end of an instance) is done only after a second look, at whatever
/// it depends on and was not read in the last two seconds (ten for agents that were online), has come to the same step. For example, in seconds after the first
/// read of the group:
///
/// ```text
///  0.0  Durin   reads the group: it is ending old, which holds the volume, and launches new
///  0.2  Durin   waits for new to boot. It asks every six seconds for new's agent, and reads the group again only when
///               what it knows is 45 seconds old
///  5.1  group   gives new up: a person has terminated it in the console. It will launch another
///  6.2  Durin   sees new's agent online. By the group of 0.0 new has booted and follows: old has to release
///  6.3  Durin   looks again: the group is ending new, so nobody follows yet, and old goes on serving
/// 60.0  Durin   the next instance has booted: old releases, and the outage begins
/// ```
///
/// Without the second look the outage would have begun at 6.2, and the volume would have waited for a minute with nobody
/// to attach it to. The look costs a tenth of a second. Steps that can be given back go without: an attachment based on old
/// knowledge fails because EBS allows one, a record because it is swapped by comparison.
///
/// # Errors
/// When a person is needed, AWS fails for good, or the deadline comes first. Nothing is lost: the next run goes on from
/// what is there.
pub(super) async fn run(aws: &Aws, node: &mut Node, deadline: Deadline) -> Result<Done, Failure> {
    let mut confirmed: Option<Step> = None;
    let (mut following, mut last_role) = (Following::default(), Role::Leads);
    let mut waiting_for = "the first look at the node".to_owned();
    let mut logged: Option<Step> = None;
    for _ in 0..MOST_LOOKS {
        let observed = node.observe(aws).await?;
        let now = aws.clock.now();
        let (step, precedence) = (next_step(&observed, now), precedence(&observed, now));
        let role = following.role(precedence);
        if let (Role::Follows, Precedence::TwoOthersRuns, Some(action)) = (role, precedence, &observed.action) {
            let done = Done::Underway { instance: action.instance.clone() };
            log(node, &observed, &Step::Done(done.clone()), role);
            return Ok(done);
        }
        node.view.keep_for(role);
        node.follows = role == Role::Follows;
        if (last_role, role) == (Role::Follows, Role::Leads) {
            last_role = role;
            node.view.forget_all();
            continue;
        }
        last_role = role;
        if logged.as_ref() != Some(&step) {
            log(node, &observed, &step, role);
            logged = Some(step.clone());
        }
        let pause = match (&step, role) {
            (Step::Done(reason), _) => return end(node, reason),
            // It has the volume and the record, and nothing depends on its word but its launch action.
            (Step::Wait(WaitFor::Serves { holder } | WaitFor::Booted { successor: holder }), Role::Follows)
                if node.view.holder().is_some_and(|held| held.instance == *holder) =>
            {
                return end(node, &Done::Starts { holder: holder.clone() });
            }
            (Step::Wait(reason), role) => {
                waiting_for = format!("waiting for {reason}");
                let has_just_looked = node.view.has_just_looked_for(reason, now);
                node.view.forget_awaited(reason, now);
                match role {
                    Role::Leads => Some(pause_for(reason, &observed, now)),
                    Role::Follows => following.pause(reason, has_just_looked),
                }
            }
            // Nobody else was told of it.
            (write @ Step::Mark { .. }, Role::Follows) => take(aws, node, write, &mut waiting_for).await?,
            (due, Role::Follows) => match following.on_due(due, due_since(due, &observed), now) {
                Turn::LooksForItsEffect(pause) => {
                    waiting_for = format!("another function has to {}", due.name());
                    node.view.forget_effect(due);
                    Some(pause)
                }
                Turn::LooksAtEverything => {
                    node.view.forget_all();
                    None
                }
                // All of it was read for this a moment ago.
                Turn::Takes => {
                    last_role = Role::Leads;
                    node.view.keep_for(Role::Leads);
                    node.follows = false;
                    None
                }
            },
            (last_word, Role::Leads)
                if is_confirmed_first(last_word, &observed) && confirmed.as_ref() != Some(last_word) =>
            {
                confirmed = Some(step.clone());
                node.view.forget_before(last_word, now);
                continue;
            }
            // Who has given the volume to the holder points the record, too, in a moment.
            (Step::PointRecord { .. }, Role::Leads)
                if node.was_attached_by_another() && confirmed.as_ref() != Some(&step) =>
            {
                confirmed = Some(step.clone());
                aws.clock.sleep(POLL).await;
                node.view.forget_record_and_group();
                continue;
            }
            (Step::Blocked(reason), Role::Leads) => return Err(reason.clone().into()),
            (write, Role::Leads) => {
                following.go_on_after(write);
                take(aws, node, write, &mut waiting_for).await?
            }
        };
        confirmed = None;
        if let Some(mut pause) = pause {
            let next = match role {
                Role::Leads => until(release_due(&observed, now), now),
                Role::Follows => {
                    let asked = release_due(&observed, now).map(|due| due + ASKED_WITHIN);
                    until(asked, now).min(until(urgent_from(&observed, now), now))
                }
            };
            pause = pause.min(next);
            if !deadline.allows(aws.clock.now(), pause) {
                return Err(Failure::OutOfTime { waiting_for });
            }
            aws.clock.sleep(pause).await;
        }
    }
    let problem = format!("{waiting_for}; please report this with the function's log");
    Err(Failure::NoProgress { rounds: MOST_LOOKS, problem })
}

/// How long until a time at which a run looks again; forever, if it has passed.
fn until(next: Option<SystemTime>, now: SystemTime) -> Duration {
    let left = next.and_then(|next| next.duration_since(now).ok());
    left.filter(|left| !left.is_zero()).unwrap_or(Duration::MAX)
}

/// A person may have just mended what the run has known for a while.
fn is_confirmed_first(step: &Step, observed: &Observed) -> bool {
    step.is_irreversible(observed) || matches!(step, Step::Blocked(_))
}

/// Since when a step is due, if what is seen says so.
fn due_since(step: &Step, observed: &Observed) -> Option<SystemTime> {
    match observed.release.as_ref()?.state {
        // It is asked once more if it has let go too long ago.
        ReleaseState::Released { at } if matches!(step, Step::Detach { .. } | Step::Release { .. }) => Some(at),
        ReleaseState::NotStarted
        | ReleaseState::Marked
        | ReleaseState::Running { .. }
        | ReleaseState::Released { .. }
        | ReleaseState::Failed { .. }
        | ReleaseState::Undelivered { .. }
        | ReleaseState::Unanswered { .. }
        | ReleaseState::Resuming { .. }
        | ReleaseState::StillResuming { .. }
        | ReleaseState::ResumeFailed { .. } => None,
    }
}

/// Takes a step that writes, and returns how long to wait before the next look.
async fn take(aws: &Aws, node: &mut Node, write: &Step, waiting_for: &mut String) -> Result<Option<Duration>, Failure> {
    Ok(match apply(aws, node, write).await? {
        Applied::Done if matches!(write, Step::Detach { .. }) => Some(LEAST_DETACHMENT.saturating_sub(POLL)),
        // The group shows nothing for seconds, and the newcomer's launch starts a run of its own.
        Applied::Done if matches!(write, Step::Replace { .. }) => Some(REPLACEMENT_POLL),
        Applied::Done => None,
        Applied::Overtaken => {
            *waiting_for = format!("{} was overtaken by a change", write.name());
            node.view.volume.forget();
            Some(POLL)
        }
        Applied::TooEarly => {
            *waiting_for = format!("it is too early to {}", write.name());
            Some(SLOW_POLL)
        }
    })
}

/// What is left out fails the run, which is tried again.
fn end(node: &mut Node, reason: &Done) -> Result<Done, Failure> {
    match (node.writes.take_left_out(), reason) {
        (Some(failure), _) => Err(failure),
        (None, Done::ServesWithoutRecord { .. }) => Err(Failure::RecordNotUpdated { problem: reason.to_string() }),
        (
            None,
            Done::Serves { .. }
            | Done::Starts { .. }
            | Done::NoSuccessor
            | Done::AwaitsCapacity { .. }
            | Done::NoMove { .. }
            | Done::Underway { .. }
            | Done::NotANode { .. }
            | Done::NotOurs { .. },
        ) => Ok(reason.clone()),
    }
}

fn pause_for(reason: &WaitFor, observed: &Observed, now: SystemTime) -> Duration {
    match reason {
        WaitFor::Released { .. } => {
            let poll = if has_successor(observed, now) { POLL } else { UNHURRIED_POLL };
            match observed.release.as_ref().map(|release| release.state) {
                Some(ReleaseState::Running { since }) => {
                    (since + LEAST_RELEASE).duration_since(now).unwrap_or_default().max(poll)
                }
                Some(_) | None => poll,
            }
        }
        WaitFor::Detached { .. } if !has_successor(observed, now) => UNHURRIED_POLL,
        WaitFor::Detached { .. } | WaitFor::SpareGone { .. } => POLL,
        WaitFor::Attached { .. } => ARRIVAL_POLL,
        WaitFor::Prepared { successor } => match observed.words.of(successor, Question::Prepared) {
            Word::Asked { since } if now < *since + LONGEST_ANSWER => {
                let first = first_answer(Question::Prepared, observed, *since);
                first.duration_since(now).unwrap_or_default().max(ANSWER_POLL)
            }
            Word::NotAsked
            | Word::Asked { .. }
            | Word::Yes
            | Word::NotYet { .. }
            | Word::No { .. }
            | Word::Absent { .. } => LEISURELY_POLL,
        },
        WaitFor::Serves { holder } => match observed.words.of(holder, Question::Serves) {
            Word::Asked { since } => {
                first_answer(Question::Serves, observed, *since).duration_since(now).unwrap_or(START_POLL)
            }
            Word::NotAsked | Word::Yes | Word::NotYet { .. } | Word::No { .. } | Word::Absent { .. } => START_POLL,
        },
        WaitFor::Replacement { .. } if serves(observed) => REPLACEMENT_POLL,
        WaitFor::Booted { .. } | WaitFor::Replacement { .. } | WaitFor::Spare { .. } => LEISURELY_POLL,
        WaitFor::Resumed { .. } | WaitFor::InService { .. } => SLOW_POLL,
        // Systems Manager is asked only while a living instance holds the volume, and serves.
        WaitFor::Running { .. } if observed.release.is_some() => LEISURELY_POLL,
        WaitFor::Running { .. } => STARTING_POLL,
        WaitFor::Volume | WaitFor::Address { .. } | WaitFor::HolderGone { .. } => SLOW_POLL,
    }
}

/// When an instance that was asked then can have answered.
fn first_answer(question: Question, observed: &Observed, asked: SystemTime) -> SystemTime {
    let first = asked + LEAST_ANSWER;
    match question {
        Question::Prepared => first,
        Question::Serves => {
            let begun = observed.volume.as_ref().and_then(|volume| volume.attachments.first()?.since);
            first.max(begun.unwrap_or(asked) + LEAST_START)
        }
    }
}

/// Whether nobody has asked the holder to let go.
fn serves(observed: &Observed) -> bool {
    observed.release.as_ref().is_some_and(|release| release.state == ReleaseState::NotStarted)
}

/// One line a decision, with the same fields in every function. The last one, that nothing is left to do, is the outcome.
fn log(node: &Node, observed: &Observed, step: &Step, role: Role) {
    let holder = observed.volume.as_ref().and_then(|volume| volume.attachments.first()).map(|held| &held.instance);
    let instance = match step {
        Step::Attach { successor } => Some(successor),
        Step::Mark { instance, .. } | Step::EndSpare { instance, .. } | Step::Ask { instance, .. } => Some(instance),
        Step::Detach { holder } | Step::Terminate { holder } => Some(holder),
        Step::Replace { holder } | Step::Release { holder } | Step::Resume { holder } => Some(holder),
        Step::LaunchFirst { holder } | Step::RestoreCapacity { holder } => Some(holder),
        Step::Complete { instance, .. } => Some(instance),
        Step::ClaimName | Step::PointRecord { .. } | Step::Wait(_) | Step::Done(_) | Step::Blocked(_) => holder,
    };
    info!(
        node = %node.name(),
        instance = instance.map(|id| id.as_str()).unwrap_or_default(),
        volume = %node.declaration.volume,
        step = step.name(),
        leads = role == Role::Leads,
        reason = %step.reason(),
    );
}
