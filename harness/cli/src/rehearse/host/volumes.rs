//! Volumes: NVMe disks with EBS's serial numbers, that are plugged and unplugged while the machine runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use durin_harness::world::machines::Report;
use serde_json::json;

use super::machine::{Machine, SLOTS};

/// Bytes. Small, because what is blank is read from end to end.
const SIZE: u64 = 256 << 20;
const LEAVES: Duration = Duration::from_secs(30);

/// The file that is the volume, whichever machine has it. It is made when it is needed first, all zeros.
pub(crate) fn file(directory: &Path, volume: &str) -> std::io::Result<PathBuf> {
    let path = directory.join(format!("{volume}.volume"));
    let file = File::options().write(true).create(true).truncate(false).open(&path)?;
    if file.metadata()?.len() == 0 {
        file.set_len(SIZE)?;
    }
    Ok(path)
}

impl Machine {
    pub(super) fn plug(&self, volume: &str) -> Result<(), String> {
        let file = file(&self.directory, volume).map_err(|error| error.to_string())?;
        let slot = {
            let mut slots = self.slots();
            let free = (0..SLOTS).find(|slot| !slots.values().any(|taken| taken == slot));
            let slot = free.ok_or("no slot is free")?;
            slots.insert(volume.to_owned(), slot);
            slot
        };
        let mut qmp = self.qmp();
        // QEMU locks the file, so that no two machines have it at once: as EBS does.
        qmp.execute(
            "blockdev-add",
            json!({ "driver": "raw", "node-name": volume, "file": { "driver": "file", "filename": file, "locking": "on" } }),
        )?;
        let serial = volume.replacen("vol-", "vol", 1);
        let device =
            json!({ "driver": "nvme", "drive": volume, "serial": serial, "bus": format!("slot{slot}"), "id": serial });
        qmp.execute("device_add", device).map(drop)
    }

    /// What is read from it and written to it comes to no end, or to one again: at a byte a second, all but the first waits
    /// for hours.
    pub(crate) fn hang(&self, volume: &str, hangs: bool) -> Result<(), String> {
        let bytes_per_second = u32::from(hangs);
        self.qmp()
            .execute(
                "block_set_io_throttle",
                json!({
                    "id": volume.replacen("vol-", "vol", 1),
                    "bps": bytes_per_second, "bps_rd": 0, "bps_wr": 0,
                    "iops": 0, "iops_rd": 0, "iops_wr": 0,
                }),
            )
            .map(drop)
    }

    /// Without force a volume stays that the kernel uses.
    pub(super) fn unplug(&self, volume: &str, by_force: bool) -> Result<Report, String> {
        let serial = volume.replacen("vol-", "vol", 1);
        let in_use = || Ok(Report::InUse { volume: volume.to_owned() });
        if !by_force {
            // Of one that does not answer nobody knows.
            let probe = format!("/usr/local/bin/rehearsal is-free {serial}");
            match self.agent.run(&probe, Duration::from_secs(20)) {
                Ok(ran) if ran.status == 0 => {}
                Ok(_) | Err(_) => return in_use(),
            }
        }
        let mut qmp = self.qmp();
        if !qmp.remove_device(&serial, LEAVES)? {
            drop(qmp);
            return in_use();
        }
        // The device lets go of its file a moment after it has left.
        let end = Instant::now() + LEAVES;
        while let Err(why) = qmp.execute("blockdev-del", json!({ "node-name": volume })) {
            if Instant::now() > end {
                return Err(why);
            }
            thread::sleep(Duration::from_millis(200));
        }
        self.slots().remove(volume);
        Ok(Report::Unplugged { volume: volume.to_owned() })
    }
}
