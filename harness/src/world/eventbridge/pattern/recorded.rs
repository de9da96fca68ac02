//! Patterns on which AWS's own verdict was recorded, in a folder that the environment names: data of others is not
//! copied into the project.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Pattern;

/// Where the verdict is another than AWS's, and why.
const DIFFERENCES: [(&str, &str); 39] = [
    ("content_anything_but_ignorecase_list", "anything-but takes no list"),
    ("content_anything_but_ignorecase_list_NEG", "anything-but takes no list"),
    ("content_anything_but_ignorecase_list_missing_NEG", "anything-but takes no list"),
    ("content_anything_but_ignorecase_list_null", "anything-but takes no list"),
    ("content_anything_prefix_list", "anything-but takes no list"),
    ("content_anything_prefix_list_NEG", "anything-but takes no list"),
    ("content_anything_prefix_list_int", "anything-but takes no list"),
    ("content_anything_prefix_list_missing_NEG", "anything-but takes no list"),
    ("content_anything_prefix_list_null", "anything-but takes no list"),
    ("content_anything_suffix_list", "anything-but takes no list"),
    ("content_anything_suffix_list_NEG", "anything-but takes no list"),
    ("content_anything_suffix_list_missing_NEG", "anything-but takes no list"),
    ("content_anything_suffix_list_null", "anything-but takes no list"),
    ("content_anything_wildcard_list", "anything-but takes no list"),
    ("content_anything_wildcard_list_NEG", "anything-but takes no list"),
    ("content_anything_wildcard_list_missing_NEG", "anything-but takes no list"),
    ("content_anything_wildcard_list_null", "anything-but takes no list"),
    ("content_anything_but_string_list_null_type_EXC", "anything-but null is accepted"),
    ("content_anything_but_string_null_type_EXC", "anything-but null is accepted"),
    ("content_anything_prefix_empty_EXC", "anything-but with an empty text is accepted"),
    ("content_anything_suffix_empty_EXC", "anything-but with an empty text is accepted"),
    ("content_ip_address", "cidr is unknown"),
    ("content_ip_address_NEG", "cidr is unknown"),
    ("content_ip_address_bad_type_NEG", "cidr is unknown"),
    ("content_ip_address_v6", "cidr is unknown"),
    ("content_ip_address_v6_NEG", "cidr is unknown"),
    ("content_numeric_EXC", "the bounds are not checked"),
    ("content_prefix_ignorecase", "equals-ignore-case in a prefix or suffix is unknown"),
    ("content_suffix_ignorecase", "equals-ignore-case in a prefix or suffix is unknown"),
    ("content_suffix_ignorecase_NEG", "equals-ignore-case in a prefix or suffix is unknown"),
    ("content_wildcard_complex_EXC", "wildcards are not checked"),
    ("content_wildcard_repeating_star_EXC", "wildcards are not checked"),
    ("dot_joining_event", "dots in keys are not levels"),
    ("dot_joining_pattern", "dots in keys are not levels"),
    ("content_exists_false", "a field below a missing one is not missing"),
    ("or-exists-parent", "a field below a missing one is not missing"),
    ("exists_list_empty_NEG", "an empty array exists"),
    ("list_within_dict", "objects in arrays are not looked into"),
    ("number_comparison_float", "300 is not 300.0"),
];

#[test]
fn every_recorded_verdict_is_ours_too() {
    let Ok(folder) = std::env::var("DURIN_RECORDED") else { return };
    let path = Path::new(&folder).join("localstack__event_patterns_155.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Value> = serde_json::from_str(&text).expect("an array of cases");
    assert!(!cases.is_empty(), "{} is empty", path.display());

    let verdict = |case: &Value| match Pattern::new(case["pattern"].clone()) {
        Err(_) => "refused",
        Ok(pattern) if pattern.matches(&case["event"]) => "match",
        Ok(_) => "no match",
    };
    let differing = cases.iter().filter(|case| case["aws"] != verdict(case)).map(|case| case["name"].as_str().unwrap());
    let known = DIFFERENCES.iter().map(|(name, _why)| *name);
    assert_eq!(differing.collect::<BTreeSet<_>>(), known.collect::<BTreeSet<_>>());
}
