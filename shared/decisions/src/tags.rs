//! The keys of all tags that mean something to Durin, with the writer of each, and how long it is believed.

/// On an Auto Scaling group: the data volume's id. A person writes it; the group propagates it to its instances, by
/// which an instance of a node is known. Read at every look.
pub const VOLUME_ID: &str = "durin:volume-id";

/// On an Auto Scaling group: the id of the private hosted zone. A person writes it; read at every look.
pub const HOSTED_ZONE_ID: &str = "durin:hosted-zone-id";

/// On an Auto Scaling group: the name of the A record. A person writes it; read at every look.
pub const RECORD_NAME: &str = "durin:record-name";

/// On an Auto Scaling group, optional: the record's TTL in seconds. A person writes it; read at every look.
pub const RECORD_TTL: &str = "durin:record-ttl";

/// On an Auto Scaling group, and so on its instances, optional: the id of the volume that is new, and that an instance may
/// format if every byte of it is zero. It names the volume, so that it says nothing about one that comes later. The
/// template of a node writes it with the volume, and `just deploy-node` leaves it out once the node is in service. An
/// instance reads it when it boots.
pub const NEW_VOLUME: &str = "durin:new-volume";

/// On an Auto Scaling group, and so on its instances, optional: for how many seconds a release drains the node first. A
/// person writes it; an instance reads it when it boots.
pub const DRAIN: &str = "durin:drain";

/// Whether EC2 refuses an instance with this tag if its metadata is to show its tags. (EC2 User Guide, "View tags for your
/// EC2 instances using instance metadata"; the words of the refusal are in seek-oss/aec#411.)
pub fn metadata_forbids(key: &str) -> bool {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "-_+=,.@:".contains(character);
    matches!(key, "." | ".." | "_index") || !key.chars().all(is_allowed)
}

/// On an instance: the warning about it, and which launch of which instance the warning is about ([`crate::risk::Mark`]),
/// so that every function knows what one event said. The functions write it, and believe it only on that instance and
/// for that launch. A stronger reason overwrites a weaker one and nothing removes the tag; but an interruption is no
/// longer expected once it is five minutes overdue, and then any later warning overwrites it.
pub const AT_RISK: &str = "durin:at-risk";

/// On an image and its snapshots: the name of the SSM parameter that the image is a candidate for. The pipeline that
/// bakes the image writes it; it makes the image, and the snapshot, one of ours for as long as it is there. A
/// value that is no parameter's name makes nothing ours. The functions write it on the snapshots of an image before they
/// disable the image, to find the snapshots when the image is gone. On a parameter, with any value: its owner agrees
/// that images are published to it. Read at every look.
pub const FAMILY: &str = "durin:image-parameter";

/// On an image: the version of its k3s. What bakes the image writes it. Only `just rollback` reads it (`infra/images.sh`), so as
/// not to go back to an earlier minor version unasked; one that is no version, or is missing, says nothing.
pub const K3S_VERSION: &str = "durin:k3s-version";

/// On an image or a snapshot, with any value and in any case: it stays, and so does the image that the snapshot is of.
/// A person writes it; it counts for as long as it exists.
pub const KEEP: &str = "durin:keep";

/// On an image: the time at which we disabled it, or were about to. The functions write it, before they disable the
/// image, and remove it when they enable the image again. An image that a person has disabled does not have it, or has
/// lost the deprecation that came with it: then nothing is removed because of it. On a snapshot: the time at which we
/// first saw that its image is gone. The functions write it, and remove it when something needs the snapshot after all.
/// A tag older than its image or snapshot was copied from another, and is not believed. It is believed for a week after the
/// soaking that it began, and no longer once a removal has begun, which the functions add to it right before: whatever is
/// here after that has come back, and soaks anew.
pub const STALE_SINCE: &str = "durin:stale-since";

/// On a snapshot of a family: the images that it is of, with spaces between, if its description does not name them. The
/// functions write it while an image is there that stays, and never remove it: it is what leads back to the image once that
/// is gone, and the snapshot stays for as long as something uses that image. A person may write it too.
pub const IMAGE_ID: &str = "durin:image-id";

/// On a data volume, and on its snapshots if they are made with its tags: which volume of the node it is. The template
/// of a node writes it; a resource with this tag is never ours to remove.
pub const VOLUME: &str = "durin:volume";

/// The value of [`VOLUME`] on a data volume, without which the functions' roles do not let them move it.
pub const DATA: &str = "data";

/// On a data volume: the name of the Auto Scaling group whose node it belongs to. The template of a node writes it on the
/// volume that it makes, and a person on one that they bring: so the volume's owner agrees that this group's instances may
/// have it. Read at every look.
pub const NODE: &str = "durin:node";

/// On a volume: the snapshot that it was made from, and the volume whose place it takes. `just restore-node` writes both on the
/// volume that it makes, and knows by them what it has made before it was interrupted; nothing else reads them.
pub const RESTORED_FROM: &str = "durin:restored-from";
pub const REPLACES: &str = "durin:replaces";

/// On a snapshot: the node whose data it is a copy of, by the name of its Auto Scaling group. The policy in the node's template
/// writes it, and so may a person on a snapshot of theirs; `just restore-node` reads it. A resource with this tag is never an
/// image's, and never ours to prune. `just restore-node` also writes it on the volume that a node had before, in the place of
/// the tags by which Durin may move it.
pub const BACKUP_OF: &str = "durin:backup-of";

/// On a snapshot with [`BACKUP_OF`]: what a copy is of, for people. `crash-consistent` is what a power cut would have left:
/// whatever made the copy did not wait for the volume to be unmounted.
pub const BACKUP_IS: &str = "durin:backup-is";

/// On a parameter: nothing is published to it. A person writes it (`just pin`, `just rollback`); its value is for
/// people. It counts until a person removes it, and is read once more just before each write.
pub const PINNED: &str = "durin:pinned";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ours(VOLUME_ID, false)]
    #[case::auto_scalings_own("aws:autoscaling:groupName", false)]
    #[case::all_that_is_allowed("aZ9-_+=,.@:", false)]
    #[case::like_an_index("_index.html", false)]
    #[case::slash("kubernetes.io/cluster/k3s", true)]
    #[case::space("Patch Group", true)]
    #[case::umlaut("größe", true)]
    #[case::index("_index", true)]
    #[case::here(".", true)]
    #[case::above("..", true)]
    fn metadata_forbids_some_keys(#[case] key: &str, #[case] forbidden: bool) {
        assert_eq!(metadata_forbids(key), forbidden);
    }
}
