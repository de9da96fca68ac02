//! A fact as a row: its kind, its colour, its words.

use anstyle::{AnsiColor, Style};
use durin_harness::iam::Caller;
use durin_harness::wire;
use durin_harness::world::autoscaling::{AutoScalingChange, LifecycleState};
use durin_harness::world::ec2::Ec2Change;
use durin_harness::world::guest::GuestFact;
use durin_harness::world::history::{Change, Fact};
use durin_harness::world::route53::Route53Change;
use durin_harness::world::ssm::{InvocationStatus, SsmChange};
use serde_json::Value;

use super::is_read;

pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) style: Style,
    pub(super) text: String,
    /// Whether it stands before what happens at the same moment.
    pub(super) is_cause: bool,
    /// Whether somebody should look.
    pub(super) is_failure: bool,
}

impl Row {
    pub(super) fn of(fact: &Fact) -> Row {
        let (kind, colour, text) = match fact {
            Fact::Emitted(event) => ("event", AnsiColor::Yellow, event_text(event)),
            Fact::Invoked { function, attempt: 1 } => ("invoke", AnsiColor::Magenta, function.clone()),
            Fact::Invoked { function, attempt } => {
                ("invoke", AnsiColor::Magenta, format!("{function}, attempt {attempt}"))
            }
            Fact::Answered { function, outcome: Ok(answer) } => {
                ("answer", AnsiColor::Magenta, format!("{function}: {}", answer_text(answer)))
            }
            Fact::Answered { function, outcome: Err(error) } => {
                ("failed", AnsiColor::Magenta, format!("{function}: {error}"))
            }
            Fact::Called { caller, operation, parameters, error } => {
                let refused = error.as_ref().map(|code| format!(", refused: {code}")).unwrap_or_default();
                let about = wire::about(operation, parameters);
                let kind = if is_read(operation) { "look" } else { "call" };
                let text = format!("{caller} calls {operation} {}", without_uuids(&shortened(&about)));
                (kind, AnsiColor::Cyan, format!("{}{refused}", text.trim_end()))
            }
            Fact::Changed { subject, change } => {
                ("aws", AnsiColor::Green, without_uuids(&format!("{subject} {change}")))
            }
            Fact::Guest { instance, fact } => ("guest", AnsiColor::Blue, format!("{instance} {fact}")),
            Fact::Violated(violation) => ("BROKEN", AnsiColor::Red, violation.to_string()),
        };
        let is_failure = is_failure(fact);
        let colour = if is_failure { AnsiColor::Red } else { colour };
        let is_cause = matches!(fact, Fact::Called { .. });
        Row { kind, style: colour.on_default(), text, is_cause, is_failure }
    }

    pub(super) fn mark(text: &str) -> Row {
        Row { kind: "====", style: Style::new().bold(), text: text.to_owned(), is_cause: true, is_failure: false }
    }
}

/// Whether a row would tell what another tells better: a call that changed nothing, a state on the way to another one, an
/// event about a change that has a row.
pub(super) fn is_noise(fact: &Fact) -> bool {
    const TOLD_OTHERWISE: [&str; 4] = ["State-change", "Status-change", "Successful", "Parameter Store Change"];
    match fact {
        Fact::Emitted(event) => {
            let kind = event["detail-type"].as_str().unwrap_or_default();
            TOLD_OTHERWISE.iter().any(|part| kind.contains(part))
        }
        // Of two invocations that do the same, the later one is refused: nothing has changed.
        Fact::Called { operation, error, .. } => (is_read(operation) || error.is_some()) && !is_failure(fact),
        Fact::Changed { change, .. } => match change {
            Change::Route53(change) => *change == Route53Change::InSync,
            Change::AutoScaling(AutoScalingChange::Joined { .. }) => true,
            Change::AutoScaling(AutoScalingChange::Lifecycle(state)) => matches!(
                state,
                LifecycleState::Pending
                    | LifecycleState::PendingProceed
                    | LifecycleState::Terminating
                    | LifecycleState::TerminatingProceed
                    | LifecycleState::Terminated
            ),
            Change::Ssm(SsmChange::Invocation { status, .. }) => {
                matches!(status, InvocationStatus::Pending | InvocationStatus::InProgress | InvocationStatus::Success)
            }
            Change::AutoScaling(_) | Change::Ec2(_) | Change::Ssm(_) | Change::Bake(_) => false,
        },
        Fact::Invoked { .. } | Fact::Answered { .. } | Fact::Guest { .. } | Fact::Violated(_) => false,
    }
}

