//! Run Command, inside a machine.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use durin_harness::world::machines::Report;
use durin_harness::world::ssm::Output;

use super::Host;
use super::guest_agent::Ran;
use super::machine::Machine;

const POLL: Duration = Duration::from_millis(300);

/// Systems Manager User Guide ("Rebooting your managed node from scripts"): the agent reboots, and runs the script again.
const REBOOT: i32 = 194;

impl Host {
    /// Runs the script, and again after a reboot that it asks for.
    pub(super) fn run_command(&self, machine: &Machine, command: &str, script: &str) -> Result<(), String> {
        loop {
            let pid = machine.agent.start(script)?;
            machine.running().insert(command.to_owned(), pid);
            let Some(ran) = wait(machine, command, pid) else { return Ok(()) };
            if ran.status != REBOOT {
                let output = Output { output: ran.output, error: ran.error };
                let report = Report::Ended { command: command.to_owned(), status: ran.status, output };
                self.report(machine, report);
                return Ok(());
            }
            self.reboot(machine)?;
            while machine.has_power() && !machine.agent.answers() {}
        }
    }
}

/// How it ended; none if it was killed, or the power went.
fn wait(machine: &Machine, command: &str, pid: i64) -> Option<Ran> {
    while machine.has_power() {
        match machine.agent.ended(pid) {
            Ok(Some(ran)) => return machine.running().remove(command).map(|_| ran),
            // An agent that is slow to answer answers later.
            Ok(None) | Err(_) => thread::sleep(POLL),
        }
    }
    None
}

impl Machine {
    pub(super) fn kill_command(&self, command: &str) -> Result<(), String> {
        let Some(pid) = self.running().remove(command) else { return Ok(()) };
        let script = format!("kill -KILL {pid} $(cat /proc/{pid}/task/{pid}/children)");
        self.agent.run(&script, Duration::from_secs(10)).map(drop)
    }

    /// What a person would do who has logged in.
    ///
    /// # Errors
    /// When it does not end in time.
    pub(crate) fn shell(&self, script: &str, within: Duration) -> Result<Ran, String> {
        self.agent.run(script, within)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
