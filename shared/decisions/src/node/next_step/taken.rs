//! When EC2 takes an instance away, if it has said so: by interrupting it, or by stopping it because its host retires.
//!
//! A stop is known for weeks, so how its instance goes depends on the time that is left:
//!
//! ```text
//! until a day before     launch first, again and again; a group that is too small for it is reported (see capacity.rs), and,
//!                        for two days, that there is no capacity
//! the last day           the group replaces it like any holder that has to go: it launches another while the terminate
//!                        hook keeps the holder serving for nine minutes, and then the holder lets go, whoever is there
//! Launch is suspended    blocked, because nothing could follow; the holder serves
//! the last 15 minutes    with Launch suspended it lets go and is detached, though nothing can follow
//! the last 6 minutes     it lets go and is detached, whoever follows
//! ```
//!
//! The last lines cost a node without a successor up to a quarter of an hour of service, which would end at the stop in
//! any case. In return its volume is unmounted: at best the stop is an orderly shutdown in the middle of the work, on a
//! host that AWS has given up; at worst it is a power cut. An hour would gain nothing: three ticks of the schedule are
//! enough for one that is lost and one that fails. Where a successor may still come, serving is worth two of them.

use std::time::{Duration, SystemTime};

use super::patience::{LAST_DAY, LAST_DAYS, STOP_LEAD, STOP_MAY_COME_FOR};
use crate::node::observed::{Instance, Stop};
use crate::risk::{RECLAIM_MAY_COME_FOR, Risk, RiskReason};

/// When EC2 takes the instance next: its reclaim, or its stop, once that is so near that the instance has to let go.
pub(super) fn taken_at(instance: &Instance, now: SystemTime) -> Option<SystemTime> {
    let times = [reclaimed_at(instance, now), stopped_at(instance, now)];
    times.into_iter().flatten().filter(|time| *time >= now).min()
}

/// Whether EC2 takes the instance, or may still do so although the announced time is over.
pub(super) fn is_taken(instance: &Instance, now: SystemTime) -> bool {
    reclaimed_at(instance, now).is_some() || stopped_at(instance, now).is_some()
}

/// When EC2 takes its capacity back. If it has not done so long after that, it has changed its mind.
pub(super) fn reclaimed_at(instance: &Instance, now: SystemTime) -> Option<SystemTime> {
    instance.risk.and_then(Risk::reclaim).filter(|until| now < *until + RECLAIM_MAY_COME_FOR)
}

/// When EC2 stops it, in the last minutes before. If it has not done so long after that, the time has been changed.
pub(super) fn stopped_at(instance: &Instance, now: SystemTime) -> Option<SystemTime> {
    instance.stop.time().filter(|stop| is_within(*stop, STOP_LEAD, now) && now < *stop + STOP_MAY_COME_FOR)
}

/// Whether so little time is left before its stop that it goes even if its successor cannot be launched first.
pub(super) fn has_to_be_replaced(instance: &Instance, now: SystemTime) -> bool {
    instance.stop.time().is_some_and(|stop| is_within(stop, LAST_DAY, now))
}

/// When EC2 stops it, if a person has hardly any time left to find out why nothing can follow.
pub(super) fn stops_soon(instance: &Instance, now: SystemTime) -> Option<SystemTime> {
    instance.stop.time().filter(|stop| is_within(*stop, LAST_DAYS, now))
}

/// Whether EC2 is about to take it, whether or not it has given a time.
pub(super) fn is_doomed(instance: &Instance, now: SystemTime) -> bool {
    let at_any_moment = Some(Risk { reason: RiskReason::Interruption, until: None });
    instance.risk == at_any_moment || is_taken(instance, now)
}

/// Whether its host retires. The mark is made from an event, and no event says that AWS has called the retirement off:
/// EC2's list decides.
pub fn retires(instance: &Instance) -> bool {
    match instance.stop {
        Stop::At(_) => true,
        Stop::None => false,
        Stop::Unknown => instance.risk.is_some_and(|risk| risk.reason == RiskReason::Retirement),
    }
}

/// Whether that time is no further away, or past.
fn is_within(time: SystemTime, span: Duration, now: SystemTime) -> bool {
    time <= now + span
}
