//! The warning about an instance: a tag on it, so that every function knows what one event said.

use std::cmp::Ordering;
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::ids::InstanceId;
use crate::times::{instant, timestamp};

/// A spot interruption warning, a rebalance recommendation or a scheduled retirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub instance: InstanceId,
    pub risk: Risk,
    /// When it was sent, if the event says.
    pub sent: Option<SystemTime>,
}

/// How long after its time a reclaim may still come. If EC2 has not taken the instance by then, it has changed its mind.
pub const RECLAIM_MAY_COME_FOR: Duration = Duration::from_secs(300);

/// How long after its time a hold may still be the one of an end that goes on. Then the terminate hook of that end has run
/// out: it waits for 900 s, of which the hold was 540. A second end of an instance that has escaped the first is held anew.
pub const HOLD_MAY_LAST_FOR: Duration = Duration::from_secs(900 - 540);

/// The tag on an instance: its risk, and which launch of which instance the risk is about. Groups propagate tags, people
/// copy them, and an instance that was stopped and started is on another host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub instance: InstanceId,
    /// To the second, as EC2 has it.
    pub launched: SystemTime,
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
    /// the mark has none: an instance that has to go anyway gets a successor now, while there is all the time in the
    /// world for a second attempt. EC2 itself says when it stops the instance.
    Retirement,
    /// Its group is ending it, and waits for its terminate action.
    Terminating,
    /// EC2 takes the capacity back.
    Interruption,
}

impl RiskReason {
    const ALL: [RiskReason; 4] =
        [RiskReason::Rebalance, RiskReason::Retirement, RiskReason::Terminating, RiskReason::Interruption];

    fn name(self) -> &'static str {
        match self {
            RiskReason::Rebalance => "rebalance-recommendation",
            RiskReason::Retirement => "scheduled-retirement",
            RiskReason::Terminating => "terminating",
            RiskReason::Interruption => "spot-interruption",
        }
    }
}

impl Warning {
    /// Whether it is about an instance that was launched then, and about what is still to come. A warning may be late: the
    /// instance has been stopped and started since, or lives although its time has passed.
    pub fn holds(&self, launched: Option<SystemTime>, now: SystemTime) -> bool {
        let is_of_this_launch = self.sent.zip(launched).is_none_or(|(sent, launched)| sent >= launched);
        is_of_this_launch && self.risk.until.is_none_or(|until| until > now)
    }
}

impl Mark {
    /// Reads the tag's value. A value that Durin did not write is ignored.
    pub fn parse(value: &str) -> Option<Mark> {
        let (reason, rest) = value.split_once(" of ")?;
        let (instance, rest) = rest.split_once(" launched ")?;
        let (launched, until) = match rest.split_once(" until ") {
            Some((launched, until)) => (launched, Some(instant(until)?)),
            None => (rest, None),
        };
        let reason = RiskReason::ALL.into_iter().find(|it| it.name() == reason)?;
        let instance = InstanceId::new(instance).ok()?;
        Some(Mark { instance, launched: instant(launched)?, risk: Risk { reason, until } })
    }

    /// Whether it is about this launch of this instance. If the time of the launch is unknown, it is not.
    pub fn is_about(&self, instance: &InstanceId, launched: Option<SystemTime>) -> bool {
        self.instance == *instance && launched == Some(self.launched)
    }
}

impl fmt::Display for Mark {
    /// As the tag writes it: `spot-interruption of i-0123456789abcdef0 launched 2026-01-05T05:00:00Z until
    /// 2026-01-05T06:12:31Z`. (A tag's value may have all of these characters.)
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mark { instance, launched, risk: Risk { reason, until } } = self;
        write!(f, "{} of {instance} launched {}", reason.name(), timestamp(*launched))?;
        match until {
            Some(until) => write!(f, " until {}", timestamp(*until)),
            None => Ok(()),
        }
    }
}

impl Risk {
    /// Whether this says more than `known` does: a warning counts once, and a weaker one does not count after a
    /// stronger that may still come true.
    pub fn adds_to(self, known: Option<Risk>, now: SystemTime) -> bool {
        known.is_none_or(|known| match self.reason.cmp(&known.reason) {
            Ordering::Greater => true,
            Ordering::Equal => known.is_over(now) || known.reclaim().is_some_and(|reclaim| reclaim <= now),
            Ordering::Less => known.is_over(now),
        })
    }

    /// Whether it says nothing of the instance any more.
    pub fn is_over(self, now: SystemTime) -> bool {
        let counts_for = match self.reason {
            RiskReason::Interruption => RECLAIM_MAY_COME_FOR,
            RiskReason::Terminating => HOLD_MAY_LAST_FOR,
            RiskReason::Rebalance | RiskReason::Retirement => return false,
        };
        self.until.is_some_and(|until| until + counts_for <= now)
    }

    /// When EC2 takes the capacity back, if the warning is of that.
    pub fn reclaim(self) -> Option<SystemTime> {
        self.until.filter(|_| self.reason == RiskReason::Interruption)
    }
}

