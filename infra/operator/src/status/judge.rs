//! From what was seen to what a person reads: how the node is, what is wrong, and what to do.

use std::time::{Duration, SystemTime};

use aws_sdk_autoscaling::types::Activity;
use aws_sdk_ec2::types::{InstanceLifecycleType, VolumeType};
use aws_smithy_types::DateTime;
use durin::node::{Blocked, Done, HolderWord, Look, Released};
use durin::risk::{Risk, RiskReason};
use durin::times::{instant, timestamp};
use durin_decisions::node::{AttachmentState, Record, RecordProblem, Step, VolumeState};

use super::activities;
use super::read::{Facts, family};
use super::report::{self, Holder, Image, NodeReport, Snapshot, State};
use super::story::last_hand_off;
use super::wrong;
use crate::sentence::Wrong;
use crate::words::{ago, minute};

/// What one node is, put together.
pub(super) fn report(
    look: &Look,
    facts: &Facts,
    activities: &Result<Vec<Activity>, String>,
    released: &Result<Vec<Released>, String>,
    now: SystemTime,
) -> NodeReport {
    let mut unknown = Vec::new();
    let name = look.observed.declaration.group.to_string();
    let last = last_hand_off(look, activities, released, &mut unknown);
    let created = facts.groups.as_ref().ok().and_then(|all| time(all.get(&name)?.created_time()));
    let moves = match activities {
        Ok(activities) => Some(activities::moves(activities, created, now)),
        Err(why) => {
            unknown.push(format!("the moves in 30 days: {why}"));
            None
        }
    };
    let state = state(look);
    let (backup, mut advice) = backup(look, facts, now, &mut unknown);
    let image = image(look, facts, now, &mut unknown);
    advice.extend(image.as_ref().and_then(wrong::image));
    NodeReport {
        state,
        doing: doing(look),
        holder: holder(look, facts, now, &mut unknown),
        image,
        record: Some(record(look)),
        volume: Some(volume(look, facts)),
        last_hand_off: last,
        moves_in_30_days: moves,
        next: next(look, facts, now),
        backup,
        wrong: wrong::of(look, state, activities, now),
        advice,
        node: name,
        unknown,
    }
}

/// Of a group that tries to declare a node.
pub(super) fn mistake(blocked: &Blocked) -> Wrong {
    wrong::blocked(blocked)
}

fn state(look: &Look) -> State {
    let observed = &look.observed;
    // Durin may be busy with an action that nothing depends on.
    let is_idle = look.blocked.is_some()
        || match &look.step {
            Step::Done(
                Done::Serves { .. }
                | Done::Starts { .. }
                | Done::ServesWithoutRecord { .. }
                | Done::AwaitsCapacity { .. },
            )
            | Step::Blocked(_) => true,
            Step::Done(
                Done::NoSuccessor
                | Done::NoMove { .. }
                | Done::Underway { .. }
                | Done::NotANode { .. }
                | Done::NotOurs { .. },
            ) => true,
            Step::Wait(_)
            | Step::Attach { .. }
            | Step::Mark { .. }
            | Step::Replace { .. }
            | Step::LaunchFirst { .. }
            | Step::EndSpare { .. }
            | Step::RestoreCapacity { .. }
            | Step::Resume { .. }
            | Step::Ask { .. }
            | Step::Release { .. }
            | Step::Detach { .. }
            | Step::Terminate { .. }
            | Step::PointRecord { .. }
            | Step::Complete { .. } => false,
            // A hand-off has none of these alone.
            Step::ClaimName => true,
        };
    let is_held = observed.volume.as_ref().is_some_and(|volume| !volume.attachments.is_empty());
    match look.word {
        _ if observed.group.desired_capacity == 0 && !is_held => State::Rests,
        _ if observed.lacks_holder() && is_idle => State::Away,
        _ if !is_idle => State::Moves,
        HolderWord::Denies { .. } => State::DoesNotServe,
        HolderWord::Serves { .. } => State::Serves,
        HolderWord::NoHolder
        | HolderWord::Unknown(_)
        | HolderWord::NotAsked
        | HolderWord::Asked { .. }
        | HolderWord::Mute { .. } => State::Held,
    }
}

