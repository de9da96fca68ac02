//! What a person reads about histories: that all are well, or a short story of each that is not.

use std::hash::{DefaultHasher, Hash, Hasher};

use clap::ValueEnum;

use super::{Faults, Played, Shape};
use crate::print::say;
use crate::timeline::passed;

/// So many are told; the others are only counted.
const MOST_TOLD: usize = 5;

/// `simplest`: the same history with as few faults as it takes.
///
/// # Errors
/// When that cannot be found out.
pub(super) fn print(
    played: &[Played],
    simplest: impl Fn(&Played) -> Result<(Shape, Played), String>,
) -> Result<(), String> {
    if let [alone] = played {
        alone.trace.iter().for_each(|line| say!("{line}"));
    }
    let bad: Vec<&Played> = played.iter().filter(|it| !it.is_well()).collect();
    for history in bad.iter().take(MOST_TOLD) {
        let (shape, simplest) = simplest(history)?;
        story(&simplest, shape).iter().for_each(|line| say!("{line}"));
    }
    if let further @ [_, ..] = &bad[bad.len().min(MOST_TOLD)..] {
        let seeds: Vec<_> = further.iter().map(|it| it.seed.to_string()).collect();
        say!("Nor do those of {} more seeds: {}\n", seeds.len(), seeds.join(", "));
    }
    say!("{}", sum(played));
    Ok(())
}

/// The short story of a history that does not end well.
fn story(history: &Played, shape: Shape) -> Vec<String> {
    let seed = history.seed;
    let mut lines = vec![format!("The history of seed {seed} does not end well.\n")];
    lines.extend(history.deeds.iter().cloned());
    lines.extend(
        history.complaints.iter().map(|complaint| format!("{:>8}  BROKEN  {complaint}", passed(history.lasted))),
    );
    let hours = shape.hours.map(|hours| format!(" --hours {hours}")).unwrap_or_default();
    let faults = name(shape.faults);
    lines.push(format!("\nTo see all that happens: just simulate --seed {seed} --faults {faults}{hours} --trace\n"));
    lines
}

fn sum(played: &[Played]) -> String {
    let well = played.iter().filter(|it| it.is_well()).count();
    let mut hasher = DefaultHasher::new();
    played.iter().for_each(|it| it.digest.hash(&mut hasher));
    let digest = hasher.finish();
    let hours = played.iter().map(|it| it.lasted.as_secs_f64()).sum::<f64>() / 3600.0;
    let all = played.len();
    format!("{well} of {all} end well; {hours:.1} hours in all, with the digest {digest:016x}")
}

/// As the command line has it.
fn name(faults: Faults) -> String {
    faults.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn played(seed: u64, complaints: &[&str]) -> Played {
        Played {
            seed,
            lasted: Duration::from_secs(125),
            complaints: complaints.iter().map(|it| (*it).to_owned()).collect(),
            deeds: vec!["  0:00.0  ====    i-1 is interrupted".to_owned()],
            trace: Vec::new(),
            digest: seed,
        }
    }

    #[test]
    fn a_bad_ending_is_a_story_with_the_command_that_replays_it() {
        let shape = Shape { faults: Faults::Deaths, hours: Some(3), ..Shape::default() };
        let text = story(&played(873, &["no instance holds vol-1"]), shape).join("\n");
        let parts = [
            "The history of seed 873 does not end well.",
            "  0:00.0  ====    i-1 is interrupted",
            "  2:05.0  BROKEN  no instance holds vol-1",
            "just simulate --seed 873 --faults deaths --hours 3 --trace",
        ];
        let places: Vec<_> = parts.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
    }

    #[test]
    fn the_sum_counts_the_bad_endings_and_tells_histories_apart() {
        let (well, bad) = (played(1, &[]), played(2, &["broken"]));
        let text = sum(&[well.clone(), bad.clone()]);
        assert!(text.starts_with("1 of 2 end well; 0.1 hours in all"), "{text}");
        assert_ne!(text, sum(&[bad, well]));
    }
}
