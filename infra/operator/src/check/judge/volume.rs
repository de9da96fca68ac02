//! The data volume.

use aws_sdk_ec2::types::Volume;
use durin::tags::{DATA, NODE, VOLUME, VOLUME_ID};
use durin_decisions::shell::node_tag;

use super::{missing, unknown};
use crate::check::list::Verdict;
use crate::check::read::Facts;

pub(in crate::check) fn usable(facts: &Facts) -> Verdict {
    if let (Ok(None), Some(id)) = (&facts.volume, facts.tag(VOLUME_ID)) {
        return missing(
            format!("EC2 does not list {id} in this region"),
            format!("correct the tag {VOLUME_ID}, or restore the volume"),
        );
    }
    let volume = match found(facts) {
        Ok(volume) => volume,
        Err(verdict) => return verdict,
    };
    let id = volume.volume_id().unwrap_or_default();
    let state = volume.state().map(|state| state.as_str()).unwrap_or_default();
    if !["creating", "available", "in-use"].contains(&state) {
        return missing(
            format!("{id} is in the state {state:?}"),
            format!("restore it from a snapshot, and correct the tag {VOLUME_ID}"),
        );
    }
    if volume.multi_attach_enabled() == Some(true) {
        return missing(
            format!("{id} can be attached to several instances"),
            format!("aws ec2 modify-volume --volume-id {id} --no-multi-attach-enabled"),
        );
    }
    let members: Vec<&str> = facts.group.instances().iter().filter_map(|it| it.instance_id()).collect();
    let holders = volume.attachments().iter().filter_map(|held| held.instance_id());
    match holders.into_iter().find(|holder| !members.contains(holder)) {
        Some(holder) => missing(
            format!("{id} is attached to {holder}, which is no instance of the group"),
            format!("aws ec2 detach-volume --volume-id {id} --instance-id {holder}"),
        ),
        None => Verdict::Present,
    }
}

pub(in crate::check) fn is_data(facts: &Facts) -> Verdict {
    tagged(facts, VOLUME, DATA, &format!("Key={VOLUME},Value={DATA}"))
}

pub(in crate::check) fn names_group(facts: &Facts) -> Verdict {
    let group = facts.name.as_str();
    tagged(facts, NODE, group, &node_tag(group))
}

pub(in crate::check) fn key(facts: &Facts) -> Verdict {
    let volume = match found(facts) {
        Ok(volume) => volume,
        Err(verdict) => return verdict,
    };
    let Some(key) = volume.kms_key_id() else { return Verdict::Present };
    match &facts.key_state {
        Err(why) => unknown(why),
        Ok(state) => match state.as_deref() {
            Some("Enabled") | None => Verdict::Present,
            Some("PendingDeletion") => missing(
                format!("the volume's key {key} is about to be deleted"),
                format!("aws kms cancel-key-deletion --key-id {key}; then aws kms enable-key --key-id {key}"),
            ),
            Some(state) => missing(
                format!("the volume's key {key} is in the state {state}"),
                format!("aws kms enable-key --key-id {key}"),
            ),
        },
    }
}

fn tagged(facts: &Facts, key: &str, value: &str, tag: &str) -> Verdict {
    let volume = match found(facts) {
        Ok(volume) => volume,
        Err(verdict) => return verdict,
    };
    let id = volume.volume_id().unwrap_or_default();
    let there = volume.tags().iter().find(|tag| tag.key() == Some(key)).and_then(|tag| tag.value());
    if there == Some(value) {
        return Verdict::Present;
    }
    let is = there.map_or("is not there".to_owned(), |there| format!("is {there:?}"));
    missing(
        format!("the tag {key} of {id} {is}"),
        format!("if it is this node's: aws ec2 create-tags --resources {id} --tags {tag}"),
    )
}

fn found(facts: &Facts) -> Result<&Volume, Verdict> {
    match (&facts.volume, facts.tag(VOLUME_ID)) {
        (Ok(Some(volume)), _) => Ok(volume),
        (Err(why), _) => Err(unknown(why)),
        (Ok(None), None) => Err(unknown("no tag names the volume")),
        (Ok(None), Some(_)) => Err(unknown("there is no such volume")),
    }
}
