//! A run: cleans up after earlier ones, asks one probe after the other, keeps each answer, and cleans up after itself.

use std::time::Duration;

use crate::bench::Bench;
use crate::clean::{Cleaned, Whose, clean};
use crate::probe::{Finding, Level, Probe};
use crate::proof::Proof;

/// What a run reports as it goes.
pub enum Progress<'a> {
    /// It begins to ask the probe: the first of so many is 1.
    Asks {
        number: usize,
        of: usize,
        probe: &'a Probe,
    },
    Answered {
        probe: &'a Probe,
        finding: &'a Finding,
    },
    Cleaned {
        when: When,
        cleaned: &'a Cleaned,
    },
    /// Something to be kept: the proof has changed.
    Changed(&'a Proof),
}

/// When a clean-up was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// A parameter that is being validated when a run is killed comes only then (at most five minutes, Systems Manager User
/// Guide), and nothing finds it before.
const VALIDATION: Duration = Duration::from_secs(300);
/// EC2's lists lag behind what was made a moment ago, and a call that was broken off may still arrive.
const LAG: Duration = Duration::from_secs(5);
/// Rounds of a clean-up, the last of which finds nothing.
const ROUNDS: usize = 4;

/// Asks these probes, apart from those that the proof has answers of. Whether nothing of it is left.
pub async fn run(
    bench: &Bench,
    probes: &[&'static Probe],
    proof: &mut Proof,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> bool {
    let begun = bench.now();
    let makes_things = probes.iter().any(|probe| probe.level > Level::Read);
    let goes_on = !bench.former.is_empty();
    if makes_things {
        proof.runs.push(bench.run.clone());
    }
    proof.finished = false;
    tell(Progress::Changed(proof));
    if makes_things {
        let cleaned = clean_up(bench, Whose::Ours).await;
        tell(Progress::Cleaned { when: When::Before, cleaned: &cleaned });
    }
    let open: Vec<_> = probes.iter().filter(|probe| !proof.has(probe)).copied().collect();
    for (index, probe) in open.iter().enumerate() {
        tell(Progress::Asks { number: index + 1, of: open.len(), probe });
        let finding = probe.ask(bench).await;
        proof.note(probe, bench.now(), &finding);
        tell(Progress::Answered { probe, finding: &finding });
        tell(Progress::Changed(proof));
    }
    let mut is_clean = true;
    if makes_things {
        if goes_on {
            bench.pause(VALIDATION.saturating_sub(bench.since(begun))).await;
        }
        let cleaned = clean_up(bench, Whose::Ours).await;
        is_clean = cleaned.left.is_empty();
        tell(Progress::Cleaned { when: When::After, cleaned: &cleaned });
    }
    proof.finished = is_clean;
    if is_clean {
        proof.runs.clear();
    }
    tell(Progress::Changed(proof));
    is_clean
}

/// Cleans until there is nothing to find.
pub async fn clean_up(bench: &Bench, whose: Whose) -> Cleaned {
    let mut whole = Cleaned::default();
    for _ in 0..ROUNDS {
        let round = clean(bench, whose).await;
        let found_nothing = round.removed.is_empty();
        whole.removed.extend(round.removed);
        (whole.left, whole.of_others) = (round.left, round.of_others);
        if found_nothing {
            break;
        }
        bench.pause(LAG).await;
    }
    whole.removed.dedup();
    whole
}
