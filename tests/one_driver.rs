//! Of the runs that one hand-off starts, one goes ahead: what that saves, and what it costs when that one dies.

use durin_cli::bench_calls::{self, HandOff, Situation, hand_off};
use rstest::rstest;

/// A sample of what `just bench-calls` measures.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=15;

fn played(situation: Situation) -> Vec<HandOff> {
    SEEDS.map(|seed| hand_off(situation, seed, None).expect("the node came back")).collect()
}

#[rstest]
#[case::interruption(Situation::Interrupted, 80, 120)]
#[case::with_capacity_rebalancing(Situation::Rebalanced, 80, 120)]
#[case::recommendation(Situation::Recommended, 80, 120)]
#[case::ended_by_its_group(Situation::EndedByGroup, 70, 90)]
// Most of them look whether the volume of the dead instance is free.
#[case::reclaim_without_a_warning(Situation::Reclaimed, 75, 100)]
// Three minutes longer than any other; and the successor is asked whether it serves from its boot on.
#[case::without_capacity(Situation::WithoutCapacity, 110, 130)]
fn a_hand_off_stays_within_its_budget_and_no_write_meets_another_runs(
    #[case] situation: Situation,
    #[case] median: usize,
    #[case] worst: usize,
) {
    let hand_offs = played(situation);
    let mut calls: Vec<usize> = hand_offs.iter().map(|it| it.calls.len()).collect();
    calls.sort_unstable();
    assert!(calls[calls.len() / 2] <= median && calls[calls.len() - 1] <= worst, "{calls:?}");
    for (seed, hand_off) in SEEDS.zip(&hand_offs) {
        assert_eq!(hand_off.refused().collect::<Vec<_>>(), Vec::<&bench_calls::Call>::new(), "seed {seed}");
        let releases = usize::from(situation != Situation::Reclaimed);
        assert_eq!(hand_off.count("ssm:SendCommand durin-release"), releases, "seed {seed}");
        // Each newcomer is asked once whether it serves, and before whether it can take over, if somebody serves until then.
        let serves_until_then = releases == 1 && situation != Situation::WithoutCapacity;
        assert_eq!(hand_off.count("ssm:SendCommand durin-prepared"), usize::from(serves_until_then), "seed {seed}");
        assert_eq!(hand_off.count("ssm:SendCommand durin-serves"), 1, "seed {seed}");
    }
}

/// A seed or two here; `just bench-calls --deaths` plays as many as it is asked for.
#[rstest]
#[case::with_capacity_rebalancing(Situation::Rebalanced, 1)]
#[case::without(Situation::Interrupted, 1)]
#[case::recommendation(Situation::Recommended, 1)]
// The run that follows looks at the newcomer while the holder has let go, and finds the release too old.
#[case::recommendation_with_an_unlucky_look(Situation::Recommended, 43)]
#[case::ended_by_its_group(Situation::EndedByGroup, 1)]
#[case::reclaim_without_a_warning(Situation::Reclaimed, 1)]
#[case::without_capacity(Situation::WithoutCapacity, 1)]
fn a_function_that_dies_after_any_call_costs_at_most_25_seconds(#[case] situation: Situation, #[case] seed: u64) {
    let unharmed = hand_off(situation, seed, None).expect("the node came back");
    let deaths = bench_calls::with_every_death(situation, seed, &unharmed.outage).expect("the node came back");
    assert!(deaths.len() > 40, "{}", deaths.len());
    for harmed in deaths {
        assert_eq!(harmed.broken(situation), Vec::<String>::new(), "{}", harmed.death);
    }
}
