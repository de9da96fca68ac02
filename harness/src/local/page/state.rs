//! What there is now, and what has happened since the page last looked, as JSON.

use serde_json::{Value, json};

use super::Tell;
use crate::seed::IMAGE_PARAMETER;
use crate::world::World;
use crate::world::autoscaling::{Group, LifecycleHook, Member};
use crate::world::conventions::VOLUME_TAG;
use crate::world::ec2::{Instance, InstanceState, Volume};
use crate::world::eventbridge::ANY_AWAITED;
use crate::world::guest::{Boot, Guest};
use crate::world::history::{Entry, Fact};
use crate::world::steady::NodeNames;

/// The most that are told at once; of older ones the page hears that they are left out.
const MOST_ROWS: usize = 500;

/// `from`: the number of the first entry of the history that the page has not seen.
pub(super) fn of(world: &mut World, speed: f64, from: usize, tell: Tell) -> Value {
    world.settle();
    let nodes: Vec<Value> = world.nodes().iter().map(|node| self::node(world, node)).collect();
    let history = world.history();
    // A page of an earlier world on this port may have seen more than there is.
    let from = if from > history.len() { 0 } else { from };
    let begin = from.max(history.len().saturating_sub(MOST_ROWS));
    let row = |entry: &Entry| {
        let told = tell(entry);
        let at = entry.at.iso_seconds().get(11..19).unwrap_or_default().to_owned();
        json!({"at": at, "kind": told.kind, "text": told.text, "noise": told.is_noise, "failed": told.is_failure})
    };
    // The history has a call behind what it changed at once.
    let mut rows: Vec<&Entry> = history[begin..].iter().collect();
    rows.sort_by_key(|entry| (entry.at, !matches!(entry.fact, Fact::Called { .. })));
    let to_lose = world.events.disorders().filter(|it| it.detail_type == ANY_AWAITED).map(|it| it.times).sum::<u32>();
    let image = world.ssm.parameter(IMAGE_PARAMETER).and_then(|it| it.versions.last()).map(|it| it.value.clone());
    json!({
        // Another world may be served on this port later.
        "process": std::process::id(),
        "now_ms": world.now().0,
        "speed": speed,
        "nodes": nodes,
        "image": image,
        "image_is_bad": image.is_some_and(|image| world.guest_ways.of_image(&image) != Boot::Whole),
        "no_capacity": world.autoscaling.groups().values().any(|it| it.no_capacity_until.is_some()),
        "events_to_lose": to_lose,
        "left_out": begin - from,
        "rows": rows.into_iter().map(row).collect::<Vec<_>>(),
        "next": history.len(),
    })
}

fn node(world: &World, node: &NodeNames) -> Value {
    let record = world.route53.zone(&node.zone_id).and_then(|zone| zone.record_set(&node.record_name, "A"));
    let address = record.and_then(|record| record.values.first());
    let is_named = |id: &str| world.ec2.instance(id).is_some_and(|it| Some(&it.private_ip) == address);
    let mut instances: Vec<&Instance> = world.ec2.instances().values().collect();
    instances.retain(|it| it.tags.get(VOLUME_TAG) == Some(&node.volume) && it.state != InstanceState::Terminated);
    instances.sort_by_key(|it| (it.launched, it.id.clone()));
    let group = world.autoscaling.group(&node.group);
    json!({
        "name": node.group,
        "record": {"name": node.record_name, "address": address, "ttl_s": node.record_ttl_s},
        "answers": world.serving(&node.volume).is_some_and(is_named),
        "workload": world.workload_serving(&node.volume).is_some_and(is_named),
        "volume": world.ec2.volume(&node.volume).map(|it| volume(world, it)),
        "instances": instances.into_iter().map(|it| instance(it, group)).collect::<Vec<_>>(),
        "group": group.map(self::group),
    })
}

fn volume(world: &World, volume: &Volume) -> Value {
    let held = volume.attachment.as_ref();
    json!({
        "id": volume.id,
        "state": held.map_or(volume.state.name(), |held| held.state.name()),
        "on": held.map(|held| &held.instance_id),
        "acknowledged": volume.data.acknowledged,
        "missing": volume.data.acknowledged.saturating_sub(volume.data.durable),
        "is_to_stick": world.ec2.is_to_stick(&volume.id),
    })
}

fn instance(instance: &Instance, group: Option<&Group>) -> Value {
    let member = group.and_then(|group| group.member(&instance.id));
    json!({
        "id": instance.id,
        "state": instance.state.name(),
        "inside": inside(instance.state, &instance.guest),
        "address": instance.private_ip,
        "type": instance.instance_type,
        "image": instance.image_id,
        "spot": instance.spot,
        "lifecycle": member.map(|member| member.lifecycle.name()),
        "hook": member.and_then(waits_for),
        "taken_back_at_ms": instance.notice.map(|(_, at)| at.0),
        "retires": instance.scheduled_event.as_ref().map(|event| event.not_before.iso_seconds()),
    })
}

/// The hook whose lifecycle action it waits for.
fn waits_for(member: &Member) -> Option<&str> {
    member.action.as_ref().map(|action| action.hook.as_str())
}

fn inside(state: InstanceState, guest: &Guest) -> &'static str {
    match state {
        InstanceState::Pending => "is launched",
        InstanceState::ShuttingDown | InstanceState::Stopping => "shuts down",
        InstanceState::Stopped | InstanceState::Terminated => "is off",
        InstanceState::Running if guest.releasing => "lets go of the volume",
        InstanceState::Running if guest.workload_up_since.is_some() => "k3s and its workload serve",
        InstanceState::Running if guest.serving_since.is_some() => "k3s serves",
        InstanceState::Running if guest.mounted.is_some() => "starts k3s",
        InstanceState::Running if guest.marker.is_some() => "has let go of the volume",
        InstanceState::Running if guest.up_since.is_some() => "waits for the volume",
        InstanceState::Running => "boots",
    }
}

fn group(group: &Group) -> Value {
    json!({
        "desired": group.desired_capacity,
        "min": group.min_size,
        "max": group.max_size,
        "rebalances": group.capacity_rebalance,
        "hooks": group.hooks.iter().map(hook).collect::<Vec<_>>(),
    })
}

fn hook(hook: &LifecycleHook) -> Value {
    json!({
        "name": hook.name,
        "transition": hook.transition.name(),
        "timeout_s": hook.heartbeat_timeout.as_secs(),
        "otherwise": hook.default_result.name(),
    })
}
