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

use crate::answer::{Answer, Steps, complain};
use crate::decide::{fitness, node_name};
use crate::machine::metadata::{Failure, Metadata};
use crate::machine::programs::Deadline;
use crate::machine::{image, k3s, state};
use crate::world::World;

use super::datastore;

/// A tag may come later than the instance, and the network later than we.
const TAGS: Duration = Duration::from_secs(60);
const WARM: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(500);
const CONFIGURATION: &str = "etc/rancher/k3s/config.yaml.d/50-durin.yaml";
/// What there is to say while nothing else is known.
pub const NOT_ENDED: &str = "durin-prepare has not ended";

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
    /// The version of this image's k3s, if it says one. The functions compare it with what has served.
    #[serde(default)]
    pub k3s: Option<String>,
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
    let (prepared, bytes) = thread::scope(|scope| {
        let warming = scope.spawn(|| image::warm(world, Deadline::after(WARM)));
        let prepared = prepare(world, metadata, Deadline::after(within.unwrap_or(TAGS)), steps);
        // A reader that panics has read nothing.
        (prepared, warming.join().unwrap_or(0))
    });
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

/// What is wrong goes into the note, and nothing keeps it from being written: a volume that has come waits for it.
fn prepare(world: &World, metadata: &mut Metadata, deadline: Deadline, steps: &mut Steps) -> Prepared {
    let begun = Instant::now();
    let (read, problem) = read_until(metadata, deadline);
    steps.report("read the tags", begun, problem.as_deref().unwrap_or("done"));
    // The unit asks again for an image that is unfit, and the service may have gone: what it has said still holds.
    let earlier = Prepared::of_this_boot(world).filter(|_| problem.is_some() && read.volume.is_none());
    let read = earlier.unwrap_or(read);
    let configured = configure(world, read.record.as_deref());
    let linked = datastore::link(world);
    note_so_far(world, &read);

    let image = image::look(world);
    let mut unfit = fitness::unfit(&image);
    let mut warnings = fitness::warnings(&image);
    unfit.extend(configured.as_ref().err().filter(|_| !is_on_volume(world)).map(|error| {
        format!("k3s would not have its data on the volume, because {error}: look at `df /` and `dmesg`")
    }));
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
    for error in configured.err().into_iter().chain(linked.err()) {
        warnings.push(format!("k3s's configuration stays as it was, because {error}: look at `df /` and `dmesg`"));
    }
    let k3s = k3s::version().map(|version| version.to_string());
    Prepared { boot: world.boot(), k3s, unfit, may_pass, warnings, ..read }
}

/// For a volume that has come already, and in case we get no further: it needs only the tags. An earlier run of this
/// boot has said more.
fn note_so_far(world: &World, read: &Prepared) {
    let has_been_said = Prepared::of_this_boot(world).is_some_and(|note| note.volume.is_some());
    if has_been_said || read.volume.is_none() {
        return;
    }
    let unfit = vec![NOT_ENDED.to_owned()];
    let note = Prepared { boot: world.boot(), unfit, may_pass: true, ..read.clone() };
    if let Err(error) = state::write(world, Prepared::NOTE, &note) {
        complain(&format!("cannot write /run/durin: {error}"));
    }
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
        k3s: None,
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
///
/// # Errors
/// When another configuration is there, or none, and it cannot be written.
fn configure(world: &World, record: Option<&str>) -> io::Result<()> {
    let names = record.map(|name| format!("tls-san+: [{}]\n", quoted(Path::new(name)))).unwrap_or_default();
    // The default reconciler keeps the address of the last instance beside the new one until a lease of it ends, or
    // longer (k3s-io/k3s#14594), and half of all connections to the API from within the cluster fail. This one drops at
    // once what is not its own, if there is one API server. (kubernetes, pkg/controlplane/reconcilers/instancecount.go)
    let text = format!(
        "# Written by durin-node at each boot.\n{}\n{names}\
         kube-apiserver-arg+: [\"endpoint-reconciler-type=master-count\"]\n",
        data_dir(world)
    );
    let place = world.path(CONFIGURATION);
    // The root disk may have become full since, or read-only.
    if fs::read(&place).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    let written = place.parent().map_or(Ok(()), fs::create_dir_all);
    written
        .and_then(|()| state::replace(&place, text.as_bytes()))
        .map_err(|error| io::Error::new(error.kind(), format!("/{CONFIGURATION} cannot be written ({error})")))
}

/// Whether k3s will have its data on the volume, by what is written, be it of an earlier boot.
fn is_on_volume(world: &World) -> bool {
    let there = fs::read(world.path(CONFIGURATION)).unwrap_or_default();
    String::from_utf8_lossy(&there).lines().any(|line| line == data_dir(world))
}

fn data_dir(world: &World) -> String {
    format!("data-dir: {}", quoted(&world.mount_point_inside().join("k3s")))
}

/// As JSON, which is YAML: a tag may hold anything.
fn quoted(text: &Path) -> String {
    serde_json::Value::from(text.to_string_lossy()).to_string()
}
