//! What hand-offs cost, side by side.

use std::collections::BTreeSet;
use std::time::Duration;

use super::least::LEAST;
use super::{Death, HandOff, Situation};
use crate::outage::interruption;
use crate::print::say;

pub(super) fn print(runs: u32, results: &[(Situation, Vec<(u64, HandOff)>)]) {
    say!("API calls of all functions together, {runs} hand-offs each:\n");
    say!(
        "{:<36} {:>6} {:>6} {:>6} {:>11} {:>9} {:>9} {:>9}",
        "",
        "median",
        "p95",
        "worst",
        "while away",
        "refused",
        "releases",
        "own time"
    );
    for (situation, hand_offs) in results {
        let calls = sorted(hand_offs.iter().map(|(_, it)| it.calls.len()));
        let away = sorted(hand_offs.iter().map(|(_, it)| it.while_away()));
        let own = sorted(hand_offs.iter().map(|(seed, it)| own_time(*seed, it)));
        say!(
            "{:<36} {:>6} {:>6} {:>6} {:>11} {:>9} {:>9} {:>7.1} s",
            situation.name(),
            at(&calls, 50),
            at(&calls, 95),
            at(&calls, 100),
            at(&away, 50),
            hand_offs.iter().map(|(_, it)| it.refused().count()).sum::<usize>(),
            hand_offs.iter().map(|(_, it)| it.count("ssm:SendCommand durin-release")).max().unwrap_or_default(),
            at(&own, 50).as_secs_f64(),
        );
    }
    say!(
        "\n  while away: of these, while the API does not answer; refused: writes, in all hand-offs together; releases:"
    );
    say!(
        "  the most in one hand-off; own time: how much longer a workload is away than a clean hand-off takes the guest"
    );
    say!("  and EBS, which a reclaim without a warning does not allow; median");
    if let Some((situation, hand_offs)) = results.first() {
        print_least(*situation, hand_offs);
    }
}

fn print_least(situation: Situation, hand_offs: &[(u64, HandOff)]) {
    say!("\nOf these, for an {}, on average, and the least that AWS's semantics allow:\n", situation.name());
    let called: BTreeSet<&str> =
        hand_offs.iter().flat_map(|(_, it)| &it.calls).map(|call| call.operation.as_str()).collect();
    let unknown = called.iter().filter(|it| LEAST.iter().all(|(known, ..)| known != *it)).map(|it| (*it, 0, "none"));
    for (operation, least, why) in LEAST.into_iter().filter(|(it, ..)| called.contains(it)).chain(unknown) {
        let all: usize = hand_offs.iter().map(|(_, it)| it.count(operation)).sum();
        say!("  {operation:<48} {:>5.1} {least:>3}  {why}", all as f64 / hand_offs.len() as f64);
    }
}

pub(super) fn print_deaths(situation: Situation, deaths: &[(Death, HandOff)], alive: &[(u64, HandOff)]) {
    let added = |(death, hand_off): &(Death, HandOff)| {
        let (_, unharmed) = alive.iter().find(|(seed, _)| *seed == death.seed)?;
        Some((hand_off.outage.api.saturating_sub(unharmed.outage.api), *death))
    };
    let added = sorted(
        deaths
            .iter()
            .filter_map(added)
            .map(|(added, death)| (added, death.seed, death.function, death.invocation, death.after_calls)),
    );
    say!("\n{}, in which a function dies after one of its calls, {} times:", situation.name(), deaths.len());
    let Some((worst, seed, function, invocation, calls)) = added.last() else { return };
    say!(
        "  the API is away longer by {:.1} s at the median, by {:.1} s in 95 of 100, and by {:.1} s at the worst",
        at(&added, 50).0.as_secs_f64(),
        at(&added, 95).0.as_secs_f64(),
        worst.as_secs_f64()
    );
    say!("  (seed {seed}, invocation {invocation} of {function}, after call {calls}).");
    let lost: u64 = deaths.iter().map(|(_, it)| it.outage.lost_writes).sum();
    let unclean: u32 = deaths.iter().map(|(_, it)| it.outage.unclean_mounts).sum();
    say!("  Acknowledged writes lost: {lost}; unclean unmounts: {unclean}.");
}

fn own_time(seed: u64, hand_off: &HandOff) -> Duration {
    let floor: Duration = interruption(seed).hand_off().iter().map(|(_, span)| *span).sum();
    hand_off.outage.workload.saturating_sub(floor)
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values
}

/// The value below which so many of a hundred are; the last is the worst.
fn at<T: Copy + Default>(sorted: &[T], percentile: usize) -> T {
    let place = (sorted.len() * percentile).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}
