//! How an image is baked, and what runs on k3s, as far as neither AWS nor k3s is needed for it.

use std::path::Path;

use durin_tests::python::{build, pytest};

#[test]
fn a_machine_is_provisioned_and_its_mistakes_are_found() {
    let binaries = build(env!("CARGO"));
    pytest("image", Path::new(env!("CARGO_TARGET_TMPDIR")), &binaries);
}
