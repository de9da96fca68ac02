//! What a hand-off was: from whom to whom, why, and for how long nobody could reach the node.

use std::time::SystemTime;

use durin_decisions::node::{InstanceState, Lifecycle, Observed};
use durin_decisions::shell::quoted;
use serde_json::{Map, Value, json};

use crate::ids::{GroupName, InstanceId};
use crate::news::{HAND_OFF, News};
use crate::risk::RiskReason;
use crate::times::timestamp;

/// Who had the volume, as far as a run has seen it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holders {
    present: Option<Holder>,
    before: Option<Holder>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    instance: InstanceId,
    why: Option<Why>,
}

/// Why it is not the holder any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Warned(RiskReason),
    Gone,
}

impl Holders {
    pub(super) fn note(&mut self, observed: &Observed) {
        let Some(held) = observed.volume.as_ref().and_then(|volume| volume.attachments.first()) else { return };
        let seen = observed.instances.get(&held.instance);
        let is_ending = matches!(observed.group.members.get(&held.instance), Some(Lifecycle::Terminating { .. }));
        let ending = is_ending.then_some(Why::Warned(RiskReason::Terminating));
        let warned = seen.and_then(|instance| Some(Why::Warned(instance.risk?.reason))).or(ending);
        let gone = seen.is_none_or(|instance| instance.state != InstanceState::Running).then_some(Why::Gone);
        match &mut self.present {
            Some(present) if present.instance == held.instance => present.why = warned.or(present.why).or(gone),
            other => {
                let before = other.replace(Holder { instance: held.instance.clone(), why: warned.or(gone) });
                self.before = before.or(self.before.take());
            }
        }
    }

    /// The one before this, if a run has seen it.
    pub(super) fn before(&self, holder: &InstanceId) -> Option<&Holder> {
        match &self.present {
            Some(present) if present.instance == *holder => self.before.as_ref(),
            other => other.as_ref(),
        }
    }
}

/// The seconds of a hand-off, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Seconds {
    /// From the request until the volume was released.
    pub(super) release: Option<f64>,
    pub(super) detach: Option<f64>,
    pub(super) attach: Option<f64>,
    pub(super) mount: Option<f64>,
    /// From the mount until the API answered.
    pub(super) k3s: Option<f64>,
    /// From the mount until all pods were ready.
    pub(super) workloads: Option<f64>,
    /// From the request to attach the volume, as EC2 lists it, until the instance said that the API answers.
    pub(super) since_given: Option<f64>,
}

impl Seconds {
    fn until_mounted(&self) -> Option<f64> {
        Some(self.release? + self.detach? + self.attach? + self.mount?)
    }

    /// For how long k3s did not answer, to within the seconds that a command takes to arrive.
    pub(super) fn api_away(&self) -> Option<f64> {
        Some(hundredths(self.until_mounted()? + self.k3s?))
    }

    pub(super) fn workloads_away(&self) -> Option<f64> {
        Some(hundredths(self.until_mounted()? + self.workloads?))
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let all = [
            ("release", self.release),
            ("detach", self.detach),
            ("attach", self.attach),
            ("mount", self.mount),
            ("k3s", self.k3s),
            ("workloads", self.workloads),
        ];
        all.into_iter().filter_map(|(name, seconds)| Some((name, seconds?)))
    }
}

/// A node has moved.
#[derive(Clone, Debug)]
pub(super) struct HandOff<'a> {
    pub(super) node: &'a GroupName,
    pub(super) from: Option<&'a Holder>,
    pub(super) to: &'a InstanceId,
    pub(super) attached: Option<SystemTime>,
    pub(super) seconds: Seconds,
    /// Whether its new instance has said that it serves.
    pub(super) serves: bool,
}

