//! `durin-node prepare`: everything that can be done before the volume comes, while the old instance still serves.
//! Reads the tags, writes k3s's configuration, checks the image, and reads into memory what k3s will read.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use durin_decisions::ids::VolumeId;
use durin_decisions::tags;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Steps};
use crate::decide::{fitness, node_name};
use crate::machine::metadata::{Failure, Metadata};
use crate::machine::programs::Deadline;
use crate::machine::{image, state};
use crate::world::World;

use super::datastore;

/// A tag may come later than the instance, and the network later than we.
const TAGS: Duration = Duration::from_secs(60);
const WARM: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(500);

/// The note about this instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Prepared {
    pub boot: String,
    pub instance: String,
    pub address: Option<String>,
    pub volume: Option<String>,
    pub new_volume: Option<String>,
    pub record: Option<String>,
    pub node_name: Option<String>,
    #[serde(default)]
    pub drain_seconds: Option<u64>,
    /// Why this instance cannot be the node. Empty if it can.
    pub unfit: Vec<String>,
    /// Whether only the metadata service has kept it from that. The unit asks again.
    #[serde(default)]
    pub may_pass: bool,
    pub warnings: Vec<String>,
}

impl Prepared {
    pub const NOTE: &str = "prepared.json";

    /// What was found out in this boot.
    pub fn of_this_boot(world: &World) -> Option<Prepared> {
        let boot = world.boot();
        state::read::<Prepared>(world, Prepared::NOTE).filter(|note| note.boot == boot)
    }
}

pub fn run(world: &World, metadata: &mut Metadata, within: Option<Duration>, steps: &mut Steps) -> Answer {
    let begun = Instant::now();
    let warmed = thread::scope(|scope| {
        let warming = scope.spawn(|| image::warm(world, Deadline::after(WARM)));
        let prepared = prepare(world, metadata, Deadline::after(within.unwrap_or(TAGS)), steps);
        // A reader that panics has read nothing.
        prepared.map(|prepared| (prepared, warming.join().unwrap_or(0)))
    });
    let (prepared, bytes) = match warmed {
        Ok(warmed) => warmed,
        Err(error) => return Answer::no("failed", &format!("cannot write: {error}")),
    };
    steps.report("prepare", begun, "done");
    let answer = match prepared.unfit.as_slice() {
        [] => Answer::yes("prepared"),
        reasons => Answer::no("unfit", &reasons.join("; ")),
    };
    let answer = answer.with("note", &prepared).with("warmed_bytes", bytes);
    // Last, because a reader relies on everything above.
    match state::write(world, Prepared::NOTE, &prepared) {
        Ok(()) => answer,
        Err(error) => Answer::no("failed", &format!("cannot write /run/durin: {error}")),
    }
}

fn prepare(world: &World, metadata: &mut Metadata, deadline: Deadline, steps: &mut Steps) -> io::Result<Prepared> {
    let image = image::look(world);
    let begun = Instant::now();
    let (read, problem) = read_until(metadata, deadline);
    steps.report("read the tags", begun, problem.as_deref().unwrap_or("done"));
    let mut unfit = fitness::unfit(&image);
    let mut warnings = fitness::warnings(&image);
    let may_pass = unfit.is_empty() && read.volume.is_none() && problem.is_some();
    match &read.volume {
        None => unfit.push(problem.unwrap_or_else(|| format!("this instance has no tag {}", tags::VOLUME_ID))),
        Some(volume) => {
            unfit.extend(VolumeId::new(volume.as_str()).err().map(|error| format!("{}: {error}", tags::VOLUME_ID)))
        }
    }
    if read.record.is_none() {
        let tag = tags::RECORD_NAME;
        warnings.push(format!("this instance has no tag {tag}: k3s's certificate will not have the record's name"));
    }
    configure(world, read.record.as_deref())?;
    datastore::link(world)?;
    Ok(Prepared { boot: world.boot(), unfit, may_pass, warnings, ..read })
}

/// Asks until the tags are there, or until the deadline. What there is by then counts, with the last problem.
fn read_until(metadata: &mut Metadata, deadline: Deadline) -> (Prepared, Option<String>) {
    let nothing = Prepared {
        boot: String::new(),
        instance: String::new(),
        address: None,
        volume: None,
        new_volume: None,
        record: None,
        node_name: None,
        drain_seconds: None,
        unfit: Vec::new(),
        may_pass: false,
        warnings: Vec::new(),
    };
    let mut best = nothing.clone();
    loop {
        let problem = match read(metadata, nothing.clone()) {
            Ok(read) if read.volume.is_some() && read.record.is_some() => return (read, None),
            Ok(read) => {
                best = read;
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if deadline.has_passed() {
            return (best, problem);
        }
        thread::sleep(POLL);
    }
}

fn read(metadata: &mut Metadata, nothing: Prepared) -> Result<Prepared, Failure> {
    let mut tag = |key: &str| metadata.get(&format!("meta-data/tags/instance/{key}"));
    let (volume, new_volume, record) = (tag(tags::VOLUME_ID)?, tag(tags::NEW_VOLUME)?, tag(tags::RECORD_NAME)?);
    let (name, drain) = (tag("Name")?, tag(tags::DRAIN)?);
    let drain_seconds = drain.and_then(|seconds| seconds.trim().parse().ok()).filter(|seconds| *seconds > 0);
    let node_name = node_name::choose(&[name.as_deref(), record.as_deref()]);
    let instance = metadata.get("meta-data/instance-id")?.unwrap_or_default();
    let address = metadata.get("meta-data/local-ipv4")?;
    Ok(Prepared { instance, address, volume, new_volume, record, node_name, drain_seconds, ..nothing })
}

/// The part of k3s's configuration that belongs to Durin and to this boot. What ends in `+` is added to the image's own
/// lists. (k3s, "Configuration Options", "Multiple Config Files")
fn configure(world: &World, record: Option<&str>) -> io::Result<()> {
    let data = quoted(&world.mount_point_inside().join("k3s"));
    let names = record.map(|name| format!("tls-san+: [{}]\n", quoted(Path::new(name)))).unwrap_or_default();
    // The default reconciler keeps the address of the last instance beside the new one until a lease of it ends, or
    // longer (k3s-io/k3s#14594), and half of all connections to the API from within the cluster fail. This one drops at
    // once what is not its own, if there is one API server. (kubernetes, pkg/controlplane/reconcilers/instancecount.go)
    let text = format!(
        "# Written by durin-node at each boot.\ndata-dir: {data}\n{names}\
         kube-apiserver-arg+: [\"endpoint-reconciler-type=master-count\"]\n"
    );
    let directory = world.path("etc/rancher/k3s/config.yaml.d");
    fs::create_dir_all(&directory)?;
    state::replace(&directory.join("50-durin.yaml"), text.as_bytes())
}

/// As JSON, which is YAML: a tag may hold anything.
fn quoted(text: &Path) -> String {
    serde_json::Value::from(text.to_string_lossy()).to_string()
}
