//! `durin invoke`, with the functions' real binaries.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use durin_tests::python::build;

/// What it prints, and its exit status.
fn invoke(arguments: &[&str]) -> (String, Option<i32>) {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    let durin = BINARIES.get_or_init(|| build(env!("CARGO"))).join(format!("durin{}", std::env::consts::EXE_SUFFIX));
    let invoked = Command::new(durin).arg("invoke").args(arguments).output().expect("a process");
    assert_eq!(String::from_utf8_lossy(&invoked.stderr), "");
    (String::from_utf8(invoked.stdout).expect("UTF-8"), invoked.status.code())
}

#[test]
fn reads_are_counted_and_shown_only_on_request() {
    let (told, status) = invoke(&["node-resync", "schedule"]);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("API calls; --all-calls shows the "), "{told}");
    assert!(!told.contains("ec2:DescribeInstances"), "{told}");
    let (told, _) = invoke(&["node-resync", "schedule", "--all-calls"]);
    assert!(told.contains("  look    durin-node-resync calls ec2:DescribeInstances"), "{told}");
}

#[test]
fn a_failure_is_told_once_in_the_log_and_once_in_words() {
    let (told, status) = invoke(&["node-lifecycle", "spot-interruption-warning"]);
    assert_eq!(status, Some(1), "{told}");
    assert_eq!(told.lines().filter(|line| line.contains("\"level\":\"ERROR\"")).count(), 1, "{told}");
    assert!(told.ends_with("check the rule that sends it\n"), "{told}");
    assert!(
        told.contains("\nError: Durin.NotForThisFunction: \"EC2 Spot Instance Interruption Warning\" from"),
        "{told}"
    );
    assert!(told.contains("Calls and changes (no API call):"), "{told}");
}

#[test]
fn a_recorded_warning_comes_now_unless_it_is_to_stay_in_the_past() {
    // Whether the node comes back in time depends on the machine's clock, by which the function waits.
    let warned = |arguments: &[&str]| {
        let all = [&["spot-interruption", "spot-interruption-warning"], arguments].concat();
        invoke(&all).0
    };
    let now = warned(&[]);
    assert!(now.contains(", now (--as-recorded leaves it at 2026-01-05T06:10:00Z)"), "{now}");
    assert!(now.contains("autoscaling:TerminateInstanceInAutoScalingGroup"), "{now}");
    let past = warned(&["--as-recorded"]);
    assert!(past.contains("at 2026-01-05T06:10:00Z, as it was recorded"), "{past}");
    assert!(!past.contains("TerminateInstanceInAutoScalingGroup"), "{past}");
}
