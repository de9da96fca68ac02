//! Several rehearsals at once, each in a process of its own. Most of a rehearsal is waiting, and each is told when it has ended.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Options;
use super::scenarios::Scenario;
use crate::cores::cores;
use crate::print::{Progress, complain, say};

/// Returns the names of those that did not go as they should, in order.
pub(super) fn play(options: &Options, chosen: &[&'static Scenario]) -> Vec<&'static str> {
    // A machine under emulation has one processor, and some of its time it waits.
    let jobs = options.jobs.unwrap_or_else(|| cores() + 1).clamp(1, chosen.len());
    let progress = Progress::begin(format!("Rehearsing, {jobs} at once"), chosen.len());
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(scenario) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !went_well(options, scenario.name) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(scenario.name);
                    }
                    progress.step();
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    chosen.iter().map(|scenario| scenario.name).filter(|name| failed.contains(name)).collect()
}

fn went_well(options: &Options, name: &str) -> bool {
    // This program, also if it has been built anew meanwhile. It ends with us, however we end, and its machines with it.
    let mut own = Command::new("setpriv");
    own.args(["--pdeathsig", "TERM"]).arg(format!("/proc/{}/exe", std::process::id()));
    own.args(["rehearse", name]).stdin(Stdio::null());
    let files = [("--k3s", &options.k3s), ("--overlay", &options.overlay), ("--keep", &options.keep)];
    for (option, file) in files {
        if let Some(file) = file {
            own.arg(option).arg(file);
        }
    }
    if options.all_calls {
        own.arg("--all-calls");
    }
    match own.output() {
        Ok(ran) => {
            say!("{}", String::from_utf8_lossy(&ran.stdout));
            // If nobody reads that, there is nobody left to tell.
            drop(std::io::stderr().write_all(&ran.stderr));
            ran.status.success()
        }
        Err(error) => {
            complain(format_args!("{name}: {error}"));
            false
        }
    }
}
