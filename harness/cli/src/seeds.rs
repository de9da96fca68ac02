//! Random seeds as arguments.

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