impl HandOff<'_> {
    pub(super) fn news(&self) -> News {
        let HandOff { node, to, attached, seconds, .. } = self;
        let since = attached.map(timestamp).unwrap_or_default();
        let parts: Map<String, Value> = seconds.named().map(|(name, it)| (name.to_owned(), json!(it))).collect();
        let detail = json!({
            "id": format!("{node}/{to}/{since}"),
            "node": node.to_string(),
            "from": self.from.map(|from| from.instance.to_string()),
            "to": to.to_string(),
            "why": self.why(),
            "api_away_s": seconds.api_away(),
            "workloads_away_s": seconds.workloads_away(),
            "seconds": parts,
            "serves": self.serves,
            "message": self.message(),
        });
        News { detail_type: HAND_OFF, detail }
    }

    fn message(&self) -> String {
        let HandOff { node, from, to, .. } = self;
        let moved = match from {
            Some(from) => format!("{node} has moved from {} to {to}", from.instance),
            None => format!("{node} has come up on {to}, which found its volume free"),
        };
        let why = match (self.from, self.why()) {
            (_, Some(why)) => format!(", because {why}"),
            (Some(_), None) => ", for a reason that Durin has not seen".to_owned(),
            (None, None) => String::new(),
        };
        let end = match self.serves {
            true => "There is nothing for you to do.".to_owned(),
            false => format!(
                "{to} goes into service, but has not said that k3s answers: run just status {}, and look at journalctl -u k3s on it.",
                quoted(node.as_str())
            ),
        };
        format!("{moved}{why}. {}{end}", self.away())
    }

    fn why(&self) -> Option<&'static str> {
        Some(match self.from?.why? {
            Why::Warned(RiskReason::Interruption) => "EC2 took the old instance's capacity back",
            Why::Warned(RiskReason::Rebalance) => "EC2 recommended to replace the old instance",
            Why::Warned(RiskReason::Retirement) => "AWS retires the old instance's host",
            Why::Warned(RiskReason::Terminating) => "the group ended the old instance",
            Why::Gone => "the old instance was gone",
        })
    }

    /// A sentence, if there is something to say.
    fn away(&self) -> String {
        let seconds = &self.seconds;
        let parts: Vec<String> = seconds.named().map(|(name, it)| format!("{name} {it:.1}")).collect();
        let of_what = if parts.is_empty() { String::new() } else { format!(" (in seconds: {})", parts.join(", ")) };
        match (seconds.api_away(), seconds.workloads_away()) {
            (Some(api), Some(all)) => {
                format!("k3s did not answer for about {api:.0} s, and its workloads for about {all:.0} s{of_what}. ")
            }
            (Some(api), None) => format!("k3s did not answer for about {api:.0} s{of_what}. "),
            (None, _) => match self.seconds.since_given.filter(|_| self.serves) {
                Some(since) => format!(
                    "k3s answered within {since:.0} s after {} was given the volume{of_what}; how long it had been away before that, \
                     this function has not seen (just status {} may show it). ",
                    self.to,
                    quoted(self.node.as_str())
                ),
                None => String::new(),
            },
        }
    }
}

pub(super) fn hundredths(seconds: f64) -> f64 {
    (seconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> InstanceId {
        InstanceId::new(text).expect("an id")
    }

    const ALL: Seconds = Seconds {
        release: Some(9.0),
        detach: Some(1.3),
        attach: Some(2.0),
        mount: Some(1.0),
        k3s: Some(10.5),
        workloads: Some(16.0),
        since_given: Some(15.0),
    };

    fn told(why: Option<Why>, seconds: Seconds, serves: bool) -> String {
        let (node, to) = (GroupName::new("home").expect("a name"), id("i-0000000000000000b"));
        let from = Holder { instance: id("i-0000000000000000a"), why };
        let hand_off = HandOff { node: &node, from: Some(&from), to: &to, attached: None, seconds, serves };
        hand_off.news().detail["message"].as_str().expect("a text").to_owned()
    }

    #[test]
    fn a_message_says_what_happened_why_and_for_how_long() {
        assert_eq!(
            told(Some(Why::Warned(RiskReason::Interruption)), ALL, true),
            "home has moved from i-0000000000000000a to i-0000000000000000b, because EC2 took the old instance's \
             capacity back. k3s did not answer for about 24 s, and its workloads for about 29 s (in seconds: release 9.0, \
             detach 1.3, attach 2.0, mount 1.0, k3s 10.5, workloads 16.0). There is nothing for you to do."
        );
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let lacking = Seconds { release: None, ..ALL };
        assert_eq!(
            told(None, lacking, false),
            "home has moved from i-0000000000000000a to i-0000000000000000b, for a reason that Durin has not seen. \
             i-0000000000000000b goes into service, but has not said that k3s answers: run just status home, and look at \
             journalctl -u k3s on it."
        );
    }

    #[test]
    fn a_run_that_has_not_seen_the_beginning_says_how_long_the_rest_took() {
        let seen = Seconds { since_given: Some(15.2), mount: Some(1.0), k3s: Some(10.5), ..Seconds::default() };
        assert_eq!(
            told(Some(Why::Gone), seen, true),
            "home has moved from i-0000000000000000a to i-0000000000000000b, because the old instance was gone. k3s answered within \
             15 s after i-0000000000000000b was given the volume (in seconds: mount 1.0, k3s 10.5); how long it had been \
             away before that, this function has not seen (just status home may show it). There is nothing for you to do."
        );
    }
}
