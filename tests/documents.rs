//! The documents, run: each command line that they have does what they say, as far as no AWS account is needed.

use std::path::Path;

use durin_tests::python::{build, pytest};

#[test]
fn every_command_line_of_the_documents_runs() {
    let binaries = build(env!("CARGO"));
    pytest("documents", Path::new(env!("CARGO_TARGET_TMPDIR")), &binaries);
}
