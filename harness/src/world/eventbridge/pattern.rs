//! EventBridge event patterns, with their real semantics. (EventBridge User Guide, "Creating event patterns".)

#[cfg(test)]
mod recorded;

use serde_json::{Map, Value};

/// A pattern that was checked: every comparison in it is one that EventBridge knows.
#[derive(Clone, Debug)]
pub struct Pattern(Map<String, Value>);

/// What is wrong with a pattern, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("event pattern at `{path}`: {problem}")]
pub struct PatternError {
    /// Keys from the root, joined by dots.
    pub path: String,
    /// What EventBridge would refuse.
    pub problem: String,
}

impl Pattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// When it is not an object, a leaf is not an array, or a comparison is none that EventBridge knows.
    pub fn new(pattern: Value) -> Result<Pattern, PatternError> {
        match pattern {
            Value::Object(fields) if !fields.is_empty() => check_object(&fields, "").map(|()| Pattern(fields)),
            _ => Err(refuse("", "a pattern is a JSON object with at least one field")),
        }
    }

    /// Whether the pattern matches: every field named in it is in the event and has one of the values.
    pub fn matches(&self, event: &Value) -> bool {
        object_matches(&self.0, event)
    }
}

fn object_matches(pattern: &Map<String, Value>, event: &Value) -> bool {
    pattern.iter().all(|(key, expected)| match expected {
        Value::Array(branches) if key == "$or" => {
            branches.iter().any(|branch| branch.as_object().is_some_and(|fields| object_matches(fields, event)))
        }
        Value::Array(comparisons) => leaf_matches(comparisons, event.get(key)),
        Value::Object(fields) => event.get(key).is_some_and(|inner| object_matches(fields, inner)),
        _ => false,
    })
}

/// An array in the event matches when any of its elements does.
fn leaf_matches(comparisons: &[Value], actual: Option<&Value>) -> bool {
    comparisons.iter().any(|comparison| match (exists(comparison), actual) {
        (Some(wanted), actual) => wanted == actual.is_some_and(|value| !value.is_object()),
        (None, None) => false,
        (None, Some(Value::Array(elements))) => elements.iter().any(|element| compare(comparison, element)),
        (None, Some(value)) => compare(comparison, value),
    })
}

fn exists(comparison: &Value) -> Option<bool> {
    comparison.get("exists")?.as_bool()
}

fn compare(comparison: &Value, actual: &Value) -> bool {
    let Value::Object(operator) = comparison else { return comparison == actual };
    let Some((name, operand)) = operator.iter().next() else { return false };
    let text = actual.as_str();
    match name.as_str() {
        "prefix" => text.zip(operand.as_str()).is_some_and(|(text, prefix)| text.starts_with(prefix)),
        "suffix" => text.zip(operand.as_str()).is_some_and(|(text, suffix)| text.ends_with(suffix)),
        "equals-ignore-case" => text.zip(operand.as_str()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)),
        "wildcard" => text.zip(operand.as_str()).is_some_and(|(text, glob)| glob_matches(glob, text)),
        "anything-but" => !anything_but_excludes(operand, actual),
        "numeric" => actual.as_f64().zip(operand.as_array()).is_some_and(|(n, tests)| numeric_matches(tests, n)),
        _ => false,
    }
}

fn anything_but_excludes(operand: &Value, actual: &Value) -> bool {
    match operand {
        Value::Array(excluded) => excluded.contains(actual),
        Value::Object(_) => compare(operand, actual),
        literal => literal == actual,
    }
}

fn numeric_matches(tests: &[Value], n: f64) -> bool {
    tests.chunks(2).all(|test| {
        let (Some(operator), Some(bound)) = (test[0].as_str(), test.get(1).and_then(Value::as_f64)) else {
            return false;
        };
        match operator {
            "=" => n == bound,
            "<" => n < bound,
            "<=" => n <= bound,
            ">" => n > bound,
            ">=" => n >= bound,
            _ => false,
        }
    })
}

