//! `durin-node release`: stop k3s, end its containers, sync, unmount, and see that nothing is left.
//!
//! Unless a tag asks for a drain, it asks nothing of the cluster's API and leaves no trace in it: a drain would cordon
//! the node in the datastore, which travels with the volume. So hooks (preStop) do not run; containers get SIGTERM and
//! five seconds. Nor does it run `k3s-killall.sh`, which looks only for containers below k3s's default data directory,
//! and removes the files below a path that is mounted twice.
//!
//! The marker stays, even after a failure: an instance that cannot release has to be replaced. The exception is a
//! shutdown, after which nothing reports that the volume has been released: systemd may start everything again in the
//! same boot, with the same `/run` (`systemctl restart durin-node`, `systemctl soft-reboot`).

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;
use rustix::process::Signal;

use crate::answer::{Answer, Steps, cut, say};
use crate::decide::letting_go::{self, Before, Begin, NotReleased};
use crate::decide::marker::Until;
use crate::decide::mounted::{self, Mount};
use crate::decide::taking::Access;
use crate::machine::device::{self, Device};
use crate::machine::programs::{self, Deadline, Ended, Ran};
use crate::machine::{cgroups, lock, mounts, processes, state, use_of_it, writers};
use crate::world::World;

use super::drain::drain;
use super::journal;
use super::volume::Mounted;

/// The command document stops us after 45 s, and the reason would be lost.
const BOUND: Duration = Duration::from_secs(40);
const LOCK: Duration = Duration::from_secs(35);
const STOP: Duration = Duration::from_secs(10);
/// For containers to save what they need to.
const GRACE: Duration = Duration::from_secs(5);
/// For what follows the unmounting.
const REST: Duration = Duration::from_secs(2);
/// Processes killed a moment ago may not be gone yet.
const UNMOUNT: Duration = Duration::from_secs(3);

/// How a release has ended.
struct Done {
    word: &'static str,
    /// What the kernel could not write, in its words: it is lost, and staying here would not bring it back.
    not_written: Option<String>,
}

/// # Errors
/// The reason why the volume is not released.
fn take_turn(world: &World, volume: &VolumeId, until: Until, steps: &mut Steps) -> Result<Done, String> {
    if cgroups::leftovers(world).contains(&std::process::id()) {
        return Err(
            "this runs in a pod, or in k3s's own unit, all of which a release ends: run it on the host".to_owned()
        );
    }
    let deadline = Deadline::after(BOUND);
    let begun = Instant::now();
    let lock = lock::take(&world.lock(), deadline.at_most(LOCK)).map_err(text)?;
    let _lock = lock.ok_or("another release, or a check or a mount of it, has not ended for 35 s")?;
    steps.report("lock", begun, "done");

    let was_marked = is_marked_by_others(world);
    let released = let_go(world, volume, until, deadline, steps);
    // Still under the lock: whichever release comes next and says that it is released has to mark it.
    if until == Until::Started && !was_marked {
        state::unmark(world).map_err(|error| format!("cannot remove {}: {error}", world.marker().display()))?;
    }
    released
}