fn doing(look: &Look) -> Option<String> {
    match &look.step {
        Step::Done(Done::Serves { .. } | Done::ServesWithoutRecord { .. } | Done::NoSuccessor) | Step::Blocked(_) => {
            None
        }
        Step::Done(done) => Some(done.to_string()),
        Step::Wait(wait) => Some(format!("waiting for {wait}")),
        write => Some(format!("{}: {}", write.name(), write.reason())),
    }
}

fn holder(look: &Look, facts: &Facts, now: SystemTime, unknown: &mut Vec<String>) -> Option<Holder> {
    let held = look.observed.volume.as_ref()?.attachments.first()?;
    let seen = look.observed.instances.get(&held.instance);
    let listed = match &facts.instances {
        Ok(instances) => instances.get(held.instance.as_str()),
        Err(why) => {
            unknown.push(format!("the holder's type and image: {why}"));
            None
        }
    };
    let market = listed.map(|it| match it.instance_lifecycle() {
        Some(InstanceLifecycleType::Spot) => "spot".to_owned(),
        Some(other) => other.as_str().to_owned(),
        None => "on demand".to_owned(),
    });
    let says = match &look.word {
        HolderWord::Serves { at } => format!("says that it serves ({} ago)", ago(now, *at)),
        HolderWord::Asked { at } => {
            format!("was asked {} ago whether it serves, and has not answered yet", ago(now, *at))
        }
        HolderWord::NotAsked => "has not been asked lately whether it serves".to_owned(),
        HolderWord::Denies { why } => format!("says that it does not serve ({why})"),
        HolderWord::Unknown(why) => {
            unknown.push(format!("what the holder says of itself: {why}"));
            "what it says of itself is unknown".to_owned()
        }
        HolderWord::Mute { .. } => "cannot be asked whether it serves".to_owned(),
        HolderWord::NoHolder => String::new(),
    };
    Some(Holder {
        instance: held.instance.to_string(),
        instance_type: listed.and_then(|it| Some(it.instance_type()?.as_str().to_owned())),
        market,
        zone: seen.map(|seen| seen.zone.clone()),
        address: seen.and_then(|seen| seen.private_ip).map(|address| address.to_string()),
        since: held.since.map(timestamp),
        seconds: held.since.and_then(|since| now.duration_since(since).ok()).map(|span| span.as_secs()),
        says,
    })
}

fn image(look: &Look, facts: &Facts, now: SystemTime, unknown: &mut Vec<String>) -> Option<Image> {
    let held = look.observed.volume.as_ref()?.attachments.first()?;
    let id = facts.instances.as_ref().ok()?.get(held.instance.as_str())?.image_id()?;
    let listed = match &facts.images {
        Ok(images) => images.get(id),
        Err(why) => {
            unknown.push(format!("the image's name and age: {why}"));
            None
        }
    };
    if listed.is_none() && facts.images.is_ok() {
        unknown.push(format!("the image's name and age: EC2 does not list {id} any more"));
    }
    let created = listed.and_then(|it| instant(it.creation_date()?));
    let published = listed.and_then(|it| facts.published.get(&family(it)?));
    let next = match published {
        Some(Ok(next)) => Some(next.clone()).filter(|next| next != id),
        Some(Err(why)) => {
            unknown.push(format!("the next image: {why}"));
            None
        }
        None => None,
    };
    Some(Image {
        id: id.to_owned(),
        name: listed.and_then(|it| it.name()).map(str::to_owned),
        created: created.map(timestamp),
        days: created.and_then(|at| now.duration_since(at).ok()).map(|age| age.as_secs() / 86_400),
        next,
    })
}

fn record(look: &Look) -> report::Record {
    let declaration = &look.observed.declaration;
    let says = match &look.observed.record {
        Record::Absent => "there is none yet".to_owned(),
        Record::Simple(found) => format!("{}, TTL {} s", found.address, found.ttl_s),
        Record::Foreign(what) => what.clone(),
        Record::Unavailable(RecordProblem::NoSuchZone) => "its hosted zone does not exist".to_owned(),
        Record::Unavailable(RecordProblem::ZoneNotAllowed) => "not known: its hosted zone may not be read".to_owned(),
        Record::Unavailable(RecordProblem::Refused(why)) => format!("Route 53 refuses it ({why})"),
        Record::Unavailable(RecordProblem::Unanswered(why)) => format!("not known ({why})"),
    };
    report::Record {
        name: declaration.record.as_str().trim_end_matches('.').to_owned(),
        hosted_zone: declaration.zone.to_string(),
        says,
    }
}

