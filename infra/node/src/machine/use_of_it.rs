//! Who has a volume's device, by both witnesses: the lists of mounts, and the kernel.

use std::io;

use crate::decide::letting_go::UseOfIt;
use crate::decide::mounted;
use crate::decide::taking::Access;

use super::device::Device;
use super::{mounts, processes};

/// Looks at everything, but for the users, which are looked for only if there may be some.
///
/// # Errors
/// When the kernel does not say what is mounted.
pub fn look(device: &Device) -> io::Result<UseOfIt> {
    let here = mounts::here()?;
    let mounted: Vec<_> = mounted::of_device(&here, &device.stack).iter().map(|mount| mount.point.clone()).collect();
    let namespaces = processes::named(&mounts::in_other_namespaces(&device.stack));
    let access = device.access();
    let is_in_use = !mounted.is_empty() || access != Access::Alone;
    let users = if is_in_use { processes::named(&processes::users_of(&device.stack.numbers)) } else { Vec::new() };
    Ok(UseOfIt { mounted, namespaces, users, access })
}
