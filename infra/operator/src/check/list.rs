//! All that a node needs, each with its reason: the list of docs/own-group.md.

use serde::Serialize;

use super::judge::{declaration, group, place, template, volume};
use super::read::Facts;
use crate::sentence::Wrong;

/// Something that a node needs.
#[derive(Clone, Copy)]
pub struct Requirement {
    pub id: &'static str,
    pub kind: Kind,
    pub needs: &'static str,
    pub reason: &'static str,
    pub(super) judge: fn(&Facts) -> Verdict,
}

/// Whether a node fails without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Needed,
    /// A node works without it, and is worse off.
    Advised,
}

/// What a look at the group has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Present,
    Missing(Wrong),
    /// It could not be found out, for this reason.
    Unknown(String),
}

const fn needed(
    id: &'static str,
    needs: &'static str,
    reason: &'static str,
    judge: fn(&Facts) -> Verdict,
) -> Requirement {
    Requirement { id, kind: Kind::Needed, needs, reason, judge }
}

const fn advised(
    id: &'static str,
    needs: &'static str,
    reason: &'static str,
    judge: fn(&Facts) -> Verdict,
) -> Requirement {
    Requirement { id, kind: Kind::Advised, needs, reason, judge }
}

/// In the order in which a person makes them.
pub const LIST: &[Requirement] = &[
    needed(
        "functions",
        "Durin deployed in the region",
        "without the functions nobody completes a launch, and the group launches and gives up an instance every half hour",
        place::functions,
    ),
    needed(
        "volume",
        "a data volume that EC2 can attach: no Multi-Attach, free or with an instance of the group",
        "one attachment is the fence by which two instances never have the data",
        volume::usable,
    ),
    needed(
        "volume-data",
        "the tag durin:volume=data on the volume",
        "the functions' roles let them move no other volume",
        volume::is_data,
    ),
    needed(
        "volume-node",
        "the tag durin:node=GROUP on the volume",
        "the tag of a group alone gets no volume, so its owner has to agree",
        volume::names_group,
    ),
    needed(
        "volume-key",
        "a key that is enabled, if the volume is encrypted",
        "under any other key EC2 attaches nothing",
        volume::key,
    ),
    needed(
        "tag-volume-id",
        "the tag durin:volume-id on the group: the volume's id; propagated",
        "it makes the group a node, the functions' roles reach only instances that have it, and the instance reads there which \
         volume to mount",
        declaration::volume_id,
    ),
    needed(
        "tag-hosted-zone-id",
        "the tag durin:hosted-zone-id on the group: the id of the record's hosted zone",
        "the functions write the record there",
        declaration::hosted_zone_id,
    ),
    needed(
        "tag-record-name",
        "the tag durin:record-name on the group: the name of the A record",
        "clients find the node by it",
        declaration::record_name,
    ),
    needed(
        "tags-optional",
        "durin:record-ttl, a number of seconds, durin:new-volume and durin:drain, both propagated, if they are there",
        "a TTL that is no number stops the node, and the other two are for the instance",
        declaration::optional,
    ),
    needed(
        "tags-metadata",
        "propagated tags with keys of letters, digits and -_+=,.@: alone",
        "EC2 refuses every launch with another, where metadata shows tags",
        declaration::for_metadata,
    ),
    needed(
        "unshared",
        "no other group that declares the same volume or record",
        "Durin would move neither node",
        declaration::unshared,
    ),
    needed(
        "record",
        "a record name in its hosted zone, free, or claimed by the TXT record _durin.NAME",
        "Durin takes over nobody else's record",
        place::record,
    ),
    needed(
        "zone-allowed",
        "the hosted zone among those in which the functions may write",
        "a tag alone opens no zone",
        place::zone_allowed,
    ),
    needed(
        "size",
        "minimum and desired capacity 1, or both 0 at rest; maximum at least 2",
        "a node is one instance, and its successor is launched beside it",
        group::size,
    ),
    needed(
        "hook-launch",
        "the lifecycle hook durin-launch: launching, default result ABANDON, heartbeat timeout of 900 s or more",
        "it holds a newcomer until that serves, and the functions know it by this name",
        group::launch_hook,
    ),
    needed(
        "hook-terminate",
        "the lifecycle hook durin-terminate: terminating, default result CONTINUE, heartbeat timeout of 900 s or more",
        "it holds the old instance until its successor can take over",
        group::terminate_hook,
    ),
    needed(
        "processes",
        "no suspended process Launch or Terminate",
        "nothing would follow, or nothing would go",
        group::processes,
    ),
    needed(
        "subnets",
        "subnets in the volume's zone alone, with IPv4",
        "an EBS volume cannot leave its zone, and the A record needs an address",
        place::subnets,
    ),
    needed(
        "template",
        "a launch template, not a launch configuration",
        "a launch configuration cannot show tags in the metadata",
        template::exists,
    ),
    needed(
        "metadata-tags",
        "in the template's MetadataOptions: InstanceMetadataTags enabled, and HttpEndpoint not disabled",
        "the instance reads its tags there, and so needs no permission for it",
        template::metadata_tags,
    ),
    advised(
        "metadata-private",
        "in the template's MetadataOptions: HttpTokens required, HttpPutResponseHopLimit 1",
        "or every pod can take the instance's role, and answer Durin in its name",
        template::metadata_private,
    ),
    advised(
        "image",
        "the template's ImageId resolve:ssm:PARAMETER, and the tag durin:image-parameter on the parameter",
        "EC2 resolves it at each launch, so that the next instance boots what Durin publishes",
        template::image,
    ),
    needed(
        "device",
        "no block device mapping of the template at /dev/sdf",
        "Durin attaches the volume there",
        template::device,
    ),
    needed(
        "profile",
        "an instance profile in the template whose role lets the Systems Manager agent register",
        "through the agent Durin asks an instance to let go of the volume, and whether it serves",
        template::profile,
    ),
    needed(
        "protection",
        "DisableApiTermination off in the template",
        "Durin ends an instance that cannot let go of the volume",
        template::protection,
    ),
    needed(
        "agent",
        "an agent that is online on the group's instance, once there is one",
        "only a launch shows whether image, role and network let it in",
        group::agent,
    ),
];
