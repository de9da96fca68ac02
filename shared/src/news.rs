//! What an owner hears of: events of source `durin` on the default event bus. A rule in `infra/rules.yaml` makes a message
//! of each.

use std::time::{Duration, SystemTime};

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::{Value, json};

use crate::aws::{Aws, failed, within};
use crate::failure::Failure;
use crate::times::instant;

/// The source of our events, and the only one that the roles allow.
pub const SOURCE: &str = "durin";

/// A node has moved to another instance. Its detail's `id` names the node and the attachment, so the same in two events is one
/// hand-off that two runs have finished.
pub const HAND_OFF: &str = "Durin Hand-Off";

/// An invocation has failed. Its detail's `id` is that of the event that it was invoked with.
pub const FAILURE: &str = "Durin Failure";

/// How long news may take, all attempts together. A launch action waits for them, and an invocation that has failed may have
/// little time left.
const PUT_TIMEOUT: Duration = Duration::from_secs(2);

/// After this an event comes again: Lambda retries after one minute and after two more.
const FIRST_ATTEMPT: Duration = Duration::from_secs(50);

const HOUR_S: u64 = 3600;

/// The detail type of a schedule's event.
const TICK: &str = "Scheduled Event";

/// Something that has happened, once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct News {
    pub(crate) detail_type: &'static str,
    /// With `message`, the text that the rule passes on, and `id`.
    pub(crate) detail: Value,
}

/// Why a function runs: whether a failure is news, or the repetition of old ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    id: String,
    is_told: bool,
    /// Whether it is a tick of a schedule, which tells again of what still stands an hour later.
    is_tick: bool,
    /// What the event was about, in words.
    about: Option<String>,
}

impl Occasion {
    /// An event that comes seldom, as a function gets it.
    pub fn of(event: &Value, now: SystemTime) -> Occasion {
        let is_first = |time: SystemTime| now.duration_since(time).unwrap_or_default() < FIRST_ATTEMPT;
        Occasion {
            id: event["id"].as_str().unwrap_or_default().to_owned(),
            is_told: time_of(event).is_none_or(is_first),
            is_tick: event["detail-type"] == TICK,
            about: about(event),
        }
    }

    /// An event, or a tick of a schedule with this period, which is told of once an hour: a mistake may stand for days.
    pub fn hourly(event: &Value, period: Duration, now: SystemTime) -> Occasion {
        let occasion = Occasion::of(event, now);
        let of_the_hour = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            since.as_secs() % HOUR_S < period.as_secs()
        };
        let is_due = !occasion.is_tick || time_of(event).is_none_or(of_the_hour);
        Occasion { is_told: occasion.is_told && is_due, ..occasion }
    }

    fn is_news(&self, failure: &Failure) -> bool {
        match failure {
            // A function that is invoked by mistake makes no call at all.
            Failure::InvalidEvent(_) | Failure::NotForThisFunction(_) => false,
            // The next attempt goes on from where this one stopped.
            Failure::OutOfTime { .. } => false,
            Failure::Blocked(_)
            | Failure::RecordNotUpdated { .. }
            | Failure::DoesNotServe { .. }
            | Failure::RecordOverwritten { .. }
            | Failure::WritesLost { .. }
            | Failure::ReferencesUnread { .. }
            | Failure::RemovalsFailed { .. }
            | Failure::NoProgress { .. }
            | Failure::Aws { .. }
            | Failure::PartlyFailed { .. } => self.is_told,
            Failure::Of { failure, .. } => self.is_news(failure),
        }
    }

    /// What has failed, and what comes next. A mistake in the set-up says itself what to do about it.
    fn message(&self, failure: &Failure) -> String {
        let said = format!("{}: {}", failure.error_type(), failure.chain());
        match self.what_comes_next(failure) {
            Some(next) => format!("{}. {next}", said.trim_end_matches('.')),
            None => said,
        }
    }

    fn what_comes_next(&self, failure: &Failure) -> Option<String> {
        match failure {
            Failure::Of { failure, .. } => self.what_comes_next(failure),
            Failure::Aws { code: Some(code), .. } if is_denied(code) => Some(format!(
                "{}Its role lacks this permission, or a policy of your organization denies it: run just deploy, which sets the roles \
                 up again.",
                self.when()
            )),
            // It says itself that it is tried again.
            Failure::RecordNotUpdated { .. } => Some(
                "Until then clients may not find the node. There is nothing for you to do, unless the alarm durin-dead-letters \
                 follows."
                    .to_owned(),
            ),
            Failure::Aws { .. } => Some(format!(
                "{}Lambda tries again within three minutes. There is nothing for you to do, unless the alarm durin-dead-letters \
                 follows.",
                self.when()
            )),
            Failure::Blocked(_) | Failure::DoesNotServe { .. } if self.is_tick => {
                Some("It is repeated once an hour until that is fixed.".to_owned())
            }
            Failure::Blocked(_)
            | Failure::DoesNotServe { .. }
            | Failure::RecordOverwritten { .. }
            | Failure::WritesLost { .. }
            | Failure::ReferencesUnread { .. }
            | Failure::RemovalsFailed { .. }
            | Failure::NoProgress { .. }
            | Failure::PartlyFailed { .. }
            | Failure::InvalidEvent(_)
            | Failure::NotForThisFunction(_)
            | Failure::OutOfTime { .. } => None,
        }
    }

    /// A sentence, if the event says what it was about.
    fn when(&self) -> String {
        self.about.as_ref().map(|about| format!("It happened while a function handled {about}. ")).unwrap_or_default()
    }
}