fn glob_matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn check_object(fields: &Map<String, Value>, path: &str) -> Result<(), PatternError> {
    fields.iter().try_for_each(|(key, value)| {
        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Array(branches) if key == "$or" => branches.iter().try_for_each(|branch| match branch {
                Value::Object(fields) => check_object(fields, &here),
                _ => Err(refuse(&here, "each branch of $or is an object")),
            }),
            Value::Array(comparisons) if comparisons.is_empty() => Err(refuse(&here, "an empty array matches nothing")),
            Value::Array(comparisons) => {
                comparisons.iter().try_for_each(|comparison| check_comparison(comparison, &here))
            }
            Value::Object(fields) if !fields.is_empty() => check_object(fields, &here),
            _ => Err(refuse(&here, "a value must be in an array: [\"value\"]")),
        }
    })
}

fn check_comparison(comparison: &Value, path: &str) -> Result<(), PatternError> {
    let Value::Object(operator) = comparison else {
        return if comparison.is_array() { Err(refuse(path, "arrays do not nest")) } else { Ok(()) };
    };
    let mut operators = operator.iter();
    let (Some((name, operand)), None) = (operators.next(), operators.next()) else {
        return Err(refuse(path, "one comparison an object"));
    };
    let known = match name.as_str() {
        "prefix" | "suffix" | "equals-ignore-case" | "wildcard" => operand.is_string(),
        "exists" => operand.is_boolean(),
        "numeric" => operand.as_array().is_some_and(|tests| !tests.is_empty() && tests.len() % 2 == 0),
        "anything-but" => match operand {
            Value::Object(_) => return check_comparison(operand, path),
            Value::Array(excluded) => !excluded.is_empty(),
            _ => true,
        },
        _ => false,
    };
    if known { Ok(()) } else { Err(refuse(path, &format!("EventBridge has no comparison {comparison}"))) }
}

fn refuse(path: &str, problem: &str) -> PatternError {
    PatternError { path: path.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(pattern: Value, event: Value) -> bool {
        Pattern::new(pattern).expect("a valid pattern").matches(&event)
    }

    #[test]
    fn every_field_of_the_pattern_must_match_and_others_do_not_matter() {
        let pattern = json!({"source": ["aws.ec2", "aws.autoscaling"], "detail": {"state": ["running"]}});
        assert!(matches(pattern.clone(), json!({"source": "aws.ec2", "detail": {"state": "running", "x": 1}})));
        assert!(!matches(pattern.clone(), json!({"source": "aws.ec2", "detail": {"state": "Running"}})));
        assert!(!matches(pattern, json!({"source": "aws.ec2"})));
    }

    #[test]
    fn an_array_in_the_event_matches_by_any_element() {
        assert!(matches(
            json!({"resources": [{"prefix": "arn:aws:ec2"}]}),
            json!({"resources": ["x", "arn:aws:ec2:…"]})
        ));
    }

    #[test]
    fn absence_can_be_asked_for() {
        let pattern = json!({"detail": {"Action": [{"exists": false}]}});
        assert!(matches(pattern.clone(), json!({"detail": {"Origin": "EC2"}})));
        assert!(!matches(pattern, json!({"detail": {"Action": "ReplaceRootVolume"}})));
    }

    #[test]
    fn comparisons() {
        for (comparison, yes, no) in [
            (json!({"prefix": "durin-"}), json!("durin-launch"), json!("launch")),
            (json!({"suffix": "-launch"}), json!("durin-launch"), json!("launch-durin")),
            (json!({"equals-ignore-case": "ALARM"}), json!("alarm"), json!("alarms")),
            (json!({"wildcard": "du*-l*h"}), json!("durin-launch"), json!("durin-launched")),
            (json!({"anything-but": ["a", "b"]}), json!("c"), json!("a")),
            (json!({"anything-but": {"prefix": "i-"}}), json!("vol-1"), json!("i-1")),
            (json!({"numeric": [">", 0, "<=", 5]}), json!(5), json!(6)),
            (json!(null), json!(null), json!("null")),
        ] {
            assert!(matches(json!({"x": [comparison]}), json!({"x": yes})), "{comparison} should match {yes}");
            assert!(!matches(json!({"x": [comparison]}), json!({"x": no})), "{comparison} should not match {no}");
        }
    }

    #[test]
    fn what_eventbridge_refuses_is_refused_with_its_place() {
        let error = Pattern::new(json!({"detail": {"state": "running"}})).expect_err("not in an array");
        assert_eq!(error.path, "detail.state");
        assert!(Pattern::new(json!({"x": [{"startswith": "a"}]})).is_err());
        assert!(Pattern::new(json!({"x": []})).is_err());
        assert!(Pattern::new(json!({})).is_err());
    }
}
