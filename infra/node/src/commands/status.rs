//! `durin-node status`: how this instance is, in JSON. The functions wait with it until an instance is prepared, or
//! serves.

use std::thread;
use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;
use serde_json::Value;

use crate::answer::{Answer, hundredths};
use crate::decide::marker::Marker;
use crate::decide::serving::Unit;
use crate::machine::mounts::{self, Condition};
use crate::machine::programs::{Deadline, Ended};
use crate::machine::{kubectl, lock, state, unit};
use crate::world::World;

use super::prepare::{NOT_ENDED, Prepared};
use super::served;
use super::settle::Serves;
use super::volume::{Mounted, in_vain};
use super::watch::Noticed;

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Goal {
    /// It can take over
    Prepared,
    /// k3s answers, on the volume
    Serves,
}

const POLL: Duration = Duration::from_millis(500);
/// An instance's launch waits for it.
const BETWEEN: Duration = Duration::from_secs(2);

/// A volume that many write to at once takes seconds.
const WRITTEN: Duration = Duration::from_secs(10);

/// Without a goal: how it is. With one: waits, and says no if it is not so by then, or never will be.
pub fn run(world: &World, goal: Option<Goal>, within: Duration) -> Answer {
    let deadline = Deadline::after(within);
    loop {
        let begun = Instant::now();
        let (judged, is_final) = match goal {
            None => (Answer::yes("status"), true),
            Some(Goal::Prepared) => prepared(world),
            Some(Goal::Serves) => serves(world),
        };
        // Another look may last as long, and whoever asks does not wait for it.
        if is_final || deadline.left() < begun.elapsed() + POLL {
            return describe(world, judged);
        }
        thread::sleep(POLL);
    }
}

/// With whether waiting would change it.
fn prepared(world: &World) -> (Answer, bool) {
    match Prepared::of_this_boot(world) {
        None => (Answer::no("not prepared", NOT_ENDED), false),
        Some(note) if note.unfit.is_empty() => (Answer::yes("prepared"), true),
        Some(note) if note.may_pass => (Answer::no("not prepared", &note.unfit.join("; ")), false),
        Some(note) => (Answer::no("unfit", &note.unfit.join("; ")), true),
    }
}

/// By two looks: between them a k3s that is going down, or that falls again and again, would have shown it.
fn serves(world: &World) -> (Answer, bool) {
    let looked = look(world).and_then(|first| {
        let second_look = Deadline::after(BETWEEN);
        if !is_written(world) {
            let point = world.mounted_at();
            return Err((
                format!(
                    "the volume does not take what is written to it: look at `dmesg`, or thaw it if somebody has frozen it \
                     (`fsfreeze --unfreeze {point}`)"
                ),
                false,
            ));
        }
        served::keep_again(world);
        thread::sleep(second_look.left());
        let second = look(world)?;
        if second.is_the_same_run(&first) { Ok(()) } else { Err(("k3s has been started anew".to_owned(), false)) }
    });
    match looked {
        Ok(()) => (Answer::yes("serves"), true),
        Err((why, is_final)) => (Answer::no("does not serve", &why), is_final),
    }
}

/// Whether the volume takes what is written to it. A k3s whose volume hangs, or is frozen, still answers. Only that
/// counts: whether there is room is for k3s to say.
fn is_written(world: &World) -> bool {
    let deadline = Deadline::after(WRITTEN);
    // One that hangs outlives us, and has the lock: there is never more than one.
    match lock::take(&world.path("run/durin/written.lock"), deadline) {
        Ok(Some(lock)) => {
            mounts::write(&world.mount_point().join("durin/written"), deadline, &lock).ended != Ended::TooLate
        }
        Ok(None) => false,
        // Nobody can say.
        Err(_) => true,
    }
}

/// The k3s that answers now; or why none does, and whether none ever will.
fn look(world: &World) -> Result<Unit, (String, bool)> {
    if let Marker::Released(volume) = state::marker(world) {
        let volume = VolumeId::new(volume).map_or("the volume".to_owned(), |volume| volume.to_string());
        let why = in_vain(world).map(|why| format!(": {why}")).unwrap_or_default();
        return Err((format!("{volume} has been released{why}"), true));
    }
    let mount = Mounted::of_this_boot(world).and_then(|note| mounts::at(world, &note.volume));
    match mount.map(|mount| mounts::condition(&mount)) {
        None => return Err(("the volume is not mounted".to_owned(), false)),
        Some(Condition::ReadOnly) => {
            return Err(("the volume is mounted read-only: look at `dmesg`".to_owned(), false));
        }
        Some(Condition::ShutDown) => {
            return Err(("the kernel has shut the volume's file system down: look at `dmesg`".to_owned(), false));
        }
        Some(Condition::Writable) => {}
    }
    if !kubectl::api_is_ready() {
        return Err(("k3s does not answer".to_owned(), false));
    }
    let unit = unit::k3s();
    match unit.is_no_witness() {
        None => Ok(unit),
        Some(why) => Err((why, false)),
    }
}

/// Adds all that is known.
fn describe(world: &World, answer: Answer) -> Answer {
    let boot = world.boot();
    let released = match state::marker(world) {
        Marker::Absent | Marker::Stale => Value::Null,
        Marker::Released(volume) => volume.into(),
    };
    let note = Mounted::of_this_boot(world);
    let is_mounted = note.as_ref().is_some_and(|note| mounts::is_at(world, &note.volume));
    let since_mount = state::written::<Mounted>(world, Mounted::NOTE).filter(|_| is_mounted);
    let since_mount = since_mount.and_then(|mounted| mounted.elapsed().ok()).map(hundredths);
    let mut prepared = serde_json::to_value(Prepared::of_this_boot(world)).unwrap_or_default();
    if let (Some(note), "unfit" | "not prepared") = (prepared.as_object_mut(), answer.word) {
        // It has been given as the reason.
        note.remove("unfit");
    }
    answer
        .with("since_mount_seconds", since_mount)
        .with("prepared", prepared)
        .with("volume", note)
        .with("mounted", is_mounted)
        .with("served_by", served::of_volume(world).filter(|_| is_mounted).map(|version| version.to_string()))
        .with("released", released)
        .with("k3s", state::read::<Serves>(world, Serves::NOTE).filter(|note| note.boot == boot))
        .with("notice", state::read::<Noticed>(world, Noticed::NOTE).filter(|note| note.boot == boot))
}