/// As EC2 and the other services say it.
fn is_denied(code: &str) -> bool {
    code.starts_with("AccessDenied") || code == "UnauthorizedOperation"
}

fn about(event: &Value) -> Option<String> {
    let detail = &event["detail"];
    let instance = detail["EC2InstanceId"].as_str().or(detail["instance-id"].as_str()).unwrap_or("an instance");
    Some(match event["detail-type"].as_str()? {
        TICK => "a tick of its schedule".to_owned(),
        "EC2 Instance-launch Lifecycle Action" => format!("the launch of {instance}"),
        "EC2 Instance-terminate Lifecycle Action" => format!("the end of {instance}"),
        "EC2 Spot Instance Interruption Warning" => format!("the interruption warning for {instance}"),
        "EC2 Instance Rebalance Recommendation" => format!("the rebalance recommendation for {instance}"),
        other => format!("the event {other:?}"),
    })
}

/// When an event happened, or a tick of a schedule was due; none if it does not say.
pub fn time_of(event: &Value) -> Option<SystemTime> {
    event["time"].as_str().and_then(instant)
}

/// Tells the owner of a failure, once, and passes the outcome on.
pub async fn of_failure(aws: &Aws, occasion: &Occasion, outcome: Result<Value, Failure>) -> Result<Value, Failure> {
    if let Err(failure) = &outcome
        && occasion.is_news(failure)
    {
        let detail = json!({"id": occasion.id, "type": failure.error_type(), "message": occasion.message(failure)});
        // The invocation fails as it is, which has an alarm of its own.
        if let Err(untold) = tell(aws, &News { detail_type: FAILURE, detail }).await {
            tracing::warn!(reason = untold.chain(), "not told");
        }
    }
    outcome
}

