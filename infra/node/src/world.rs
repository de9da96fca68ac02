//! Where things are on an instance. Everything but the kernel's list of processes lies below a root, so that a test can
//! put an instance into a directory.

use std::fs;
use std::path::{Path, PathBuf};

pub struct World {
    root: PathBuf,
    mount_point: PathBuf,
}

impl World {
    /// The volume is mounted at `mount_point`, below the root like everything else.
    pub fn new(root: &Path, mount_point: &Path) -> World {
        let below = mount_point.strip_prefix("/").unwrap_or(mount_point);
        World { root: root.to_owned(), mount_point: root.join(below) }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    pub fn mount_point(&self) -> &Path {
        &self.mount_point
    }

    /// The same as the kernel lists it, if it is a symbolic link.
    pub fn mounted_at(&self) -> String {
        let point = self.mount_point.canonicalize();
        point.as_deref().unwrap_or(&self.mount_point).display().to_string()
    }

    /// Where the volume is mounted, as k3s's configuration spells it: without the root.
    pub fn mount_point_inside(&self) -> PathBuf {
        Path::new("/").join(self.mount_point.strip_prefix(&self.root).unwrap_or(&self.mount_point))
    }

    pub fn marker(&self) -> PathBuf {
        self.path("run/durin-released")
    }

    pub fn lock(&self) -> PathBuf {
        self.path("run/durin-release.lock")
    }

    /// The kernel makes a new one at each boot. Empty if there is none, which is no other boot's either.
    pub fn boot(&self) -> String {
        let text = fs::read_to_string(self.path("proc/sys/kernel/random/boot_id")).unwrap_or_default();
        text.trim().to_owned()
    }
}
