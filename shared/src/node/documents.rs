//! The Systems Manager documents that the functions send.

/// Has an instance let go of the volume. (`infra/release.yaml`.)
pub const RELEASE_DOCUMENT: &str = "durin-release";

/// Has an instance that has let go of the volume serve again. (`infra/release.yaml`.)
pub const RESUME_DOCUMENT: &str = "durin-resume";
