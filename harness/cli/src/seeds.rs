//! Random seeds as arguments.

/// A seed up to `MOST`. Clap's own parser says of -1 that it has an invalid digit.
///
/// # Errors
/// When it is not such a number.
pub fn seed<const MOST: u64>(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number <= MOST);
    number.ok_or_else(|| format!("{text} is not in 0..={MOST}"))
}
