//! `just prove`, put to the local AWS: what it asks, that each probe can say either, and that nothing of it stays behind.

mod killed;
mod mentioned;
mod otherwise;
mod proofs;

use std::collections::BTreeSet;

use durin_cli::prove::Proving;
use durin_harness::world::latency::{Latencies, Range};
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

/// At both ends of every range, and what is measured is a latency that a proof can set, or the sum of several.
#[tokio::test(start_paused = true)]
async fn a_probe_allows_what_the_ranges_of_the_local_aws_allow() {
    for end in [|range: Range| range.min, |range: Range| range.max] {
        for probe in asked_here() {
            let proving = proving();
            proving.aws().world(|world| world.latency = world.latency.drawn(|range| Range::exactly(end(range))));
            let finding = proving.ask(probe).await;
            assert_eq!(finding.verdict, Verdict::Proved, "{}: {}", probe.name, finding.saw);
            for timing in finding.timings {
                let is_one = Latencies::default().prove(&timing.latency, Range::from_millis(0, 0));
                assert!(is_one || timing.latency.contains('+'), "{}: {}", probe.name, timing.latency);
            }
        }
    }
}

#[test]
fn the_local_aws_knows_what_a_probe_has_made_by_the_same_tag() {
    assert_eq!(durin_prove::bench::TAG, durin_harness::world::conventions::PROOF_TAG);
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
        let calls: BTreeSet<_> = probe.calls.iter().collect();
        assert_eq!(calls.len(), probe.calls.len(), "{}", probe.name);
    }
    let cents: f64 = probes::all().map(|probe| probe.cents).sum();
    assert!(cents < 100.0, "all of it costs {cents} cents, and `--full` says that it is under a dollar");
}
