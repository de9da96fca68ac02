//! Tests that are Python, because what they hold us against is: the AWS CLI, boto3, moto, cargo-lambda.

use std::collections::hash_map::DefaultHasher;
use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the tests of a folder beside this crate, in a virtual environment with what they need, which is kept under `kept`
/// for the next time. `binaries` is where [`build`] has put ours.
///
/// # Panics
/// When one fails, or cannot be run.
pub fn pytest(folder: &str, kept: &Path, binaries: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = here.join(folder);
    let python = virtual_environment(kept, &here.join("conformance").join("requirements.txt"));
    let mut pytest = Command::new(python);
    pytest.args(["-m", "pytest", "-q", "--color=no"]).arg(&tests).current_dir(&tests);
    pytest.env("DURIN", binaries.join(format!("durin{EXE_SUFFIX}")));
    pytest.env("DURIN_OPERATOR", binaries.join(format!("durin-operator{EXE_SUFFIX}")));
    pytest.env("DURIN_PROVE", binaries.join(format!("durin-prove{EXE_SUFFIX}")));
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    let done = succeed(&mut pytest, &format!("tests/{folder} fails"));
    // Past the test runner, which keeps to itself what a test says that succeeds.
    for line in String::from_utf8_lossy(&done.stderr).lines().filter(|line| line.starts_with("NOT RUN")) {
        writeln!(io::stderr(), "{line}").expect("standard error");
    }
}

/// Builds all binaries as they are now, in the profile of the running test, and says where they are.
///
/// # Panics
/// When they cannot be built.
pub fn build(cargo: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a path of this test");
    let directory = here.parent().and_then(Path::parent).expect("target/debug/deps/suite-…");
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let mut build = Command::new(cargo);
    // With the suite, which is there already: on their own the binaries would have their dependencies with fewer
    // features, and the EC2 SDK would be compiled once more.
    build.args(["build", "--quiet", "--workspace", "--bins", "--test", "suite", "--profile", profile, "--target-dir"]);
    build.arg(directory.parent().expect("target")).current_dir(workspace);
    succeed(&mut build, "the binaries cannot be built");
    directory.to_owned()
}

/// The Python of a virtual environment with these requirements, made unless it is there.
fn virtual_environment(kept: &Path, requirements: &Path) -> PathBuf {
    let mut version = Command::new("python3");
    // venv imports without ensurepip, which Debian has in a package of its own, and fails half-way.
    version.arg("-c").arg("import sys, venv, ensurepip; assert sys.version_info >= (3, 10); print(sys.version)");
    let version = succeed(
        &mut version,
        "needs Python 3.10 or newer with venv and ensurepip (Debian, Ubuntu: apt install python3 python3-venv)",
    );

    let mut key = DefaultHasher::new();
    (fs::read(requirements).expect("requirements"), version.stdout).hash(&mut key);
    let directory = kept.join(format!("conformance-{:016x}", key.finish()));
    let python = directory.join("bin").join("python");
    // Written last: what was interrupted is begun again. It cannot be made elsewhere and moved, since its scripts name
    // their own directory.
    let complete = directory.join("complete");

    // Two runs at once would make it over each other.
    let lock = File::create(directory.with_extension("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    if !complete.exists() {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&directory);
        succeed(&mut venv, "needs Python 3 with venv: a virtual environment cannot be made");
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
        succeed(&mut pip, "the requirements cannot be installed");
        File::create(&complete).expect("a stamp file");
    }
    python
}

/// Runs to the end, and fails with everything that was written if that was not a success.
fn succeed(command: &mut Command, otherwise: &str) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{otherwise}: {command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{otherwise}\n{}{}", text(&output.stdout), text(&output.stderr));
    output
}
