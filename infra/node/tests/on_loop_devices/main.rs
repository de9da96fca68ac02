//! The real program on real block devices: loop devices, mounts and mount namespaces, which take root on Linux.
//! Elsewhere nothing of this runs, and each test says so on standard error, past the capture of its output.
//!
//! systemd and k3s are stand-ins: scripts that note what they were asked.

mod busy;
mod checks;
mod containers;
mod cuts;
mod fitness;
mod full;
mod ground;
mod identity;
mod images;
mod instance;
mod journal;
#[expect(dead_code, reason = "what the metadata service says wrongly is a test's beside this")]
#[path = "../beside_the_machine/metadata.rs"]
mod metadata;
mod older_k3s;
mod persisting;
mod releases;
mod resumes;
mod serving;
mod shutdowns;
mod situations;
mod standing;
mod turns;
mod volume;
mod writers;
mod writing;
