//! What a hand-off took, in one line of the log, and what its owner has to know about its end.

use std::time::SystemTime;

use durin_decisions::node::{Question, Word};

use super::commands::Command;
use super::documents::Document;
use super::observe::Node;
use super::said::{Note, Said};
use crate::failure::Failure;
use crate::ids::InstanceId;

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
    /// The successor has gone into service.
    pub(super) fn tell_of_hand_off(&mut self, successor: &InstanceId, now: SystemTime) {
        match self.words.of(successor, Question::Serves).clone() {
            Word::Yes | Word::No { .. } => {}
            Word::Absent { why } => self.warn(successor, &why),
            Word::NotAsked if self.view.is_warned(successor, now) => self.warn(successor, "EC2 takes it"),
            Word::NotAsked => {
                let why = "it cannot be asked: its Systems Manager agent has not come online";
                self.writes.note_left_out(does_not_serve(successor, why));
            }
            Word::NotYet { why } => self.writes.note_left_out(does_not_serve(successor, &why)),
            Word::Asked { .. } => self.writes.note_left_out(does_not_serve(successor, "it does not answer")),
        }
        let answer = self.view.last_answer(successor, Document::Serves);
        let said = answer.and_then(|answer| answer.said.as_ref());
        let (mount_s, k3s_s, workloads_s) = said.map(of_program).unwrap_or_default();
        if let Some(problem) = self.writes.times.not_written.clone() {
            self.writes.note_left_out(Failure::WritesLost { problem: writes_lost(successor, &problem) });
        }
        let times = &self.writes.times;
        // The device comes without a word, and then the program counts.
        let attach_s = answer.and_then(|answer| {
            let all = seconds(times.attached?, answer.ended)?;
            Some(((all - mount_s? - k3s_s?) * 100.0).round() / 100.0).filter(|seconds| *seconds >= 0.0)
        });
        tracing::info!(
            node = %self.declaration.group,
            instance = %successor,
            release_s = times.release_s,
            unmount_s = times.unmount_s,
            detach_s = times.detached.zip(times.freed).and_then(|(from, to)| seconds(from, to)),
            attach_s,
            mount_s,
            k3s_s,
            workloads_s,
            not_written = times.not_written,
            "handed over"
        );
    }

    fn warn(&self, successor: &InstanceId, why: &str) {
        tracing::warn!(node = %self.declaration.group, instance = %successor, why, "goes into service without its word");
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
        "the volume is on {successor}, without what its last holder could not write before it let go ({problem}): compare what \
         was written last, and look at the volume's health with aws ec2 describe-volume-status"
    )
}

pub(super) fn does_not_serve(successor: &InstanceId, why: &str) -> Failure {
    Failure::DoesNotServe {
        problem: format!(
            "{successor} has the volume and is in service, but does not serve ({why}): look at `journalctl -u k3s` on it"
        ),
    }
}

/// The node may serve. But nobody would hear that it does not, and it could not let go in order.
pub(super) fn cannot_be_asked(holder: &InstanceId) -> Failure {
    Failure::DoesNotServe {
        problem: format!(
            "{holder} has the volume and is in service, but its Systems Manager agent has gone silent, so that nobody can ask \
             whether it serves, and it could not let go of the volume in order: restart amazon-ssm-agent on it, or have its \
             group replace it"
        ),
    }
}

fn seconds(from: SystemTime, to: SystemTime) -> Option<f64> {
    to.duration_since(from).ok().map(|span| (span.as_secs_f64() * 100.0).round() / 100.0)
}
