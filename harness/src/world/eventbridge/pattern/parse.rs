//! Reads a pattern, and refuses whatever EventBridge refuses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Bound;
use std::slice;

use serde_json::{Map, Value};

use super::addresses::Addresses;
use super::comparison::{Comparison, double};
use super::leaves::join;
use super::wildcard::{Wildcard, places_at_once};
use super::{Alternative, PatternError};

/// EventBridge's limit on the product of the branches of a pattern's `$or`. (EventBridge User Guide, "Or matching".)
const MAX_ALTERNATIVES: usize = 1_000;

/// EventBridge does not publish its limit. The README of aws/event-ruler suggests ten a rule, and AWS has refused a
/// pattern with eleven.
const MAX_WILDCARD_PLACES: usize = 10;

/// Keys that a branch of `$or` may not have. (aws/event-ruler, Constants.java.)
const RESERVED_IN_OR: [&str; 24] = [
    "exact",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// The ways in which an event can match.
pub(super) fn alternatives(pattern: &Value) -> Result<Vec<Alternative>, PatternError> {
    match pattern {
        Value::Object(fields) => object(vec![BTreeMap::new()], fields, "", false),
        _ => Err(refuse("", "a pattern is a JSON object: name at least one field")),
    }
}

/// Adds the fields of an object to every alternative so far. Where a path is named twice, the last one counts.
fn object(
    so_far: Vec<Alternative>,
    fields: &Map<String, Value>,
    path: &str,
    is_branch: bool,
) -> Result<Vec<Alternative>, PatternError> {
    if fields.is_empty() {
        return Err(refuse(path, "an object without fields matches nothing: name a field or leave it out"));
    }
    fields.iter().try_fold(so_far, |mut so_far, (key, value)| {
        let here = join(path, key);
        match value {
            _ if key == "$or" => or(&so_far, value, path),
            _ if is_branch && RESERVED_IN_OR.contains(&key.as_str()) => {
                Err(refuse(&here, "the key is reserved inside $or: match it outside"))
            }
            Value::Object(inner) => object(so_far, inner, &here, is_branch),
            Value::Array(values) => {
                let comparisons = field(values).map_err(|problem| refuse(&here, &problem))?;
                for alternative in &mut so_far {
                    alternative.insert(here.clone(), comparisons.clone());
                }
                Ok(so_far)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(refuse(&here, "a value must be in an array: [\"value\"]"))
            }
        }
    })
}

/// `$or` is no level of its own: its branches name fields of the object that it is in.
fn or(so_far: &[Alternative], value: &Value, path: &str) -> Result<Vec<Alternative>, PatternError> {
    let here = join(path, "$or");
    let branches = value.as_array().filter(|branches| branches.len() > 1);
    let branches = branches.ok_or_else(|| refuse(&here, "$or is an array of at least two objects"))?;
    let mut all = Vec::new();
    for branch in branches {
        let fields = branch.as_object().ok_or_else(|| refuse(&here, "each branch of $or must be an object"))?;
        all.extend(object(so_far.to_vec(), fields, path, true)?);
        if all.len() > MAX_ALTERNATIVES {
            return Err(refuse(&here, "$or makes over 1000 combinations: use fewer branches, or several rules"));
        }
    }
    Ok(all)
}

fn field(values: &[Value]) -> Result<Vec<Comparison>, String> {
    if values.is_empty() {
        return Err("an empty array matches nothing: put a value in it".to_owned());
    }
    let comparisons: Vec<Comparison> = values.iter().map(comparison).collect::<Result<_, _>>()?;
    let wildcards: Vec<&Wildcard> = comparisons.iter().flat_map(Comparison::wildcards).collect();
    if places_at_once(&wildcards, MAX_WILDCARD_PLACES) > MAX_WILDCARD_PLACES {
        return Err("the wildcards are too complex: use fewer `*`, or repeat less after one".to_owned());
    }
    Ok(comparisons)
}

fn comparison(value: &Value) -> Result<Comparison, String> {
    match value {
        Value::Array(_) => Err("arrays do not nest: list the values side by side".to_owned()),
        Value::Object(fields) => operator(only_entry(fields)?),
        Value::String(text) => Ok(text.parse::<IpAddr>().map_or(Comparison::Exact(value.clone()), Comparison::Address)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Comparison::Exact(value.clone())),
    }
}

fn only_entry(fields: &Map<String, Value>) -> Result<(&str, &Value), String> {
    let mut entries = fields.iter();
    match (entries.next(), entries.next()) {
        (Some((name, operand)), None) => Ok((name, operand)),
        _ => Err("one comparison an object: put each into braces of its own".to_owned()),
    }
}

fn operator((name, operand): (&str, &Value)) -> Result<Comparison, String> {
    let unknown = || format!("EventBridge has no comparison {name} with {operand}: use one of its own");
    let text = || operand.as_str().map(str::to_owned).ok_or_else(unknown);
    match (name, operand) {
        ("exact", Value::String(_)) => Ok(Comparison::Exact(operand.clone())),
        ("exists", Value::Bool(true)) => Ok(Comparison::Present),
        ("exists", Value::Bool(false)) => Ok(Comparison::Absent),
        ("prefix" | "suffix", Value::Object(fields)) => match (name, only_entry(fields)?) {
            ("prefix", ("equals-ignore-case", Value::String(text))) => Ok(Comparison::PrefixIgnoringCase(text.clone())),
            ("suffix", ("equals-ignore-case", Value::String(text))) => Ok(Comparison::SuffixIgnoringCase(text.clone())),
            _ => Err(unknown()),
        },
        ("prefix", _) => text().map(Comparison::Prefix),
        ("suffix", _) => text().map(Comparison::Suffix),
        ("equals-ignore-case", _) => text().map(Comparison::EqualsIgnoringCase),
        ("wildcard", _) => Wildcard::parse(&text()?).map(Comparison::Wildcard),
        ("cidr", _) => Addresses::parse(&text()?).map(Comparison::Within).ok_or_else(|| {
            format!("{operand} is not a block of addresses: write 10.0.0.0/8, with a mask shorter than the address")
        }),
        ("numeric", Value::Array(terms)) => numeric(terms),
        ("anything-but", _) => anything_but(operand).map(Comparison::AnythingBut),
        _ => Err(unknown()),
    }
}

/// One bound, or a lower and then an upper one.
fn numeric(terms: &[Value]) -> Result<Comparison, String> {
    let bound = |value: &Value| {
        let number = value.as_number().and_then(double);
        number.ok_or_else(|| format!("{value} is not a bound: write a number that a double can hold"))
    };
    let lower = |operator: &Value, value| match operator.as_str() {
        Some(">") => Ok(Bound::Excluded(value)),
        Some(">=") => Ok(Bound::Included(value)),
        _ => Err(format!("{operator} begins no range: write \">\" or \">=\"")),
    };
    let upper = |operator: &Value, value| match operator.as_str() {
        Some("<") => Ok(Bound::Excluded(value)),
        Some("<=") => Ok(Bound::Included(value)),
        _ => Err(format!("{operator} ends no range: write \"<\" or \"<=\"")),
    };
    match terms {
        [operator, value] if operator == "=" => {
            let number = bound(value)?;
            Ok(Comparison::Numeric(Bound::Included(number), Bound::Included(number)))
        }
        [operator, value] if operator == ">" || operator == ">=" => {
            Ok(Comparison::Numeric(lower(operator, bound(value)?)?, Bound::Unbounded))
        }
        [operator, value] => Ok(Comparison::Numeric(Bound::Unbounded, upper(operator, bound(value)?)?)),
        [from, low, to, high] => {
            let (low, high) = (bound(low)?, bound(high)?);
            if low >= high {
                return Err(format!("no number is between {low} and {high}: put the lower bound first"));
            }
            Ok(Comparison::Numeric(lower(from, low)?, upper(to, high)?))
        }
        _ => Err("numeric wants one operator and number, or two: write [\">\", 0, \"<=\", 5]".to_owned()),
    }
}

/// The values that it must not be: texts, numbers, or texts after one of four operators.
fn anything_but(operand: &Value) -> Result<Vec<Comparison>, String> {
    let (name, operand) = match operand {
        Value::Object(fields) => only_entry(fields).map(|(name, operand)| (Some(name), operand))?,
        _ => (None, operand),
    };
    let values = operand.as_array().map_or(slice::from_ref(operand), Vec::as_slice);
    let unknown = || format!("anything-but does not take {operand}: give it only texts, or only numbers");
    if values.is_empty() || !(values.iter().all(Value::is_string) || values.iter().all(Value::is_number)) {
        return Err(unknown());
    }
    values
        .iter()
        .map(|value| match (name, value) {
            (None, Value::Number(number)) if double(number).is_none() => Err(unknown()),
            (None, _) => Ok(Comparison::Exact(value.clone())),
            (Some(name @ ("prefix" | "suffix")), Value::String(text)) if text.is_empty() => {
                Err(format!("every text has the empty {name}: write a longer one"))
            }
            (Some(name @ ("prefix" | "suffix" | "equals-ignore-case" | "wildcard")), _) => operator((name, value)),
            (Some(name), _) => Err(format!("anything-but does not take {name}: use a comparison that it takes")),
        })
        .collect()
}

fn refuse(path: &str, problem: &str) -> PatternError {
    PatternError { path: path.to_owned(), problem: problem.to_owned() }
}
