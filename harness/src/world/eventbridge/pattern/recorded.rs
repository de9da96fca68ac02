//! Patterns on which AWS's own verdict was recorded, in a folder that the environment names: other people's data is
//! not copied into the project.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Pattern;

#[test]
fn every_recorded_verdict_is_ours_too() {
    let Ok(folder) = std::env::var("DURIN_RECORDED") else { return };
    let path = Path::new(&folder).join("localstack__event_patterns_155.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<Value> = serde_json::from_str(&text).expect("an array of cases");
    assert!(!cases.is_empty(), "{} is empty", path.display());

    let verdict = |case: &Value| match Pattern::new(&case["pattern"]) {
        Err(_) => "refused",
        Ok(pattern) if pattern.matches(&case["event"]) => "match",
        Ok(_) => "no match",
    };
    let differing: Vec<_> =
        cases.iter().filter(|case| case["aws"] != verdict(case)).map(|case| &case["name"]).collect();
    assert!(differing.is_empty(), "AWS's verdict is another: {differing:?}");
}
