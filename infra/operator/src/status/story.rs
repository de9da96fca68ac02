//! The last hand-off: from whom, how long, and why. Systems Manager, Auto Scaling and the tags of instances each know a part,
//! and forget it at a time of their own.

use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::types::Activity;
use durin::ids::InstanceId;
use durin::node::{Look, Released};
use durin::risk::RiskReason;
use durin::times::timestamp;

use super::activities;
use super::report::LastHandOff;

/// How long before an attachment its volume was released, at the most.
const RELEASED_WITHIN: Duration = Duration::from_secs(600);

/// The clocks of EC2 and of Systems Manager differ by so much.
const CLOCKS: Duration = Duration::from_secs(5);

/// None if there was none, as far as anybody knows. What is not known is added to `unknown`.
pub(super) fn last_hand_off(
    look: &Look,
    activities: &Result<Vec<Activity>, String>,
    released: &Result<Vec<Released>, String>,
    unknown: &mut Vec<String>,
) -> Option<LastHandOff> {
    let held = look.observed.volume.as_ref()?.attachments.first()?;
    let since = held.since?;
    let release = match released {
        Ok(released) => release(look, activities, released, &held.instance, since),
        Err(why) => {
            unknown.push(format!("the last hand-off's seconds: {why}"));
            None
        }
    };
    let is_first = activities.as_ref().is_ok_and(|all| release.is_none() && activities::launched(all) < 2);
    if is_first {
        return None;
    }
    let beginning = look.beginning.filter(|beginning| beginning.at >= since);
    let seconds = release.zip(beginning).and_then(|(release, beginning)| seconds(release.asked, beginning.at));
    if seconds.is_none() && released.is_ok() {
        unknown.push(match (release, beginning) {
            (None, _) => {
                "the last hand-off's seconds: no instance has released the volume for it in the last 30 days, which \
                          one that has died cannot"
                    .to_owned()
            }
            (Some(_), _) => {
                "the last hand-off's seconds: the holder has not said in its first minutes that it serves".to_owned()
            }
        });
    }
    Some(LastHandOff {
        at: timestamp(since),
        from: release.map(|release| release.instance.to_string()),
        seconds,
        release_seconds: release.and_then(|release| self::seconds(release.asked, release.at)),
        mount_seconds: beginning.and_then(|beginning| beginning.mount_s),
        k3s_seconds: beginning.and_then(|beginning| beginning.k3s_s),
        why: why(look, activities.as_deref().unwrap_or_default(), release, &held.instance),
    })
}

/// Of the instance before, which was one of the group's.
fn release<'a>(
    look: &Look,
    activities: &Result<Vec<Activity>, String>,
    released: &'a [Released],
    holder: &InstanceId,
    since: SystemTime,
) -> Option<&'a Released> {
    let was_ours = |instance: &InstanceId| {
        look.observed.instances.get(instance).is_some_and(|it| it.of_group)
            || activities.as_ref().is_ok_and(|all| activities::names(all, instance.as_str()))
    };
    let is_of_it = |it: &&Released| {
        it.instance != *holder
            && it.asked <= since + CLOCKS
            && since <= it.asked + RELEASED_WITHIN
            && was_ours(&it.instance)
    };
    // Asked twice, it had let go at the first.
    released.iter().filter(is_of_it).min_by_key(|it| it.asked)
}

/// By the mark of the one before, as long as EC2 lists it; else in Auto Scaling's words.
fn why(look: &Look, activities: &[Activity], release: Option<&Released>, holder: &InstanceId) -> Option<String> {
    let before = release.map(|release| &release.instance);
    let risk = before.and_then(|before| look.observed.instances.get(before)?.risk);
    if let Some(Some(why)) = risk.map(|risk| past(risk.reason)) {
        return Some(why.to_owned());
    }
    let end = before.and_then(|before| activities::end_of(activities, before.as_str()));
    end.or_else(|| activities::launch_of(activities, holder.as_str())).map(activities::in_short)
}

/// Of what its group ended, the group says more.
fn past(reason: RiskReason) -> Option<&'static str> {
    match reason {
        RiskReason::Rebalance => Some("EC2 had recommended a rebalance"),
        RiskReason::Retirement => Some("the host of the instance before retired"),
        RiskReason::Interruption => Some("EC2 took the spot capacity back"),
        RiskReason::Terminating => None,
    }
}

fn seconds(from: SystemTime, to: SystemTime) -> Option<u64> {
    to.duration_since(from).ok().map(|span| span.as_secs())
}
