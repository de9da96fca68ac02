//! Instances that are real machines, where somebody outside has some: the world says what happens to a machine, and hears
//! what the machine has come to. Then nothing in [`super::guest`] is played; its facts are what was reported.
//!
//! Real machines have one pace, so the world has to run at theirs.

mod reports;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::World;
use super::ec2::AttachmentState;
use super::latency::Range;

pub use reports::Report;

/// What happens to a machine from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    PowerOn {
        instance: String,
    },
    /// At once, whatever it is about.
    CutPower {
        instance: String,
    },
    /// The operating system is asked to shut down.
    PressPowerButton {
        instance: String,
    },
    Reboot {
        instance: String,
    },
    Plug {
        instance: String,
        volume: String,
    },
    /// To be answered with [`Report::Unplugged`], or with [`Report::InUse`] unless it is by force.
    Unplug {
        instance: String,
        volume: String,
        by_force: bool,
    },
    /// A shell runs this, to be answered with [`Report::Ended`].
    Run {
        instance: String,
        command: String,
        script: String,
    },
    /// What runs for the command is killed.
    Kill {
        instance: String,
        command: String,
    },
}

/// The machines, if there are any.
#[derive(Debug, Default)]
pub struct Machines {
    /// Whether instances are machines.
    are_real: bool,
    orders: Vec<Order>,
}

/// How long EC2 lets an operating system shut down before it cuts the power. Estimate: EC2 does not say. No probe: it
/// takes an operating system that hangs.
const SHUTDOWN: Duration = Duration::from_secs(30);

impl World {
    /// From now on instances are real machines, which somebody powers on and off as [`World::take_orders`] says.
    pub fn back_with_machines(&mut self) {
        self.machines.are_real = true;
        // Nobody learns anything from waiting for it in real time.
        self.latency.instance_start = Range::from_secs(1, 2);
    }

    /// What is to be done to machines, in order. Each is handed out once.
    pub fn take_orders(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.machines.orders)
    }

    pub(super) fn has_machines(&self) -> bool {
        self.machines.are_real
    }

    /// Gives the order if there are machines, and says whether there are.
    pub(super) fn order(&mut self, order: impl FnOnce() -> Order) -> bool {
        if self.machines.are_real {
            self.machines.orders.push(order());
        }
        self.machines.are_real
    }

    /// The volumes that the instance has are in it from the start.
    pub(super) fn power_on_machine(&mut self, id: &str) {
        let instance = || id.to_owned();
        self.order(|| Order::PowerOn { instance: instance() });
        let attached = self.ec2.attachments_of(id).filter(|(_, held)| held.state == AttachmentState::Attached);
        let volumes: Vec<_> = attached.map(|(volume, _)| volume.to_owned()).collect();
        for volume in volumes {
            self.order(|| Order::Plug { instance: instance(), volume });
        }
    }

    /// The answer is how long it may need.
    pub(super) fn shut_machine_down(&mut self, id: &str) -> Duration {
        self.order(|| Order::PressPowerButton { instance: id.to_owned() });
        SHUTDOWN
    }

    /// What the document says, with the command's values in it.
    pub(super) fn run_on_machine(&mut self, id: &str, command: &str) {
        let sent = self.ssm.command(command).expect("no command is forgotten");
        let version = Some(sent.document_version.as_str()).filter(|version| !version.is_empty());
        let script = self.ssm.document(&sent.document, version).ok().map(|it| it.script(&sent.parameters));
        let (instance, command) = (id.to_owned(), command.to_owned());
        // A document that was deleted meanwhile has nothing to run.
        self.order(|| Order::Run { instance, command, script: script.unwrap_or_default() });
    }
}
