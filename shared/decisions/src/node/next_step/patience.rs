//! How long each thing may take, and what follows from that for the hooks. Every bound says what it is made of.

use std::time::Duration;

use crate::lifecycle::Transition;
use crate::risk::HOLD_MAY_LAST_FOR;

/// How long before the reclaim the release has to begin. A release takes up to 17 s (command 3, k3s 4, containers 8,
/// unmount 2), the detach 5, and our own looks and calls 3; the rest is for a slow day. If it begins earlier, it is
/// outage for nothing when the successor is late; if it begins later, it may be cut off, which costs a journal replay,
/// but no acknowledged write.
pub(super) const RELEASE_LEAD: Duration = Duration::from_secs(40);

/// How long a release may take before the holder is given up. The document bounds itself at 45 s.
pub const RELEASE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long it may take until Systems Manager lists a command that it may have taken, although its answer was lost. Then the
/// holder is asked again, because two releases at once do no harm, until [`RELEASE_TIMEOUT`] is over.
pub(super) const LISTED_WITHIN: Duration = Duration::from_secs(10);

/// How long a release counts. Nothing reports a reboot, after which the volume is mounted again; but no instance shuts
/// down, boots and mounts in so short a time. After that the holder is asked again: a second release finds nothing to do
/// and takes two seconds.
pub(super) const RELEASE_HOLDS: Duration = Duration::from_secs(20);

/// How long a holder that has let go is left alone before it is asked to serve again. A detachment is decided on while its
/// release [`RELEASE_HOLDS`], by whichever function looks, and EC2 may hear of it later: an attempt takes up to 5 s, and a
/// sandbox may stand still for as long before it. The volume must not be mounted again by then.
pub(super) const RESUMED_AFTER: Duration = Duration::from_secs(RELEASE_HOLDS.as_secs() + 10);

/// How long EC2 may take to attach a volume, or to detach it from an instance that has let go of it: seconds on a good
/// day, half a minute on a bad one. It may also never do it (kubernetes#31891, aws-ebs-csi-driver#1032), and then ending
/// the instance is what frees the volume.
pub(super) const STUCK_AFTER: Duration = Duration::from_secs(120);

/// How long an instance may be stopping. It unmounts then, which k3s may hold up for a minute and a half; a host that
/// hangs does so forever.
pub(super) const STOPS_WITHIN: Duration = Duration::from_secs(180);

/// How long EC2 may take to free the volume of an instance that is gone, or to change any other state in which nothing
/// can be done but wait: minutes, if the instance hangs on its way. After that a person has to look. Shorter than a
/// function may run, or no person would ever be told.
pub(super) const GONE_WITHIN: Duration = Duration::from_secs(240);

/// How long a successor that runs may take until its agent is online, if the holder's image has none either. After that it
/// is taken as booted: an image without the agent has to work too, only with a longer outage.
pub(super) const BOOT_PATIENCE: Duration = Duration::from_secs(120);

/// How long a healthy holder waits for a successor that gives no sign of life. The launch action would wait for longer,
/// but another launch may get a better image, or a better host.
pub(super) const SILENCE: Duration = Duration::from_secs(600);

/// The same before a person is told, if the holder's own agent is not online either: then nobody can tell what the newcomer
/// lacks, and the next is likely to lack the same. Also if the newcomer before has ended without taking over.
pub(super) const SILENT_TOGETHER: Duration = Duration::from_secs(SILENCE.as_secs() / 2);

/// How long Systems Manager may give no answer to a run before a person is told that a newcomer waits for one. It is asked every
/// eight seconds, three times each.
pub(super) const ANSWERS_AGAIN_WITHIN: Duration = Duration::from_secs(60);

/// How long an instance may take to answer a question: 30 s until it is delivered, two minutes that its document waits for a
/// yes, and some.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(160);

/// How long an instance takes to answer that has nothing to wait for. It may be asked late, when its event was lost.
pub(super) const ANSWERS_AT_ONCE: Duration = Duration::from_secs(15);

/// How long after it was given the volume a successor may take to say that it serves. k3s is up in 20 s, or in minutes
/// after a power cut. Then it goes into service without its answer: it has the volume, and waiting helps nobody. Together
/// with two ticks of the schedule it is shorter than a launch action waits.
pub(super) const SERVES_WITHIN: Duration = Duration::from_secs(240);