impl fmt::Display for Risk {
    /// For a log or a person: `spot-interruption until 2026-01-05T06:12:31Z`.
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
    use rstest::rstest;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_593_551 + seconds)
    }

    fn id(text: &str) -> InstanceId {
        InstanceId::new(text).expect("an id")
    }

    fn interruption(seconds: u64) -> Risk {
        Risk { reason: RiskReason::Interruption, until: Some(at(seconds)) }
    }

    fn without_a_time(reason: RiskReason) -> Risk {
        Risk { reason, until: None }
    }

    #[test]
    fn a_mark_survives_its_tag() {
        for risk in [
            interruption(120),
            Risk { reason: RiskReason::Terminating, until: Some(at(540)) },
            without_a_time(RiskReason::Rebalance),
            without_a_time(RiskReason::Retirement),
        ] {
            let mark = Mark { instance: id("i-0123456789abcdef0"), launched: at(0), risk };
            assert_eq!(Mark::parse(&mark.to_string()), Some(mark.clone()), "{mark}");
            assert!(mark.to_string().len() <= 256, "{mark}");
        }
    }

    #[rstest]
    #[case::empty("")]
    #[case::a_word("yes")]
    #[case::of_nobody("spot-interruption until 2026-01-05T06:12:31Z")]
    #[case::of_no_launch("spot-interruption of i-0123456789abcdef0 until 2026-01-05T06:12:31Z")]
    #[case::in_words("spot-interruption of i-0123456789abcdef0 launched today until soon")]
    #[case::another_reason("boredom of i-0123456789abcdef0 launched 2026-01-05T06:12:31Z")]
    fn a_value_that_durin_did_not_write_is_ignored(#[case] value: &str) {
        assert_eq!(Mark::parse(value), None);
    }

    #[test]
    fn a_mark_is_about_one_launch_of_one_instance() {
        let mark = Mark { instance: id("i-0123456789abcdef0"), launched: at(0), risk: interruption(120) };
        assert!(mark.is_about(&id("i-0123456789abcdef0"), Some(at(0))));
        assert!(!mark.is_about(&id("i-0123456789abcdef1"), Some(at(0))), "copied to another");
        assert!(!mark.is_about(&id("i-0123456789abcdef0"), Some(at(1))), "started anew since");
        assert!(!mark.is_about(&id("i-0123456789abcdef0"), None));
    }

    #[rstest]
    #[case::in_time(Some(10), Some(0), interruption(130), true)]
    #[case::a_second_before_its_time(Some(10), Some(0), interruption(21), true)]
    #[case::at_its_time(Some(10), Some(0), interruption(20), false)]
    #[case::of_an_earlier_launch(Some(9), Some(10), without_a_time(RiskReason::Rebalance), false)]
    #[case::at_launch(Some(10), Some(10), without_a_time(RiskReason::Rebalance), true)]
    #[case::nobody_says_when_it_was_sent(None, Some(10), without_a_time(RiskReason::Retirement), true)]
    #[case::nobody_says_when_it_was_launched(Some(9), None, without_a_time(RiskReason::Retirement), true)]
    fn a_late_warning_holds_no_more(
        #[case] sent: Option<u64>,
        #[case] launched: Option<u64>,
        #[case] risk: Risk,
        #[case] holds: bool,
    ) {
        let warning = Warning { instance: id("i-0123456789abcdef0"), risk, sent: sent.map(at) };
        assert_eq!(warning.holds(launched.map(at), at(20)), holds);
    }

    #[test]
    fn a_warning_counts_once_and_a_weaker_one_not_after_a_stronger() {
        let [rebalance, retirement, terminating, interrupted] = RiskReason::ALL.map(without_a_time);
        let adds = |risk: Risk, known: Risk| risk.adds_to(Some(known), at(0));
        assert!(rebalance.adds_to(None, at(0)));
        assert!(adds(interrupted, rebalance));
        assert!(adds(terminating, retirement));
        assert!(!adds(retirement, terminating));
        assert!(!adds(interrupted, interrupted));
        assert!(!adds(rebalance, interrupted));
        assert!(!adds(terminating, terminating));
    }

    /// The instance has escaped an end, and its tag still says that it was held.
    #[rstest]
    #[case::the_end_may_go_on(without_a_time(RiskReason::Rebalance), 479, false)]
    #[case::it_is_over(without_a_time(RiskReason::Rebalance), 480, true)]
    #[case::its_host_retires(without_a_time(RiskReason::Retirement), 480, true)]
    #[case::it_is_held_in_the_same_end(hold(700), 479, false)]
    #[case::it_is_held_in_another(hold(1_020), 480, true)]
    fn a_hold_of_an_end_that_is_over_is_used_up(#[case] risk: Risk, #[case] now: u64, #[case] adds: bool) {
        assert_eq!(risk.adds_to(Some(hold(120)), at(now)), adds);
    }

    fn hold(seconds: u64) -> Risk {
        Risk { reason: RiskReason::Terminating, until: Some(at(seconds)) }
    }

    /// EC2 has changed its mind, and may change it again.
    #[rstest]
    #[case::the_same_again(interruption(120), 119, false)]
    #[case::another_one_when_the_first_has_passed(interruption(240), 120, true)]
    #[case::a_weaker_one_while_the_reclaim_may_still_come(without_a_time(RiskReason::Rebalance), 419, false)]
    #[case::a_weaker_one_when_it_does_not_come_any_more(without_a_time(RiskReason::Rebalance), 420, true)]
    fn an_interruption_that_has_not_come_is_used_up(#[case] risk: Risk, #[case] now: u64, #[case] adds: bool) {
        assert_eq!(risk.adds_to(Some(interruption(120)), at(now)), adds);
    }
}
