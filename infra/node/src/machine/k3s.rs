//! k3s's program, as the image has it.

use std::time::Duration;

use durin_decisions::k3s::Version;

use super::programs::{self, Deadline};

/// It says it at once, unless the root disk has to be loaded from its snapshot first.
const SOON: Duration = Duration::from_secs(10);

/// None if it does not say.
pub fn version() -> Option<Version> {
    Version::of_program(&programs::run("k3s", &["--version"], Deadline::after(SOON)).output)
}
