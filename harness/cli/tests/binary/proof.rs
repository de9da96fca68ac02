//! Latencies that were measured on AWS.

use std::fs;
use std::path::Path;

use super::run;

/// As `just prove` writes it.
const PROOF: &str = r#"{
  "asked": "AWS", "region": "eu-central-1", "date": "2026-01-05", "finished": true, "runs": [],
  "findings": {
    "a-volume-moves-in-seconds": {
      "at": "2026-01-05T06:00:00Z", "verdict": "proved", "saw": "3000 ms",
      "timings": [{"latency": "attach", "at_least_ms": 3000, "at_most_ms": 3000}]
    }
  }
}"#;

#[test]
fn the_outage_takes_what_was_measured_and_says_so() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proof.json");
    fs::write(&file, PROOF).expect("written");
    let output = run(&["outage", "--runs", "1", "--proof", &file.display().to_string()]);
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(told.contains("\n  attach         3.0   proved 2026-01-05 eu-central-1\n"), "{told}");
    assert!(told.contains("   estimate\n"), "{told}");
}

#[test]
fn what_is_no_proof_of_aws_is_refused() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-proof.json");
    fs::write(&file, PROOF.replace("\"AWS\"", "\"an endpoint that is not AWS\"")).expect("written");
    for command in ["outage", "serve"] {
        let output = run(&[command, "--proof", &file.display().to_string()]);
        assert!(!output.status.success(), "{command}");
        let complaint = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(complaint.contains("did not come from AWS"), "{complaint}");
    }
}
