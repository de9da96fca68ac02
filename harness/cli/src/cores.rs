//! Measuring on every core: what is played depends on nothing but its seed.

use std::num::NonZero;
use std::thread;

use crate::print::Progress;

pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Plays each item, and returns the outcomes in the order of the items.
///
/// # Errors
/// When one could not be played.
pub(crate) fn on_all_cores<T: Sync, R: Send>(
    what: String,
    items: &[T],
    play: impl Fn(&T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    on_cores(cores(), what, items, play)
}

/// The same on `cores` cores.
///
/// # Errors
/// When one could not be played.
pub(crate) fn on_cores<T: Sync, R: Send>(
    cores: usize,
    what: String,
    items: &[T],
    play: impl Fn(&T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let progress = Progress::begin(what, items.len());
    let play = |item: &T| play(item).inspect(|_| progress.step());
    let of_core = |core: usize| items.iter().skip(core).step_by(cores).map(play).collect::<Vec<_>>();
    let mut played: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|core| scope.spawn(move || of_core(core))).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap_or_default().into_iter());
        joined.collect()
    });
    // In the order of the items again.
    (0..items.len()).map(|number| played[number % cores].next().unwrap_or(Err("a run panicked".to_owned()))).collect()
}
