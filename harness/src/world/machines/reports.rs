//! What machines report.

use super::Order;
use crate::world::World;
use crate::world::ec2::{AttachmentState, Ec2Change, InstanceState};
use crate::world::guest::{GuestFact, Outcome};
use crate::world::ssm::Output;
use crate::world::violation::Violation;

/// What a machine has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The operating system is up, after a boot.
    Booted,
    /// A command would be run.
    AgentOnline,
    Mounted {
        volume: String,
    },
    /// k3s answers.
    K3sUp,
    WorkloadUp,
    K3sStopped,
    WorkloadDown,
    /// No mount of a volume is left.
    Unmounted,
    /// The device has left.
    Unplugged {
        volume: String,
    },
    /// The device stays, because the kernel uses it.
    InUse {
        volume: String,
    },
    /// A command's script has ended.
    Ended {
        command: String,
        status: i32,
        output: Output,
    },
}

impl World {
    /// Takes in what a machine has come to. It may come too late: the instance may have ended, and the volume gone.
    pub fn on_report(&mut self, instance: &str, report: Report) {
        let is_running = self.ec2.state_of(instance).is_some_and(|state| {
            matches!(state, InstanceState::Running | InstanceState::ShuttingDown | InstanceState::Stopping)
        });
        if is_running {
            self.take_in(instance, report);
        }
    }

    fn take_in(&mut self, id: &str, report: Report) {
        let now = self.now;
        match report {
            Report::Booted => {
                let guest = &mut self.ec2.the_instance_mut(id).guest;
                guest.up_since = Some(now);
                self.note_guest(id, GuestFact::Booted);
            }
            Report::AgentOnline => self.on_agent_online(id),
            Report::Mounted { volume } => self.on_machine_mounted(id, volume),
            Report::K3sUp => {
                self.ec2.the_instance_mut(id).guest.serving_since = Some(now);
                self.note_guest(id, GuestFact::K3sUp);
            }
            Report::WorkloadUp => {
                self.ec2.the_instance_mut(id).guest.workload_up_since = Some(now);
                self.note_guest(id, GuestFact::WorkloadUp);
            }
            Report::K3sStopped => {
                self.ec2.the_instance_mut(id).guest.serving_since = None;
                self.note_guest(id, GuestFact::K3sStopped);
            }
            Report::WorkloadDown => {
                self.ec2.the_instance_mut(id).guest.workload_up_since = None;
                self.note_guest(id, GuestFact::WorkloadDown);
            }
            Report::Unmounted => {
                if let Some(volume) = self.ec2.the_instance_mut(id).guest.mounted.take() {
                    self.note_guest(id, GuestFact::Unmounted { volume: volume.clone() });
                    self.on_unmounted(&volume);
                }
            }
            Report::Unplugged { volume } => self.on_unplugged(id, &volume),
            Report::InUse { volume } => self.on_in_use(id, &volume),
            Report::Ended { command, status, output } => {
                let outcome = if status == 0 { Outcome::Success } else { Outcome::Failed(status) };
                self.end_document(id, &command, outcome, Some(output));
            }
        }
    }

    fn on_machine_mounted(&mut self, id: &str, volume: String) {
        let elsewhere = self.mounted_on(&volume).map(str::to_owned);
        self.ec2.the_instance_mut(id).guest.mounted = Some(volume.clone());
        let data = &mut self.ec2.the_volume_mut(&volume).data;
        data.blank = false;
        let found = data.durable;
        self.note_guest(id, GuestFact::Mounted { volume: volume.clone(), found });
        if let Some(other) = elsewhere {
            self.note_violation(Violation::MountedTwice { volume, instance: id.to_owned(), other });
        }
    }

    fn on_unplugged(&mut self, id: &str, volume: &str) {
        if self.is_leaving(id, volume) {
            self.free_volume(volume);
        }
    }

    fn on_in_use(&mut self, id: &str, volume: &str) {
        if self.is_leaving(id, volume) {
            self.ec2.the_attachment_mut(volume).state = AttachmentState::Busy;
            self.note_change(volume, Ec2Change::Busy { instance: id.to_owned() });
        }
    }

    fn is_leaving(&self, id: &str, volume: &str) -> bool {
        let held = self.ec2.volume(volume).and_then(|volume| volume.attachment.as_ref());
        held.is_some_and(|held| held.instance_id == id && held.state == AttachmentState::Detaching)
    }

    /// The agent kills what runs for the command.
    pub(in crate::world) fn kill_on_machine(&mut self, id: &str, command: &str, outcome: Outcome) {
        self.order(|| Order::Kill { instance: id.to_owned(), command: command.to_owned() });
        self.end_document(id, command, outcome, None);
    }
}
