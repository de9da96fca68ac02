//! Random seeds as arguments.

use std::ops::RangeInclusive;

/// The most runs of one measurement, each with a seed of its own.
pub(crate) const MOST_RUNS: u32 = 100_000;
/// The last seed that is followed by so many others.
pub(crate) const LAST_SEED: u64 = u64::MAX - MOST_RUNS as u64;

/// A seed up to `MOST`. Clap's own parser says of -1 that it has an invalid digit.
///
/// # Errors
/// When it is not such a number.
pub fn seed<const MOST: u64>(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number <= MOST);
    number.ok_or_else(|| format!("{text} is not in 0..={MOST}"))
}

/// The seeds from the first to the last, `1..1000`, both included.
///
/// # Errors
/// When it is not such a range, has nothing in it, or more than [`MOST_RUNS`].
pub(crate) fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").ok_or_else(|| format!("{text} is not like 1..1000"))?;
    let (first, last) = (seed::<{ u64::MAX }>(first)?, seed::<{ u64::MAX }>(last)?);
    match last.checked_sub(first) {
        Some(further) if further < u64::from(MOST_RUNS) => Ok(first..=last),
        Some(_) => Err(format!("{text} are more than {MOST_RUNS}")),
        None => Err(format!("{text} has nothing in it")),
    }
}
