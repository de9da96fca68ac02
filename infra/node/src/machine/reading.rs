//! What is on a device: by blkid's word, and by reading it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::num::NonZero;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Advice, fadvise};

use crate::decide::blank;
use crate::decide::contents::{Contents, FileSystem};
use crate::decide::fsck::{self, Checked};
use crate::decide::taking::Blank;

use super::lock::Lock;
use super::programs::{self, Deadline, Ended, Ran};

const ZEROS: [u8; 4096] = [0; 4096];
/// Longer than anything that ends.
const FOR_EVER: Duration = Duration::from_secs(365 * 86_400);

pub fn contents(node: &Path) -> Contents {
    let node = node.display().to_string();
    let ran = programs::run("blkid", &["-p", "-o", "export", &node], Deadline::after(Duration::from_secs(30)));
    Contents::read(ran.code(), &ran.output)
}

/// So much of it as is read at first, or as is read once more.
pub fn blank(node: &Path, whole: u64) -> Blank {
    match is_zero(node, whole) {
        Ok(true) => Blank::Yes,
        Ok(false) => Blank::No,
        Err(error) => Blank::Unread(error.to_string()),
    }
}

fn is_zero(node: &Path, whole: u64) -> io::Result<bool> {
    let mut file = File::open(node)?;
    let size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        return Err(io::Error::other("it has no size"));
    }
    let mut bytes = Vec::new();
    for part in blank::parts(size, whole) {
        bytes.resize(usize::try_from(part.length).map_err(io::Error::other)?, 1);
        file.seek(SeekFrom::Start(part.offset))?;
        file.read_exact(&mut bytes)?;
        if bytes.chunks(ZEROS.len()).any(|chunk| chunk != &ZEROS[..chunk.len()]) {
            return Ok(false);
        }
        // Memory is for what k3s will read. It is only advice.
        _ = fadvise(&file, part.offset, NonZero::new(part.length), Advice::DontNeed);
    }
    Ok(true)
}

/// Returns what e2fsck did, too.
pub fn check(node: &Path, lock: &Lock) -> (Checked, Ran) {
    let ran = e2fsck("-p", node, lock);
    let is_clean = || superblock(node).is_ok_and(|superblock| fsck::is_clean(&superblock));
    (Checked::read(ran.code(), &ran.said, is_clean), ran)
}

/// Writes nothing.
pub fn look_for_errors(node: &Path, lock: &Lock) -> Ran {
    e2fsck("-n", node, lock)
}

/// Whether a check says nothing of what is there: it was killed, could not work, or could not read.
pub fn could_not_read(checked: &Ran) -> bool {
    checked.ended != Ended::With(fsck::ERRORS_LEFT) || fsck::has_met_a_failure(&checked.said)
}

/// Without a limit of time: a check that is killed helps nobody.
fn e2fsck(how: &str, node: &Path, lock: &Lock) -> Ran {
    let mut command = programs::command("e2fsck", &[how, &node.display().to_string()]);
    programs::run_command(command.stdin(lock.as_input()), Deadline::after(FOR_EVER))
}

fn superblock(node: &Path) -> io::Result<Vec<u8>> {
    let (offset, length) = fsck::SUPERBLOCK;
    let mut file = File::open(node)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// What mkfs.ext4 makes, whatever it would make by itself: an older image has to be able to check it. All of this is known
/// since e2fsprogs 1.43 and Linux 4.4, and is what 1.46 makes (1.47 adds orphan_file and metadata_csum_seed).
pub const MKE2FS: &str = "[defaults]
base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
default_mntopts = acl,user_xattr
enable_periodic_fsck = 0
blocksize = 4096
inode_size = 256
inode_ratio = 16384

[fs_types]
ext4 = {
    features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
}
small = {
    blocksize = 1024
    inode_ratio = 4096
}
big = {
    inode_ratio = 32768
}
huge = {
    inode_ratio = 65536
}
";

/// With [`MKE2FS`] in this file.
///
/// # Errors
/// What mkfs said.
pub fn format(node: &Path, configuration: &Path, lock: &Lock) -> Result<FileSystem, String> {
    let node = node.display().to_string();
    let mut command = programs::command("mkfs.ext4", &["-q", &node]);
    command.env("MKE2FS_CONFIG", configuration);
    let ran = programs::run_command(command.stdin(lock.as_input()), Deadline::after(FOR_EVER));
    if ran.succeeded() { Ok(FileSystem::Ext4) } else { Err(format!("mkfs.ext4: {}", ran.reason())) }
}

/// Lets the file system grow into a volume that has grown; without harm if it has not.
///
/// # Errors
/// What the program said. The file system serves as it is.
pub fn grow(kind: FileSystem, node: &Path, mount_point: &Path) -> Result<(), String> {
    let (node, point) = (node.display().to_string(), mount_point.display().to_string());
    let (program, arguments) = match kind {
        FileSystem::Ext4 => ("resize2fs", vec![node.as_str()]),
        FileSystem::Xfs => ("xfs_growfs", vec!["-d", point.as_str()]),
    };
    let ran = programs::run(program, &arguments, Deadline::after(Duration::from_secs(60)));
    if ran.succeeded() { Ok(()) } else { Err(format!("{program}: {}", ran.reason())) }
}
