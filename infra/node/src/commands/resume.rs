//! `durin-node resume`: a release is taken back. The instance mounts and serves again from the volume that it has let
//! go of, because nobody followed.
//!
//! In place, by the unit that mounts at boot too. A check of the file system takes as long as it takes, and is never cut
//! off by a reboot. If the unit fails, 194 has Systems Manager reboot the instance and run us
//! again; then there is no marker, and everything starts as at any boot. (Systems Manager User Guide, "Rebooting your
//! managed node from scripts".) A volume that does not mount then either is a no, and not another reboot. Nor is there
//! one under a person who repairs the volume, or restores a backup: it stays released.

use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;

use crate::answer::{Answer, Steps, say};
use crate::decide::letting_go::{self, NotResumed, Obstacle, TakeBack};
use crate::decide::marker::Until;
use crate::decide::taking::Access;
use crate::machine::device::{self, Device};
use crate::machine::programs::{self, Deadline, Ran};
use crate::machine::{lock, mounts, processes, state, unit, use_of_it, writers};
use crate::world::World;

use super::volume::{Mounted, access, forget_check, forget_in_vain, in_vain};

/// Systems Manager reboots for this exit status.
const REBOOT: u8 = 194;
const UNIT: &str = "durin-volume.service";
/// The command document stops us after 180 s.
const WITHIN: Duration = Duration::from_secs(165);
/// Whoever has had the lock all the time does not give it back now.
const REST: Duration = Duration::from_secs(1);

pub fn run(world: &World, volume: &str, within: Option<Duration>, steps: &mut Steps) -> Answer {
    let deadline = Deadline::after(within.unwrap_or(WITHIN));
    let resumed = VolumeId::new(volume).map_err(|error| error.to_string().into());
    let answer = match resumed.and_then(|volume| take_back(world, &volume, deadline, steps)) {
        Ok(answer) => answer,
        Err(No { why, obstacle: None }) => Answer::no("not resumed", &why),
        Err(No { why, obstacle: Some(obstacle) }) => Answer::no("not resumed", &why).with("obstacle", obstacle.word()),
    };
    answer.with("volume", volume)
}

/// Why it does not serve again, and the word for that if it passes.
struct No {
    why: String,
    obstacle: Option<Obstacle>,
}

impl From<NotResumed> for No {
    fn from(why: NotResumed) -> No {
        No { obstacle: why.obstacle(), why: why.to_string() }
    }
}

impl From<String> for No {
    fn from(why: String) -> No {
        No { why, obstacle: None }
    }
}

