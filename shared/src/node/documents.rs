//! What the functions call things by that `infra/` makes.

/// The document that drains, stops k3s, syncs and unmounts.
pub const RELEASE_DOCUMENT: &str = "durin-release";
