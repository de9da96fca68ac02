//! Instances as the Describe calls show them.

use serde_json::{Value, json};

use super::answers::{past, whole_seconds};
use super::launch_data::enabled;
use super::listing::Listing;
use super::tags::tag_set;
use crate::time::Time;
use crate::wire::operation::{Operation, reads};
use crate::wire::query::Params;
use crate::world::ec2::network::VPC_ID;
use crate::world::ec2::{AttachmentState, Instance, InstanceState, ScheduledEvent};
use crate::world::error::{ApiError, ApiResult};
use crate::world::ids::is_hex_id;
use crate::world::{ACCOUNT, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ec2("DescribeInstanceStatus", STATUS_PARAMETERS, reads(statuses)).heavy_unfiltered(),
    Operation::ec2("DescribeInstances", &["Filter", "InstanceId", "MaxResults", "NextToken"], reads(reservations))
        .heavy_unfiltered(),
];

const STATUS_PARAMETERS: &[&str] = &["Filter", "IncludeAllInstances", "InstanceId", "MaxResults", "NextToken"];

const LISTING: Listing = Listing {
    ids: "InstanceId",
    ids_in_errors: "instancesSet",
    filters: &[
        "availability-zone",
        "block-device-mapping.volume-id",
        "image-id",
        "instance-id",
        "instance-lifecycle",
        "instance-state-code",
        "instance-state-name",
        "instance-type",
        "private-ip-address",
        "subnet-id",
        "tag",
        "vpc-id",
    ],
    set: "reservationSet",
    pages: 5..=1000,
};

const STATUSES: Listing = Listing {
    filters: &["availability-zone", "event.code", "instance-state-code", "instance-state-name"],
    set: "instanceStatusSet",
    ..LISTING
};

/// DescribeInstances.
fn reservations(world: &World, params: &Params) -> ApiResult<Value> {
    LISTING.describe(
        params,
        |ids| chosen(world, ids),
        |instance, filters| filters.match_all(&instance.tags, |filter| filter_values(world, instance, filter)),
        |instance| (instance.id.clone(), reservation_item(world, &[instance])),
    )
}

/// DescribeInstanceStatus.
fn statuses(world: &World, params: &Params) -> ApiResult<Value> {
    let all = params.flag("IncludeAllInstances")?.unwrap_or(false);
    STATUSES.describe(
        params,
        |ids| chosen(world, ids),
        |instance, filters| {
            (all || instance.state == InstanceState::Running)
                && filters.match_all(&instance.tags, |filter| filter_values(world, instance, filter))
        },
        |instance| (instance.id.clone(), status_item(instance)),
    )
}

/// The instances of one launch.
pub(super) fn reservation_item(world: &World, instances: &[&Instance]) -> Value {
    let number = instances.first().map_or("", |instance| instance.id.trim_start_matches("i-"));
    json!({
        "reservationId": format!("r-{number}"),
        "ownerId": ACCOUNT,
        "groupSet": [],
        "instancesSet": instances.iter().map(|instance| instance_item(world, instance)).collect::<Value>(),
    })
}

pub(super) fn state(state: InstanceState) -> Value {
    json!({"code": state.code(), "name": state.name()})
}

/// One unknown id fails the whole call.
fn chosen<'a>(world: &'a World, ids: &[String]) -> ApiResult<Vec<&'a Instance>> {
    if let Some(id) = ids.iter().find(|id| !is_hex_id(id, "i")) {
        return Err(ApiError::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
    }
    let known = world.ec2.instances();
    let unknown: Vec<&str> = ids.iter().filter(|id| !known.contains_key(*id)).map(String::as_str).collect();
    let text = match unknown.as_slice() {
        [] => return Ok(known.values().filter(|instance| ids.is_empty() || ids.contains(&instance.id)).collect()),
        [id] => format!("The instance ID '{id}' does not exist"),
        ids => format!("The instance IDs '{}' do not exist", ids.join(", ")),
    };
    Err(ApiError::new("InvalidInstanceID.NotFound", text))
}

fn instance_item(world: &World, instance: &Instance) -> Value {
    let networked = has_network(instance);
    let network = |value: &str| networked.then(|| value.to_owned());
    let address = Some(&instance.private_ip).filter(|address| !address.is_empty());
    // Named for its address if it has one. (EC2 User Guide, instance hostname types.)
    let host = address.map_or_else(|| instance.id.clone(), |address| format!("ip-{}", address.replace('.', "-")));
    let private_dns_name = format!("{host}.eu-central-1.compute.internal");
    json!({
        "instanceId": instance.id,
        "imageId": instance.image_id,
        "instanceState": state(instance.state),
        "privateDnsName": if networked { private_dns_name } else { String::new() },
        "dnsName": "",
        "reason": instance.transition_reason,
        "amiLaunchIndex": 0,
        "productCodes": [],
        "instanceType": instance.instance_type,
        "launchTime": past(world, instance.launched),
        "placement": {"availabilityZone": instance.zone, "groupName": "", "tenancy": "default"},
        "monitoring": {"state": "disabled"},
        "metadataOptions": {"state": "applied", "instanceMetadataTags": enabled(instance.tags_in_metadata)},
        "subnetId": network(&instance.subnet_id),
        "vpcId": network(VPC_ID),
        "privateIpAddress": address.and_then(|address| network(address)),
        "stateReason": state_reason(instance),
        "architecture": "x86_64",
        "rootDeviceType": "ebs",
        "rootDeviceName": "/dev/xvda",
        "ebsOptimized": false,
        "blockDeviceMapping": block_device_mapping(world, instance),
        "virtualizationType": "hvm",
        "instanceLifecycle": instance.spot.then_some("spot"),
        "tagSet": tag_set(&instance.tags),
        "hypervisor": "xen",
        "groupSet": [],
        "enaSupport": true,
        "sourceDestCheck": networked.then_some(true),
    })
}

