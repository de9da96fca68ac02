//! The guest is held to the machine: it gives the answers that durin-node gives on real block devices. Both are run
//! through `infra/node/situations.toml`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;

use super::*;
use crate::templates::documents;
use crate::world::conventions::{
    NEW_VOLUME_TAG, PREPARED_DOCUMENT, RELEASE_DOCUMENT, RESUME_DOCUMENT, SERVES_DOCUMENT, VOLUME_TAG,
};
use crate::world::ec2::AttachmentState;
use crate::world::ssm::{InvocationStatus, SendCommand};

const TABLE: &str = include_str!("../../../../../infra/node/situations.toml");
const TEMPLATE: &str = include_str!("../../../../../infra/release.yaml");

/// What only the program or a whole machine can show, and what the guest has instead.
const NOT_PART_OF_THE_MODEL: [(&str, &str); 36] = [
    ("each reason why an instance is unfit is said", "an image lacks k3s's unit, or nothing"),
    (
        "asked before it has prepared in this boot, an instance says that it is not yet",
        "an instance has prepared when its agent comes online",
    ),
    ("an instance whose metadata service is away may yet be prepared", "the metadata service is always there"),
    ("ext4 on a grown volume grows", "a file system has no size"),
    ("xfs on a grown volume grows", "a file system has no size"),
    ("ext4 without its head is not blank", "a volume is blank or has its file system, and nothing in between"),
    ("xfs without its head is not blank", "a volume is blank or has its file system, and nothing in between"),
    (
        "a volume with something in its middle is not blank",
        "a volume is blank or has its file system, and nothing in between",
    ),
    (
        "a volume with something in its tail is not blank",
        "a volume is blank or has its file system, and nothing in between",
    ),
    ("ext4 with errors is left to a person", "a file system is sound, or its journal has to be replayed"),
    (
        "ext4 on a volume that is too small for it is left to a person",
        "a file system is sound, or its journal has to be replayed",
    ),
    ("xfs that does not mount is left to a person", "a file system is sound, or its journal has to be replayed"),
    ("a partition table is foreign", "a volume holds nothing of somebody else's"),
    ("another kind of content is foreign", "a volume holds nothing of somebody else's"),
    ("an embedded etcd is refused with advice", "k3s has SQLite"),
    (
        "an image with an older minor version of k3s lets go of a volume that a newer one has served from",
        "an image has one version of k3s for good",
    ),
    (
        "an older patch of k3s, one that is not known, and one for which a backup was restored serve",
        "an image has one version of k3s for good",
    ),
    ("a volume that two devices call themselves is refused", "EC2 gives each volume a serial number of its own"),
    ("something else at the mount point is refused", "an instance mounts its volume and nothing else"),
    ("a volume that is mounted elsewhere is refused", "an instance mounts its volume and nothing else"),
    ("a marker that outlives its boot means nothing", "a boot has a /run of its own"),
    ("a release keeps the end of the journal on the volume", "an instance has no journal"),
    ("stopped and started again in the same boot, it lets go of it and serves again", "an instance has no units"),
    (
        "an interruption of which nobody else tells it is seen, and it serves until the last moment",
        "an instance lets go when it is told to, or shuts down",
    ),
    (
        "a k3s that has served is kept on the volume, for an image that has an older one",
        "an image has one version of k3s for good",
    ),
    (
        "what was restored before a release is on the volume when it is called released",
        "nobody writes past the file system",
    ),
    (
        "what was restored after a release is on the volume when there is nothing to do",
        "nobody writes past the file system",
    ),
    (
        "the image's self-check finds nothing amiss on a machine at work, and says what is",
        "an instance has no files of its own",
    ),
    ("nested mounts go with it", "a volume is mounted once, or not at all"),
    ("a nested mount that hangs goes with it", "a volume is mounted once, or not at all"),
    ("bind mounts go with it", "a volume is mounted once, or not at all"),
    ("the overlays of containers go with it", "a volume is mounted once, or not at all"),
    ("a bind mount that is left when the first mount is gone goes, too", "a volume is mounted once, or not at all"),
    ("a private mount namespace keeps it", "there is one mount namespace"),
    ("a file system that was unmounted lazily and lives on keeps it", "what is unmounted is gone"),
    ("an xfs that was unmounted lazily and lives on keeps it", "what is unmounted is gone"),
];

#[derive(Deserialize)]
struct Table {
    situation: Vec<Situation>,
}

#[derive(Deserialize)]
struct Situation {
    name: String,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    r#do: String,
    with: Option<String>,
    gives: Option<String>,
    says: Option<String>,
}

#[test]
fn the_guest_answers_as_the_machine_does() {
    let table: Table = toml::from_str(TABLE).expect("situations.toml is what we take it for");
    let is_played = |it: &&Situation| !NOT_PART_OF_THE_MODEL.iter().any(|(name, _)| *name == it.name);
    let played: Vec<_> = table.situation.iter().filter(is_played).collect();
    let left_out = table.situation.len() - played.len();
    assert_eq!(left_out, NOT_PART_OF_THE_MODEL.len(), "the list names a situation that the table does not have");
    let problems: Vec<_> = played.iter().filter_map(|situation| problem(situation)).collect();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), played.len(), problems.join("\n"));
}

