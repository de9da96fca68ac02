//! The tags of the group.

use durin::declaration::DEFAULT_TTL_S;
use durin::ids::{HostedZoneId, RecordName, VolumeId};
use durin::tags::{DRAIN, HOSTED_ZONE_ID, NEW_VOLUME, RECORD_NAME, RECORD_TTL, VOLUME_ID, metadata_forbids};

use super::{missing, tag_group, unknown};
use crate::check::list::Verdict;
use crate::check::read::Facts;

/// The longest drain, in seconds.
const LONGEST_DRAIN_S: u64 = 10;

pub(in crate::check) fn volume_id(facts: &Facts) -> Verdict {
    let problem = |text: &str| VolumeId::new(text).err().map(|error| error.to_string());
    match tagged(facts, VOLUME_ID, "vol-…", problem) {
        Verdict::Present if !facts.tags[VOLUME_ID].1 => missing(
            format!("the tag {VOLUME_ID} is not propagated"),
            tag_group(facts, VOLUME_ID, facts.tag(VOLUME_ID).unwrap_or_default()),
        ),
        verdict => verdict,
    }
}

pub(in crate::check) fn hosted_zone_id(facts: &Facts) -> Verdict {
    tagged(facts, HOSTED_ZONE_ID, "Z…", |text| HostedZoneId::new(text).err().map(|error| error.to_string()))
}

pub(in crate::check) fn record_name(facts: &Facts) -> Verdict {
    let example = format!("{}.example.internal", facts.name);
    tagged(facts, RECORD_NAME, &example, |text| RecordName::from_tag(text).err().map(|error| error.to_string()))
}

pub(in crate::check) fn optional(facts: &Facts) -> Verdict {
    if let Some(ttl) = facts.tag(RECORD_TTL)
        && ttl.parse::<u32>().ok().is_none_or(|ttl| i32::try_from(ttl).is_err())
    {
        let remedy = tag_group(facts, RECORD_TTL, &DEFAULT_TTL_S.to_string());
        return missing(format!("the tag {RECORD_TTL} is {ttl:?}, which is no number of seconds"), remedy);
    }
    if let Some(drain) = facts.tag(DRAIN)
        && drain.parse::<u64>().ok().is_none_or(|seconds| seconds > LONGEST_DRAIN_S)
    {
        let remedy = tag_group(facts, DRAIN, &LONGEST_DRAIN_S.to_string());
        return missing(format!("the tag {DRAIN} is {drain:?}, and may be from 0 to {LONGEST_DRAIN_S} s"), remedy);
    }
    for key in [NEW_VOLUME, DRAIN] {
        if let Some((value, false)) = facts.tags.get(key) {
            return missing(format!("the tag {key} is not propagated"), tag_group(facts, key, value));
        }
    }
    Verdict::Present
}

pub(in crate::check) fn for_metadata(facts: &Facts) -> Verdict {
    let forbidden = facts.tags.iter().find(|(key, (_, propagated))| *propagated && metadata_forbids(key));
    match forbidden {
        Some((key, _)) => missing(
            format!("the tag {key:?} is propagated, with a key that instance metadata forbids"),
            "rename the tag, or do not propagate it",
        ),
        None => Verdict::Present,
    }
}

pub(in crate::check) fn unshared(facts: &Facts) -> Verdict {
    let others = match &facts.others {
        Ok(others) => others,
        Err(why) => return unknown(why),
    };
    let record = |zone: Option<&str>, name: Option<&str>| {
        Some((zone?.to_owned(), RecordName::from_tag(name?).ok()?.as_str().to_owned()))
    };
    let own_record = record(facts.tag(HOSTED_ZONE_ID), facts.tag(RECORD_NAME));
    for (other, tags) in others {
        let value = |key: &str| tags.get(key).map(String::as_str);
        if value(VOLUME_ID).is_some_and(|volume| Some(volume) == facts.tag(VOLUME_ID)) {
            return missing(
                format!("the Auto Scaling group {other} declares the same volume"),
                format!("correct the tag {VOLUME_ID} of one of them"),
            );
        }
        if own_record.is_some() && record(value(HOSTED_ZONE_ID), value(RECORD_NAME)) == own_record {
            return missing(
                format!("the Auto Scaling group {other} declares the same record"),
                format!("correct the tag {RECORD_NAME} of one of them"),
            );
        }
    }
    Verdict::Present
}

/// Whether the tag is there and means something.
fn tagged(facts: &Facts, key: &str, example: &str, problem: impl Fn(&str) -> Option<String>) -> Verdict {
    match facts.tag(key) {
        None => missing(format!("the group has no tag {key}"), tag_group(facts, key, example)),
        Some(value) => match problem(value) {
            Some(problem) => missing(format!("the tag {key} is wrong ({problem})"), tag_group(facts, key, example)),
            None => Verdict::Present,
        },
    }
}