fn take_back(world: &World, volume: &VolumeId, deadline: Deadline, steps: &mut Steps) -> Result<Answer, No> {
    // The unit mounts for all, and we would not see that.
    mounts::check_namespace().map_err(|how| how.to_string())?;
    // A release, a check or a mount that is under way comes first.
    let lock = lock::take(&world.lock(), deadline.less(REST)).map_err(|error| error.to_string())?;
    let lock = lock.ok_or_else(|| NotResumed::UnderWay(volume.clone()))?;
    let device = device::find(world, volume).map_err(|error| error.to_string())?;
    let device = device.ok_or_else(|| NotResumed::NotAttached(volume.clone()))?;
    let decided =
        letting_go::take_back(volume, &state::marker(world), Mounted::serves(world, volume), || unit::k3s().may_run());
    let is_left_over = is_left_over(world, volume, &device);
    match &decided {
        TakeBack::NothingToDo => {
            say(&format!("nothing to do: {volume} is mounted, and has not been released since this instance booted"));
            return Ok(Answer::yes("nothing to do"));
        }
        TakeBack::Refuse(why) => return Err(why.clone().into()),
        TakeBack::Serve if !is_left_over => refuse_others(volume, &device)?,
        TakeBack::Serve | TakeBack::ServeAgain => {}
    }
    state::unmark(world).map_err(|error| format!("cannot remove {}: {error}", world.marker().display()))?;
    forget_check(world);
    forget_in_vain(world);
    // The unit that mounts takes the lock too.
    drop(lock);
    let started = start_volume(deadline, steps);
    // By the kernel's word: the unit does more than mount. But the mount may have outlived a release that has failed.
    let is_mounted = Mounted::serves(world, volume);
    if is_mounted && (started.succeeded() || unit::k3s().may_run()) {
        return Ok(Answer::yes("resumed"));
    }
    let why = if started.succeeded() { "the unit has ended without it".to_owned() } else { started.reason() };
    // Who checks, formats or mounts it has the lock, and who began that may have been ended.
    let lock = lock::take(&world.lock(), Deadline::after(Duration::ZERO));
    if matches!(lock, Ok(None)) {
        return Err(NotResumed::UnderWay(volume.clone()).into());
    }
    if is_mounted && tries_again() {
        return Ok(Answer::yes("resumed"));
    }
    if decided == TakeBack::ServeAgain {
        let not = if is_mounted { NotResumed::NotStarted } else { NotResumed::NotMounted };
        return Err(not(volume.clone(), why).into());
    }
    // A reboot would take that back, and whoever asked for it has been told that it is released.
    if state::marker(world).forbids() {
        let released_again = || NotResumed::ReleasedAgain(volume.clone());
        return Err(in_vain(world).map_or_else(released_again, |why| NotResumed::InVain(volume.clone(), why)).into());
    }
    if let Some(why) = in_vain(world).filter(|_| !is_left_over) {
        if !mounts::is_at(world, volume) {
            let marked = state::mark(world, volume, Until::Resumed);
            marked.map_err(|error| format!("cannot write {}: {error}", world.marker().display()))?;
            // Somebody may have begun since we looked.
            refuse_others(volume, &device)?;
        }
        return Err(NotResumed::InVain(volume.clone(), why).into());
    }
    let what = if is_mounted { "k3s does not start" } else { "it does not mount" };
    say(&format!("{volume} was released, nobody has taken it over, and {what} again: rebooting"));
    Ok(Answer { status: REBOOT, ..Answer::yes("reboot") }.with("because", why))
}

/// Whether a release of ours has not come to its end, and the file system lives on: that goes with a reboot. Once that has
/// ended, whoever asks has the device, and mounts it elsewhere or has something on top of it.
fn is_left_over(world: &World, volume: &VolumeId, device: &Device) -> bool {
    Mounted::of_this_boot(world).is_some_and(|note| note.volume == *volume)
        && device.access() == Access::Shared
        && device.on_top.is_empty()
        && (mounts::is_at(world, volume) || mounts::is_nowhere_else(world, device))
        && writers::of(&device.stack.numbers).is_ok_and(|writers| writers.is_empty())
}

/// Whoever has a released volume is at work on it.
fn refuse_others(volume: &VolumeId, device: &Device) -> Result<(), No> {
    let access = access(device);
    if access == Access::Alone {
        return Ok(());
    }
    let now = use_of_it::look(device).map_err(|error| format!("cannot read the list of mounts: {error}"))?;
    let mut users = writers::of_files_below(&now.mounted);
    users.extend(processes::named(&use_of_it::users(device)));
    // An e2fsck of a person's has asked for it alone.
    users.extend(writers::of(&device.stack.numbers).unwrap_or_default());
    let now = letting_go::UseOfIt { users, access, ..now };
    Ok(letting_go::is_released(volume, &now).map_err(NotResumed::InUse)?)
}

/// Waits for the unit that mounts. A run of it that is under way goes on: it may be checking the file system, or making
/// one. One that waits for its next try does not.
fn start_volume(deadline: Deadline, steps: &mut Steps) -> Ran {
    let begun = Instant::now();
    let verb = if state_of_unit().starts_with("start") { "start" } else { "restart" };
    let ran = programs::run("systemctl", &[verb, UNIT], deadline);
    steps.report("start durin-volume", begun, &ran.outcome());
    ran
}

/// Whether systemd will have the unit run again: it starts k3s as well.
fn tries_again() -> bool {
    let state = state_of_unit();
    state.starts_with("start") || state.starts_with("auto-restart")
}

/// What the unit is at, in systemd's words.
fn state_of_unit() -> String {
    let state = ["show", "--property=SubState", "--value", UNIT];
    let shown = programs::run("systemctl", &state, Deadline::after(Duration::from_secs(3)));
    shown.output.trim().to_owned()
}