fn let_go(
    world: &World,
    volume: &VolumeId,
    until: Until,
    deadline: Deadline,
    steps: &mut Steps,
) -> Result<Done, String> {
    let begun = Instant::now();
    let device = device::find(world, volume).map_err(text)?;
    let device = device.ok_or_else(|| NotReleased::NotAttached(volume.clone()).to_string())?;

    match letting_go::begin(volume, &before(world, &device)?) {
        Begin::Refuse(why) => return Err(why.to_string()),
        Begin::NothingToDo => {
            // Something may have written to it since.
            let not_written = flush(volume, &device, deadline, steps)?;
            if until == Until::Resumed && state::of_a_shutdown(world).is_some() {
                mark(world, volume, until)?;
            }
            say(&format!("nothing to do: {volume} has been released before"));
            return Ok(Done { word: "nothing to do", not_written });
        }
        Begin::LetGo => {}
    }
    // First of all: from here on nothing mounts the volume or starts k3s, whenever we are killed.
    mark(world, volume, until)?;
    thaw(&device, deadline, steps);
    drain(world, deadline, steps);
    stop_k3s(deadline, steps);
    end_containers_and_keep_journal(world, volume, deadline, steps);
    let not_written = sync(&device, deadline.less(REST).less(UNMOUNT), steps)?;
    let now = unmount(world, &device, deadline.less(REST), steps)?;
    letting_go::is_released(volume, &now).map_err(text)?;
    let flushed = flush(volume, &device, deadline, steps);
    unmount_the_rest(world, deadline);
    state::forget(world, Mounted::NOTE);
    let not_written = not_written.or(flushed?);
    steps.report(&format!("released {volume}"), begun, "in all");
    Ok(Done { word: "released", not_written })
}

/// A shutdown leaves the marker of another release as it is: its own goes when the units have stopped, the other stays.
fn mark(world: &World, volume: &VolumeId, until: Until) -> Result<(), String> {
    if until == Until::Started && is_marked_by_others(world) {
        return Ok(());
    }
    state::mark(world, volume, until).map_err(|error| format!("cannot write {}: {error}", world.marker().display()))
}

/// A shutdown's own marker is left behind if it was killed, and the next one completes it.
fn is_marked_by_others(world: &World) -> bool {
    state::marker(world).forbids() && state::of_a_shutdown(world).is_none()
}

/// If no volume is named, the one that this instance has mounted.
pub fn run(world: &World, volume: Option<&str>, until: Until, steps: &mut Steps) -> Answer {
    let mounted = Mounted::of_this_boot(world).map(|mounted| mounted.volume.to_string());
    let killed = || state::of_a_shutdown(world).filter(|_| until == Until::Started);
    let Some(volume) = volume.map(str::to_owned).or(mounted).or_else(killed) else {
        say("nothing to do: this instance has mounted no volume");
        return Answer::yes("nothing to do");
    };
    let released =
        VolumeId::new(volume.as_str()).map_err(text).and_then(|volume| take_turn(world, &volume, until, steps));
    let answer = match released {
        Ok(Done { word, not_written: None }) => Answer::yes(word),
        Ok(Done { word, not_written: Some(why) }) => Answer::yes(word).with("not_written", why),
        Err(why) => {
            let how = mounts::check_namespace().err().map(|how| format!("; {how}")).unwrap_or_default();
            Answer::no("not released", &format!("{why}{how}"))
        }
    };
    answer.with("volume", volume)
}

fn before(world: &World, device: &Device) -> Result<Before, String> {
    Ok(Before {
        marker: state::marker(world),
        serves_from: Mounted::of_this_boot(world).map(|mounted| mounted.volume),
        use_of_it: use_of_it::look(device).map_err(unknown)?,
    })
}

fn stop_k3s(deadline: Deadline, steps: &mut Steps) {
    // It would ask a k3s that has gone, with a kubectl that may run from the volume.
    programs::run("systemctl", &["stop", "durin-settle"], deadline.at_most(Duration::from_secs(2)));
    let begun = Instant::now();
    let stopped = programs::run("systemctl", &["stop", "k3s"], deadline.at_most(STOP));
    steps.report("stop k3s", begun, &stopped.outcome());
    if !stopped.succeeded() {
        // What it has acknowledged is in the page cache at least, and unmounting writes that.
        let begun = Instant::now();
        let limit = deadline.at_most(Duration::from_secs(2));
        let killed = programs::run("systemctl", &["kill", "--signal=KILL", "k3s"], limit);
        steps.report("kill k3s", begun, &killed.outcome());
    }
}

