//! A pattern's question about one value.

use std::net::IpAddr;
use std::ops::{Bound, RangeBounds};

use serde_json::{Number, Value};

use super::addresses::Addresses;
use super::wildcard::Wildcard;

#[derive(Clone, Debug)]
pub(super) enum Comparison {
    /// There is no such field. Every other comparison needs one.
    Absent,
    Present,
    Exact(Value),
    /// However it is written: an IPv6 address has several spellings.
    Address(IpAddr),
    Within(Addresses),
    Numeric(Bound<f64>, Bound<f64>),
    Prefix(String),
    PrefixIgnoringCase(String),
    Suffix(String),
    SuffixIgnoringCase(String),
    EqualsIgnoringCase(String),
    Wildcard(Wildcard),
    AnythingBut(Vec<Comparison>),
}

impl Comparison {
    pub(super) fn accepts(&self, actual: &Value) -> bool {
        let text = |test: &dyn Fn(&str) -> bool| actual.as_str().is_some_and(test);
        match self {
            Comparison::Absent => false,
            Comparison::Present => true,
            Comparison::Exact(expected) => are_equal(expected, actual),
            Comparison::Address(expected) => text(&|text| text.parse() == Ok(*expected)),
            Comparison::Within(addresses) => text(&|text| text.parse().is_ok_and(|address| addresses.contain(address))),
            Comparison::Numeric(low, high) => {
                actual.as_number().and_then(double).is_some_and(|number| (*low, *high).contains(&number))
            }
            Comparison::Prefix(prefix) => text(&|text| text.starts_with(prefix)),
            Comparison::PrefixIgnoringCase(prefix) => text(&|text| after_ignoring_case(text, prefix).is_some()),
            Comparison::Suffix(suffix) => text(&|text| text.ends_with(suffix)),
            Comparison::SuffixIgnoringCase(suffix) => text(&|text| before_ignoring_case(text, suffix).is_some()),
            Comparison::EqualsIgnoringCase(expected) => text(&|text| after_ignoring_case(text, expected) == Some("")),
            Comparison::Wildcard(wildcard) => text(&|text| wildcard.matches(text)),
            Comparison::AnythingBut(excluded) => !excluded.iter().any(|comparison| comparison.accepts(actual)),
        }
    }

    pub(super) fn wildcards(&self) -> Vec<&Wildcard> {
        match self {
            Comparison::Wildcard(wildcard) => vec![wildcard],
            Comparison::AnythingBut(excluded) => excluded.iter().flat_map(Comparison::wildcards).collect(),
            Comparison::Absent
            | Comparison::Present
            | Comparison::Exact(_)
            | Comparison::Address(_)
            | Comparison::Within(_)
            | Comparison::Numeric(..)
            | Comparison::Prefix(_)
            | Comparison::PrefixIgnoringCase(_)
            | Comparison::Suffix(_)
            | Comparison::SuffixIgnoringCase(_)
            | Comparison::EqualsIgnoringCase(_) => Vec::new(),
        }
    }
}

/// The number as the double that EventBridge compares, unless a double cannot hold all its digits.
pub(super) fn double(number: &Number) -> Option<f64> {
    let double = number.as_f64()?;
    (number.is_f64() || double.to_string() == number.to_string()).then_some(double)
}

fn are_equal(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(a), Value::Number(b)) => a == b || double(a).is_some_and(|number| Some(number) == double(b)),
        _ => expected == actual,
    }
}

/// What follows the beginning.
fn after_ignoring_case<'text>(text: &'text str, beginning: &str) -> Option<&'text str> {
    beginning.chars().try_fold(text, |rest, character| cases(character).iter().find_map(|case| rest.strip_prefix(case)))
}

/// What precedes the end.
fn before_ignoring_case<'text>(text: &'text str, end: &str) -> Option<&'text str> {
    let mut from_the_end = end.chars().rev();
    from_the_end.try_fold(text, |rest, character| cases(character).iter().find_map(|case| rest.strip_suffix(case)))
}

/// A character may become several: the upper case of `ß` is `SS`.
fn cases(character: char) -> [String; 2] {
    [character.to_lowercase().collect(), character.to_uppercase().collect()]
}