/// Puts it on the default event bus.
///
/// # Errors
/// When EventBridge does not take it within two seconds.
pub(crate) async fn tell(aws: &Aws, news: &News) -> Result<(), Failure> {
    const OPERATION: &str = "events:PutEvents";
    let entry = PutEventsRequestEntry::builder()
        .source(SOURCE)
        .detail_type(news.detail_type)
        .detail(news.detail.to_string())
        .build();
    let answer = aws
        .eventbridge
        .put_events()
        .entries(entry)
        .customize()
        .config_override(aws_sdk_eventbridge::config::Builder::new().timeout_config(within(PUT_TIMEOUT)))
        .send()
        .await
        .map_err(failed(OPERATION))?;
    // The call succeeds although an entry has failed.
    match answer.entries().iter().find(|entry| entry.error_code().is_some()) {
        None => Ok(()),
        Some(refused) => {
            let problem = refused.error_message().unwrap_or("EventBridge does not say why").into();
            Err(Failure::Aws { operation: OPERATION, code: refused.error_code().map(str::to_owned), problem })
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> SystemTime {
        instant(text).expect("a time")
    }

    fn blocked() -> Failure {
        Failure::Blocked("the tag is wrong".into())
    }

    #[rstest]
    #[case::a_tick_of_the_hour("2026-01-05T06:04:59Z", "2026-01-05T06:05:03Z", true)]
    #[case::its_retry("2026-01-05T06:04:59Z", "2026-01-05T06:06:03Z", false)]
    #[case::the_next_tick("2026-01-05T06:09:59Z", "2026-01-05T06:10:03Z", false)]
    fn a_mistake_that_stands_is_told_of_once_an_hour(#[case] tick: &str, #[case] now: &str, #[case] is_news: bool) {
        let event = json!({"detail-type": "Scheduled Event", "time": tick});
        let occasion = Occasion::hourly(&event, Duration::from_secs(300), at(now));
        assert_eq!(occasion.is_news(&blocked()), is_news);
    }

    #[test]
    fn an_event_is_told_of_at_its_first_attempt() {
        let event = json!({"detail-type": "EC2 Spot Instance Interruption Warning", "time": "2026-01-05T06:30:00Z"});
        let (first, again) = (at("2026-01-05T06:30:40Z"), at("2026-01-05T06:31:01Z"));
        for occasion in [Occasion::of(&event, first), Occasion::hourly(&event, Duration::from_secs(300), first)] {
            assert!(occasion.is_news(&blocked()));
            assert!(!occasion.is_news(&Failure::OutOfTime { waiting_for: "EC2".to_owned() }));
        }
        assert!(!Occasion::of(&event, again).is_news(&blocked()));
    }

    fn refused(code: &str) -> Failure {
        let problem = format!("{code}: Request limit exceeded.").into();
        Failure::Aws { operation: "ec2:AttachVolume", code: Some(code.to_owned()), problem }.of("home")
    }

    #[rstest]
    #[case::throttled(
        refused("RequestLimitExceeded"),
        "Durin.AwsError: home: ec2:AttachVolume failed: RequestLimitExceeded: Request limit exceeded. It happened while a function \
         handled the launch of i-1. Lambda tries again within three minutes. There is nothing for you to do, unless the alarm \
         durin-dead-letters follows."
    )]
    #[case::denied(
        refused("UnauthorizedOperation"),
        "Durin.AwsError: home: ec2:AttachVolume failed: UnauthorizedOperation: Request limit exceeded. It happened while a function \
         handled the launch of i-1. Its role lacks this permission, or a policy of your organization denies it: run just deploy, \
         which sets the roles up again."
    )]
    #[case::a_mistake(blocked(), "Durin.Blocked: home: the tag is wrong")]
    fn a_message_names_the_node_the_event_and_what_comes_next(#[case] failure: Failure, #[case] message: &str) {
        let event = json!({"detail-type": "EC2 Instance-launch Lifecycle Action", "detail": {"EC2InstanceId": "i-1"}});
        let occasion = Occasion::of(&event, at("2026-01-05T06:30:00Z"));
        assert_eq!(occasion.message(&failure.of("home")), message);
    }

    #[test]
    fn a_tick_says_that_it_tells_again() {
        let occasion =
            Occasion::hourly(&json!({"detail-type": TICK}), Duration::from_secs(300), at("2026-01-05T06:05:03Z"));
        assert_eq!(
            occasion.message(&blocked()),
            "Durin.Blocked: the tag is wrong. It is repeated once an hour until that is fixed."
        );
    }
}
