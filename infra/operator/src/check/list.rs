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
        "without the functions no launch is completed, and the group launches and gives up an instance every half hour",
        place::functions,
    ),
    needed(
        "volume",
        "a data volume that EC2 can attach: no Multi-Attach, free or with an instance of the group",
        "a single attachment keeps two instances from having the data at once",
        volume::usable,
    ),
    needed(
        "volume-data",
        "the tag durin:volume=data on the volume",
        "the functions' roles do not let them move any other volume",
        volume::is_data,
    ),
    needed(
        "volume-node",
        "the tag durin:node=GROUP on the volume",
        "the tag on the group alone gets no volume: the owner of the volume has to agree",
        volume::names_group,
    ),
    needed(
        "volume-key",
        "a key that is enabled, if the volume is encrypted",
        "EC2 does not attach a volume whose key it cannot use",
        volume::key,
    ),
    needed(
        "tag-volume-id",
        "the tag durin:volume-id on the group: the volume's id; propagated",
        "it makes the group a node; the functions' roles reach only instances that have it, and the instance reads there which \
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
        "a TTL that is not a number stops the node; the other two are for the instance",
        declaration::optional,
    ),
    needed(
        "tags-metadata",
        "propagated tags with keys of letters, digits and -_+=,.@: alone",
        "where metadata shows tags, EC2 refuses every launch with any other key",
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
        "Durin does not take over anybody else's record",
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
        "a node is one instance, and its successor is launched while it still runs",
        group::size,
    ),
    needed(
        "hook-launch",
        "the lifecycle hook durin-launch: launching, default result ABANDON, heartbeat timeout of 900 s or more",
        "it holds a newcomer until the newcomer serves; the functions know the hook by this name",
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
        "without Launch no successor comes, and without Terminate no instance goes",
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
        "the instance reads its tags there, and needs no permission for that",
        template::metadata_tags,
    ),
    advised(
        "metadata-private",
        "in the template's MetadataOptions: HttpTokens required, HttpPutResponseHopLimit 1",
        "otherwise every pod can use the instance's role, and answer Durin in the instance's name",
        template::metadata_private,
    ),
    advised(
        "image",
        "the template's ImageId resolve:ssm:PARAMETER, and the tag durin:image-parameter on the parameter",
        "EC2 resolves it at each launch, so the next instance boots what Durin publishes",
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
        "Durin uses the agent to have an instance release the volume, and to ask whether it serves",
        template::profile,
    ),
    needed(
        "protection",
        "DisableApiTermination off in the template",
        "Durin has to be able to end an instance that cannot release the volume",
        template::protection,
    ),
    needed(
        "agent",
        "an agent that is online on the group's instance, once there is one",
        "only a launch shows whether image, role and network let it register",
        group::agent,
    ),
];
