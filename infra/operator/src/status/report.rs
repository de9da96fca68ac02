//! What is known of each node, as `--json` shows it. Times are in UTC; what is unknown is null, and `unknown` says why.

use std::time::SystemTime;

use durin::ids::GroupName;
use durin::times::timestamp;
use serde::Serialize;

use crate::sentence::Wrong;

/// A region.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub region: String,
    pub at: String,
    /// Whether nothing is wrong: the exit status.
    pub well: bool,
    pub nodes: Vec<NodeReport>,
    /// Of groups that try to declare a node.
    pub mistakes: Vec<Wrong>,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeReport {
    /// The name of its group.
    pub node: String,
    pub state: State,
    /// What Durin waits for or would do now, if anything.
    pub doing: Option<String>,
    pub holder: Option<Holder>,
    pub image: Option<Image>,
    pub record: Option<Record>,
    pub volume: Option<Volume>,
    pub last_hand_off: Option<LastHandOff>,
    /// Successors that were launched in the last 30 days.
    pub moves_in_30_days: Option<usize>,
    /// When the node is going to move, as far as anybody knows.
    pub next: String,
    /// The newest snapshot of the volume.
    pub backup: Option<Snapshot>,
    pub wrong: Vec<Wrong>,
    /// Nothing fails for want of it.
    pub advice: Vec<Wrong>,
    /// What could not be found out, and why.
    pub unknown: Vec<String>,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its holder says so.
    Serves,
    /// It has a holder, which has said nothing lately.
    Held,
    /// The holder says that it does not.
    DoesNotServe,
    /// It is being handed over.
    Moves,
    /// No instance has the volume, and none is about to get it.
    Away,
    /// Its group wants no instance.
    Rests,
    Unknown,
}

/// The instance that has the volume.
#[derive(Clone, Debug, Serialize)]
pub struct Holder {
    pub instance: String,
    pub instance_type: Option<String>,
    /// `spot` or `on demand`.
    pub market: Option<String>,
    pub zone: Option<String>,
    pub address: Option<String>,
    /// Since when it has the volume.
    pub since: Option<String>,
    pub seconds: Option<u64>,
    /// What it has last said of itself, in words.
    pub says: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Image {
    pub id: String,
    pub name: Option<String>,
    pub created: Option<String>,
    pub days: Option<u64>,
    /// What the parameter of its family names, if that is another one.
    pub next: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Record {
    pub name: String,
    pub hosted_zone: String,
    /// What stands there, in words.
    pub says: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Volume {
    pub id: String,
    pub gib: Option<i32>,
    /// EC2's word: `gp3`.
    pub kind: Option<String>,
    pub zone: Option<String>,
    /// How it is, in words.
    pub says: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct LastHandOff {
    pub at: String,
    pub from: Option<String>,
    /// From the request to release the volume until the next holder said that it serves.
    pub seconds: Option<u64>,
    pub release_seconds: Option<u64>,
    pub mount_seconds: Option<f64>,
    pub k3s_seconds: Option<f64>,
    pub why: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    pub id: String,
    pub started: Option<String>,
    /// EC2's word: `completed`.
    pub state: String,
    pub hours: Option<u64>,
}

impl Report {
    pub(super) fn of(region: &str, at: SystemTime, nodes: Vec<NodeReport>, mistakes: Vec<Wrong>) -> Report {
        let well = mistakes.is_empty() && nodes.iter().all(|node| node.wrong.is_empty());
        Report { region: region.to_owned(), at: timestamp(at), well, nodes, mistakes }
    }
}

impl NodeReport {
    /// Of a node that could not be looked at.
    pub(super) fn unread(name: &GroupName, why: &str) -> NodeReport {
        let wrong = Wrong::new(
            format!("how {name} is could not be read ({why})"),
            "look whether your permissions are those of docs/status-policy.json, and run the same command again",
        );
        NodeReport {
            node: name.to_string(),
            state: State::Unknown,
            doing: None,
            holder: None,
            image: None,
            record: None,
            volume: None,
            last_hand_off: None,
            moves_in_30_days: None,
            next: "not known".to_owned(),
            backup: None,
            wrong: vec![wrong],
            advice: Vec::new(),
            unknown: vec![format!("everything: {why}")],
        }
    }

    /// Whether something could not be found out.
    pub(super) fn is_unknown(&self, what: &str) -> bool {
        self.unknown.iter().any(|it| it.starts_with(what))
    }
}

impl State {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            State::Serves => "serves",
            State::Held => "has its volume; whether it serves is not known",
            State::DoesNotServe => "does not serve",
            State::Moves => "is being handed over",
            State::Away => "is away: no instance has its volume",
            State::Rests => "rests: its group wants no instance",
            State::Unknown => "could not be looked at",
        }
    }
}
