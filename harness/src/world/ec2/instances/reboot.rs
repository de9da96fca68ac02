//! Instances reboot.

use crate::world::World;
use crate::world::ec2::InstanceState;
use crate::world::error::{ApiError, ApiResult};

impl World {
    /// RebootInstances. EC2 API Reference: a request that is queued; for terminated instances it is ignored. An instance
    /// that has not come up yet has nothing to go down.
    pub fn reboot_instances(&mut self, ids: &[String]) -> ApiResult<()> {
        for id in ids {
            if matches!(self.ec2.known_instance(id)?.state, InstanceState::Stopping | InstanceState::Stopped) {
                let text = format!("The instance '{id}' is not in a state from which it can be rebooted.");
                return Err(ApiError::new("IncorrectInstanceState", text));
            }
        }
        for id in ids {
            if self.ec2.state_of(id) == Some(InstanceState::Running) {
                self.reboot(id);
            }
        }
        Ok(())
    }
}
