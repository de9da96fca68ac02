//! What this machine allows: loop devices, mounts, cgroups.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::volume::{must, ran};

/// Whether this machine allows loop devices and mounts. Tries it once, and reports a refusal.
pub(crate) fn can_mount(root: &Path) -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let tried = try_to_mount(root);
        if let Err(problem) = &tried {
            not_run(&format!("real block devices, because this machine refused: {problem}"));
        }
        tried.is_ok()
    })
}

/// Past the capture of the test's output: nobody should take this for a test that has passed.
pub(crate) fn not_run(what: &str) {
    writeln!(io::stderr(), "NOT RUN: {what}").expect("standard error");
}

/// A container may have loop devices and not be allowed to mount them.
fn try_to_mount(root: &Path) -> Result<(), String> {
    let image = root.join("tried");
    let point = root.join("data").display().to_string();
    File::create(&image).and_then(|file| file.set_len(4 << 20)).map_err(|error| error.to_string())?;
    let path = image.display().to_string();
    ran("mkfs.ext4", &["-q", &path])?;
    let device = ran("losetup", &["--find", "--show", &path])?;
    let tried = ran("mount", &[&device, &point]).and_then(|_| ran("umount", &[&point]));
    must("losetup", &["--detach", &device]);
    tried.map(drop)
}

pub(crate) fn make_cgroup(name: &str) -> Option<PathBuf> {
    let mounted = fs::read("/proc/self/mountinfo").ok()?;
    let mounted = String::from_utf8_lossy(&mounted);
    let version_2 = mounted.lines().find(|line| line.contains(" - cgroup2 "))?;
    let made = Path::new(version_2.split(' ').nth(4)?).join(name);
    fs::create_dir(&made).ok().map(|()| made)
}

/// A cgroup is removed once it is empty, from the innermost outwards.
pub(crate) fn remove_cgroup(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_cgroup(&entry.path());
        }
    }
    drop(fs::remove_dir(path));
}