/// The journal is written while containers end, so that nothing waits for it.
fn end_containers_and_keep_journal(world: &World, volume: &VolumeId, deadline: Deadline, steps: &mut Steps) {
    // Not into the root disk's directory below, and not on what somebody else has mounted there.
    let is_ours = Mounted::serves(world, volume);
    let kept = thread::scope(|scope| {
        let kept = is_ours.then(|| scope.spawn(|| journal::keep(world, deadline)));
        end_containers(world, deadline, steps);
        kept.and_then(|kept| kept.join().ok())
    });
    if let Some(Err(why)) = kept {
        say(&format!("keep the journal: {why}"));
    }
}

/// k3s leaves its containers running when it stops. Now that it cannot restart them, all are asked to end at once.
fn end_containers(world: &World, deadline: Deadline, steps: &mut Steps) {
    let begun = Instant::now();
    processes::signal(&cgroups::containers(world), Signal::TERM);
    let ended = none_left(|| cgroups::containers(world), deadline.at_most(GRACE));
    steps.report("end the containers", begun, outcome(ended));

    let begun = Instant::now();
    let limit = deadline.at_most(Duration::from_secs(2));
    cgroups::kill_pods(world);
    // Again and again, for what was forked between the look and the signal.
    let killed = none_left(
        || {
            let left = cgroups::leftovers(world);
            processes::signal(&left, Signal::KILL);
            left
        },
        limit,
    );
    steps.report("kill the rest of the containers", begun, outcome(killed));
}

/// A file system that somebody has frozen, say for a snapshot, blocks every write: its containers could not end, and it
/// would live on after being unmounted.
fn thaw(device: &Device, deadline: Deadline, steps: &mut Steps) {
    let begun = Instant::now();
    let own = mounts::own(device).ok().flatten();
    if own.is_some_and(|mount| mounts::thaw(&mount.place, deadline.at_most(Duration::from_secs(2))).succeeded()) {
        steps.report("thaw", begun, "done");
    }
}

/// By itself: of a file system that somebody keeps, no unmounting writes anything, and its instance is ended next. Of any
/// other, unmounting has little left to write. Not what hangs on it: that may hang. Returns what could not be written.
fn sync(device: &Device, deadline: Deadline, steps: &mut Steps) -> Result<Option<String>, String> {
    let begun = Instant::now();
    let own = mounts::own(device).map_err(unknown)?;
    let synced = own.as_ref().map(|mount| mounts::sync(&mount.place, deadline));
    steps.report("sync", begun, &synced.as_ref().map_or("done".to_owned(), Ran::outcome));
    // One that took too long goes on, and the unmounting waits for it.
    let failed = synced.filter(|ran| matches!(ran.ended, Ended::With(1..))).map(|ran| ran.reason());
    let has_failed = mounts::has_failed(device).map_err(unknown)?;
    Ok(failed.or_else(|| {
        has_failed.then(|| "it had become read-only or was shut down, as after an error: look at `dmesg`".to_owned())
    }))
}

/// The device itself, once no process has it open for writing. The kernel writes what there is when the last closes it, and
/// when udev has it read the partition table anew: not while somebody has it open to read, and locked. Returns what could
/// not be written. (Linux, block/bdev.c, `blkdev_put`; systemd, "Locking Block Device Access")
fn flush(volume: &VolumeId, device: &Device, deadline: Deadline, steps: &mut Steps) -> Result<Option<String>, String> {
    let begun = Instant::now();
    let flushed = device.flush(deadline);
    steps.report("flush", begun, &flushed.outcome());
    match flushed.ended {
        Ended::With(0) => Ok(None),
        // Staying would not bring it back.
        Ended::With(_) => Ok(Some(flushed.reason())),
        Ended::TooLate | Ended::Killed | Ended::NotStarted(_) => {
            Err(NotReleased::Unflushed(volume.clone(), flushed.outcome()).to_string())
        }
    }
}

fn unknown(error: io::Error) -> String {
    format!("cannot read the list of mounts: {error}")
}

