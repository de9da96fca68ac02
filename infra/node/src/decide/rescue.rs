//! After an unclean end containerd's store and the layers in it may disagree, and then k3s never comes up. The store
//! can be fetched again; the datastore cannot, and is never touched.

/// What is known of a k3s that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent<'a> {
    /// How often systemd has restarted it in this boot.
    pub restarts: u32,
    /// The end of its log.
    pub log: &'a str,
    /// The store has been set aside in this boot.
    pub rescued: bool,
}

/// What containerd says when its store is broken. (containerd/containerd#10848, siderolabs/talos#9496; k3s ends when
/// its containerd does.)
const BROKEN: [&str; 3] = [
    "failed to get metadata for stored sandbox",
    "failed to recover state",
    "failed to load plugin io.containerd.metadata",
];
/// Anything may fail once.
const RESTARTS: u32 = 2;

/// Whether to set the store aside.
pub fn is_for_the_store(silent: &Silent<'_>) -> bool {
    !silent.rescued && silent.restarts >= RESTARTS && BROKEN.iter().any(|sign| silent.log.contains(sign))
}
