//! Whether containerd's store is what keeps k3s down.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use durin_node::decide::rescue::{Silent, is_for_the_store};
use rstest::rstest;

/// As k3s and containerd write it. k3s started at 12:07:55.
const EXITED: &str =
    r#"time="2026-11-26T12:07:56Z" level=error msg="Shutdown request received: containerd exited: exit status 1""#;
const BROKEN: &str = r#"time="2026-11-26T12:07:56.5Z" level=fatal msg="Failed to run CRI service" error="failed to recover state: failed to get metadata for stored sandbox \"4ea7\": not found""#;

fn started() -> SystemTime {
    humantime::parse_rfc3339("2026-11-26T12:07:55.25Z").expect("a time")
}

fn broken() -> Silent<'static> {
    Silent { restarts: 2, started: Some(started()), journal: EXITED, containerd: BROKEN, rescued: false }
}

#[test]
fn a_store_is_broken_when_containerd_says_so_and_has_exited() {
    assert!(is_for_the_store(&broken()));
    let among_others = [EXITED, BROKEN].map(|line| format!("before\n{line}\nafter\n"));
    assert!(is_for_the_store(&Silent { journal: &among_others[0], containerd: &among_others[1], ..broken() }));
}

#[rstest]
#[case::once_is_nothing(Silent { restarts: 1, ..broken() })]
#[case::rescued_before(Silent { rescued: true, ..broken() })]
#[case::containerd_runs(Silent { journal: "bind: address already in use", ..broken() })]
#[case::another_reason(Silent { containerd: "time=\"2026-11-26T12:07:56Z\" msg=\"no space left\"", ..broken() })]
#[case::nobody_knows_when_it_started(Silent { started: None, ..broken() })]
#[case::nobody_knows_when_it_was_said(Silent { containerd: "failed to recover state", ..broken() })]
#[case::said_on_another_instance(Silent { started: Some(started() + Duration::from_secs(2)), ..broken() })]
#[case::said_by_a_pod(Silent {
    journal: r#"I1126 12:07:55.000000 1234 prober.go:111] "Probe failed" output="containerd exited, failed to recover state""#,
    containerd: "",
    ..broken()
})]
#[case::a_pod_says_that_it_exited(Silent {
    journal: r#"I1126 12:07:55.000000 1234 prober.go:111] "Probe failed" output="containerd exited""#,
    ..broken()
})]
#[case::something_else_of_k3s(Silent { journal: r#"time="2026-11-26T12:07:56Z" level=info msg="Starting k3s""#, ..broken() })]
fn any_other_fall_leaves_the_store_alone(#[case] silent: Silent<'_>) {
    assert!(!is_for_the_store(&silent));
}

#[rstest]
#[case::zulu("2026-11-26T12:07:56Z", true)]
#[case::just_before("2026-11-26T12:07:55.24Z", false)]
#[case::to_the_east("2026-11-26T13:07:56.5+01:00", true)]
#[case::to_the_east_and_before("2026-11-26T12:37:56+01:00", false)]
#[case::to_the_west("2026-11-26T08:37:56-03:30", true)]
#[case::to_the_west_and_before("2026-11-26T12:00:00-00:07", false)]
#[case::no_time("yesterday", false)]
#[case::no_offset("2026-11-26T12:07:56", false)]
#[case::another_alphabet("ééééééé", false)]
fn the_time_of_a_line_is_read_in_any_zone(#[case] time: &str, #[case] counts: bool) {
    let containerd = format!("time=\"{time}\" level=fatal msg=\"failed to recover state\"");
    assert_eq!(is_for_the_store(&Silent { containerd: &containerd, ..broken() }), counts);
    let never = Silent { containerd: &containerd, started: Some(UNIX_EPOCH), ..broken() };
    assert_eq!(is_for_the_store(&never), !matches!(time, "yesterday" | "2026-11-26T12:07:56" | "ééééééé"));
}