/// An instance that shuts down has lost its address, its subnet and its groups already; its volumes are still mapped.
fn has_network(instance: &Instance) -> bool {
    !matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated)
}

/// The volumes attached later; this world does not have root volumes.
/// The volumes of this world, and those that came with the image or the launch template. The latter are known by their
/// device alone, so each gets an id that is made of its instance's.
fn block_device_mapping(world: &World, instance: &Instance) -> Value {
    let is_there = instance.state != InstanceState::Terminated;
    let of_launch = instance.devices.iter().filter(|_| is_there).enumerate().map(|(number, device)| {
        let id = format!("vol-{number:x}{}", instance.id.trim_start_matches("i-").chars().skip(1).collect::<String>());
        mapped(world, device, &id, AttachmentState::Attached, instance.launched, true)
    });
    let attached = world.ec2.attachments_of(&instance.id).map(|(volume, attachment)| {
        // An instance never shows `busy`: it only knows that a volume is on its way out.
        let state = match attachment.state {
            AttachmentState::Busy => AttachmentState::Detaching,
            state => state,
        };
        mapped(world, &attachment.device, volume, state, attachment.since, attachment.delete_on_termination)
    });
    of_launch.chain(attached).collect()
}

fn mapped(world: &World, device: &str, volume: &str, state: AttachmentState, since: Time, goes_with: bool) -> Value {
    json!({
        "deviceName": device,
        "ebs": {
            "volumeId": volume,
            "status": state.name(),
            "attachTime": past(world, since),
            "deleteOnTermination": goes_with,
        },
    })
}

/// The machine-readable half of why an instance is not running yet, or not any more.
fn state_reason(instance: &Instance) -> Value {
    if instance.state == InstanceState::Pending {
        return json!({"code": "pending", "message": "pending"});
    }
    let reason = instance.transition_reason.as_str();
    let (code, message) = match reason.split_once(": ") {
        _ if reason.is_empty() => return Value::Null,
        Some((code, _)) if code.starts_with("Server.") || code.starts_with("Client.") => (code, reason),
        _ => ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"),
    };
    json!({"code": code, "message": message})
}

fn status_item(instance: &Instance) -> Value {
    let status = match (instance.state, instance.guest.up_since) {
        (InstanceState::Running, Some(_)) => "ok",
        (InstanceState::Running | InstanceState::Pending, _) => "initializing",
        _ => "not-applicable",
    };
    let details = match status {
        "ok" => json!([{"name": "reachability", "status": "passed"}]),
        "initializing" => json!([{"name": "reachability", "status": "initializing"}]),
        _ => Value::Null,
    };
    json!({
        "instanceId": instance.id,
        "availabilityZone": instance.zone,
        "eventsSet": instance.scheduled_event.as_ref().map(|event| json!([event_item(event)])),
        "instanceState": state(instance.state),
        "systemStatus": {"status": status, "details": details},
        "instanceStatus": {"status": status, "details": details},
    })
}

fn event_item(event: &ScheduledEvent) -> Value {
    json!({
        "instanceEventId": event.id,
        "code": event.code,
        "description": event.description(),
        "notBefore": whole_seconds(event.not_before),
    })
}

fn filter_values(world: &World, instance: &Instance, filter: &str) -> Vec<String> {
    match filter {
        "availability-zone" => vec![instance.zone.clone()],
        "block-device-mapping.volume-id" => {
            world.ec2.attachments_of(&instance.id).map(|(id, _)| id.to_owned()).collect()
        }
        "event.code" => instance.scheduled_event.iter().map(|event| event.code.to_owned()).collect(),
        "image-id" => vec![instance.image_id.clone()],
        "instance-id" => vec![instance.id.clone()],
        "instance-lifecycle" => instance.spot.then(|| "spot".to_owned()).into_iter().collect(),
        "instance-state-code" => vec![instance.state.code().to_string()],
        "instance-state-name" => vec![instance.state.name().to_owned()],
        "instance-type" => vec![instance.instance_type.clone()],
        _ if !has_network(instance) => Vec::new(),
        "private-ip-address" if instance.private_ip.is_empty() => Vec::new(),
        "private-ip-address" => vec![instance.private_ip.clone()],
        "subnet-id" => vec![instance.subnet_id.clone()],
        "vpc-id" => vec![VPC_ID.to_owned()],
        _ => Vec::new(),
    }
}
