//! How a node is declared: by tags on its Auto Scaling group.

use std::collections::BTreeMap;

use crate::ids::{GroupName, HostedZoneId, Malformed, RecordName, VolumeId};
use crate::tags::{HOSTED_ZONE_ID, RECORD_NAME, RECORD_TTL, VOLUME_ID};

/// The TTL in seconds of a record whose node sets none. Resolvers keep pointing at the old address for that long after
/// a hand-off, so it is outage; queries in a private zone cost $0.40 a million, so it can be short.
pub const DEFAULT_TTL_S: u32 = 10;

/// The largest TTL that DNS knows, in seconds (RFC 2181).
const MAX_TTL_S: u32 = i32::MAX as u32;

/// A node, as its group's tags declare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// The group, which gives the node its name.
    pub group: GroupName,
    pub volume: VolumeId,
    pub zone: HostedZoneId,
    /// The A record in it.
    pub record: RecordName,
    /// Seconds.
    pub ttl_s: u32,
}

/// The reason why tags that should declare a node do not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// One of the three tags is missing.
    #[error(
        "the Auto Scaling group {group} has the tag {present} but not {missing}: add it, or remove the durin: tags"
    )]
    Missing { group: GroupName, present: &'static str, missing: &'static str },
    #[error("the tag {key} of the Auto Scaling group {group} is wrong: {problem}")]
    Malformed { group: GroupName, key: &'static str, problem: Malformed },
    /// The TTL is not a number of seconds.
    #[error(
        "the tag {RECORD_TTL} of the Auto Scaling group {group} is wrong: {value:?} is not a whole number of seconds from 0 to {MAX_TTL_S}"
    )]
    Ttl { group: GroupName, value: String },
    /// It is propagated, to instances whose metadata shows their tags.
    #[error(
        "EC2 refuses to launch an instance of the Auto Scaling group {group} with the tag {key:?}: where metadata shows \
         tags, their keys are of letters, digits and -_+=,.@: alone; rename the tag, do not propagate it, or set the launch \
         template's InstanceMetadataTags to disabled if nothing on the instance reads its tags"
    )]
    NotForMetadata { group: GroupName, key: String },
    /// Its instances would lack it. The functions' roles let them touch only instances that have it.
    #[error(
        "the Auto Scaling group {group} does not propagate its tag {key} to the instances that it launches, so none of them \
         can be the next node: run aws autoscaling create-or-update-tags with PropagateAtLaunch=true"
    )]
    NotPropagated { group: GroupName, key: String },
}

impl Declaration {
    /// Reads a group's tags. A group without any of ours is not a node: `None`.
    ///
    /// # Errors
    /// When a tag is missing or malformed.
    pub fn from_tags(group: &GroupName, tags: &BTreeMap<String, String>) -> Result<Option<Declaration>, TagError> {
        let Some(present) = [VOLUME_ID, HOSTED_ZONE_ID, RECORD_NAME].into_iter().find(|key| tags.contains_key(*key))
        else {
            return Ok(None);
        };
        let tag =
            |missing| tags.get(missing).ok_or_else(|| TagError::Missing { group: group.clone(), present, missing });
        let malformed = |key| move |problem| TagError::Malformed { group: group.clone(), key, problem };
        Ok(Some(Declaration {
            group: group.clone(),
            volume: VolumeId::new(tag(VOLUME_ID)?).map_err(malformed(VOLUME_ID))?,
            zone: HostedZoneId::new(tag(HOSTED_ZONE_ID)?).map_err(malformed(HOSTED_ZONE_ID))?,
            record: RecordName::from_tag(tag(RECORD_NAME)?).map_err(malformed(RECORD_NAME))?,
            ttl_s: ttl_s(group, tags.get(RECORD_TTL))?,
        }))
    }
}

fn ttl_s(group: &GroupName, tag: Option<&String>) -> Result<u32, TagError> {
    let Some(value) = tag else { return Ok(DEFAULT_TTL_S) };
    match value.parse() {
        Ok(ttl_s) if ttl_s <= MAX_TTL_S => Ok(ttl_s),
        _ => Err(TagError::Ttl { group: group.clone(), value: value.chars().take(64).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(tags: &[(&str, &str)]) -> Result<Option<Declaration>, TagError> {
        let tags = tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Declaration::from_tags(&GroupName::new("k3s").expect("a name"), &tags)
    }

    const GOOD: [(&str, &str); 3] =
        [(VOLUME_ID, "vol-0123456789abcdef0"), (HOSTED_ZONE_ID, "Z0123456789ABC"), (RECORD_NAME, "k3s.durin.internal")];

    #[test]
    fn the_three_tags_declare_a_node() {
        let node = read(&GOOD).expect("well-formed").expect("a node");
        assert_eq!((node.record.as_str(), node.ttl_s), ("k3s.durin.internal.", DEFAULT_TTL_S));
    }

    #[rstest]
    #[case::none("0", 0)]
    #[case::a_minute("60", 60)]
    #[case::as_long_as_dns_allows("2147483647", MAX_TTL_S)]
    fn the_fourth_tag_is_the_ttl(#[case] value: &str, #[case] ttl_s: u32) {
        let node = read(&[GOOD[0], GOOD[1], GOOD[2], (RECORD_TTL, value)]).expect("well-formed").expect("a node");
        assert_eq!(node.ttl_s, ttl_s);
    }

    #[test]
    fn a_group_without_our_tags_is_not_ours() {
        assert_eq!(read(&[("Name", "web"), ("durin:image-parameter", "/x")]), Ok(None));
    }

    #[rstest]
    #[case::no_zone(&[GOOD[0], GOOD[2]], HOSTED_ZONE_ID)]
    #[case::no_volume(&[GOOD[1], GOOD[2]], VOLUME_ID)]
    #[case::no_record(&[GOOD[0], GOOD[1]], RECORD_NAME)]
    #[case::malformed_volume(&[(VOLUME_ID, "vol-xyz"), GOOD[1], GOOD[2]], VOLUME_ID)]
    #[case::zone_with_prefix(&[GOOD[0], (HOSTED_ZONE_ID, "/hostedzone/Z1"), GOOD[2]], HOSTED_ZONE_ID)]
    #[case::record_with_space(&[GOOD[0], GOOD[1], (RECORD_NAME, "k3s node")], RECORD_NAME)]
    #[case::ttl_in_words(&[GOOD[0], GOOD[1], GOOD[2], (RECORD_TTL, "ten")], RECORD_TTL)]
    #[case::negative_ttl(&[GOOD[0], GOOD[1], GOOD[2], (RECORD_TTL, "-1")], RECORD_TTL)]
    #[case::ttl_beyond_dns(&[GOOD[0], GOOD[1], GOOD[2], (RECORD_TTL, "2147483648")], RECORD_TTL)]
    fn a_mistake_is_named_with_its_tag(#[case] tags: &[(&str, &str)], #[case] key: &str) {
        let error = read(tags).expect_err("a mistake");
        assert!(error.to_string().contains(key), "{error}");
        assert!(error.to_string().contains("k3s"), "{error}");
    }
}
