//! The same hand-off, again and again, with a function that dies one call later each time.

use std::time::Duration;

use super::{Death, Situation, hand_off};
use crate::outage::Outage;

/// A run that sees nobody at work takes over by then, and has to do again what it cannot know of.
const MOST_ADDED: Duration = Duration::from_secs(25);

/// A hand-off in which a function has died, and by how much longer the API was away than if none does.
#[derive(Clone, Debug)]
pub struct Harmed {
    /// The death.
    pub death: Death,
    /// The outage with it.
    pub outage: Outage,
    /// How much of that it has caused.
    pub added: Duration,
}

impl Harmed {
    /// The promises that the death has broken, in words for a person. Empty when all is well.
    pub fn broken(&self, situation: Situation) -> Vec<String> {
        let Outage { lost_writes, unclean_mounts, complaints, .. } = &self.outage;
        // Nobody has unmounted the volume of an instance that is gone without a warning.
        let allowed = u32::from(situation == Situation::Reclaimed);
        let mut broken = complaints.clone();
        if self.added > MOST_ADDED {
            broken.push(format!("the API was away longer by {:.1} s", self.added.as_secs_f64()));
        }
        if *lost_writes > 0 {
            broken.push(format!("{lost_writes} acknowledged writes were lost"));
        }
        if *unclean_mounts > allowed {
            broken.push(format!("the volume was not unmounted cleanly {unclean_mounts} times"));
        }
        broken
    }
}

/// The hand-off of a seed, once for each call after which a function may die. `unharmed`: its outage if none does.
///
/// # Errors
/// When a stage cannot be set, or the node does not come back.
pub fn with_every_death(situation: Situation, seed: u64, unharmed: &Outage) -> Result<Vec<Harmed>, String> {
    let mut played = Vec::new();
    for (function, invocations) in
        [("durin-spot-interruption", 1), ("durin-node-lifecycle", 2), ("durin-node-resync", 2)]
    {
        for invocation in 1..=invocations {
            for after_calls in 1.. {
                let death = Death { seed, function, invocation, after_calls };
                let hand_off = hand_off(situation, seed, Some(death)).map_err(|error| format!("{error}: {death}"))?;
                if !hand_off.has_died {
                    break;
                }
                let added = hand_off.outage.api.saturating_sub(unharmed.api);
                played.push(Harmed { death, outage: hand_off.outage, added });
            }
        }
    }
    Ok(played)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_broken_promise_is_named() {
        let death = Death { seed: 7, function: "durin-node-resync", invocation: 1, after_calls: 3 };
        let harmed = |outage, added_s| Harmed { death, outage, added: Duration::from_secs(added_s) };
        let unclean = Outage { unclean_mounts: 1, ..Outage::default() };
        assert!(harmed(unclean.clone(), 25).broken(Situation::Reclaimed).is_empty());
        assert_eq!(harmed(unclean, 25).broken(Situation::Interrupted).len(), 1);
        let worst = Outage { lost_writes: 2, complaints: vec!["vol-1 is corrupted".to_owned()], ..Outage::default() };
        let expected = ["vol-1 is corrupted", "the API was away longer by 26.0 s", "2 acknowledged writes were lost"];
        assert_eq!(harmed(worst, 26).broken(Situation::Interrupted), expected);
    }
}
