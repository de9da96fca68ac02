//! The operating system goes down and comes up again, and EC2 says `running` all the while.

use std::time::Duration;

use super::{GuestFact, GuestStep};
use crate::world::World;
use crate::world::machines::Order;

/// From the end of a shutdown until the next boot begins. Estimate. No probe: it is inside EC2, and nothing waits for it.
const RESET: Duration = Duration::from_secs(2);

impl World {
    /// In good order: k3s stops and the volume is unmounted first.
    pub(in crate::world) fn reboot(&mut self, id: &str) {
        self.note_guest(id, GuestFact::Reboots);
        if self.has_machines() {
            self.next_boot(id);
            self.stop_agent(id);
            self.order(|| Order::Reboot { instance: id.to_owned() });
            return;
        }
        let quiet_after = self.shut_down(id);
        self.schedule_guest(id, quiet_after + RESET, GuestStep::Restarts);
    }

    /// The kernel panics and boots anew: what was mounted stays dirty.
    ///
    /// # Panics
    /// When EC2 does not list the instance.
    pub fn panic_kernel(&mut self, id: &str) {
        self.note_guest(id, GuestFact::KernelPanic);
        self.restart(id);
    }

    pub(super) fn restart(&mut self, id: &str) {
        self.power_off(id);
        self.power_on(id);
    }
}
