//! What a rehearsal needs: the programs, built for its machines, and the disk that they boot from.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TARGET: &str = "x86_64-unknown-linux-musl";

/// No machine has been started: the program ends with 3.
#[derive(Debug, thiserror::Error)]
#[error("nothing was rehearsed: {0}")]
pub struct NotRehearsed(String);

/// The directory with the machines' kernel and disk, made anew only if something in it has changed.
///
/// # Errors
/// With what to install.
pub(crate) fn image(k3s: Option<&Path>, overlay: Option<&Path>) -> Result<PathBuf, Box<dyn Error>> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let script = house.join("harness/rehearsal/image.sh");
    // What is missing is said on standard error.
    if !Command::new(&script).arg("--needs").stdin(Stdio::null()).status()?.success() {
        return Err(NotRehearsed("a program is missing".to_owned()).into());
    }
    let binaries = build(&house)?;
    let kept = kept();
    let mut script = Command::new(script);
    script.arg(&kept).arg(&binaries).arg(overlay.unwrap_or(Path::new("")));
    if let Some(k3s) = k3s {
        script.env("K3S", k3s.canonicalize().map_err(|error| format!("{}: {error}", k3s.display()))?);
    }
    let made = script.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !made.status.success() {
        return Err(NotRehearsed("there is no disk for machines".to_owned()).into());
    }
    Ok(PathBuf::from(String::from_utf8(made.stdout)?.trim_end()))
}

/// durin-node as a user's image has it, and what stands in for the rest.
fn build(house: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--target", TARGET, "--package", "durin-node"]);
    build.args(["--package", "durin-stand-in"]).current_dir(house);
    if !build.status()?.success() {
        return Err(NotRehearsed(format!("durin-node cannot be built (rustup target add {TARGET})")).into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| house.join("target"), PathBuf::from);
    Ok(house.join(target).join(TARGET).join("release"))
}

/// Where disks are kept from one rehearsal to the next: outside the clone, because Debian is slow to install.
fn kept() -> PathBuf {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    cache.unwrap_or_else(std::env::temp_dir).join("durin-rehearsal")
}

/// A directory for a rehearsal's files. Paths to sockets are short: not below the clone.
pub(super) fn directory(keep: Option<&Path>, scenario: &str) -> std::io::Result<PathBuf> {
    let own = format!("durin-{}", std::process::id());
    let directory = keep.map_or_else(|| std::env::temp_dir().join(own), Path::to_owned).join(scenario);
    fs::create_dir_all(&directory)?;
    directory.canonicalize()
}
