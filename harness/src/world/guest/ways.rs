//! How guests differ from the usual one: by the image that they boot from, and by the script that releases.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::world::World;
use crate::world::conventions::RELEASE_DOCUMENT;

/// The ways of the guests in a world.
#[derive(Clone, Debug, Default)]
pub struct GuestWays {
    /// Whether a release leaves the node cordoned; unless set, as the release document in this world says.
    pub drain_cordons: Option<bool>,
}

impl World {
    /// `kubectl drain` cordons before it evicts, and nothing in it lifts the cordon.
    pub(super) fn release_cordons(&self) -> bool {
        let of_document = || self.ssm.document(RELEASE_DOCUMENT, None).is_ok_and(|document| cordons(&document.parsed));
        self.guest_ways.drain_cordons.unwrap_or_else(of_document)
    }
}

/// Whether a command of the document, comments aside, cordons a node and none lifts that again.
fn cordons(document: &Value) -> bool {
    let texts = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let steps = texts(&document["mainSteps"]);
    let commands: Vec<_> = steps.iter().flat_map(|step| texts(&step["inputs"]["runCommand"])).collect();
    let lines: Vec<_> = commands
        .iter()
        .filter_map(Value::as_str)
        .flat_map(str::lines)
        .filter(|line| !line.trim_start().starts_with('#'))
        .collect();
    let any = |words: &str| lines.iter().any(|line| line.contains(words));
    (any("kubectl drain") || any("kubectl cordon")) && !any("kubectl uncordon")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_command_cordons() {
        let document = |script: &str| json!({"mainSteps": [{"inputs": {"runCommand": ["set -- x", script]}}]});
        assert!(cordons(&document("#!/bin/sh\n    k3s kubectl drain \"$node\" --force\n")));
        assert!(!cordons(&document("  # kubectl drain would cordon the node\nk3s kubectl delete pods\n")));
        assert!(!cordons(&document("kubectl drain n\nkubectl uncordon n\n")));
        assert!(!cordons(&json!({})));
    }
}
