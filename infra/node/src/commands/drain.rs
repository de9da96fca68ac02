//! Draining before a release, for those who need hooks (preStop) to run: only if the tag `durin:drain` says for how
//! many seconds. By default nothing is drained: on a single node an evicted pod has nowhere to go.

use std::time::{Duration, Instant};

use crate::answer::{Steps, cut};
use crate::decide::cluster::CORDONED;
use crate::decide::cluster::left_over::{self, Cordon};
use crate::machine::kubectl;
use crate::machine::programs::Deadline;
use crate::world::World;

use super::datastore;
use super::prepare::Prepared;

/// A release has 40 seconds in all, and everything else may take 30.
const MOST: u64 = 10;

/// Drains the node. The release reports a failure, and goes on.
pub(super) fn drain(world: &World, deadline: Deadline, steps: &mut Steps) {
    let Some(seconds) = Prepared::of_this_boot(world).and_then(|prepared| prepared.drain_seconds) else { return };
    let begun = Instant::now();
    let limit = Duration::from_secs(seconds.min(MOST));
    let drained = try_drain(world, deadline.at_most(limit));
    steps.report("drain", begun, &drained.err().map_or("done".to_owned(), |why| cut(&why, 160)));
}

fn try_drain(world: &World, deadline: Deadline) -> Result<(), String> {
    let own = datastore::node_name(world);
    // A cordon goes with the datastore. The successor lifts it if it is ours, so that has to be written first; one that
    // somebody else has made stays.
    match left_over::cordon(&kubectl::get_until(&["node", &own], deadline)?) {
        Cordon::Somebodys => {}
        Cordon::None | Cordon::Durins => {
            kubectl::run(&["annotate", "node", &own, "--overwrite", &format!("{CORDONED}=drain")], deadline)?;
        }
    }
    let timeout = format!("--timeout={}s", deadline.left().as_secs());
    kubectl::run(&["drain", &own, "--ignore-daemonsets", "--delete-emptydir-data", "--force", &timeout], deadline)
}