fn volume(look: &Look, facts: &Facts) -> report::Volume {
    let id = look.observed.declaration.volume.to_string();
    let listed = facts.volumes.as_ref().ok().and_then(|volumes| volumes.get(&id));
    let says = match &look.observed.volume {
        None => "EC2 does not list it".to_owned(),
        Some(volume) => match (volume.attachments.first().map(|held| held.state), &volume.state) {
            (Some(AttachmentState::Attached), _) => "attached".to_owned(),
            (Some(AttachmentState::Attaching), _) => "attaching".to_owned(),
            (Some(AttachmentState::Detaching), _) => "detaching".to_owned(),
            (None, VolumeState::Available) => "free".to_owned(),
            (None, VolumeState::Creating) => "being made".to_owned(),
            (None, VolumeState::InUse) => "in use according to EC2, but attached to no instance".to_owned(),
            (None, VolumeState::Unusable(state)) => state.clone(),
        },
    };
    report::Volume {
        id,
        gib: listed.and_then(|it| it.size()),
        kind: listed.and_then(|it| it.volume_type()).map(VolumeType::as_str).map(str::to_owned),
        zone: look.observed.volume.as_ref().map(|volume| volume.zone.clone()),
        says,
    }
}

/// Durin has no windows: a node moves when it has to, and a new image waits for that.
fn next(look: &Look, facts: &Facts, now: SystemTime) -> String {
    let observed = &look.observed;
    let Some(held) = observed.volume.as_ref().and_then(|volume| volume.attachments.first()) else {
        let until =
            if observed.group.desired_capacity == 0 { "its group wants an instance" } else { "it has an instance" };
        return format!("as soon as {until}");
    };
    let seen = observed.instances.get(&held.instance);
    if let Some(stop) = seen.and_then(|seen| seen.stop.time()) {
        return format!("before {}, when EC2 stops the instance because its host retires", minute(stop));
    }
    if let Some(risk) = seen.and_then(|seen| seen.risk) {
        return format!("soon: {}", self::risk(risk));
    }
    let group = facts.groups.as_ref().ok().and_then(|groups| groups.get(observed.declaration.group.as_str()));
    let lifetime = group.and_then(|group| u64::try_from(group.max_instance_lifetime()?).ok()).filter(|most| *most > 0);
    if let (Some(most), Some(launched)) = (lifetime, seen.and_then(|seen| seen.launched)) {
        let end = launched + Duration::from_secs(most);
        return format!("by {}, the end of its group's maximum instance lifetime", minute(end.max(now)));
    }
    let listed = facts.instances.as_ref().ok().and_then(|instances| instances.get(held.instance.as_str()));
    match listed.and_then(|it| it.instance_lifecycle()) {
        Some(InstanceLifecycleType::Spot) => {
            "no move is planned; EC2 may take a spot instance at any time, with two minutes' notice".to_owned()
        }
        Some(_) | None => "no move is planned".to_owned(),
    }
}

fn backup(look: &Look, facts: &Facts, now: SystemTime, unknown: &mut Vec<String>) -> (Option<Snapshot>, Vec<Wrong>) {
    let volume = &look.observed.declaration.volume;
    let newest = match &facts.snapshots {
        Ok(newest) => newest.get(volume.as_str()),
        Err(why) => {
            unknown.push(format!("the last backup: {why}"));
            return (None, Vec::new());
        }
    };
    let Some(newest) = newest else { return (None, wrong::no_backup(look)) };
    let started = time(newest.start_time());
    let snapshot = Snapshot {
        id: newest.snapshot_id().unwrap_or_default().to_owned(),
        started: started.map(timestamp),
        state: newest.state().map(|state| state.as_str()).unwrap_or_default().to_owned(),
        hours: started.and_then(|at| now.duration_since(at).ok()).map(|age| age.as_secs() / 3_600),
    };
    (Some(snapshot), Vec::new())
}

/// A mark, in words.
pub(super) fn risk(risk: Risk) -> String {
    match risk.reason {
        RiskReason::Rebalance => "EC2 has recommended a rebalance".to_owned(),
        RiskReason::Retirement => "its host retires".to_owned(),
        RiskReason::Terminating => "its group ends it".to_owned(),
        RiskReason::Interruption => "EC2 takes the spot capacity back".to_owned(),
    }
}

fn time(time: Option<&DateTime>) -> Option<SystemTime> {
    time.and_then(|time| SystemTime::try_from(*time).ok())
}
