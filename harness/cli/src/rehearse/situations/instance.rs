//! The ground that situations are played on: a local AWS without functions, and an instance with its volume.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use durin_harness::LocalAws;
use durin_harness::seed::Seed;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::conventions::{RECORD_TAG, VOLUME_TAG};
use durin_harness::world::ec2::{AttachmentState, CreateVolume, ImageSpec, RunInstances};
use durin_harness::world::error::ApiResult;
use durin_harness::world::ssm::{InvocationStatus, SendCommand};
use serde_json::Value;

use super::Situation;
use crate::deployment::Deployment;
use crate::rehearse::host::{Host, Machine, Ran, Way};

/// For anything that a machine does, with others at work on the same cores.
pub(super) const LONG: Duration = Duration::from_secs(300);
const ZONE: &str = "eu-central-1a";

pub(super) struct Ground {
    aws: LocalAws,
    host: Host,
    directory: PathBuf,
    image: String,
}

/// An instance of a node, and its volume.
pub(super) struct Instance<'a> {
    pub(super) ground: &'a Ground,
    pub(super) id: String,
    pub(super) volume: String,
    /// What durin-volume has answered that was looked at.
    pub(super) answers: usize,
}

/// What durin-node said at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) word: String,
    pub(super) why: String,
}

impl Ground {
    pub(super) fn lay(disk: &Path, directory: &Path) -> Result<Ground, Box<dyn Error>> {
        let start = Some(Time::real_now().iso_seconds());
        let deployment = Deployment::shipped()?;
        let mut world = World::from_seed(&Seed { start, ..Seed::default() }, &deployment.node)?;
        world.back_with_machines();
        deployment.deploy_roles(&mut world)?;
        let image = world.add_image(ImageSpec::named("k3s-1"));
        let aws = LocalAws::new(world, 1.0);
        tokio::spawn(aws.clone().run(BTreeMap::new()));
        let host = Host::new(aws.clone(), disk, directory);
        tokio::spawn(host.clone().run());
        Ok(Ground { aws, host, directory: directory.to_owned(), image })
    }

    pub(super) async fn play(&self, situation: &Situation) -> Result<(), String> {
        let volume = self.call(|world| {
            world.create_volume(CreateVolume { zone: ZONE.to_owned(), size_gib: 8, ..CreateVolume::default() })
        })?;
        let mut instance = Instance { ground: self, id: String::new(), volume, answers: 0 };
        for (index, step) in situation.steps.iter().enumerate() {
            let done = instance.step(step).await;
            done.map_err(|problem| format!("step {}, {:?}: {problem}", index + 1, step.r#do))?;
        }
        Ok(())
    }

    /// Ctrl-C cuts the power of all machines, so that whatever waits for one comes to an end, be it in a call that blocks.
    /// The answer tells that it has.
    pub(super) fn stops_when_interrupted(&self) -> Arc<AtomicBool> {
        let (interrupted, host) = (Arc::new(AtomicBool::new(false)), self.host.clone());
        let told = Arc::clone(&interrupted);
        thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
            while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
                told.store(true, Ordering::SeqCst);
                host.stop();
            }
        });
        interrupted
    }

    /// Cuts the power of all machines.
    pub(super) fn clear(&self) {
        self.host.ways().set(Way::USUAL);
        self.host.stop();
    }

    pub(super) fn call<R>(&self, act: impl FnOnce(&mut World) -> ApiResult<R>) -> Result<R, String> {
        self.aws.world(act).map_err(|error| error.to_string())
    }

    pub(super) async fn sees(&self, what: &str, wanted: impl Fn(&World) -> bool) -> Result<(), String> {
        if self.aws.until(LONG, wanted).await { Ok(()) } else { Err(format!("it never came to this: {what}")) }
    }

    pub(super) async fn pass(&self, span: Duration) {
        self.aws.pass(span).await;
    }

    pub(super) fn world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        self.aws.world(look)
    }
}

