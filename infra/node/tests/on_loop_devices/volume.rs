//! EBS volumes: files behind loop devices.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::instance::{Instance, Others, VOLUME};

const MIB: u64 = 1 << 20;
/// An empty xfs of 16 MiB, which is there even where nobody has xfsprogs. (mkfs.xfs --unsupported -m bigtime=0,
/// inobtcount=0,reflink=0,rmapbt=0,finobt=0 -i sparse=0)
const XFS: &[u8] = include_bytes!("xfs.img.gz");

pub(crate) struct Volume {
    image: PathBuf,
    /// `/dev/loop3`
    pub(crate) device: String,
    made: PathBuf,
}

/// An instance that has just booted, with a volume like this attached.
pub(crate) fn with_a(kind: &str) -> Option<(Instance, Volume)> {
    // The kernel does not mount two copies of one xfs.
    let instance = Instance::boot_beside(if kind.starts_with("xfs") { Others::None } else { Others::Any })?;
    let volume = Volume::make(&instance.path("volumes"), kind).expect("a volume");
    instance.plug("nvme1n1", VOLUME, &volume.device, &volume.number());
    Some((instance, volume))
}

impl Volume {
    /// A volume with this in it, in a directory for its files.
    pub(crate) fn make(directory: &Path, kind: &str) -> Result<Volume, String> {
        let image = directory.join(format!("volume-{}", kind.replace(' ', "-")));
        zeros(&image, 64 * MIB);
        fill(&image, kind)?;
        let made = image.with_extension("made");
        let device = attach(&image)?;
        let volume = Volume { image, device, made };
        volume.finish(kind)?;
        copy(&volume.image, &volume.made);
        Ok(volume)
    }

