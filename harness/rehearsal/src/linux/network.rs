//! The network: QEMU's, where the metadata service is, and the address that EC2 gave.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{Outcome, address};

/// What QEMU's own network takes the machine for.
const IN_QEMU: &str = "169.254.0.15/16";

pub(super) fn set_up() -> Outcome {
    let name = loop {
        let names = fs::read_dir("/sys/class/net")?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        // Its driver comes, and udev gives it its name.
        match names.filter(|name| name.starts_with("en")).min() {
            Some(name) => break name,
            None => thread::sleep(Duration::from_millis(100)),
        }
    };
    let own = address::own().map(|address| format!("{address}/32"));
    ip(&["link", "set", &name, "up"])?;
    for address in [IN_QEMU].into_iter().chain(own.as_deref()) {
        ip(&["address", "add", address, "dev", &name])?;
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Outcome {
    let status = Command::new("ip").args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("ip {}: {status}", arguments.join(" ")).into()) }
}
