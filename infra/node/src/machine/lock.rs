//! One at a time: what mounts, releases or takes back a volume holds the lock. It goes with the process, however that
//! ends, and with the programs that it has given the lock to.

use std::fs::{File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::programs::Deadline;

/// Nobody but root opens it: whoever may read a file may lock it, a pod that sees the host's `/run` as well.
const OWN: u32 = 0o600;

pub struct Lock(File);

impl Lock {
    /// A standard input for a program that writes to the volume: it may outlive us, and then it has the lock.
    pub fn as_input(&self) -> Stdio {
        self.0.try_clone().map_or_else(|_| Stdio::null(), Stdio::from)
    }
}

/// Waits for the lock until the deadline; none if somebody else still has it then.
///
/// # Errors
/// When the file cannot be made or locked.
pub fn take(path: &Path, deadline: Deadline) -> io::Result<Option<Lock>> {
    let file = File::options().create(true).append(true).mode(OWN).open(path)?;
    // One that an earlier version has made.
    file.set_permissions(Permissions::from_mode(OWN))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) if deadline.has_passed() => return Ok(None),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(50)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
