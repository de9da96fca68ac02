//! One machine: QEMU's process and the ways into it. Software emulation, because a test's machine may be a virtual one
//! itself.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::guest_agent::GuestAgent;
use super::qmp::Qmp;

/// How many volumes fit.
pub(super) const SLOTS: usize = 4;
const MEMORY: &str = "512";
/// Of k3s, and of the stand-in for it.
const PORT_INSIDE: u16 = 6443;

pub(crate) struct Machine {
    pub(super) instance: String,
    /// Where the volumes are.
    pub(super) directory: PathBuf,
    pub(super) agent: GuestAgent,
    pub(super) reports: PathBuf,
    /// Where its port 6443 is, on the loopback interface.
    pub(crate) port: u16,
    process: Mutex<Child>,
    qmp: Mutex<Qmp>,
    slots: Mutex<BTreeMap<String, usize>>,
    has_power: AtomicBool,
    boots: AtomicU32,
    /// The processes of commands under way.
    pub(super) running: Mutex<BTreeMap<String, i64>>,
}

impl Machine {
    pub(super) fn start(
        instance: &str,
        words: &str,
        image: &Path,
        directory: &Path,
        metadata: &Path,
    ) -> Result<Machine, String> {
        let text = |error: std::io::Error| error.to_string();
        let own = |what: &str| directory.join(format!("{instance}.{what}"));
        let [qmp, agent, reports] = ["qmp", "agent", "reports"].map(own);
        for socket in [&qmp, &agent, &reports] {
            drop(fs::remove_file(socket));
        }
        let port = free_port().map_err(text)?;
        // This program, also if it has been built anew meanwhile.
        let relay = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
        // It dies with us, however we end.
        let mut qemu = Command::new("setpriv");
        qemu.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
        qemu.args(["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", MEMORY]);
        qemu.args(["-nodefaults", "-display", "none", "-name", instance]);
        qemu.arg("-serial").arg(format!("file:{}", own("console").display()));
        qemu.arg("-kernel").arg(image.join("kernel"));
        qemu.args(["-append", &kernel_line(words)]);
        // What it writes to its root disk is gone with it.
        let disk = image.join("disk");
        qemu.arg("-drive")
            .arg(format!("file={},if=none,id=root,format=raw,snapshot=on,file.locking=off", disk.display()));
        qemu.args(["-device", "nvme,drive=root,serial=vol00000000000000000"]);
        for slot in 0..SLOTS {
            qemu.arg("-device").arg(format!("pcie-root-port,id=slot{slot},slot={slot},chassis={}", slot + 1));
        }
        // The metadata service, where an instance expects it; each connection is a process of ours.
        qemu.arg("-netdev").arg(format!(
            "user,id=net,net=169.254.0.0/16,host=169.254.0.2,dhcpstart=169.254.0.15,\
             hostfwd=tcp:127.0.0.1:{port}-:{PORT_INSIDE},\
             guestfwd=tcp:169.254.169.254:80-cmd:{} relay {}",
            relay.display(),
            metadata.display()
        ));
        qemu.args(["-device", "virtio-net-pci,netdev=net", "-device", "virtio-serial"]);
        for (name, socket) in [("org.qemu.guest_agent.0", &agent), ("rehearsal.reports", &reports)] {
            qemu.arg("-chardev").arg(format!("socket,path={},server=on,wait=off,id={name}", socket.display()));
            qemu.arg("-device").arg(format!("virtserialport,chardev={name},name={name}"));
        }
        qemu.arg("-qmp").arg(format!("unix:{},server=on,wait=off", qmp.display()));
        qemu.stdin(Stdio::null()).stdout(Stdio::null());
        qemu.stderr(File::create(own("qemu")).map_err(text)?);
        let mut process = qemu.spawn().map_err(|error| format!("qemu-system-x86_64: {error}"))?;
        let control = match Qmp::connect(&qmp) {
            Ok(control) => control,
            Err(why) => {
                drop((process.kill(), process.wait()));
                return Err(format!("{why}: {}", fs::read_to_string(own("qemu")).unwrap_or_default().trim()));
            }
        };
        Ok(Machine {
            instance: instance.to_owned(),
            directory: directory.to_owned(),
            agent: GuestAgent::at(&agent),
            reports,
            port,
            process: Mutex::new(process),
            qmp: Mutex::new(control),
            slots: Mutex::default(),
            has_power: AtomicBool::new(true),
            boots: AtomicU32::new(0),
            running: Mutex::default(),
        })
    }

    pub(crate) fn has_power(&self) -> bool {
        self.has_power.load(Ordering::SeqCst)
    }

    /// How often its operating system has come up.
    pub(super) fn boots(&self) -> u32 {
        self.boots.load(Ordering::SeqCst)
    }

    pub(super) fn note_boot(&self) {
        self.boots.fetch_add(1, Ordering::SeqCst);
    }

    /// What the machine's processes have written and not synced is gone; what they have synced is in the volume's file.
    pub(crate) fn cut_power(&self) {
        self.has_power.store(false, Ordering::SeqCst);
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have ended by itself, after a shutdown.
        drop((process.kill(), process.wait()));
    }

    /// Whether it has switched itself off.
    pub(crate) fn has_ended(&self) -> bool {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(process.try_wait(), Ok(None))
    }

    pub(crate) fn press_power_button(&self) -> Result<(), String> {
        self.qmp().execute("system_powerdown", json!({})).map(drop)
    }

    pub(super) fn reboot(&self) -> Result<(), String> {
        // It answers nothing when it succeeds.
        drop(self.agent.ask("guest-shutdown", &json!({ "mode": "reboot" })));
        Ok(())
    }

    pub(super) fn qmp(&self) -> MutexGuard<'_, Qmp> {
        self.qmp.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn slots(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.cut_power();
    }
}

/// A volume that is slow to answer is waited for, as on an image: here the driver is in the kernel, and reads no file.
/// (`infra/image/provision.sh`)
fn kernel_line(words: &str) -> String {
    format!(
        "root=PARTUUID=44757269-01 rootwait console=ttyS0 quiet systemd.show_status=1 \
         nvme_core.io_timeout=4294967295 {words}"
    )
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
