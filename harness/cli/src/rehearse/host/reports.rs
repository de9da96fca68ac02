//! What a machine comes to, as what runs in it reports.

use std::time::Instant;

use durin_harness::world::machines::Report;
use serde_json::Value;

use super::json_lines::JsonLines;
use super::machine::Machine;
use super::{BOOT, Host};

/// What a machine has reported last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    boot: String,
    mounted: Option<String>,
    k3s: bool,
    workload: bool,
}

impl Host {
    /// Takes in what the machine reports, until its power is gone.
    pub(super) fn listen(&self, machine: &Machine) {
        let Ok(mut lines) = JsonLines::connect(&machine.reports, BOOT) else { return };
        let mut before = State::default();
        while let Ok(line) = lines.hear(None) {
            let now = State::read(&line);
            for report in before.until(&now) {
                let is_boot = report == Report::Booted;
                if is_boot {
                    machine.note_boot();
                }
                self.report(machine, report);
                if is_boot {
                    self.wait_for_agent(machine);
                }
            }
            before = now;
        }
    }

    fn wait_for_agent(&self, machine: &Machine) {
        let end = Instant::now() + BOOT;
        while Instant::now() < end && machine.has_power() {
            if machine.agent.answers() {
                return self.report(machine, Report::AgentOnline);
            }
        }
    }
}

impl State {
    fn read(line: &Value) -> State {
        State {
            boot: line["boot"].as_str().unwrap_or_default().to_owned(),
            mounted: line["mounted"].as_str().map(str::to_owned),
            k3s: line["k3s"] == true,
            workload: line["workload"] == true,
        }
    }

    /// What has come to pass, in the only order in which it can when several things have between two looks.
    fn until(&self, now: &State) -> Vec<Report> {
        let mut reports = Vec::new();
        let rebooted = self.boot != now.boot;
        let before = if rebooted { State::default() } else { self.clone() };
        let ended = |was: bool, is: bool| was && (rebooted || !is);
        if ended(self.k3s, now.k3s) {
            reports.push(Report::K3sStopped);
        }
        if ended(self.workload, now.workload) {
            reports.push(Report::WorkloadDown);
        }
        if ended(self.mounted.is_some(), now.mounted.is_some()) {
            reports.push(Report::Unmounted);
        }
        if rebooted {
            reports.push(Report::Booted);
        }
        if let (None, Some(volume)) = (&before.mounted, &now.mounted) {
            reports.push(Report::Mounted { volume: volume.clone() });
        }
        if now.k3s && !before.k3s {
            reports.push(Report::K3sUp);
        }
        if now.workload && !before.workload {
            reports.push(Report::WorkloadUp);
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(boot: &str, mounted: bool, k3s: bool, workload: bool) -> State {
        State { boot: boot.to_owned(), mounted: mounted.then(|| "vol-1".to_owned()), k3s, workload }
    }

    #[test]
    fn what_is_seen_at_once_is_reported_in_order() {
        let mounted = Report::Mounted { volume: "vol-1".to_owned() };
        assert_eq!(State::default().until(&state("a", true, true, false)), [Report::Booted, mounted, Report::K3sUp]);
        let gone = [Report::K3sStopped, Report::WorkloadDown, Report::Unmounted];
        assert_eq!(state("a", true, true, true).until(&state("a", false, false, false)), gone);
    }

    #[test]
    fn a_reboot_ends_what_was() {
        let mounted = Report::Mounted { volume: "vol-1".to_owned() };
        let expected = [Report::K3sStopped, Report::Unmounted, Report::Booted, mounted, Report::K3sUp];
        assert_eq!(state("a", true, true, false).until(&state("b", true, true, false)), expected);
    }
}
