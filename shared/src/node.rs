//! The node loop: observe, decide the next step, apply that one step, observe again, until there is nothing to do.
//!
//! Every event, and the schedule, run this same loop. Running it again after success does nothing.

mod apply;
mod observe;

use std::time::Duration;

use tracing::info;

pub use apply::{DEVICE, RELEASE_DOCUMENT};
pub use durin_decisions::node::{Blocked, Done, LONGEST_PERIOD, least_heartbeat};
pub use observe::{View, find_all, groups_of, observe_all};

use durin_decisions::node::{Observed, Step, WaitFor, next_step};

use crate::aws::Aws;
use crate::clock::Deadline;
use crate::failure::Failure;
use apply::{Applied, apply};

/// How long to wait between two looks while the volume is on its way: half of this is outage, on average.
const POLL: Duration = Duration::from_millis(500);

/// How long to wait between two looks for what takes EC2 tens of seconds.
const SLOW_POLL: Duration = Duration::from_secs(1);

/// How long to wait between two looks while the holder serves until its successor has booted: no outage at all.
const LEISURELY_POLL: Duration = Duration::from_secs(3);

/// No node needs so many looks in the 15 minutes that Lambda allows; a loop that does has lost its way.
const MOST_LOOKS: usize = 2_000;

/// Brings the node to where nothing is left to do, and says why nothing is.
///
/// # Errors
/// When a person is needed, AWS fails for good, or the deadline comes first. Nothing is lost: the next run goes on from
/// what is there.
pub async fn run(aws: &Aws, view: &mut View, deadline: Deadline) -> Result<Done, Failure> {
    let mut confirmed: Option<Step> = None;
    let mut waiting_for = "the first look at the node".to_owned();
    let mut logged: Option<Step> = None;
    for _ in 0..MOST_LOOKS {
        let observed = view.observe(aws).await?;
        let step = next_step(&observed, aws.clock.now());
        if logged.as_ref() != Some(&step) {
            log(view, &observed, &step);
            logged = Some(step.clone());
        }
        let pause = match &step {
            Step::Done(reason) => return Ok(reason.clone()),
            Step::Blocked(reason) => return Err(reason.clone().into()),
            Step::Wait(reason) => {
                waiting_for = format!("waiting for {reason}");
                view.forget_awaited(reason);
                Some(pause_for(reason, &observed))
            }
            // What cannot be given back is taken only after a second, fresh look at everything.
            irreversible if irreversible.is_irreversible() && confirmed.as_ref() != Some(irreversible) => {
                confirmed = Some(step.clone());
                view.forget_all();
                continue;
            }
            write => match apply(aws, view, write).await? {
                Applied::Done => None,
                Applied::Overtaken => {
                    waiting_for = format!("{} was overtaken by a change", write.name());
                    view.forget_volume();
                    Some(POLL)
                }
            },
        };
        confirmed = None;
        if let Some(pause) = pause {
            if !deadline.allows(aws.clock.now(), pause) {
                break;
            }
            aws.clock.sleep(pause).await;
        }
    }
    Err(Failure::OutOfTime { waiting_for })
}

fn pause_for(reason: &WaitFor, observed: &Observed) -> Duration {
    match reason {
        WaitFor::Attached { .. } | WaitFor::Detached { .. } | WaitFor::Released { .. } => POLL,
        WaitFor::Booted { .. } | WaitFor::Replacement { .. } => LEISURELY_POLL,
        // Systems Manager is asked only while somebody alive holds the volume, and serves.
        WaitFor::Running { .. } if observed.release.is_some() => LEISURELY_POLL,
        WaitFor::Running { .. } | WaitFor::Volume | WaitFor::Address { .. } | WaitFor::HolderGone { .. } => SLOW_POLL,
    }
}

/// One line a decision, with the same fields in every function.
fn log(view: &View, observed: &Observed, step: &Step) {
    let declaration = view.declaration();
    let holder = observed.volume.as_ref().and_then(|volume| volume.attachments.first()).map(|held| &held.instance);
    let instance = match step {
        Step::Attach { successor } => Some(successor),
        Step::Mark { instance, .. } => Some(instance),
        Step::Detach { holder } | Step::Terminate { holder } => Some(holder),
        Step::Replace { holder } | Step::Release { holder } => Some(holder),
        Step::Complete { instance, .. } => Some(instance),
        Step::PointRecord { .. } | Step::Wait(_) | Step::Done(_) | Step::Blocked(_) => holder,
    };
    info!(
        node = %declaration.group,
        instance = instance.map(|id| id.as_str()).unwrap_or_default(),
        volume = %declaration.volume,
        step = step.name(),
        reason = %step.reason(),
    );
}
