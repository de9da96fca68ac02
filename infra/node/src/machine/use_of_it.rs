//! Who has a volume's device, by both witnesses: the lists of mounts, and the kernel.

use std::io;

use crate::decide::letting_go::UseOfIt;
use crate::decide::mounted;

use super::device::Device;
use super::{mounts, processes};

/// Looks at everything, but for the users: to find them takes a look at every open file of every process, and they
/// matter only to a person who reads why something failed.
///
/// # Errors
/// When the kernel does not say what is mounted.
pub fn look(device: &Device) -> io::Result<UseOfIt> {
    let here = mounts::here()?;
    let mounted = mounted::of_device(&here, &device.stack).iter().map(|mount| mount.point.clone()).collect();
    let namespaces = processes::named(&mounts::in_other_namespaces(&device.stack));
    Ok(UseOfIt { mounted, namespaces, users: Vec::new(), access: device.access() })
}

/// The processes that have something on the device open.
pub fn users(device: &Device) -> Vec<u32> {
    processes::users_of(&device.stack.numbers)
}
