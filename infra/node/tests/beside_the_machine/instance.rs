//! An instance in a directory, with stand-ins for what it calls.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

pub(crate) const VOLUME: &str = "vol-0abcdef0123456789";

pub(crate) struct Instance {
    root: PathBuf,
}

pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) text: String,
    /// Its last line.
    pub(crate) answer: Value,
}

impl Instance {
    /// With an image that is fit.
    pub(crate) fn new() -> Instance {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("durin-beside-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let instance = Instance { root: std::env::temp_dir().join(name) };
        instance.write("proc/sys/kernel/random/boot_id", "b1\n");
        for program in
            ["blkid", "e2fsck", "k3s", "mkfs.ext4", "mount", "resize2fs", "sync", "systemctl", "umount", "journalctl"]
        {
            instance.stand_in(program, "exit 0");
        }
        instance.write("etc/systemd/system/k3s.service", "[Service]\n");
        let drop_in = include_str!("../../units/k3s.service.d/durin.conf");
        instance.write("etc/systemd/system/k3s.service.d/durin.conf", drop_in);
        for (unit, text) in [
            ("durin-volume.service", include_str!("../../units/durin-volume.service")),
            ("durin-node.service", include_str!("../../units/durin-node.service")),
            ("multi-user.target.wants/durin-node.service", ""),
        ] {
            instance.write(&format!("etc/systemd/system/{unit}"), text);
        }
        for disk in ["nvme0n1", "loop0"] {
            instance.write(&format!("sys/block/{disk}/dev"), "259:0");
        }
        instance.write("var/lib/rancher/k3s/data/abc/bin/containerd", "binary");
        instance
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub(crate) fn write(&self, relative: &str, content: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, content).expect("a file");
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap_or_default()
    }

    pub(crate) fn stand_in(&self, name: &str, body: &str) {
        let relative = format!("usr/bin/{name}");
        self.write(&relative, &format!("#!/bin/sh\nroot='{}'\n{body}\n", self.root.display()));
        fs::set_permissions(self.path(&relative), fs::Permissions::from_mode(0o755)).expect("an executable");
    }

    pub(crate) fn durin_node(&self, metadata: SocketAddr, arguments: &[&str]) -> Ran {
        Ran::of(self.begin(metadata, arguments))
    }

    pub(crate) fn begin(&self, metadata: SocketAddr, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_durin-node"));
        command.args(["--root", &self.root.display().to_string(), "--metadata", &metadata.to_string()]).args(arguments);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("usr/bin").display()));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("durin-node")
    }
}

impl Ran {
    pub(crate) fn of(child: Child) -> Ran {
        let Output { status, stdout, stderr } = child.wait_with_output().expect("it has ended");
        let said = String::from_utf8_lossy(&stdout);
        let answer = said.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        Ran { status: status.code(), text: format!("{status}\n{said}{}", String::from_utf8_lossy(&stderr)), answer }
    }

    pub(crate) fn word(&self) -> &str {
        self.answer["answer"].as_str().unwrap_or_default()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.root));
    }
}
