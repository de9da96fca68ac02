//! `just prove`, put to the local AWS: what it asks, that each probe can say either, and that nothing of it stays behind.

mod killed;
mod mentioned;
mod otherwise;
mod proofs;

use std::collections::BTreeSet;

use durin_cli::prove::Proving;
use durin_prove::probe::Here;
use durin_prove::{Level, Probe, Verdict, probes};

fn proving() -> Proving {
    Proving::begin(1).expect("a stage")
}

/// Those that the local AWS answers.
fn asked_here() -> impl Iterator<Item = &'static Probe> {
    probes::all().filter(|probe| probe.here == Here::Answers)
}

#[tokio::test(start_paused = true)]
async fn the_local_aws_answers_as_the_code_assumes_with_the_calls_that_a_probe_names() {
    for probe in asked_here() {
        let proving = proving();
        let finding = proving.ask(probe).await;
        assert_eq!(finding.verdict, Verdict::Proved, "{}: {}", probe.name, finding.saw);
        let made: BTreeSet<_> = proving.way.answered().into_iter().collect();
        let named: BTreeSet<_> = probe.calls.iter().map(|call| (*call).to_owned()).collect();
        assert_eq!(made, named, "{}", probe.name);
        let makes = !probe.makes.is_empty();
        assert_eq!(makes, probe.level != Level::Read, "{} says that it makes: {}", probe.name, probe.makes);
    }
}

#[test]
fn a_probe_has_a_name_of_its_own_and_says_all_there_is_to_know() {
    let mut names = BTreeSet::new();
    for probe in probes::all() {
        assert!(names.insert(probe.name), "{} is there twice", probe.name);
        let is_kebab =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(is_kebab(probe.name), "{}", probe.name);
        assert!(probe.assumes.ends_with('.') && !probe.expects.is_empty(), "{}", probe.name);
        assert!(!probe.rests_on.is_empty() && !probe.calls.is_empty(), "{}", probe.name);
        assert!(probe.seconds > 0 && probe.cents >= 0.0, "{}", probe.name);
        assert!(probe.calls.is_sorted(), "{}", probe.name);
    }
    let cents: f64 = probes::all().map(|probe| probe.cents).sum();
    assert!(cents < 100.0, "all of it costs {cents} cents, and `--full` says that it is under a dollar");
}