/// How a situation ended otherwise than it should.
fn problem(situation: &Situation) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| Play::begin().play(situation))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    Some(format!("{}: {}", situation.name, text.unwrap_or_default()))
}

struct Play {
    world: World,
    instance: String,
    volume: String,
    another: Option<String>,
    /// What was written, and how many writes the volume had then.
    written: BTreeMap<String, u64>,
}

impl Play {
    /// Mounting takes longer than what the table does before it.
    fn begin() -> Play {
        let mut world = World::new(1);
        world.latency.mount = Range::from_secs(10, 10);
        for (name, content) in documents("infra/release.yaml", TEMPLATE).expect("documents") {
            world.put_document(&name, &content).unwrap();
        }
        let volume = world.available_volume();
        let instance = node(&mut world, &volume);
        Play { world, instance, volume, another: None, written: BTreeMap::new() }
    }

    fn play(mut self, situation: &Situation) {
        for (index, step) in situation.steps.iter().enumerate() {
            self.step(&format!("step {}, {:?}", index + 1, step.r#do), step);
        }
    }

    fn step(&mut self, at: &str, step: &Step) {
        let with = step.with.as_deref();
        let id =
            if with == Some("another") { self.another.clone().expect("another volume") } else { self.volume.clone() };
        match step.r#do.as_str() {
            "make" => {
                let is_blank = with == Some("blank");
                self.world.ec2.tamper_with_volume(&id, |volume| volume.data = data(is_blank));
                self.written.insert("made".to_owned(), WRITES);
            }
            "attach" => self.attach(&id, "/dev/sdf"),
            "attach late" => {
                self.world.pass(1);
                self.attach(&id, "/dev/sdf");
            }
            "attach another" => {
                let another = self.world.available_volume();
                self.world.ec2.tamper_with_volume(&another, |volume| volume.data = data(false));
                self.attach(&another, "/dev/sdg");
                self.another = Some(another);
            }
            "detach" => {
                self.world.detach_volume(&id, Some(&self.instance), None, false).unwrap();
                self.world.pass(10);
                assert_eq!(self.world.attachment_state(&id), None, "{at}: EC2 does not detach it");
            }
            "detach by force" => {
                self.world.detach_volume(&id, Some(&self.instance), None, true).unwrap();
                self.world.pass(10);
            }
            "volume" => self.has_mounted(at, step),
            "release" => self.has_run(at, step, RELEASE_DOCUMENT, &id),
            "resume" => self.has_run(at, step, RESUME_DOCUMENT, &id),
            "fit but" => {
                let boot = match with {
                    Some("no k3s.service") => Boot::Unfit,
                    other => panic!("{at}: no guest is fit but {other:?}"),
                };
                self.world.ec2.tamper_with_instance(&self.instance, |it| it.guest.boot = boot);
            }
            // It has done that at its boot.
            "prepare" | "is it prepared" => self.has_run(at, step, PREPARED_DOCUMENT, &id),
            "does it serve" => self.has_run(at, step, SERVES_DOCUMENT, &id),
            // What is acknowledged is on the volume.
            "write" | "write without a sync" => {
                self.world.pass_until(60, |world| world.serving(&id).is_some());
                self.world.pass(1);
                self.world.settle();
                let writes = self.world.ec2.volumes[&id].data.durable;
                self.written.insert(with.unwrap_or_default().to_owned(), writes);
            }
            "holds" => {
                let expected = self.written[with.unwrap_or_default()];
                assert_eq!(self.world.mounted_on(&id), Some(self.instance.as_str()), "{at}");
                assert!(self.world.ec2.volumes[&id].data.durable >= expected, "{at}");
                assert!(!self.world.violations().iter().any(|it| matches!(it, Violation::WritesLost { .. })), "{at}");
            }
            "as made" => {
                let now = &self.world.ec2.volumes[&id].data;
                assert_eq!(*now, data(now.blank), "{at}: something was written to the volume");
            }
            "free" => assert_eq!(self.world.mounted_on(&id), None, "{at}"),
            "in use" => assert!(self.world.mounted_on(&id).is_some(), "{at}"),
            "the volume hangs" => self.world.set_hanging_volume(&self.instance, true),
            "the volume goes on" => self.world.set_hanging_volume(&self.instance, false),
            "open a file" => self.world.set_open_file(&self.instance, true),
            "close it" => self.world.set_open_file(&self.instance, false),
            "reboot" => {
                self.world.reboot_instances(std::slice::from_ref(&self.instance)).unwrap();
                self.world.pass(10);
                self.wait_for_agent();
            }
            "power cut" => {
                self.world.panic_kernel(&self.instance);
                self.wait_for_agent();
            }
            "detach in vain" => {
                self.world.detach_volume(&id, Some(&self.instance), None, false).unwrap();
                self.world.pass(10);
                assert_eq!(self.world.attachment_state(&id), Some(AttachmentState::Busy), "{at}");
            }
            "serves" => self.world.pass_until(120, |world| world.serving(&id) == Some(self.instance.as_str())),
            "power off" => {
                self.world.stop_instances(std::slice::from_ref(&self.instance)).unwrap();
                self.world.pass(90);
            }
            "clean" => assert!(!self.world.ec2.volumes[&id].data.dirty, "{at}"),
            // None of it makes a difference to what comes of the volume.
            "a link by id leads to another disk" | "the clock jumps" | "the root disk is full" | "kept the journal" => {
            }
            "boot" | "boot another" => self.instance = node(&mut self.world, &self.volume),
            other => panic!("{at}: nobody knows how to {other:?}"),
        }
    }

    fn attach(&mut self, volume: &str, device: &str) {
        self.world.attach_volume(volume, &self.instance, device).unwrap();
        self.world.pass_until(10, |world| world.attachment_state(volume) == Some(AttachmentState::Attached));
    }

    fn wait_for_agent(&mut self) {
        self.world.pass_until(120, |world| world.ec2.instances[&self.instance].guest.agent_online_since.is_some());
    }

    /// What the unit that mounts comes to, which runs without being asked. Its answers are the guest's facts.
    fn has_mounted(&mut self, at: &str, step: &Step) {
        let declared = step.with.as_deref() == Some("declared new");
        let volume = self.volume.clone();
        self.world.ec2.tamper_with_instance(&self.instance, |it| {
            if declared {
                it.tags.insert(NEW_VOLUME_TAG.to_owned(), volume)
            } else {
                it.tags.remove(NEW_VOLUME_TAG)
            };
        });
        self.world.pass(12);
        let facts = facts(&self.world, &self.instance);
        let guest = &self.world.ec2.instances[&self.instance].guest;
        let of_mount = |fact: &GuestFact| matches!(fact, GuestFact::Mounted { volume, .. } if *volume == self.volume);
        let mounted = facts.iter().rposition(of_mount);
        let formatted = GuestFact::Formatted { volume: self.volume.clone() };
        let (word, says) = if guest.marker.is_some() {
            ("refused", "durin-node resume")
        } else if guest.mounted.as_ref() == Some(&self.volume) {
            let before = mounted.and_then(|place| facts.get(place.checked_sub(1)?));
            (if before == Some(&formatted) { "formatted" } else { "mounted" }, "")
        } else if facts.last() == Some(&GuestFact::NotDeclaredNew { volume: self.volume.clone() }) {
            ("refused", NEW_VOLUME_TAG)
        } else {
            ("absent", "")
        };
        assert_eq!(Some(word), step.gives.as_deref(), "{at}: {facts:?}");
        assert!(step.says.as_deref().is_none_or(|expected| says.contains(expected)), "{at}: {says}");
    }

    fn has_run(&mut self, at: &str, step: &Step, document: &str, volume: &str) {
        match step.with.as_deref() {
            Some("protocol 3") => self.world.set_agent_mode(&self.instance, AgentMode::Outdated),
            Some("protocol 2") => self.world.set_agent_mode(&self.instance, AgentMode::Behind),
            Some(_) | None => {}
        }
        let is_about_volume = matches!(document, RELEASE_DOCUMENT | RESUME_DOCUMENT);
        let parameters =
            is_about_volume.then(|| ("VolumeId".to_owned(), vec![volume.to_owned()])).into_iter().collect();
        let (document, instances) = (document.to_owned(), vec![self.instance.clone()]);
        let request = SendCommand { document, instances, parameters, ..SendCommand::default() };
        let command = self.world.send_command(request).unwrap().id.clone();
        let invocation = |world: &World| world.ssm.command(&command).unwrap().invocations[0].clone();
        self.world.pass_until(200, |world| invocation(world).status.is_final());
        let invocation = invocation(&self.world);
        let answer = invocation.answer.unwrap_or_else(|| panic!("{at}: no answer, but {:?}", invocation.status));
        assert_eq!(Some(answer.word), step.gives.as_deref(), "{at}: {answer:?}");
        let why = answer.why.unwrap_or_default();
        assert!(step.says.as_deref().is_none_or(|expected| why.contains(expected)), "{at}: {why}");
        let is_yes = invocation.status == InvocationStatus::Success;
        assert_eq!(
            is_yes,
            matches!(answer.word, "released" | "resumed" | "prepared" | "nothing to do"),
            "{at}: {:?}",
            invocation.status
        );
        if answer.word == "released" {
            assert_eq!(self.world.mounted_on(volume), None, "{at}");
        }
    }
}

/// So many writes are on a volume that has a file system.
const WRITES: u64 = 7;

fn data(is_blank: bool) -> Data {
    let writes = if is_blank { 0 } else { WRITES };
    Data { durable: writes, acknowledged: writes, blank: is_blank, ..Data::default() }
}

/// A running instance of the node that has this volume.
fn node(world: &mut World, volume: &str) -> String {
    let instance = world.running();
    world.ec2.tamper_with_instance(&instance, |it| drop(it.tags.insert(VOLUME_TAG.to_owned(), volume.to_owned())));
    instance
}
