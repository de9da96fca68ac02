//! Instances end: stop, terminate, and what that does to their volumes.

use std::time::Duration;

use super::StateChange;
use crate::world::World;
use crate::world::ec2::{Ec2Effect, InstanceState};
use crate::world::error::{ApiError, ApiResult};

/// How an instance comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// The operating system shuts down: k3s stops, the volume is unmounted.
    Orderly,
    PowerOff,
}

impl World {
    /// TerminateInstances: each instance with its state before and after. EC2 API Reference: idempotent; if one id is
    /// wrong, nothing is terminated; if one is protected, nothing in its zone is.
    pub fn terminate_instances(&mut self, ids: &[String]) -> ApiResult<Vec<StateChange>> {
        let mut protected = Vec::new();
        for id in ids {
            let instance = self.ec2.known_instance(id)?;
            if instance.is_protected && instance.state != InstanceState::Terminated {
                protected.push((id, instance.zone.clone()));
            }
        }
        let is_free = |id: &&String| protected.iter().all(|(_, zone)| self.ec2.the_instance(id).zone != *zone);
        let free: Vec<_> = ids.iter().filter(is_free).cloned().collect();
        let reason = self.user_initiated();
        let changes = self.change_each(&free, |world, id, _| world.begin_termination(id, &reason, Shutdown::Orderly));
        match protected.first() {
            None => Ok(changes),
            Some((id, _)) => {
                let text = format!(
                    "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and \
                     try again."
                );
                Err(ApiError::new("OperationNotPermitted", text))
            }
        }
    }

    /// ModifyInstanceAttribute, `disableApiTermination`. EC2 User Guide: it keeps TerminateInstances from ending the
    /// instance, and neither Auto Scaling nor a spot interruption.
    pub fn protect_instance(&mut self, id: &str, protected: bool) -> ApiResult<()> {
        self.ec2.known_instance(id)?;
        self.ec2.the_instance_mut(id).is_protected = protected;
        Ok(())
    }

    /// StopInstances: each instance with its state before and after.
    pub fn stop_instances(&mut self, ids: &[String]) -> ApiResult<Vec<StateChange>> {
        for id in ids {
            let instance = self.ec2.known_instance(id)?;
            if instance.spot {
                return Err(ApiError::new(
                    "UnsupportedOperation",
                    format!(
                        "You can't stop the Spot Instance '{id}' because it is associated with a one-time Spot Instance \
                         request. You can only stop Spot Instances associated with persistent Spot Instance requests."
                    ),
                ));
            }
            if !matches!(instance.state, InstanceState::Running | InstanceState::Stopping | InstanceState::Stopped) {
                return Err(ApiError::new(
                    "IncorrectInstanceState",
                    format!("The instance '{id}' is not in a state from which it can be stopped."),
                ));
            }
        }
        let reason = self.user_initiated();
        Ok(self.change_each(ids, |world, id, _| world.begin_stop(id, &reason, Shutdown::Orderly)))
    }

    /// Starts to terminate an instance, unless that has been started before.
    pub(crate) fn begin_termination(&mut self, id: &str, reason: &str, shutdown: Shutdown) {
        if matches!(self.ec2.the_instance(id).state, InstanceState::ShuttingDown | InstanceState::Terminated) {
            return;
        }
        self.enter_last_state(id, InstanceState::ShuttingDown, reason);
        let quiet_after = self.end_guest(id, shutdown);
        let terminated_after = self.draw(self.latency.shutting_down).max(quiet_after + Duration::from_secs(1));
        // EC2 User Guide (terminating instances): volumes that do not end with the instance are detached from it.
        // EC2 does not document when; they were seen to stay in-use until about the time at which the instance is terminated.
        let freed_after = terminated_after.saturating_sub(Duration::from_secs(5)).max(quiet_after)
            + self.draw(self.latency.volumes_freed);
        self.schedule(freed_after, Ec2Effect::VolumesFreed(id.to_owned()));
        self.schedule(terminated_after, Ec2Effect::Terminated(id.to_owned()));
        self.notice_end(id);
    }

    /// Starts to stop an instance, unless it is stopping or worse. Its volumes stay attached.
    pub(in crate::world::ec2) fn begin_stop(&mut self, id: &str, reason: &str, shutdown: Shutdown) {
        if !self.ec2.is_alive(id) {
            return;
        }
        self.enter_last_state(id, InstanceState::Stopping, reason);
        let quiet_after = self.end_guest(id, shutdown);
        let stopped_after = self.draw(self.latency.stopping).max(quiet_after + Duration::from_secs(1));
        self.schedule(stopped_after, Ec2Effect::Stopped(id.to_owned()));
        self.notice_end(id);
    }

    /// A stopping instance has stopped, unless it was terminated before.
    pub(in crate::world::ec2) fn on_stopped(&mut self, id: &str) {
        let Some(instance) = self.ec2.still_in(InstanceState::Stopping, id) else { return };
        if let Some(event) = &mut instance.scheduled_event {
            event.is_completed = true;
        }
        self.power_off(id);
        self.enter_state(id, InstanceState::Stopped);
    }

    pub(in crate::world::ec2) fn on_terminated(&mut self, id: &str) {
        let before = self.ec2.the_instance(id).state;
        assert_eq!(before, InstanceState::ShuttingDown, "{id} is terminated once, by way of shutting-down");
        self.power_off(id);
        self.enter_state(id, InstanceState::Terminated);
        let listed = self.draw(self.latency.terminated_listed);
        self.schedule(listed, Ec2Effect::Forgotten(id.to_owned()));
        self.notice_terminated(id);
    }

    pub(in crate::world::ec2) fn forget_instance(&mut self, id: &str) {
        let forgotten = self.ec2.instances.remove(id).expect("an instance is forgotten once");
        assert_eq!(forgotten.state, InstanceState::Terminated, "{id} is forgotten after it was terminated");
    }

    fn end_guest(&mut self, id: &str, shutdown: Shutdown) -> Duration {
        match shutdown {
            Shutdown::Orderly => self.shut_down(id),
            Shutdown::PowerOff => {
                self.power_off(id);
                Duration::ZERO
            }
        }
    }

    fn enter_last_state(&mut self, id: &str, state: InstanceState, reason: &str) {
        reason.clone_into(&mut self.ec2.the_instance_mut(id).transition_reason);
        self.enter_state(id, state);
    }

    /// As `stateTransitionReason` has it.
    pub(crate) fn user_initiated(&self) -> String {
        format!("User initiated ({} GMT)", self.now.iso_seconds().replace('T', " ").trim_end_matches('Z'))
    }
}
