//! `durin-node status`: how this instance is, in JSON.

use durin_decisions::ids::VolumeId;
use serde_json::Value;

use crate::answer::Answer;
use crate::decide::marker::Marker;
use crate::machine::{device, mounts, state};
use crate::world::World;

use super::prepare::Prepared;
use super::volume::Mounted;

pub fn run(world: &World) -> Answer {
    let marker = match state::marker(world) {
        Marker::Absent | Marker::Stale => Value::Null,
        Marker::Released(volume) => volume.into(),
    };
    let boot = world.boot();
    let note = state::read::<Mounted>(world, Mounted::NOTE).filter(|note| note.boot == boot);
    let volume = note.as_ref().map(|note| note.volume.clone());
    let answer = Answer::yes("status").with("prepared", Prepared::of_this_boot(world)).with("released", marker);
    let answer = answer.with("serves_from", &note);
    match volume {
        Some(volume) => {
            answer.with("attached", is_attached(world, &volume)).with("mounted", is_mounted(world, &volume))
        }
        None => answer,
    }
}

fn is_attached(world: &World, volume: &VolumeId) -> bool {
    device::find(world, volume).is_ok_and(|device| device.is_some())
}

fn is_mounted(world: &World, volume: &VolumeId) -> bool {
    let Ok(Some(device)) = device::find(world, volume) else { return false };
    mounts::here().is_ok_and(|here| here.iter().any(|mount| mount.is_of(&device.stack)))
}
