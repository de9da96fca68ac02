//! What a hand-off took, in one line of the log, and what its owner has to know about its end.

use std::time::SystemTime;

use durin_decisions::node::{Question, Word};

use super::commands::Command;
use super::documents::Document;
use super::hand_off::{HandOff, Seconds, hundredths};
use super::observe::Node;
use super::said::{Note, Said};
use crate::aws::Aws;
use crate::failure::Failure;
use crate::ids::InstanceId;
use crate::news::tell;

/// What this run has seen of a hand-off.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// From the request until the volume was released, and how long unmounting it took of that.
    release_s: Option<f64>,
    unmount_s: Option<f64>,
    /// What the old instance could not write, if that is why.
    not_written: Option<String>,
    detached: Option<SystemTime>,
    /// When the volume was seen free.
    freed: Option<SystemTime>,
    attached: Option<SystemTime>,
}

impl Times {
    pub(super) fn note_detached(&mut self, now: SystemTime, commands: &[Command]) {
        let release = commands.iter().filter(|it| it.document == Document::Release).max_by_key(|it| it.ended);
        self.release_s = release.and_then(|release| seconds(release.requested, release.ended));
        self.unmount_s = release.and_then(|it| it.said.as_ref()?.seconds.get("unmount").copied());
        self.not_written = release.and_then(|it| it.said.as_ref()?.not_written.clone());
        self.detached = Some(now);
    }

    pub(super) fn note_freed(&mut self, now: SystemTime) {
        self.freed = Some(now);
    }

    /// When this run has given the volume away.
    pub(super) fn attached(&self) -> Option<SystemTime> {
        self.attached
    }

    pub(super) fn note_attached(&mut self, now: SystemTime) {
        self.attached = Some(now);
    }
}

impl Node {
    /// Whether this run has done some of the hand-off, and can tell of it.
    pub(super) fn has_handed_over(&self, successor: &InstanceId) -> bool {
        self.writes.times.attached.is_some() || self.holders.before(successor).is_some()
    }

    /// Once a run.
    pub(super) async fn tell_of_hand_off(&mut self, aws: &Aws, successor: &InstanceId) {
        if !self.writes.begin_to_tell_of(successor) {
            return;
        }
        let hand_off = HandOff {
            node: &self.declaration.group,
            from: self.holders.before(successor),
            to: successor,
            attached: self.view.holder().and_then(|held| held.since),
            seconds: self.seconds_of_hand_off(successor),
            serves: *self.words.of(successor, Question::Serves) == Word::Yes,
        };
        if let Err(failure) = tell(aws, &hand_off.news()).await {
            self.writes.note_left_out(failure);
        }
    }

    /// The successor has gone into service.
    pub(super) fn end_hand_off(&mut self, successor: &InstanceId, now: SystemTime) {
        match self.words.of(successor, Question::Serves).clone() {
            Word::Yes | Word::No { .. } => {}
            Word::Absent { why } => self.warn(successor, &why),
            Word::NotAsked if self.view.is_warned(successor, now) => self.warn(successor, "EC2 is taking it back"),
            Word::NotAsked => {
                let why = "it cannot be asked: its Systems Manager agent has not come online";
                self.writes.note_left_out(does_not_serve(successor, why));
            }
            Word::NotYet { why } => self.writes.note_left_out(does_not_serve(successor, &why)),
            Word::Asked { .. } => self.writes.note_left_out(does_not_serve(successor, "it does not answer")),
        }
        if let Some(problem) = self.writes.times.not_written.clone() {
            self.writes.note_left_out(Failure::WritesLost { problem: writes_lost(successor, &problem) });
        }
        let seconds = self.seconds_of_hand_off(successor);
        tracing::info!(
            node = %self.declaration.group,
            instance = %successor,
            release_s = seconds.release,
            unmount_s = self.writes.times.unmount_s,
            detach_s = seconds.detach,
            attach_s = seconds.attach,
            mount_s = seconds.mount,
            k3s_s = seconds.k3s,
            workloads_s = seconds.workloads,
            api_away_s = seconds.api_away(),
            workloads_away_s = seconds.workloads_away(),
            not_written = self.writes.times.not_written,
            "handed over"
        );
    }

