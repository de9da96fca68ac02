//! What is wrong with a node, each thing in one sentence, with one thing to do.

use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::types::Activity;
use durin::declaration::TagError;
use durin::ids::{GroupName, InstanceId};
use durin::node::{Blocked, Done, HolderWord, LONGEST_PERIOD, Look};
use durin::tags::RECORD_TTL;
use durin_decisions::node::{AttachmentState, InstanceState, Lifecycle, ReleaseState, Step};
use durin_decisions::shell::quoted;

use super::activities;
use super::report::{Image, State};
use crate::sentence::Wrong;
use crate::words::span;

/// How long a hand-off takes at the most, if all is as it should be.
const LONG: Duration = Duration::from_secs(600);

/// How long Durin leaves a state alone that takes seconds, before it does something about it.
const STUCK: Duration = Duration::from_secs(240);

/// How long a holder has the volume until the schedule has asked it: three of its periods.
const FIRST_ASKED_WITHIN: Duration = Duration::from_secs(3 * LONGEST_PERIOD.as_secs());

/// All that is wrong, the worst first.
pub(super) fn of(look: &Look, state: State, activities: &Result<Vec<Activity>, String>, now: SystemTime) -> Vec<Wrong> {
    let mut all: Vec<Wrong> = look.blocked.iter().map(blocked).collect();
    all.extend(away(look, state, activities.as_deref().unwrap_or_default()));
    all.extend(too_long(look, state, now));
    all.extend(stuck(look, now));
    all.extend(holder(look, state, now));
    all.extend(record(look));
    all
}

/// What a function refuses to do anything about.
pub(super) fn blocked(reason: &Blocked) -> Wrong {
    match reason {
        Blocked::Tags(TagError::Malformed { group, key, .. }) => Wrong::new(reason.to_string(), retag(group, key)),
        Blocked::Tags(TagError::Ttl { group, .. }) => Wrong::new(reason.to_string(), retag(group, RECORD_TTL)),
        Blocked::Tags(TagError::NotForMetadata { group, key }) => Wrong::new(
            format!(
                "EC2 refuses to launch an instance of the Auto Scaling group {group} with the tag {key:?}, because where metadata \
                 shows tags, their keys are of letters, digits and -_+=,.@: alone"
            ),
            "rename the tag, or do not propagate it",
        ),
        other => Wrong::of_message(
            &other.to_string(),
            "look at the log of durin-node-resync, which says it every five minutes",
        ),
    }
}

/// The command that corrects a tag of a group.
fn retag(group: &GroupName, key: &str) -> String {
    let tag = format!("ResourceId={group},ResourceType=auto-scaling-group,Key={key},Value=…,PropagateAtLaunch=true");
    format!("correct it: aws autoscaling create-or-update-tags --tags {}", quoted(&tag))
}

fn away(look: &Look, state: State, activities: &[Activity]) -> Option<Wrong> {
    let observed = &look.observed;
    let (group, volume) = (&observed.declaration.group, &observed.declaration.volume);
    if let Step::Done(Done::AwaitsCapacity { holder }) = &look.step {
        let why = activities::last_failure(activities).unwrap_or("no launch has succeeded");
        let what = format!("{holder} has to go, and its group {group} cannot launch its successor ({})", clean(why));
        return Some(Wrong::new(what, capacity(group)));
    }
    if state != State::Away || look.blocked.is_some() {
        return None;
    }
    Some(match activities::last_failure(activities) {
        Some(why) => {
            let what =
                format!("no instance of {group} has its volume {volume}, and the last launch failed ({})", clean(why));
            Wrong::new(what, capacity(group))
        }
        None => Wrong::new(
            format!("no instance of {group} has its volume {volume}, and none is being launched"),
            format!(
                "see why: aws autoscaling describe-scaling-activities --auto-scaling-group-name {} --max-items 3",
                quoted(group.as_str())
            ),
        ),
    })
}

fn capacity(group: &GroupName) -> String {
    format!(
        "wait, because the group tries again, or give it more instance types, or an on-demand instance for the time being \
         (OnDemandBaseCapacity 1); aws autoscaling describe-scaling-activities --auto-scaling-group-name {} --max-items 3 shows \
         what it tries",
        quoted(group.as_str())
    )
}

/// In a hand-off that does not come to its end.
fn too_long(look: &Look, state: State, now: SystemTime) -> Option<Wrong> {
    let observed = &look.observed;
    if state != State::Moves {
        return None;
    }
    let launching = observed.group.members.iter().filter(|(_, at)| matches!(at, Lifecycle::Launching { .. }));
    let launched = launching.filter_map(|(id, _)| Some((id, observed.instances.get(id)?.launched?)));
    let (newcomer, since) = launched.max_by_key(|(_, since)| *since)?;
    let age = now.duration_since(since).ok().filter(|age| *age > LONG)?;
    let what = format!(
        "{newcomer} was launched {} ago and is not in service yet, although a hand-off takes a minute or two",
        span(age)
    );
    Some(Wrong::new(what, logs(&observed.declaration.group)))
}