impl Instance<'_> {
    /// Another instance of the node, up and with its agent online.
    pub(super) async fn boot(&mut self, way: Way) -> Result<(), String> {
        self.ground.host.ways().set(way);
        let tags = [(VOLUME_TAG, self.volume.as_str()), (RECORD_TAG, "k3s.durin.internal"), ("Name", "k3s")];
        let request = RunInstances {
            image_id: Some(self.ground.image.clone()),
            zone: Some(ZONE.to_owned()),
            tags_in_metadata: Some(true),
            tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..RunInstances::default()
        };
        let launched = self.ground.call(|world| world.run_instances(request))?;
        self.id = launched.into_iter().next().ok_or("no instance was launched")?;
        self.answers = 0;
        self.online().await
    }

    pub(super) async fn online(&self) -> Result<(), String> {
        let is_online =
            |world: &World| world.ec2.instance(&self.id).is_some_and(|it| it.guest.agent_online_since.is_some());
        self.ground.sees("its agent is online", is_online).await
    }

    pub(super) async fn attach(&self) -> Result<(), String> {
        self.ground.call(|world| world.attach_volume(&self.volume, &self.id, "/dev/sdf"))?;
        self.ground.sees("attached", |world| attachment(world, &self.volume) == Some(AttachmentState::Attached)).await
    }

    pub(super) fn machine(&self) -> Result<Arc<Machine>, String> {
        self.ground.host.machine(&self.id).ok_or_else(|| "its machine has no power".to_owned())
    }

    pub(super) fn shell(&self, script: &str) -> Result<Ran, String> {
        self.machine()?.shell(script, LONG)
    }

    /// The same, which has to succeed; what it printed.
    pub(super) fn must(&self, script: &str) -> Result<String, String> {
        let ran = self.shell(script)?;
        if ran.status == 0 { Ok(ran.output) } else { Err(format!("{script}: {} {}", ran.status, ran.error.trim())) }
    }

    /// Runs a document to its end, and returns what durin-node said.
    pub(super) async fn run(&self, document: &str) -> Result<Answer, String> {
        let parameters = [("VolumeId".to_owned(), vec![self.volume.clone()])].into();
        let (document, instances) = (document.to_owned(), vec![self.id.clone()]);
        let request = SendCommand { document, instances, parameters, ..SendCommand::default() };
        let command = self.ground.call(|world| world.send_command(request).map(|it| it.id.clone()))?;
        let invocation =
            |world: &World| world.ssm.command(&command).map(|it| it.invocations[0].clone()).ok_or("no command");
        self.ground.sees("the document ends", |world| invocation(world).is_ok_and(|it| it.status.is_final())).await?;
        let ended = self.ground.world(|world| invocation(world))?;
        let output = ended.output.unwrap_or_default().output;
        let answer =
            Answer::last(&output).ok_or_else(|| format!("{}: no answer in {output:?}", ended.status.name()))?;
        let is_yes = ["released", "resumed", "nothing to do"].contains(&answer.word.as_str());
        if is_yes != (ended.status == InvocationStatus::Success) {
            return Err(format!("{} with {answer:?}", ended.status.name()));
        }
        Ok(answer)
    }

    /// What is in the volume's file, while no machine has it.
    pub(super) fn make(&self, with: &str) -> Result<(), String> {
        if with != "ext4" {
            return Err(format!("no machine makes {with:?}"));
        }
        let content = self.ground.directory.join("content");
        std::fs::create_dir_all(&content).map_err(|error| error.to_string())?;
        std::fs::write(content.join("written"), "made").map_err(|error| error.to_string())?;
        let file = self.file()?;
        let mut made = of_e2fsprogs("mke2fs");
        made.args(["-q", "-F", "-t", "ext4", "-d"]).arg(content).arg(file);
        let made = made.output().map_err(|error| format!("mke2fs: {error}"))?;
        if made.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
    }

    /// Whether the file system was unmounted in good order: its journal has nothing to replay.
    pub(super) fn is_clean(&self) -> Result<bool, String> {
        // The superblock is 1024 bytes long from byte 1024 on; 96 bytes into it are the incompatible features, of which
        // 4 is "needs recovery". (kernel.org, "ext4 Data Structures and Algorithms")
        let bytes = std::fs::read(self.file()?).map_err(|error| error.to_string())?;
        Ok(bytes.get(1024 + 96).is_some_and(|features| features & 4 == 0))
    }

    /// A release leaves the end of the journal on the volume, and systemd's own unmounting does not: whether it is a release
    /// that has unmounted it, on a machine that has ended.
    pub(super) fn kept_the_journal(&self) -> Result<(), String> {
        let file = self.file()?;
        let listed = of_e2fsprogs("debugfs").args(["-R", "ls -p /durin/journal"]).arg(file).output();
        let listed = listed.map_err(|error| format!("debugfs: {error}"))?;
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        let is_file = |line: &str| line.split('/').nth(5).is_some_and(|name| !["", ".", ".."].contains(&name));
        if names.lines().any(is_file) { Ok(()) } else { Err("no release has left its journal there".to_owned()) }
    }

    fn file(&self) -> Result<PathBuf, String> {
        crate::rehearse::host::volume_file(&self.ground.directory, &self.volume).map_err(|error| error.to_string())
    }
}

impl Answer {
    /// The last line of JSON.
    pub(super) fn last(output: &str) -> Option<Answer> {
        output.lines().rev().find_map(Answer::read)
    }

    pub(super) fn read(line: &str) -> Option<Answer> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        value["answer"].as_str().map(|word| Answer { word: word.to_owned(), why: text("why") })
    }
}

/// Where it may not be on a person's path.
fn of_e2fsprogs(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", format!("{}:/sbin:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
    command
}

pub(super) fn attachment(world: &World, volume: &str) -> Option<AttachmentState> {
    world.ec2.volume(volume)?.attachment.as_ref().map(|held| held.state)
}
