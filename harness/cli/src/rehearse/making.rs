//! What a rehearsal needs: the programs, built for its machines, and the disk that they boot from.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::print::tell;

/// What durin-node is built for in a user's image.
const OF_IMAGES: &str = "x86_64-unknown-linux-musl";
/// What every toolchain of this machine can build. Linked statically, it needs nothing of the disk's Debian either.
const OF_HOST: &str = "x86_64-unknown-linux-gnu";

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

/// durin-node, as a user's image has it where the toolchain can build that, and what stands in for the rest.
fn build(house: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = if has_target(house, OF_IMAGES)? { OF_IMAGES } else { OF_HOST };
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--target", target, "--package", "durin-node"]);
    build.args(["--package", "durin-stand-in"]).current_dir(house);
    tell(format_args!("Building durin-node for the machines: the first time, a minute or two"));
    build.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-C target-feature=+crt-static");
    if !build.status()?.success() {
        return Err(NotRehearsed(format!("durin-node cannot be built for {target}")).into());
    }
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| house.join("target"), PathBuf::from);
    Ok(house.join(built).join(target).join("release"))
}

fn has_target(house: &Path, target: &str) -> std::io::Result<bool> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked =
        Command::new(rustc).args(["--print", "target-libdir", "--target", target]).current_dir(house).output()?;
    Ok(Path::new(String::from_utf8_lossy(&asked.stdout).trim_end()).is_dir())
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