/// How soon a group that is busy, or shows no sign of replacing the holder, is asked again to do so.
pub(super) const REPLACES_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How long a group may refuse to end an instance, because it is busy with something else. A launch takes half a minute.
pub(super) const REFUSES_FOR: Duration = Duration::from_secs(60);

/// How long after it was asked a group may take until it shows an instance that it launches: seconds, if it has capacity.
/// Without capacity it tries again every minute or so, each time for a moment.
pub(super) const LAUNCH_SHOWS_WITHIN: Duration = Duration::from_secs(120);

/// How soon after one that failed another instance is launched first, beside a holder whose host retires some day.
pub(super) const LAUNCHES_FIRST_AGAIN_AFTER: Duration = Duration::from_secs(3600);

/// How long a holder that its group is ending is kept serving because no successor has booted, from the first look at it.
/// Its terminate hook waits for 900 s, of which 300 may be gone before the schedule catches a lost event, and a minute is
/// for going cleanly.
pub(super) const HOLD: Duration = Duration::from_secs(540);

/// How long a run of a function lasts: the timeout in its manifest, less two seconds for its answer.
pub const RUN_LASTS: Duration = Duration::from_secs(298);

/// The same if no other run knows that it is held, because it could not be marked. The run that knows has to see it let go: a
/// refusal may take 8 s, and detaching as long.
pub(super) const HOLD_UNMARKED: Duration = Duration::from_secs(RUN_LASTS.as_secs() - RELEASE_TIMEOUT.as_secs() - 2 * 8);

// What is believed of a hold follows from the same two.
const _: () =
    assert!(HOLD_MAY_LAST_FOR.as_secs() == least_heartbeat(Transition::Terminating).as_secs() - HOLD.as_secs());

/// How long before EC2 stops an instance its replacement does not wait for a successor any more. Until then nothing is
/// lost by asking for capacity again and again; a day is enough for a person to fix whatever keeps the group from
/// replacing it.
pub(super) const LAST_DAY: Duration = Duration::from_secs(24 * 3600);

/// How long before EC2 stops an instance a person hears that there is no capacity for its successor: two days before that ends
/// the node's service ([`LAST_DAY`]).
pub(super) const LAST_DAYS: Duration = Duration::from_secs(3 * LAST_DAY.as_secs());

/// How long before EC2 stops an instance it is about to go: then it lets go of the volume if nothing can follow. Three ticks
/// of the schedule, of which one may be lost and one may fail.
pub(super) const STOP_LEAD: Duration = Duration::from_secs(3 * LONGEST_PERIOD.as_secs());

/// How long before EC2 stops an instance it lets go even though a successor may still come: later no look is certain.
pub(super) const LAST_LOOK: Duration = Duration::from_secs(LONGEST_PERIOD.as_secs() + RELEASE_LEAD.as_secs());

/// How long after its time a stop may still come. Until then an instance that has let go for it does not get the volume back.
pub(super) const STOP_MAY_COME_FOR: Duration = Duration::from_secs(3600);

/// The schedule's longest period: a node whose event was lost may wait this long.
pub const LONGEST_PERIOD: Duration = Duration::from_secs(300);

/// The least heartbeat timeout of our hook that leaves time for a hand-off. A launch action may wait for three ticks of the
/// schedule: its event is lost, the first run that looks fails, the second hands over. A terminate action may wait for one
/// tick, for [`HOLD`], and for a release that takes as long as it may.
pub const fn least_heartbeat(transition: Transition) -> Duration {
    let tick_s = LONGEST_PERIOD.as_secs();
    match transition {
        Transition::Launching => Duration::from_secs(3 * tick_s),
        Transition::Terminating => Duration::from_secs(tick_s + HOLD.as_secs() + RELEASE_TIMEOUT.as_secs()),
    }
}

/// How long a holder may take to serve again: it may have to reboot.
pub(super) const RESUME_TIMEOUT: Duration = Duration::from_secs(240);

/// How soon a holder that has not come to serve again is asked once more.
pub(super) const RESUMES_AGAIN_AFTER: Duration = Duration::from_secs(60);
