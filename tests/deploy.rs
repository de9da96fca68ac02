//! What a user deploys with, tried: the scripts in `infra/` against moto, and the drill against the local AWS.

use std::path::Path;

use durin_tests::python::{build, pytest};

#[test]
fn one_command_deploys_and_another_destroys() {
    let binaries = build(env!("CARGO"));
    pytest("deploy", Path::new(env!("CARGO_TARGET_TMPDIR")), &binaries);
}