/// Whether somebody should look: a function failed or lacks a permission, an instance died, a promise was broken. Most
/// refused calls are no failure: two invocations did the same, and the second was late.
fn is_failure(fact: &Fact) -> bool {
    const DENIED: [&str; 3] = ["UnauthorizedOperation", "AccessDenied", "AccessDeniedException"];
    match fact {
        Fact::Answered { outcome, .. } => outcome.is_err(),
        Fact::Called { caller, error, .. } => match caller {
            Caller::Function(_) => error.as_ref().is_some_and(|code| DENIED.contains(&code.as_str())),
            Caller::Operator => error.is_some(),
        },
        Fact::Changed { change, .. } => matches!(
            change,
            Change::AutoScaling(AutoScalingChange::LaunchFailed { .. } | AutoScalingChange::ActionTimedOut { .. })
                | Change::Ec2(Ec2Change::Busy { .. })
                | Change::Bake(_)
        ),
        Fact::Guest { fact, .. } => {
            matches!(fact, GuestFact::KernelPanic | GuestFact::PowerLost { .. } | GuestFact::DeviceLost { .. })
        }
        Fact::Violated(_) => true,
        Fact::Emitted(_) | Fact::Invoked { .. } => false,
    }
}

/// The subject of a call, cut to a line's length.
fn shortened(about: &str) -> String {
    const LONGEST: usize = 70;
    match about.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &about[..end]),
        None => about.to_owned(),
    }
}

/// Ids of commands and refreshes are for programs.
fn without_uuids(text: &str) -> String {
    text.split(' ').filter(|word| !is_uuid(word)).collect::<Vec<_>>().join(" ")
}

fn is_uuid(word: &str) -> bool {
    let is_dash = |index| [8, 13, 18, 23].contains(&index);
    let fits = |(index, byte): (usize, u8)| if is_dash(index) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    word.len() == 36 && word.bytes().enumerate().all(fits)
}

fn event_text(event: &Value) -> String {
    let detail = &event["detail"];
    let about = ["message", "EC2InstanceId", "instance-id", "ImageId", "image-id", "name"];
    let about = about.into_iter().find_map(|key| detail[key].as_str()).unwrap_or("-");
    let kind = event["detail-type"].as_str().unwrap_or_default();
    match detail["State"].as_str() {
        Some(state) => format!("{kind}: {about} {state}"),
        None => format!("{kind}: {about}"),
    }
}

/// A function's answer in words: `/durin/image: published ami-…`, `disabled 3`. Counts of zero are left out.
pub(super) fn answer_text(answer: &str) -> String {
    match serde_json::from_str(answer) {
        Ok(answer) => match words(&answer) {
            words if words.is_empty() => "nothing".to_owned(),
            words => words,
        },
        Err(_) => answer.to_owned(),
    }
}

fn words(answer: &Value) -> String {
    match answer {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => answer.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(words).collect::<Vec<_>>().join("; "),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| **value != 0 && **value != false && !value.is_null());
            let word = |(name, value): (&String, &Value)| match value {
                Value::Number(number) => format!("{number} {name}"),
                Value::Bool(_) => name.clone(),
                Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    format!("{name}: {}", words(value))
                }
            };
            fields.map(word).collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_words_and_not_json() {
        for (answer, expected) in [
            (json!({"/durin/image": "published ami-1"}), "/durin/image: published ami-1"),
            (json!({"disabled": 3, "enabled": 0, "cut-short": false, "dry-run": true}), "3 disabled, dry-run"),
            (json!({"refused": {"snap-1": "locked"}}), "refused: snap-1: locked"),
            (json!({"disabled": 0}), "nothing"),
        ] {
            assert_eq!(answer_text(&answer.to_string()), expected);
        }
    }

    #[test]
    fn a_row_names_the_caller_and_no_uuid() {
        let call = |caller, error: Option<&str>| Fact::Called {
            caller,
            operation: "ssm:CancelCommand".to_owned(),
            parameters: json!({"CommandId": "23cd3a0f-26e3-4e72-9055-d2410df609e2", "InstanceIds": ["i-1"]}),
            error: error.map(str::to_owned),
        };
        let row = Row::of(&call(Caller::Function("durin-node-lifecycle".to_owned()), Some("AccessDeniedException")));
        assert_eq!(row.text, "durin-node-lifecycle calls ssm:CancelCommand i-1, refused: AccessDeniedException");
        assert_eq!(row.style, AnsiColor::Red.on_default());
        assert_eq!(Row::of(&call(Caller::Operator, None)).text, "operator calls ssm:CancelCommand i-1");
    }
}
