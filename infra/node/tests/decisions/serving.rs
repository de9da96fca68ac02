//! Whether a k3s that answers goes on doing so, by what systemd shows of its unit.

use durin_node::decide::serving::Unit;
use rstest::rstest;

fn unit(state: &str, run: &str, process: u32) -> Unit {
    Unit::read(&format!("MainPID={process}\nActiveState={state}\nInvocationID={run}\n"))
}

#[rstest]
#[case::it_is_up("active", None, true)]
#[case::it_reads_its_configuration("reloading", None, true)]
#[case::it_comes_up("activating", Some("k3s answers, and systemd calls it activating"), true)]
#[case::it_goes_down("deactivating", Some("k3s answers, and systemd calls it deactivating"), true)]
#[case::it_is_down("inactive", Some("k3s answers, and systemd calls it inactive"), false)]
#[case::it_has_failed("failed", Some("k3s answers, and systemd calls it failed"), false)]
#[case::nobody_says("", Some("systemd does not say how k3s is"), true)]
fn what_a_unit_says_of_an_answer_and_of_what_may_run(
    #[case] state: &str,
    #[case] why: Option<&str>,
    #[case] may_run: bool,
) {
    let unit = unit(state, "0123", 7);
    assert_eq!((unit.is_no_witness().as_deref(), unit.may_run()), (why, may_run));
}

#[test]
fn a_systemd_that_does_not_answer_says_nothing() {
    let silent = Unit::read("");
    assert!(silent.is_no_witness().is_some() && silent.may_run());
}

#[test]
fn another_start_is_another_run() {
    let first = unit("active", "0123", 7);
    assert!(unit("reloading", "0123", 7).is_the_same_run(&first));
    assert!(!unit("active", "4567", 7).is_the_same_run(&first));
    assert!(!unit("active", "0123", 8).is_the_same_run(&first), "an older systemd names no run");
}
