//! Random histories by their seeds: every run plays the same ones, and one that nobody has played before.

use std::io::{Write, stderr};
use std::ops::RangeInclusive;
use std::time::SystemTime;

/// Plays a history for each seed, in virtual time and in a runtime of its own: a world that goes on in the background
/// draws from the same dice.
///
/// `DURIN_SEED=873 cargo test --test suite <test>` plays that one alone, `DURIN_SEEDS=1000` those from 1 to 1000. Without
/// either, a fresh seed joins the usual ones, and is printed even if all is well.
///
/// # Panics
/// When a history does; its seed is printed.
pub fn play(test: &str, usual: RangeInclusive<u64>, history: impl AsyncFn(u64)) {
    for seed in seeds(test, usual) {
        let _guard = Playing { test, seed };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(history(seed));
    }
}

fn seeds(test: &str, usual: RangeInclusive<u64>) -> Vec<u64> {
    if let Some(alone) = number_in("DURIN_SEED") {
        return vec![alone];
    }
    if let Some(most) = number_in("DURIN_SEEDS") {
        return (1..=most).collect();
    }
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let fresh = u64::from(since_1970.subsec_nanos());
    // Not `eprintln!`, which the test runner keeps to itself unless the test fails. A closed stream is no reason to fail.
    drop(writeln!(stderr(), "{test}: plays the fresh seed {fresh}, too"));
    usual.chain([fresh]).collect()
}

fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a whole number")))
}

/// A history that is being played.
struct Playing<'a> {
    test: &'a str,
    seed: u64,
}

impl Drop for Playing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to play this history alone: DURIN_SEED={} cargo test --test suite {}", self.seed, self.test);
        }
    }
}
