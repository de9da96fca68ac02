//! What the local AWS answers, held against what others wrote: AWS's own CLI, SDK and models, and moto.
//!
//! The tests themselves are Python, in `conformance/`. Here they get what they need, which is kept for the next time.

use std::path::Path;

use durin_tests::python::{build, pytest};

#[test]
fn the_local_aws_conforms() {
    let binaries = build(env!("CARGO"));
    pytest("conformance", Path::new(env!("CARGO_TARGET_TMPDIR")), &binaries);
}
