//! The group's own story: its scaling activities, of which Auto Scaling keeps six weeks.

use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::types::{Activity, ScalingActivityStatusCode};
use durin::aws::Aws;
use durin::ids::GroupName;

use crate::remedy::refused;

/// What "lately" means.
const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);

/// The newest first; the reason, if Auto Scaling has not answered.
pub(super) async fn of(aws: &Aws, group: &GroupName) -> Result<Vec<Activity>, String> {
    let call = aws.autoscaling.describe_scaling_activities().auto_scaling_group_name(group.as_str());
    let mut pages = call.into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(activity) = pages.next().await {
        all.push(activity.map_err(|error| refused("autoscaling:DescribeScalingActivities", &error))?);
    }
    Ok(all)
}

/// How many successors were launched in a month. The first instance of a group that is younger succeeds nobody.
pub(super) fn moves(activities: &[Activity], created: Option<SystemTime>, now: SystemTime) -> usize {
    let is_late = |at: Option<SystemTime>| at.is_some_and(|at| at + MONTH > now);
    let launches = activities.iter().filter(|it| is_launch(it) && is_over_well(it) && is_late(started(it))).count();
    if is_late(created) { launches.saturating_sub(1) } else { launches }
}

/// How many instances the group has launched, as far as it still knows.
pub(super) fn launched(activities: &[Activity]) -> usize {
    activities.iter().filter(|it| is_launch(it) && is_over_well(it)).count()
}

/// The last launch, if it has failed, in Auto Scaling's words.
pub(super) fn last_failure(activities: &[Activity]) -> Option<&str> {
    let last = activities.iter().filter(|it| is_launch(it)).max_by_key(|it| started(it))?;
    let has_failed = matches!(last.status_code(), Some(ScalingActivityStatusCode::Failed));
    last.status_message().filter(|_| has_failed)
}

/// Whether the instance was one of the group's.
pub(super) fn names(activities: &[Activity], instance: &str) -> bool {
    activities.iter().any(|it| is_about(it, instance))
}

/// Why the group has let an instance go, in Auto Scaling's words.
pub(super) fn end_of<'a>(activities: &'a [Activity], instance: &str) -> Option<&'a str> {
    activities.iter().find(|it| is_about(it, instance) && !is_launch(it)).and_then(Activity::cause)
}

/// Why it has launched one.
pub(super) fn launch_of<'a>(activities: &'a [Activity], instance: &str) -> Option<&'a str> {
    activities.iter().find(|it| is_about(it, instance) && is_launch(it)).and_then(Activity::cause)
}

/// A cause without its times, of which the first sentence says most: "At 2026-01-05T06:00:03Z an instance was …".
pub(super) fn in_short(cause: &str) -> String {
    let first = cause.trim().split_inclusive(". ").next().unwrap_or_default().trim().trim_end_matches('.');
    let rest = first.strip_prefix("At ").and_then(|rest| rest.split_once(' ')).map_or(first, |(_, rest)| rest);
    rest.to_owned()
}

fn is_launch(activity: &Activity) -> bool {
    activity.description().is_some_and(|text| text.starts_with("Launching"))
}

fn is_over_well(activity: &Activity) -> bool {
    matches!(activity.status_code(), Some(ScalingActivityStatusCode::Successful))
}

fn is_about(activity: &Activity, instance: &str) -> bool {
    activity.description().is_some_and(|text| text.split([' ', ':']).any(|word| word == instance))
}

fn started(activity: &Activity) -> Option<SystemTime> {
    activity.start_time().and_then(|time| SystemTime::try_from(*time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_without_its_times() {
        let cause = "At 2026-01-05T06:00:03Z a user request explicitly set group desired capacity changing it from 0 to 1. \
                     At 2026-01-05T06:00:09Z an instance was started.";
        assert_eq!(in_short(cause), "a user request explicitly set group desired capacity changing it from 0 to 1");
    }
}
