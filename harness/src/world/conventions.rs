//! The names on which a deployment, the images of its nodes and the people who manage them agree.

/// The SSM document that makes a guest let its volume go.
pub const RELEASE_DOCUMENT: &str = "durin-release";
/// The SSM document that makes a guest mount the volume again that it has let go. Any other document changes nothing inside
/// a guest.
pub const RESUME_DOCUMENT: &str = "durin-resume";
/// The SSM document that asks a guest whether it could mount a volume and serve from it.
pub const PREPARED_DOCUMENT: &str = "durin-prepared";
/// The SSM document that asks a guest whether it serves.
pub const SERVES_DOCUMENT: &str = "durin-serves";

/// The protocol of durin-node, which the documents run.
pub const PROTOCOL: u32 = 1;

/// The tag of a group that names its node's data volume. With [`ZONE_TAG`] and [`RECORD_TAG`] it declares a node.
pub const VOLUME_TAG: &str = "durin:volume-id";
/// The tag of a group that names the hosted zone of its node's record.
pub const ZONE_TAG: &str = "durin:hosted-zone-id";
/// The tag of a group that names its node's record.
pub const RECORD_TAG: &str = "durin:record-name";
/// The tag of what a probe of `just prove` has made.
pub const PROOF_TAG: &str = "durin:proof";
/// The tag of a group with the record's TTL in seconds.
pub const TTL_TAG: &str = "durin:record-ttl";
/// The tag of a group, and so of its instances, that names the data volume that is new.
pub const NEW_VOLUME_TAG: &str = "durin:new-volume";
/// The tag of a group, and so of its instances, by which a release drains the node first, for so many seconds.
pub const DRAIN_TAG: &str = "durin:drain";
/// The TTL without that tag.
pub const DEFAULT_TTL_S: u32 = 10;

/// Where a TXT record says whose a node's name is: this, before the name. What it says is in [`claim_text`].
pub const CLAIM_PREFIX: &str = "_durin.";

/// What that record says for the node of a group.
pub fn claim_text(group: &str) -> String {
    format!("\"node={group}\"")
}

/// The tag of an image that names the parameter it is a candidate for: its family.
pub const FAMILY_TAG: &str = "durin:image-parameter";
/// The tag of a parameter that a person has set by hand.
pub const PIN_TAG: &str = "durin:pinned";
