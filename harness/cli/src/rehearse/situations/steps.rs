//! The steps of a situation, on a machine.

use std::time::{Duration, Instant};

use durin_harness::world::World;
use durin_harness::world::conventions::{RELEASE_DOCUMENT, RESUME_DOCUMENT};
use durin_harness::world::ec2::{AttachmentState, InstanceState, SpotAction};

use super::Step;
use super::instance::{Answer, Instance, LONG, attachment};
use crate::rehearse::host::Way;

/// What durin-node has had time for.
const NOTHING_COMES: Duration = Duration::from_secs(10);

/// From now on the kernel writes nothing only because it has had it for a while.
const NO_TIMER: &str = "echo 0 >/proc/sys/vm/dirty_writeback_centisecs";

impl Instance<'_> {
    pub(super) async fn step(&mut self, step: &Step) -> Result<(), String> {
        let with = step.with.as_deref();
        if self.id.is_empty() && !["make", "boot"].contains(&step.r#do.as_str()) {
            self.boot(Way::USUAL).await?;
        }
        match step.r#do.as_str() {
            "make" => self.make(with.unwrap_or_default()),
            "boot" => self.boot(way(with)?).await,
            "boot another" => self.boot(Way::USUAL).await,
            "attach" => self.attach().await,
            "detach" => self.detach(false).await,
            "detach by force" => self.detach(true).await,
            "detach in vain" => self.detach_in_vain().await,
            "volume" => {
                let answer = self.mounts().await?;
                fits(step, &answer)
            }
            "release" => fits(step, &self.run(RELEASE_DOCUMENT).await?),
            "resume" => fits(step, &self.run(RESUME_DOCUMENT).await?),
            "write" => {
                let text = with.unwrap_or_default();
                self.must(&format!("echo -n {text} >/data/written && sync -f /data")).map(drop)
            }
            "write without a sync" => self.write_without_a_sync(with.unwrap_or_default()),
            "restore under a lock" => self.restore_under_a_lock(with.unwrap_or_default()),
            "restored" => self.is_restored(with.unwrap_or_default()),
            "unmount" => self.unmount(),
            "holds" => {
                let held = self.must("cat /data/written")?;
                if Some(held.as_str()) == with { Ok(()) } else { Err(format!("it holds {held:?}")) }
            }
            "free" => self.is_free(true),
            "in use" => self.is_free(false),
            "serves" => self.must("durin-node status --wait serves --within 120").map(drop),
            // What systemd says last of it: k3s has been stopped.
            "has the journal" => {
                self.must("grep -h 'Stopped .*Lightweight Kubernetes' /data/durin/journal/*").map(drop)
            }
            "does it serve" => {
                let ran = self.shell("durin-node status --wait serves --within 0")?;
                let answer = Answer::last(&ran.output).ok_or_else(|| format!("no answer: {}", ran.error))?;
                fits(step, &answer)
            }
            "the volume hangs" => self.machine()?.hang(&self.volume, true),
            "the volume goes on" => self.machine()?.hang(&self.volume, false),
            "open a file" => self.must("setsid sleep 100000 </data/written >/dev/null 2>&1 & sleep 1").map(drop),
            "close it" => self.must("kill $(pidof sleep); sleep 1").map(drop),
            "self-check" => fits(step, &self.self_check()?),
            "fit but" => self.is_fit_but(with.unwrap_or_default()),
            "reboot" => self.reboot().await,
            "power cut" => self.cut_power().await,
            "power off" => self.power_off().await,
            "kept the journal" => self.kept_the_journal(),
            "the units are stopped" => self.must("systemctl stop durin-node").map(drop),
            "the units are started" => {
                self.answers = self.said()?.len();
                self.must("systemctl start durin-node").map(drop)
            }
            "an interruption notice" => {
                self.ground.world(|world| world.interrupt(&self.id, SpotAction::Terminate));
                self.ground.pass(NOTHING_COMES).await;
                Ok(())
            }
            "lets go in time" => self.lets_go_in_time().await,
            "keeps its k3s" => self.keeps_its_k3s().await,
            "clean" => {
                if self.is_clean()? {
                    Ok(())
                } else {
                    Err("its journal has to be replayed".to_owned())
                }
            }
            "a link by id leads to another disk" => {
                let serial = self.volume.replacen("vol-", "vol", 1);
                let link = format!("/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{serial}");
                // The root's own, and udev makes none of that name here, where the model is QEMU's.
                self.must(&format!("ln -sfn ../../nvme0n1 {link}")).map(drop)
            }
            "the clock jumps" => self.must(&format!("date --set '{}'", with.unwrap_or_default())).map(drop),
            "the root disk is full" => self
                .must(
                    "cat /dev/zero >/var/full 2>/dev/null; sync; if echo x 2>/dev/null >/var/x; then df /; exit 1; fi",
                )
                .map(drop),
            other => Err(format!("no machine knows how to {other:?}")),
        }
    }

    /// What the unit has answered since we looked last; if it has not run since, or will not run, what the program says.
    async fn mounts(&mut self) -> Result<Answer, String> {
        let end = Instant::now() + LONG;
        // Until nothing is being mounted, or nothing has come.
        let patience = Instant::now() + NOTHING_COMES;
        loop {
            let answers = self.said()?;
            let has_come = self.is_attached();
            // Of a machine that is slow to boot, nobody has said yet which volume is the node's: the unit asks again.
            let is_final = |answer: &Answer| answer.word != "absent" || !has_come;
            if let Some(answer) = answers.get(self.answers..).unwrap_or_default().last().filter(|it| is_final(it)) {
                self.answers = answers.len();
                return Ok(answer.clone());
            }
            let active = self.shell("systemctl is-active durin-volume")?.output;
            if active.trim() != "activating" || (Instant::now() > patience && !self.is_attached()) {
                break;
            }
            if Instant::now() > end {
                return Err("durin-volume does not come to an end".to_owned());
            }
            self.ground.pass(Duration::from_millis(500)).await;
        }
        // After a release the unit does not run. Without one nobody else is to mount it.
        if self.is_attached() && self.shell("test -e /run/durin-released")?.status != 0 {
            return Err("durin-volume has not mounted it, and runs no more".to_owned());
        }
        let ran = self.shell("durin-node volume --within 5")?;
        Answer::last(&ran.output).ok_or_else(|| format!("no answer: {} {}", ran.output, ran.error))
    }

    /// All that the unit has answered in this boot.
    fn said(&self) -> Result<Vec<Answer>, String> {
        let journal = self.must("journalctl --boot --unit durin-volume --output cat --no-pager || true")?;
        Ok(journal.lines().filter_map(Answer::read).collect())
    }

    /// Before EC2 takes the capacity back: then it would shut down, and let go all the same.
    async fn lets_go_in_time(&self) -> Result<(), String> {
        let is_running = |world: &mut World| {
            world.ec2.instance(&self.id).is_some_and(|instance| instance.state == InstanceState::Running)
        };
        let serial = self.volume.replacen("vol-", "vol", 1);
        let look = format!("test -e /run/durin-released && rehearsal is-free {serial}");
        while self.ground.world(is_running) {
            if self.shell(&look).is_ok_and(|ran| ran.status == 0) && self.ground.world(is_running) {
                return Ok(());
            }
            self.ground.pass(Duration::from_millis(500)).await;
        }
        Err("EC2 has taken its capacity back, and it had not let go of the volume".to_owned())
    }

    /// durin-settle does that beside k3s, in its own time.
    async fn keeps_its_k3s(&self) -> Result<(), String> {
        let own = self.must("k3s --version")?;
        let own = own.split_whitespace().nth(2).unwrap_or_default();
        let end = Instant::now() + LONG;
        loop {
            let kept = self.shell("cat /data/durin/k3s-version")?.output;
            if kept.trim() == own {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("its k3s is {own}, and the volume says {kept:?}"));
            }
            self.ground.pass(Duration::from_secs(1)).await;
        }
    }

    /// In place: of a file that is cut to nothing and written anew, ext4 writes the data when it is closed.
    /// (Linux, Documentation/admin-guide/ext4.rst, "auto_da_alloc")
    fn write_without_a_sync(&self, text: &str) -> Result<(), String> {
        self.must(&format!("{NO_TIMER} && echo -n {text} | dd of=/data/written conv=notrunc status=none")).map(drop)
    }

    /// Nothing but the lock keeps udev from having the kernel read the partition table when whoever writes has closed the
    /// device, and the kernel writes what is there before that. Nothing but who has it open keeps the kernel from writing it
    /// then. (systemd, "Locking Block Device Access"; Linux, block/partitions/core.c, `bdev_disk_changed`, and block/bdev.c,
    /// `blkdev_put`)
    fn restore_under_a_lock(&self, text: &str) -> Result<(), String> {
        let restore = format!("echo -n {text:?} >\"$1\" && touch /run/restored && sleep 100000");
        let wait = "for i in $(seq 100); do test -e /run/restored && exit; sleep 0.2; done; exit 1";
        self.on_device(&format!(
            "{NO_TIMER}; setsid udevadm lock --device=\"$device\" sh -c '{restore}' sh \"$device\" >/dev/null 2>&1 & {wait}"
        ))
        .map(drop)
    }

    fn is_restored(&self, text: &str) -> Result<(), String> {
        let held = self.on_device(&format!("head -c {} \"$device\" | tr -d '\\0'", text.len()))?;
        if held == text { Ok(()) } else { Err(format!("the device holds {held:?}")) }
    }

    /// As a person does it.
    fn unmount(&self) -> Result<(), String> {
        self.must(
            "systemctl stop k3s; echo 1 >/sys/fs/cgroup/kubepods.slice/cgroup.kill; \
             for i in $(seq 50); do umount /data && exit; sleep 0.2; done; exit 1",
        )
        .map(drop)
    }

    /// With what a rehearsal's image was made with. It names what is amiss line by line.
    fn self_check(&self) -> Result<Answer, String> {
        let ran = self.shell(
            "sha256=$(sha256sum /usr/local/bin/k3s) && exec /usr/local/lib/durin/check.sh --offline --without-ssm-agent \
             --k3s-sha256 \"${sha256%% *}\"",
        )?;
        match ran.status {
            0 => Ok(Answer { word: "fit".to_owned(), why: String::new() }),
            1 => Ok(Answer { word: "amiss".to_owned(), why: ran.error }),
            other => Err(format!("it ended with {other}: {}", ran.error.trim())),
        }
    }

    fn is_fit_but(&self, what: &str) -> Result<(), String> {
        match what {
            "k3s starts at boot" => self.must("systemctl enable k3s").map(drop),
            other => Err(format!("no machine is fit but {other:?}")),
        }
    }

    /// Runs a script that names the volume's device, and has to succeed; what it printed.
    fn on_device(&self, script: &str) -> Result<String, String> {
        let serial = self.volume.replacen("vol-", "vol", 1);
        let find = format!("device=$(lsblk -dno PATH,SERIAL | awk '$2 == \"{serial}\" {{ print $1 }}')");
        self.must(&format!("{find}; test -b \"$device\" || exit 1; {script}"))
    }

    fn is_attached(&self) -> bool {
        self.ground.world(|world| attachment(world, &self.volume).is_some())
    }

    async fn detach(&self, by_force: bool) -> Result<(), String> {
        self.ground.call(|world| world.detach_volume(&self.volume, Some(&self.id), None, by_force).map(drop))?;
        self.ground.sees("detached", |world| attachment(world, &self.volume).is_none()).await
    }

    /// Detaching is asked for while it is mounted. The file system goes on.
    async fn detach_in_vain(&self) -> Result<(), String> {
        self.ground.call(|world| world.detach_volume(&self.volume, Some(&self.id), None, false).map(drop))?;
        self.ground.sees("busy", |world| attachment(world, &self.volume) == Some(AttachmentState::Busy)).await?;
        self.ground.pass(NOTHING_COMES).await;
        match self.ground.world(|world| attachment(world, &self.volume)) {
            Some(AttachmentState::Busy) => Ok(()),
            other => Err(format!("the attachment is {other:?}")),
        }
    }

    fn is_free(&self, expected: bool) -> Result<(), String> {
        let serial = self.volume.replacen("vol-", "vol", 1);
        let is_free = self.shell(&format!("rehearsal is-free {serial}"))?.status == 0;
        if is_free == expected { Ok(()) } else { Err(format!("the kernel says it is free: {is_free}")) }
    }

    async fn reboot(&mut self) -> Result<(), String> {
        self.answers = 0;
        self.ground.call(|world| world.reboot_instances(std::slice::from_ref(&self.id)))?;
        self.online().await
    }

    /// The volume is in the machine when it comes up again.
    async fn cut_power(&mut self) -> Result<(), String> {
        self.answers = 0;
        self.ground.world(|world| world.panic_kernel(&self.id));
        self.online().await
    }

    /// In good order.
    async fn power_off(&self) -> Result<(), String> {
        self.machine()?.press_power_button()?;
        let end = Instant::now() + LONG;
        while !self.machine()?.has_ended() {
            if Instant::now() > end {
                return Err("it does not shut down".to_owned());
            }
            self.ground.pass(Duration::from_millis(500)).await;
        }
        Ok(())
    }
}

fn way(with: Option<&str>) -> Result<Way, String> {
    let seconds = Duration::from_secs;
    match with {
        None => Ok(Way::USUAL),
        Some("metadata late") => Ok(Way { silent_for: seconds(40), ..Way::USUAL }),
        Some("metadata slow") => Ok(Way { slow_by: Duration::from_millis(700), ..Way::USUAL }),
        Some("metadata without tags at first") => Ok(Way { untagged_for: seconds(40), ..Way::USUAL }),
        Some(other) => Err(format!("no machine boots with {other:?}")),
    }
}

fn fits(step: &Step, answer: &Answer) -> Result<(), String> {
    let is_said = step.says.as_deref().is_none_or(|says| answer.why.contains(says));
    if step.gives.as_deref() == Some(answer.word.as_str()) && is_said {
        return Ok(());
    }
    Err(format!("it gives {:?}: {}", answer.word, answer.why))
}
