//! What hand-offs cost, side by side.

use std::collections::BTreeSet;
use std::time::Duration;

use super::least::{LEAST, LEAST_OF_EVENTS};
use super::{Fed, HandOff, Harmed, Situation};
use crate::outage::interruption;
use crate::print::say;

/// So many of what is wrong are told; the rest is like them.
const MOST_TOLD: usize = 5;

type Results = [(Situation, Vec<(u64, HandOff)>)];

pub(super) fn print(runs: u32, results: &Results) {
    say!("API calls of all functions together, {runs} hand-offs each:\n");
    say!(
        "{:<36} {:>6} {:>6} {:>6} {:>11} {:>6} {:>9} {:>9} {:>9}",
        "",
        "median",
        "p95",
        "worst",
        "while away",
        "chain",
        "refused",
        "releases",
        "own time"
    );
    for (situation, hand_offs) in results {
        let calls = sorted(hand_offs.iter().map(|(_, it)| it.calls.len()));
        let away = sorted(hand_offs.iter().map(|(_, it)| it.while_away()));
        let own = sorted(hand_offs.iter().map(|(seed, it)| own_time(*seed, it)));
        say!(
            "{:<36} {:>6} {:>6} {:>6} {:>11} {:>6} {:>9} {:>9} {:>7.1} s",
            situation.name(),
            at(&calls, 50),
            at(&calls, 95),
            at(&calls, 100),
            at(&away, 50),
            at(&sorted(hand_offs.iter().map(|(_, it)| it.chain)), 50),
            hand_offs.iter().map(|(_, it)| it.refused().count()).sum::<usize>(),
            hand_offs.iter().map(|(_, it)| it.count("ssm:SendCommand durin-release")).max().unwrap_or_default(),
            at(&own, 50).as_secs_f64(),
        );
    }
    say!(
        "\n  while away: the calls made while the API does not answer; chain: how many calls of the longest run wait for one"
    );
    say!(
        "  another; refused: the writes that AWS refuses, in all hand-offs together; releases: the most in one hand-off; own"
    );
    say!(
        "  time: how much longer a workload is away than the guest and EBS need for a clean hand-off, which is not possible in"
    );
    say!("  a reclaim without a warning (median)");
    print_refused(results);
    print_least(results);
}

/// The first of them, to be looked at.
fn print_refused(results: &Results) {
    for (situation, hand_offs) in results {
        let refused = hand_offs.iter().flat_map(|(seed, it)| it.refused().map(move |call| (seed, call)));
        for (seed, call) in refused.take(MOST_TOLD) {
            let code = call.error.as_deref().unwrap_or_default();
            say!("\nRefused: {}, seed {seed}: {} {} {code}", situation.name(), call.function, call.operation);
        }
    }
}

fn print_least(results: &Results) {
    say!(
        "\nOperation by operation: the average, and the least that AWS's semantics allow if one knows when to look:\n"
    );
    let called: BTreeSet<&str> = results
        .iter()
        .flat_map(|(_, it)| it)
        .flat_map(|(_, it)| &it.calls)
        .map(|call| call.operation.as_str())
        .collect();
    say!("{:<40}{}", "", results.iter().map(|(it, _)| format!("{:>12}", it.short_name())).collect::<String>());
    let known = || LEAST.iter().filter(|row| called.contains(row.operation));
    for row in known() {
        let cells = results.iter().map(|(situation, hand_offs)| {
            let all: usize = hand_offs.iter().map(|(_, it)| it.count(row.operation)).sum();
            format!("{:>8.1} {:>3}", all as f64 / hand_offs.len() as f64, row.least(*situation))
        });
        let (_, name) = row.operation.split_once(':').unwrap_or_default();
        say!("{:<40}{}", name, cells.collect::<String>());
    }
    for operation in called.iter().filter(|it| LEAST.iter().all(|row| row.operation != **it)) {
        say!("{operation}: it is not in the table, which has to say what it is for");
    }
    let sums = results.iter().map(|(situation, hand_offs)| {
        let all: usize = hand_offs.iter().map(|(_, it)| it.calls.len()).sum();
        let least: usize = LEAST.iter().map(|row| row.least(*situation)).sum();
        format!("{:>8.1} {least:>3}", all as f64 / hand_offs.len() as f64)
    });
    say!("{:<40}{}", "all", sums.collect::<String>());
    say!("\nWhat the least is for:\n");
    for row in known() {
        let (_, name) = row.operation.split_once(':').unwrap_or_default();
        say!("  {name:<38} {}", row.why);
    }
}

pub(super) fn print_events(fed: &[Fed]) {
    say!("\nEach recorded event that a rule sends to a function, with that function alone in its world:\n");
    say!("{:<27} {:<17} {:>5} {:>6} {:>6}", "", "", "calls", "chain", "least");
    for Fed { event, cost } in fed {
        let of_it = LEAST_OF_EVENTS.iter().find(|row| (row.0, row.1) == (event, cost.function.as_str()));
        let (least, why) = of_it.map_or(("?".to_owned(), ""), |(_, _, least, why)| (least.to_string(), *why));
        let function = cost.function.trim_start_matches("durin-");
        say!("{event:<27} {function:<17} {:>5} {:>6} {least:>6}  {why}", cost.calls, cost.chain);
    }
}

pub(super) fn print_deaths(situation: Situation, deaths: &[Harmed]) {
    say!("\n{}, in which a function dies after one of its calls, {} times:", situation.name(), deaths.len());
    // The last of those that are as bad.
    let Some(worst) = deaths.iter().max_by_key(|it| it.added) else { return };
    let added = sorted(deaths.iter().map(|it| it.added));
    say!(
        "  the API is away longer by {:.1} s at the median, by {:.1} s in 95 of 100, and by {:.1} s at the worst",
        at(&added, 50).as_secs_f64(),
        at(&added, 95).as_secs_f64(),
        worst.added.as_secs_f64()
    );
    say!("  ({}).", worst.death);
    let lost: u64 = deaths.iter().map(|it| it.outage.lost_writes).sum();
    let unclean: u32 = deaths.iter().map(|it| it.outage.unclean_mounts).sum();
    let complaints: usize = deaths.iter().map(|it| it.outage.complaints.len()).sum();
    say!("  Acknowledged writes lost: {lost}; unclean unmounts: {unclean}; broken promises: {complaints}.");
    for harmed in deaths.iter().filter(|it| !it.broken(situation).is_empty()).take(MOST_TOLD) {
        say!("  BROKEN  {}: {}", harmed.death, harmed.broken(situation).join("; "));
    }
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
