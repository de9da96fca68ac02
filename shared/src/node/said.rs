//! The last line of durin-node's output, in which it says what became of a command. (`infra/node/src/answer.rs`.)

use std::collections::BTreeMap;

use durin_decisions::k3s::Version;
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
    /// The word for what keeps a resume, if its program has one for it.
    pub(super) obstacle: Option<String>,
    /// The volume that was released in this boot.
    pub(super) released: Option<String>,
    /// What the kernel could not write of a volume that was released: it is lost.
    pub(super) not_written: Option<String>,
    /// Of the steps.
    pub(super) seconds: BTreeMap<String, f64>,
    pub(super) volume: Option<Note>,
    pub(super) k3s: Option<Note>,
    pub(super) prepared: Option<Prepared>,
    /// The version of k3s that has served from its volume last.
    pub(super) served_by: Option<String>,
    pub(super) since_mount_seconds: Option<f64>,
    /// Systems Manager has kept the beginning of the line, and nothing of the above is known.
    #[serde(skip)]
    pub(super) is_cut_off: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Prepared {
    /// The version of its image.
    pub(super) k3s: Option<String>,
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
        let cut_off = || Said { protocol: PROTOCOL, is_cut_off: true, ..Said::default() };
        let read = |line: &str| match serde_json::from_str::<Said>(line) {
            Ok(said) => Some(said),
            Err(_) => line.starts_with("{\"protocol\"").then(cut_off),
        };
        said.filter_map(read).next_back()
    }

    /// Of the image of the instance that speaks.
    pub(super) fn own_k3s(&self) -> Option<Version> {
        Version::read(self.prepared.as_ref()?.k3s.as_deref()?)
    }

    /// From the volume that it has mounted.
    pub(super) fn served_by(&self) -> Option<Version> {
        Version::read(self.served_by.as_deref()?)
    }

    /// A version and the next work together.
    pub(super) fn is_understood(&self) -> bool {
        self.protocol.abs_diff(PROTOCOL) <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_is_an_answer_counts_and_half_of_one_is_known_as_that() {
        let whole = "step: done\n{\"protocol\":1,\"answer\":\"released\"}\n\n----------ERROR-------\n{x\n";
        let said = Said::in_output(whole).expect("an answer");
        assert_eq!((said.answer.as_str(), said.is_cut_off), ("released", false));
        let half = "{\"protocol\":1,\"version\":\"0.1.0\",\"answer\":\"does not serve\",\"k3s\":{\"find\n---Output truncated---";
        let said = Said::in_output(half).expect("half an answer");
        assert!(said.is_cut_off && said.answer.is_empty() && said.is_understood());
        assert_eq!(Said::in_output("{\"x"), None);
    }

    #[test]
    fn a_release_says_what_could_not_be_written() {
        let lost = "{\"protocol\":1,\"answer\":\"released\",\"not_written\":\"sync: Input/output error\"}";
        let said = Said::in_output(lost).expect("an answer");
        assert_eq!(said.not_written.as_deref(), Some("sync: Input/output error"));
    }
}