/// In a state that takes seconds.
fn stuck(look: &Look, now: SystemTime) -> Option<Wrong> {
    let observed = &look.observed;
    let (group, volume) = (&observed.declaration.group, &observed.declaration.volume);
    let held = observed.volume.as_ref()?.attachments.first()?;
    let id = &held.instance;
    let let_go = match observed.release.as_ref().map(|release| release.state) {
        Some(
            ReleaseState::Released { at }
            | ReleaseState::StillResuming { since: at, .. }
            | ReleaseState::ResumeFailed { at, .. },
        ) => Some(at),
        Some(
            ReleaseState::NotStarted
            | ReleaseState::Marked
            | ReleaseState::Running { .. }
            | ReleaseState::Failed { .. }
            | ReleaseState::Undelivered { .. }
            | ReleaseState::Unanswered { .. }
            | ReleaseState::Resuming { .. },
        )
        | None => None,
    };
    let (since, what) = match held.state {
        AttachmentState::Attaching => (held.since?, format!("EC2 is still attaching {volume} to {id}")),
        AttachmentState::Detaching => (let_go?, format!("EC2 is still detaching {volume} from {id}")),
        AttachmentState::Attached => (let_go?, format!("{id} has let go of {volume}, and no instance serves from it")),
    };
    let age = now.duration_since(since).ok().filter(|age| *age > STUCK)?;
    let what = format!("{what}, {} after it began, although this takes seconds", span(age));
    Some(Wrong::new(what, logs(group)))
}

fn logs(group: &GroupName) -> String {
    format!(
        "see what keeps it: aws logs tail /aws/lambda/durin-node-lifecycle --since 1h --filter-pattern {}",
        quoted(group.as_str())
    )
}

fn holder(look: &Look, state: State, now: SystemTime) -> Vec<Wrong> {
    let observed = &look.observed;
    let mut all = Vec::new();
    let Some(held) = observed.volume.as_ref().and_then(|volume| volume.attachments.first()) else { return all };
    let id = &held.instance;
    if let HolderWord::Mute { why } = &look.word {
        let what = format!("{id} cannot be asked whether it serves, nor to release the volume in order");
        all.push(Wrong::new(what, why.clone()));
    }
    let runs = observed.instances.get(id).is_some_and(|it| it.state == InstanceState::Running);
    let is_settled = state != State::Moves && held.state == AttachmentState::Attached && runs;
    if let HolderWord::Denies { why } = &look.word {
        let what = format!("{id} has the volume and is in service, but says that it does not serve ({why})");
        all.push(Wrong::new(what, look_inside(id)));
    }
    if is_settled && look.agent == Some(false) {
        let what = format!(
            "the Systems Manager agent of {id} is not online, so Durin cannot ask {id} whether it serves, nor to release the volume, \
             and will end it instead when it has to go"
        );
        all.push(Wrong::new(what, format!("start the agent, or replace the instance: {}", replace(id))));
    } else if is_settled && look.word == HolderWord::NotAsked && should_be_asked(look, id, held.since, now) {
        let what = format!(
            "{id} has not been asked for seven minutes whether it serves, although Durin's schedule asks every five, so Durin may \
             not be running in this region"
        );
        all.push(Wrong::new(what, "deploy it: just deploy"));
    }
    if observed.instances.get(id).is_some_and(durin_decisions::node::Instance::hides_tags) {
        let what = format!("the metadata of {id} shows no tags, from which the instance learns which volume to mount");
        let remedy = "set InstanceMetadataTags to enabled in the MetadataOptions of the group's launch template";
        all.push(Wrong::new(what, remedy));
    }
    all
}

/// Whether the schedule should have asked it by now. It asks those in service.
fn should_be_asked(look: &Look, id: &InstanceId, since: Option<SystemTime>, now: SystemTime) -> bool {
    let is_in_service = look.observed.group.members.get(id) == Some(&Lifecycle::InService);
    is_in_service && since.is_some_and(|since| since + FIRST_ASKED_WITHIN < now)
}

fn look_inside(id: &InstanceId) -> String {
    format!("look at journalctl -u k3s on it: aws ssm start-session --target {id}")
}

fn replace(id: &InstanceId) -> String {
    format!(
        "aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {id} --no-should-decrement-desired-capacity"
    )
}

fn record(look: &Look) -> Option<Wrong> {
    let Step::Done(Done::ServesWithoutRecord { name, problem, .. }) = &look.step else { return None };
    let what = format!("whether {name} points at the holder is not known ({})", clean(problem));
    Some(Wrong::new(what, "run the same command again in a minute; Durin tries again at each tick"))
}

/// Whether anything copies the volume is nothing that the functions look at.
pub(super) fn no_backup(look: &Look) -> Vec<Wrong> {
    let volume = &look.observed.declaration.volume;
    if look.observed.volume.is_none() {
        return Vec::new();
    }
    let what = format!("there is no snapshot of {volume}, so the volume itself is the only copy of its data");
    let remedy = format!(
        "wait for the first daily copy, if just deploy-node made the node, or have Data Lifecycle Manager make one a day, if not; \
         or make one now: aws ec2 create-snapshot --volume-id {volume}"
    );
    vec![Wrong::new(what, remedy)]
}

/// It is none of Durin's to move a node because of it.
pub(super) fn image(image: &Image) -> Option<Wrong> {
    let next = image.next.as_ref()?;
    let what = format!("a newer image is published, {next}, which the next instance boots from");
    Some(Wrong::new(what, "nothing; to have it at once, start an instance refresh or run just drill"))
}

/// In one line, without a full stop.
fn clean(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
