//! `durin-node settle`: beside k3s as it starts, outside its way. Waits until it answers, removes what an earlier
//! instance has left in the cluster, says what it finds, and when the workloads are ready. Running it again does
//! nothing new.

mod clean;
mod rescue;

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Steps, complain, hundredths, say};
use crate::decide::cluster::found;
use crate::decide::first;
use crate::machine::kubectl;
use crate::machine::programs::Deadline;
use crate::machine::{state, unit};
use crate::world::World;

use super::prepare::Prepared;
use super::volume::Mounted;
use super::{datastore, served};

const API: Duration = Duration::from_secs(600);
const WORKLOADS: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(500);
/// Two restarts take less.
const CALM: Duration = Duration::from_secs(60);
/// Each try takes many questions.
const AGAIN: Duration = Duration::from_secs(3);

/// The note about k3s.
#[derive(Serialize, Deserialize)]
pub struct Serves {
    pub boot: String,
    /// From the mount until the API answered.
    pub api_seconds: f64,
    /// From the mount until all pods were ready; none if they are not.
    pub workloads_seconds: Option<f64>,
    /// What is not as it should be, in sentences.
    pub findings: Vec<String>,
}

impl Serves {
    pub const NOTE: &str = "serves.json";
}

pub fn run(world: &World, within: Option<Duration>, steps: &mut Steps) -> Answer {
    let begun = Instant::now();
    // Of an earlier start of k3s in this boot.
    state::forget(world, Serves::NOTE);
    let mounted = state::written::<Mounted>(world, Mounted::NOTE).unwrap_or_else(SystemTime::now);
    if !rescue::wait_for_api(world, Deadline::after(within.unwrap_or(API)), steps) {
        return Answer::no("does not serve", "k3s does not answer: look at `journalctl -u k3s`");
    }
    let restarts = unit::restarts();
    steps.report("k3s answers", begun, "done");
    let since_mount = || hundredths(mounted.elapsed().unwrap_or_default());
    let mut serves =
        Serves { boot: world.boot(), api_seconds: since_mount(), workloads_seconds: None, findings: Vec::new() };
    note(world, &serves);
    served::keep(world);

    let step = Instant::now();
    let own = datastore::node_name(world);
    let prepared = Prepared::of_this_boot(world);
    let instance = prepared.as_ref().map(|prepared| prepared.instance.clone()).unwrap_or_default();
    let clean = || clean::left_overs(&own, &instance, mounted);
    let mut left = clean();
    steps.report("remove what is left over", step, outcome(left.is_empty()));

    let step = Instant::now();
    let mut deadline = Deadline::after(within.unwrap_or(WORKLOADS));
    let mut pause = Deadline::after(AGAIN);
    let unready = loop {
        let unready = unready().unwrap_or_else(|why| {
            // It has answered, and containerd may bring it down all the same.
            deadline = rescue::rescue(world, restarts, steps).unwrap_or(deadline);
            vec![why]
        });
        if deadline.has_passed() || (unready.is_empty() && left.is_empty()) {
            break unready;
        }
        thread::sleep(POLL);
        if !left.is_empty() && pause.has_passed() {
            left = clean();
            pause = Deadline::after(AGAIN);
        }
    };
    serves.findings.clone_from(&left);
    serves.findings.extend(read_back(&own, prepared.and_then(|prepared| prepared.address).as_deref()));
    match unready.as_slice() {
        [] => serves.workloads_seconds = Some(since_mount()),
        pods => serves.findings.push(format!("pods are not ready: {}", first(pods, 10))),
    }
    steps.report("workloads", step, outcome(unready.is_empty()));
    note(world, &serves);
    for finding in &serves.findings {
        say(&format!("found: {finding}"));
    }
    let answer = match left.as_slice() {
        // A broken store lets it answer for a moment at each start, with all that was ready before.
        [] if falls(world, within.unwrap_or(CALM).min(CALM), restarts, steps) => {
            Answer::no("does not serve", "k3s fell over containerd's store, which has been set aside")
        }
        [] => Answer::yes("serves"),
        // So that the unit runs us again.
        left => Answer::no("does not serve", &format!("something is left of an earlier instance: {}", left.join("; "))),
    };
    answer.with("note", serves)
}

/// Whether it falls over its store in that time.
fn falls(world: &World, span: Duration, restarts: u32, steps: &mut Steps) -> bool {
    let deadline = Deadline::after(span);
    while !deadline.has_passed() {
        if rescue::rescue(world, restarts, steps).is_some() {
            return true;
        }
        thread::sleep(POLL);
    }
    false
}

/// The pods that are not ready.
fn unready() -> Result<Vec<String>, String> {
    kubectl::get(&["pods", "--all-namespaces"]).map(|pods| found::unready(&pods))
}

fn outcome(in_time: bool) -> &'static str {
    if in_time { "done" } else { "took too long" }
}

/// What no test without a real k3s can show.
fn read_back(own: &str, address: Option<&str>) -> Vec<String> {
    let mut findings = Vec::new();
    match kubectl::get(&["node", own]) {
        Ok(node) => findings.extend(found::node(&node, address)),
        Err(why) => findings.push(why),
    }
    let service = ["endpointslices", "--namespace=default", "--selector=kubernetes.io/service-name=kubernetes"];
    match kubectl::get(&service) {
        Ok(slices) => findings.extend(found::api_addresses(&slices, address)),
        Err(why) => findings.push(why),
    }
    findings
}

fn note(world: &World, serves: &Serves) {
    if let Err(error) = state::write(world, Serves::NOTE, serves) {
        // The node serves all the same.
        complain(&format!("cannot write /run/durin: {error}"));
    }
}
