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
    by_image: BTreeMap<String, Boot>,
    /// Of the launches to come, in order; they go before what is said of their image.
    next: VecDeque<Boot>,
}

/// How far an instance gets when it boots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boot {
    /// It mounts the volume and starts k3s.
    #[default]
    Whole,
    /// The operating system never comes up, and so neither does the agent: EC2 says `running`, and nothing is heard.
    Never,
    /// The operating system and the agent come up. What mounts the volume and starts k3s has failed.
    WithoutK3s,
}

impl GuestWays {
    /// Every instance that is launched from the image from now on boots like that.
    pub fn boot_image(&mut self, image: &str, boot: Boot) {
        self.by_image.insert(image.to_owned(), boot);
    }

    /// The next instances that are launched, so many, boot like that, whatever their image.
    pub fn boot_next(&mut self, boot: Boot, launches: usize) {
        self.next.extend(std::iter::repeat_n(boot, launches));
    }

    pub(in crate::world) fn of_launch(&mut self, image: &str) -> Boot {
        self.next.pop_front().or_else(|| self.by_image.get(image).copied()).unwrap_or_default()
    }
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