    fn seconds_of_hand_off(&self, successor: &InstanceId) -> Seconds {
        let times = &self.writes.times;
        let answer = self.view.last_answer(successor, Document::Serves);
        let said = answer.and_then(|answer| answer.said.as_ref());
        let (mount, k3s, workloads) = said.map(of_program).unwrap_or_default();
        // The device comes without a word, and then the program counts.
        let attach = answer.and_then(|answer| {
            let all = seconds(times.attached?, answer.ended)?;
            Some(hundredths(all - mount? - k3s?)).filter(|seconds| *seconds >= 0.0)
        });
        let detach = times.detached.zip(times.freed).and_then(|(from, to)| seconds(from, to));
        let given = self.view.holder().filter(|held| held.instance == *successor).and_then(|held| held.since);
        let since_given = given.zip(answer).and_then(|(given, answer)| seconds(given, answer.ended));
        Seconds { release: times.release_s, detach, attach, mount, k3s, workloads, since_given }
    }

    fn warn(&self, successor: &InstanceId, why: &str) {
        tracing::warn!(node = %self.declaration.group, instance = %successor, why, "goes into service without having said that it serves");
    }
}

/// How long the volume took to mount, and then k3s and the workloads to start.
pub(super) fn of_program(said: &Said) -> (Option<f64>, Option<f64>, Option<f64>) {
    let note = |note: &Option<Note>| match note {
        Some(Note::Seconds(seconds)) => seconds.clone(),
        Some(Note::Text(_)) | None => Default::default(),
    };
    let (volume, k3s) = (note(&said.volume), note(&said.k3s));
    (volume.mount_seconds, k3s.api_seconds.or(said.since_mount_seconds), k3s.workloads_seconds)
}

fn writes_lost(successor: &InstanceId, problem: &str) -> String {
    format!(
        "the volume is on {successor} now, but its last holder could not write everything before it released the volume \
         ({problem}): check what was written last, and the volume's health (aws ec2 describe-volume-status)"
    )
}

pub(super) fn does_not_serve(successor: &InstanceId, why: &str) -> Failure {
    Failure::DoesNotServe {
        problem: format!(
            "{successor} has the volume and is in service, but does not serve ({why}): look at `journalctl -u k3s` on it (aws ssm \
             start-session --target {successor})"
        ),
    }
}

/// The node may serve. But nobody would hear that it does not, and it could not let go in order.
pub(super) fn cannot_be_asked(holder: &InstanceId) -> Failure {
    Failure::DoesNotServe {
        problem: format!(
            "{holder} has the volume and is in service, but its Systems Manager agent has gone silent, so Durin cannot ask whether \
             it serves, and it could not release the volume in order: restart amazon-ssm-agent on it, or have its group replace it \
             (aws autoscaling terminate-instance-in-auto-scaling-group --instance-id {holder} \
             --no-should-decrement-desired-capacity)"
        ),
    }
}

/// The same of an image without the agent; or it has not even booted.
pub(super) fn was_never_heard(holder: &InstanceId) -> Failure {
    Failure::DoesNotServe {
        problem: format!(
            "{holder} has the volume and is in service, but is not known to serve, because Systems Manager has never heard of its \
             agent, so Durin cannot ask it, and it could not release the volume in order: see whether it has booted (aws ec2 \
             get-console-output --instance-id {holder}), and publish an image that has the agent (just rollback, or a new bake)"
        ),
    }
}

fn seconds(from: SystemTime, to: SystemTime) -> Option<f64> {
    to.duration_since(from).ok().map(|span| hundredths(span.as_secs_f64()))
}
