//! The warning about an instance: a tag on it, so that every function knows what one event said.

use std::fmt;
use std::time::SystemTime;

use crate::ids::InstanceId;
use crate::times::{instant, timestamp};

/// A spot interruption warning, a rebalance recommendation or a scheduled retirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub instance: InstanceId,
    pub risk: Risk,
}

/// Why an instance will not stay, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    pub reason: RiskReason,
    /// The time until which it is certain to exist, if known.
    pub until: Option<SystemTime>,
}

/// Why an instance will not stay, least certain first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskReason {
    /// EC2 recommends a rebalance: the instance may be interrupted, or not.
    Rebalance,
    /// AWS retires its host and stops it, usually in two weeks. Health gives the time in words that are unreliable, so
    /// no time is kept: an instance that has to go anyway is replaced now, while there is all the time in the world for
    /// a second attempt, rather than by a timer that something would have to keep.
    Retirement,
    /// Its group is ending it, and waits for its terminate action.
    Terminating,
    /// EC2 takes the capacity back.
    Interruption,
}

impl RiskReason {
    fn name(self) -> &'static str {
        match self {
            RiskReason::Rebalance => "rebalance-recommendation",
            RiskReason::Retirement => "scheduled-retirement",
            RiskReason::Terminating => "terminating",
            RiskReason::Interruption => "spot-interruption",
        }
    }
}

impl Risk {
    /// Reads the tag's value. A value that Durin did not write is ignored.
    pub fn from_tag(value: &str) -> Option<Risk> {
        let (name, until) = match value.split_once(" until ") {
            Some((name, until)) => (name, Some(instant(until)?)),
            None => (value, None),
        };
        let reasons =
            [RiskReason::Rebalance, RiskReason::Retirement, RiskReason::Terminating, RiskReason::Interruption];
        let reason = reasons.into_iter().find(|reason| reason.name() == name)?;
        Some(Risk { reason, until })
    }

    /// Whether this says more than `known` does: a warning counts once, and a weaker one does not count after a
    /// stronger.
    pub fn adds_to(self, known: Option<Risk>) -> bool {
        known.is_none_or(|known| known.reason < self.reason)
    }
}

impl fmt::Display for Risk {
    /// As the tag writes it: `spot-interruption until 2026-01-05T06:12:31Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.name())?;
        match self.until {
            Some(until) => write!(f, " until {}", timestamp(until)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_risk_survives_its_tag() {
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_593_551);
        for risk in [
            Risk { reason: RiskReason::Interruption, until: Some(until) },
            Risk { reason: RiskReason::Terminating, until: Some(until) },
            Risk { reason: RiskReason::Rebalance, until: None },
            Risk { reason: RiskReason::Retirement, until: None },
        ] {
            assert_eq!(Risk::from_tag(&risk.to_string()), Some(risk), "{risk}");
        }
    }

    #[test]
    fn a_value_that_durin_did_not_write_is_ignored() {
        for value in ["", "yes", "spot-interruption until soon", "spot-interruption until "] {
            assert_eq!(Risk::from_tag(value), None, "{value}");
        }
    }

    #[test]
    fn a_warning_counts_once_and_a_weaker_one_not_after_a_stronger() {
        let risk = |reason| Risk { reason, until: None };
        assert!(risk(RiskReason::Rebalance).adds_to(None));
        assert!(risk(RiskReason::Interruption).adds_to(Some(risk(RiskReason::Rebalance))));
        assert!(risk(RiskReason::Terminating).adds_to(Some(risk(RiskReason::Retirement))));
        assert!(!risk(RiskReason::Retirement).adds_to(Some(risk(RiskReason::Terminating))));
        assert!(!risk(RiskReason::Interruption).adds_to(Some(risk(RiskReason::Interruption))));
        assert!(!risk(RiskReason::Rebalance).adds_to(Some(risk(RiskReason::Interruption))));
    }
}