/// Unmounts, and returns what still has the device then. Whatever the kernel has to write first may take all the time
/// that there is; a process that keeps the volume does not end because we wait.
fn unmount(
    world: &World,
    device: &Device,
    deadline: Deadline,
    steps: &mut Steps,
) -> Result<letting_go::UseOfIt, String> {
    let begun = Instant::now();
    let soon = deadline.at_most(UNMOUNT);
    let mut problem = String::new();
    let now = loop {
        let mut here = mounts::Here::read().map_err(unknown)?;
        let all: Vec<Mount> = mounted::of_device(&here.mounts, &device.stack).into_iter().cloned().collect();
        let last = all.iter().rfind(|mount| mount.is_of(&device.stack)).map(|mount| mount.id);
        let mut covers = Vec::new();
        for mount in &all {
            if deadline.has_passed() {
                "took too long".clone_into(&mut problem);
                break;
            }
            // Its mount point leads to something that is not ours if it has gone with another.
            if !here.mounts.contains(mount) {
                continue;
            }
            if let Some(cover) = mounted::cover(&here.mounts, mount) {
                // Its mount point leads to something that is not ours.
                covers.push(format!("what is mounted over it at {}", cover.point));
                continue;
            }
            if Some(mount.id) == last {
                // It may have been frozen since. Once unmounted, it would live on, and nothing could thaw it.
                thaw(device, deadline, steps);
            }
            let ran = here.unmount(mount, deadline.at_most(Duration::from_secs(2))).map_err(unknown)?;
            if !ran.succeeded() {
                problem = ran.reason();
            }
        }
        let mut now = use_of_it::look(device).map_err(unknown)?;
        // A mount in another namespace stays, but a process that was killed lets go in a moment.
        if now.mounted.is_empty() && now.access == Access::Alone {
            break now;
        }
        if soon.has_passed() {
            let dying = cgroups::leftovers(world);
            let users = use_of_it::users(device);
            let by_the_kernel = writers::of_files_below(&now.mounted);
            // As long as it is mounted here, others may have it only because of that, such as udev.
            let is_kept = (!now.namespaces.is_empty() && now.mounted.is_empty())
                || !covers.is_empty()
                || !by_the_kernel.is_empty()
                // What the kernel still writes for who has closed it takes all the time that there is.
                || matches!(&now.access, Access::Written(by) if !by.is_empty())
                || users.iter().any(|user| !dying.contains(user));
            if is_kept || deadline.has_passed() {
                now.users = covers;
                now.users.extend(by_the_kernel);
                now.users.extend(processes::named(&users));
                break now;
            }
        }
        thread::sleep(Duration::from_millis(100));
    };
    let outcome = if now.mounted.is_empty() { "done" } else { &cut(&problem, 160) };
    steps.report("unmount", begun, outcome);
    Ok(now)
}

/// What else the kubelet and containerd have mounted: tokens and other volumes of pods. None of it is this volume's, so
/// nothing depends on it.
fn unmount_the_rest(world: &World, deadline: Deadline) {
    let directories = ["var/lib/kubelet", "run/k3s"].map(|path| world.path(path).display().to_string());
    let Ok(mut here) = mounts::Here::read() else { return };
    let limit = deadline.at_most(Duration::from_secs(2));
    let below: Vec<Mount> =
        mounted::below(&here.mounts, &[&directories[0], &directories[1]]).into_iter().cloned().collect();
    for mount in &below {
        // As above.
        let is_there = here.mounts.contains(mount) && mounted::cover(&here.mounts, mount).is_none();
        if limit.has_passed() || (is_there && here.unmount(mount, limit).is_err()) {
            return;
        }
    }
}

/// Waits until a list names no process.
fn none_left(list: impl Fn() -> Vec<u32>, deadline: Deadline) -> bool {
    while !list().is_empty() {
        if deadline.has_passed() {
            return false;
        }
        thread::sleep(Duration::from_millis(50));
    }
    true
}

fn outcome(in_time: bool) -> &'static str {
    if in_time { "done" } else { "took too long" }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
