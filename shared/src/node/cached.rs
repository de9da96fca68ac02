//! One thing that was read, and when.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use crate::clock::Clock;

/// Either unread, or known as it was at a time. There is no default: an unread group is not an empty one.
#[derive(Debug)]
pub(super) struct Cached<T>(Option<(SystemTime, T)>);

impl<T> Cached<T> {
    pub(super) fn unread() -> Cached<T> {
        Cached(None)
    }

    pub(super) fn read_at(time: SystemTime, value: T) -> Cached<T> {
        Cached(Some((time, value)))
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut().map(|(_, value)| value)
    }

    /// How long ago it was read; none if it was not.
    pub(super) fn age(&self, now: SystemTime) -> Option<Duration> {
        self.0.as_ref().and_then(|(read, _)| now.duration_since(*read).ok())
    }

    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    pub(super) fn forget_if_older(&mut self, than: Duration, now: SystemTime) {
        self.0 = self.0.take().filter(|(read, _)| now.duration_since(*read).is_ok_and(|age| age <= than));
    }

    /// The value, which is read now if it is not known.
    pub(super) async fn get_or_read<E>(
        &mut self,
        clock: &Clock,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<&mut T, E> {
        let known = match self.0.take() {
            Some(known) => known,
            None => {
                let value = read.await?;
                (clock.now(), value)
            }
        };
        Ok(&mut self.0.insert(known).1)
    }

    /// The same, by a read that has an answer in any case.
    pub(super) async fn get_or_ask(&mut self, clock: &Clock, ask: impl Future<Output = T>) -> &mut T {
        let asked = self.get_or_read(clock, async { Ok::<T, Infallible>(ask.await) }).await;
        match asked {
            Ok(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_forgotten_when_it_is_old_or_from_the_future_of_a_clock_that_was_set_back() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for (now, known) in [(100, true), (105, true), (106, false), (99, false)] {
            let mut cached = Cached::read_at(at(100), "a value");
            cached.forget_if_older(Duration::from_secs(5), at(now));
            assert_eq!(cached.get().is_some(), known, "{now}");
        }
        assert_eq!(Cached::<&str>::unread().get(), None);
    }
}
