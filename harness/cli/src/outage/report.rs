//! The set-ups side by side.

use std::time::Duration;

use super::{Outage, Part, SetUp, drawn_from};
use crate::print::say;
use crate::prove::Measured;

/// Interruptions a week, from the calmest capacity pools to the busiest.
const INTERRUPTIONS_A_WEEK: [f64; 4] = [0.1, 0.5, 2.0, 7.0];
/// Recommendations a week that no interruption follows.
const RECOMMENDATIONS_A_WEEK: [f64; 4] = [0.0, 0.5, 2.0, 7.0];

type Results = [(SetUp, Vec<Outage>)];

pub(super) fn print(measured: &Measured, seeds: std::ops::Range<u64>, results: &Results, at_the_bad_end: &Results) {
    let runs = seeds.end - seeds.start;
    say!("Outage in seconds, {runs} interruptions each, the same drawn latencies for all:\n");
    say!("{:<36} {:>22} {:>25}   {:>6} {:>8}", "", "API", "workload", "writes", "unclean");
    say!(
        "{:<36} {:>6} {:>7} {:>7}   {:>7} {:>7} {:>7}   {:>6} {:>8}",
        "",
        "median",
        "p95",
        "worst",
        "median",
        "p95",
        "worst",
        "lost",
        "unmounts"
    );
    for (set_up, outages) in results {
        let (api, workload) = (Spread::of(outages, |it| it.api), Spread::of(outages, |it| it.workload));
        say!(
            "{:<36} {:>6.1} {:>7.1} {:>7.1}   {:>7.1} {:>7.1} {:>7.1}   {:>6} {:>8}",
            set_up.name(),
            api.median,
            api.p95,
            api.worst,
            workload.median,
            workload.p95,
            workload.worst,
            outages.iter().map(|it| it.lost_writes).sum::<u64>(),
            outages.iter().map(|it| it.unclean_mounts).sum::<u32>(),
        );
    }
    ratios(results);
    ratios_at_the_bad_end(at_the_bad_end);
    floor(measured, seeds, results);
    rates(results);
}

/// Where Durin's seconds go: the part that no automation can avoid, and our own.
fn floor(measured: &Measured, seeds: std::ops::Range<u64>, results: &[(SetUp, Vec<Outage>)]) {
    let Some(durin) = find(results, SetUp::Durin) else { return };
    let hand_offs: Vec<_> = seeds.map(|seed| drawn_from(&measured.latencies, seed).hand_off()).collect();
    let mean = |seconds: f64| seconds / hand_offs.len() as f64;
    let whole = mean(durin.iter().map(|outage| outage.workload.as_secs_f64()).sum());
    say!("\nWhere the seconds of Durin's workload outage go, on average, and what their ranges are:");
    let mut unavoidable = 0.0;
    for (part, (Part { name, latency }, _)) in hand_offs.first().into_iter().flatten().enumerate() {
        let seconds = mean(hand_offs.iter().map(|parts| parts[part].1.as_secs_f64()).sum());
        unavoidable += seconds;
        say!("  {name:<12} {seconds:>5.1}   {}", measured.origin(latency));
    }
    say!(
        "  {:<12} {:>5.1}   our calls and looks; the other {unavoidable:.1} s are the floor",
        "Durin",
        whole - unavoidable
    );
}

fn ratios(results: &Results) {
    say!("\nDurin's outage as a fraction of the usual set-up's:");
    for (title, ours, theirs) in pairs(results) {
        let api = (Spread::of(ours, |it| it.api), Spread::of(theirs, |it| it.api));
        let work = (Spread::of(ours, |it| it.workload), Spread::of(theirs, |it| it.workload));
        say!(
            "  {title:<28} API median {:.2}, p95 {:.2};  workload median {:.2}, p95 {:.2}",
            api.0.median / api.1.median,
            api.0.p95 / api.1.p95,
            work.0.median / work.1.median,
            work.0.p95 / work.1.p95,
        );
    }
}

