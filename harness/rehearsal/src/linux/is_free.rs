//! Whether the kernel gives a volume's device to one alone: nothing has it mounted, nor its file system alive.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::Outcome;

const O_EXCL: i32 = 0o200;

pub(super) fn check(serial: &str) -> Outcome {
    for entry in fs::read_dir("/sys/block")?.flatten() {
        let own = fs::read_to_string(entry.path().join("device/serial")).unwrap_or_default();
        if own.trim() == serial {
            let node = Path::new("/dev").join(entry.file_name());
            File::options().read(true).custom_flags(O_EXCL).open(node)?;
        }
    }
    Ok(())
}
