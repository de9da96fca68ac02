//! The page of a world that is served, in a real browser.

use std::path::Path;

use durin_tests::python::{build, pytest};

#[test]
fn a_person_watches_a_node_come_back_in_a_browser() {
    let binaries = build(env!("CARGO"));
    pytest("page", Path::new(env!("CARGO_TARGET_TMPDIR")), &binaries);
}