fn ratios_at_the_bad_end(results: &Results) {
    say!("\nThe same if each thing takes as long as it may, for both:");
    for (title, ours, theirs) in pairs(results) {
        let of = |outage: fn(&Outage) -> Duration| (Spread::of(ours, outage).worst, Spread::of(theirs, outage).worst);
        let (api, work) = (of(|it| it.api), of(|it| it.workload));
        say!(
            "  {title:<28} API {:.1} of {:.1} s: {:.2};  workload {:.1} of {:.1} s: {:.2}",
            api.0,
            api.1,
            api.0 / api.1,
            work.0,
            work.1,
            work.0 / work.1,
        );
    }
}

/// Durin's and the usual set-up's, with Capacity Rebalancing and without.
fn pairs(results: &Results) -> impl Iterator<Item = (&'static str, &Vec<Outage>, &Vec<Outage>)> {
    let pair = |title, ours, theirs| Some((title, find(results, ours)?, find(results, theirs)?));
    let with = pair("with Capacity Rebalancing", SetUp::DurinRebalancing, SetUp::Usual);
    with.into_iter().chain(pair("without", SetUp::Durin, SetUp::UsualWithoutRebalancing))
}

/// Capacity Rebalancing follows every recommendation, and not every one is followed by an interruption.
fn rates(results: &[(SetUp, Vec<Outage>)]) {
    let mean = |set_up| find(results, set_up).map(|outages| mean_minutes(outages));
    let (Some(off), Some(on), Some(needless)) =
        (mean(SetUp::Durin), mean(SetUp::DurinRebalancing), mean(SetUp::DurinRecommendation))
    else {
        return;
    };
    say!("\nMinutes of workload outage a week under Durin, Capacity Rebalancing on / off:");
    let columns = INTERRUPTIONS_A_WEEK.map(|rate| format!("{rate:>14.1}")).concat();
    say!("  interruptions a week:              {columns}");
    for recommendations in RECOMMENDATIONS_A_WEEK {
        let columns = INTERRUPTIONS_A_WEEK.map(|interruptions| {
            let with = interruptions * on + recommendations * needless;
            format!("{:>14}", format!("{with:.2} / {:.2}", interruptions * off))
        });
        say!("  {recommendations:>4.1} needless recommendations a week{}", columns.concat());
    }
    let gained = (off - on) / needless;
    // As it is shown.
    if gained >= 0.005 {
        say!("  Leave it on below {gained:.2} needless recommendations for each interruption; turn it off above that.");
    } else {
        say!("  In these minutes it gains nothing: Durin has the replacement launched at the warning anyway. They do");
        say!("  not show a warning that never reaches Lambda, for which infra/node.yaml leaves it on by default. Set");
        say!("  CapacityRebalance to false if there are more needless recommendations than you would accept.");
    }
}

fn find(results: &[(SetUp, Vec<Outage>)], set_up: SetUp) -> Option<&Vec<Outage>> {
    results.iter().find(|(it, _)| *it == set_up).map(|(_, outages)| outages)
}

fn mean_minutes(outages: &[Outage]) -> f64 {
    let whole: Duration = outages.iter().map(|it| it.workload).sum();
    whole.as_secs_f64() / 60.0 / outages.len() as f64
}

/// Median, 95th percentile and worst, in seconds.
pub struct Spread {
    /// Half are shorter.
    pub median: f64,
    /// 95 of 100 are shorter.
    pub p95: f64,
    /// None is longer.
    pub worst: f64,
}

impl Spread {
    /// Of some measure of the outages.
    pub fn of(outages: &[Outage], measure: impl Fn(&Outage) -> Duration) -> Spread {
        let mut seconds: Vec<f64> = outages.iter().map(|outage| measure(outage).as_secs_f64()).collect();
        seconds.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let index = (part * seconds.len() as f64).ceil() as usize;
            seconds.get(index.saturating_sub(1).min(seconds.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        Spread { median: at(0.5), p95: at(0.95), worst: at(1.0) }
    }
}