    /// What needs the device.
    fn finish(&self, kind: &str) -> Result<(), String> {
        let has_files = matches!(kind, "ext4" | "xfs" | "an embedded etcd");
        if has_files || kind.ends_with("without its head") {
            let point = self.image.with_extension("mnt");
            fs::create_dir_all(&point).expect("a directory");
            let at = point.display().to_string();
            ran("mount", &[&self.device, &at])?;
            fs::write(point.join("written"), "made").expect("a file");
            if kind == "an embedded etcd" {
                fs::create_dir_all(point.join("k3s/server/db/etcd/member")).expect("a directory");
            }
            ran("umount", &[&at])?;
        }
        if kind.ends_with("without its head") {
            self.write_at(0, &vec![0; 1 << 20]);
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) {
        // Through the device: a page of it may be cached.
        let mut device = OpenOptions::new().write(true).open(&self.device).expect("the device");
        device.seek(SeekFrom::Start(offset)).expect("a place");
        device.write_all(bytes).expect("it can be written");
        device.sync_all().expect("it is written");
    }

    pub(crate) fn is_ext4(&self) -> bool {
        must("blkid", &["-p", "-o", "value", "-s", "TYPE", &self.device]) == "ext4"
    }

    pub(crate) fn grow(&self) {
        self.resize(fs::metadata(&self.image).expect("its size").len() * 2);
    }

    pub(crate) fn resize(&self, size: u64) {
        OpenOptions::new().write(true).open(&self.image).and_then(|file| file.set_len(size)).expect("a size");
        must("losetup", &["--set-capacity", &self.device]);
    }

    /// Comes to a new boot as it is at this moment, whatever has it mounted.
    pub(crate) fn cut_power(&mut self) {
        let image = self.image.with_extension(format!("cut{}", self.device.trim_start_matches("/dev/loop")));
        copy(&self.image, &image);
        self.image = image;
    }

    /// The present mount is left with a device that fails. The next device has the volume as it is at this moment.
    pub(crate) fn tear_out(&mut self) {
        let left = self.image.clone();
        self.cut_power();
        OpenOptions::new().write(true).open(left).and_then(|file| file.set_len(0)).expect("the image");
        self.attach_anew();
    }

    /// A device for the image as it is now; the one before is gone, or goes with its last mount.
    pub(crate) fn attach_anew(&mut self) {
        self.device = attach(&self.image).expect("a loop device, as before");
    }

    pub(crate) fn is_as_made(&self) -> bool {
        fs::read(&self.image).expect("the image") == fs::read(&self.made).expect("the copy")
    }

    pub(crate) fn release_device(&self) {
        drop(ran("losetup", &["--detach", &self.device]));
    }

    /// As the kernel has it in sysfs: `7:3`.
    pub(crate) fn number(&self) -> String {
        let name = self.device.trim_start_matches("/dev/");
        fs::read_to_string(format!("/sys/block/{name}/dev")).expect("its number").trim().to_owned()
    }
}

fn fill(image: &Path, kind: &str) -> Result<(), String> {
    let path = image.display().to_string();
    match kind {
        "blank" => {}
        "ext4" | "ext4 without its head" | "an embedded etcd" => drop(ran("mkfs.ext4", &["-q", &path])?),
        "xfs" | "xfs without its head" => unpack(XFS, image),
        "ext4 cut short" => {
            ran("mkfs.ext4", &["-q", &path])?;
            cut(image, 48 * MIB);
        }
        "xfs cut short" => {
            unpack(XFS, image);
            cut(image, 12 * MIB);
        }
        "swap" => drop(ran("mkswap", &[&path])?),
        "ext4 with errors" => {
            ran("mkfs.ext4", &["-q", &path])?;
            // The root directory is gone, and the file system does not call itself clean, or nobody would look.
            ran("debugfs", &["-w", "-R", "clri <2>", &path])?;
            ran("debugfs", &["-w", "-R", "set_super_value state 2", &path])?;
        }
        "a partition table" => {
            let mut sector = vec![0; 512];
            // One partition of Linux's type: 2048 sectors at sector 2048.
            sector[446..462].copy_from_slice(&[0, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0]);
            sector[510..].copy_from_slice(&[0x55, 0xaa]);
            write(image, 0, &sector);
        }
        "zeros but for the middle" => write(image, 40 * MIB + 512, b"somebody's data"),
        "zeros but for the tail" => write(image, 64 * MIB - 64, b"somebody's data"),
        other => panic!("there is no volume called {other:?}"),
    }
    Ok(())
}

/// The volume is smaller than its file system.
fn cut(image: &Path, size: u64) {
    OpenOptions::new().write(true).open(image).and_then(|file| file.set_len(size)).expect("a size");
}

fn unpack(packed: &[u8], image: &Path) {
    let file = File::create(image).expect("an image");
    let mut gzip = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(file).spawn().expect("gzip");
    gzip.stdin.take().expect("its input").write_all(packed).expect("it reads");
    assert!(gzip.wait().expect("it ends").success());
}

fn zeros(image: &Path, size: u64) {
    File::create(image).and_then(|file| file.set_len(size)).expect("an image");
}

fn write(image: &Path, offset: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(image).expect("the image");
    file.seek(SeekFrom::Start(offset)).expect("a place");
    file.write_all(bytes).expect("it can be written");
}

fn copy(from: &Path, to: &Path) {
    must("cp", &["--sparse=always", &from.display().to_string(), &to.display().to_string()]);
}

fn attach(image: &Path) -> Result<String, String> {
    let device = ran("losetup", &["--find", "--show", &image.display().to_string()])?;
    // It stays as a test that was killed has left it, whatever its file.
    ran("blockdev", &["--setrw", &device])?;
    Ok(device)
}

/// What a program says; or what is wrong.
pub(crate) fn ran(program: &str, arguments: &[&str]) -> Result<String, String> {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(program).args(arguments).env("PATH", path).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim_end()))
    }
}

pub(crate) fn must(program: &str, arguments: &[&str]) -> String {
    ran(program, arguments).unwrap_or_else(|problem| panic!("{problem}"))
}
