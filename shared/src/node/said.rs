//! The last line of durin-node's output, in which it says what became of a command. (`infra/node/src/answer.rs`.)

use std::collections::BTreeMap;

use serde::Deserialize;

/// The protocol that we speak; the program may be a version behind, or ahead.
const PROTOCOL: u32 = 1;

/// What we read of the line. Systems Manager cuts an output off after 2,500 characters, and versions differ.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    protocol: u32,
    pub(super) answer: String,
    /// Of which boot it speaks.
    pub(super) boot: String,
    pub(super) why: Option<String>,
    /// The volume that was released in this boot.
    pub(super) released: Option<String>,
    /// Of the steps.
    pub(super) seconds: BTreeMap<String, f64>,
    pub(super) volume: Option<Note>,
    pub(super) k3s: Option<Note>,
    pub(super) since_mount_seconds: Option<f64>,
}

/// What else it has noted. The release has the volume's id in the same place.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Note {
    Seconds(Seconds),
    Text(String),
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Seconds {
    /// From the appearance of the device.
    pub(super) mount_seconds: Option<f64>,
    /// From the mount until the API answered.
    pub(super) api_seconds: Option<f64>,
    /// From the mount until all pods were ready.
    pub(super) workloads_seconds: Option<f64>,
}

impl Said {
    pub(super) fn in_output(output: &str) -> Option<Said> {
        let said = output.lines().filter(|line| line.starts_with('{'));
        said.filter_map(|line| serde_json::from_str::<Said>(line).ok()).next_back()
    }

    /// A version and the next work together.
    pub(super) fn is_understood(&self) -> bool {
        self.protocol.abs_diff(PROTOCOL) <= 1
    }
}
