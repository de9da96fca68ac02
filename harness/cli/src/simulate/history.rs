//! One history: a seed decides what happens to the node, what goes wrong meanwhile, and how long everything takes.

use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::autoscaling::{Group, MaintenancePolicy};
use durin_harness::world::history::Entry;

use super::blow::Blow;
use super::{Faults, mishap};
use crate::broken::broken;
use crate::deployment::Deployment;
use crate::stage::{Stage, StageError};
use crate::timeline::Timeline;

/// Whatever goes wrong, a node serves again within this time: two schedules, a slow boot and a hung shutdown.
pub const HEALS_WITHIN: Duration = Duration::from_secs(30 * 60);

/// A retirement of which nobody has heard is found within the hour, and the node moves then.
const OVER_WITHIN: Duration = Duration::from_secs(HOUR_S + HEALS_WITHIN.as_secs());

/// Late retries and schedules must not break what is whole.
const QUIET: Duration = Duration::from_secs(15 * 60);

const HOUR_S: u64 = 3600;

/// What kind of history.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// What goes wrong around the node.
    pub faults: Faults,
    /// For how long episodes follow one another; without, there is one.
    pub hours: Option<u32>,
    /// Whether to tell everything, even if all is well.
    pub is_traced: bool,
}

/// How a history has ended.
#[derive(Clone, Debug)]
pub struct Played {
    /// It decides the history.
    pub seed: u64,
    /// How long it has lasted.
    pub lasted: Duration,
    /// What is wrong with it; empty when all is well.
    pub complaints: Vec<String>,
    /// What was done to the node, as lines for a person.
    pub deeds: Vec<String>,
    /// Everything that has happened, as lines for a person, if it was asked for.
    pub trace: Vec<String>,
    /// Of everything that has happened, to the letter: two builds, or two machines, have played the same history if theirs
    /// are the same.
    pub digest: u64,
}

impl Played {
    pub(super) fn panicked(seed: u64) -> Played {
        let complaints = vec!["it panicked: the message is above".to_owned()];
        Played { seed, lasted: Duration::ZERO, complaints, deeds: Vec::new(), trace: Vec::new(), digest: 0 }
    }

    /// Whether nothing is wrong with it.
    pub fn is_well(&self) -> bool {
        self.complaints.is_empty()
    }
}

/// Plays the history of a seed.
///
/// # Errors
/// When the stage cannot be set.
pub async fn play(deployment: &Deployment, seed: u64, shape: Shape) -> Result<Played, StageError> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let rebalances = dice.bool();
    let node = NodeSeed { capacity_rebalance: Some(rebalances), ..NodeSeed::default() };
    let stage = Stage::set_with(deployment, &Seed { seed, nodes: vec![node], ..Seed::default() }, 1.0)?;
    let launches_first = dice.bool();
    let policy = MaintenancePolicy { min_healthy: 100, max_healthy: 200 };
    let begun = stage.aws.world(|world| {
        let set = |group: &mut Group| group.maintenance_policy = launches_first.then_some(policy);
        world.autoscaling.tamper_with_group(&stage.node().group, set);
        world.now()
    });
    let mut history = History { stage, dice, faults: shape.faults, deeds: Vec::new() };
    if rebalances {
        history.tell("the group has Capacity Rebalancing");
    }
    if launches_first {
        history.tell("the group launches an instance before it ends one");
    }
    let end = begun + Duration::from_secs(u64::from(shape.hours.unwrap_or_default()) * HOUR_S);
    let complaints = loop {
        let complaints = history.episode().await;
        if !complaints.is_empty() || history.stage.aws.world(|world| world.now()) >= end {
            break complaints;
        }
    };
    Ok(history.ended(seed, begun, complaints, shape))
}

/// A history that is being played.
struct History {
    stage: Stage,
    dice: fastrand::Rng,
    faults: Faults,
    /// What was done, and when.
    deeds: Vec<(Time, String)>,
}

impl History {
    /// Things happen, one after the other; then faults stop, and the node has to heal. Returns what is wrong in the end.
    async fn episode(&mut self) -> Vec<String> {
        for _ in 0..self.dice.u32(1..=3) {
            self.go_wrong();
            self.happen();
            let pause = Duration::from_secs(self.dice.u64(0..400));
            self.stage.aws.pass(pause).await;
        }
        self.stage.aws.world(mishap::end_all);
        self.tell("from here on nothing goes wrong");
        let mut complaints = Vec::new();
        if !self.stage.aws.until(OVER_WITHIN, is_over).await {
            complaints.push(format!("what has begun is not over after {} minutes", OVER_WITHIN.as_secs() / 60));
        }
        if !self.stage.heals(HEALS_WITHIN).await {
            complaints.push(format!("the node has not healed within {} minutes", HEALS_WITHIN.as_secs() / 60));
        }
        self.stage.aws.pass(QUIET).await;
        complaints.extend(self.stage.complaints());
        complaints.extend(self.stage.aws.world(|world| broken(world)));
        complaints
    }

    fn go_wrong(&mut self) {
        for mishap in mishap::draw(&mut self.dice) {
            if mishap.is_of(self.faults) {
                self.tell(&mishap.to_string());
                mishap.begin(&self.stage.aws);
            }
        }
    }

    fn happen(&mut self) {
        let blow = Blow::draw(&mut self.dice);
        let struck = self.stage.aws.world(|world| blow.strike(world, &self.stage.node().group));
        self.tell(&struck);
    }

    fn tell(&mut self, deed: &str) {
        let now = self.stage.aws.world(|world| world.now());
        self.deeds.push((now, deed.to_owned()));
    }

    fn ended(self, seed: u64, begun: Time, complaints: Vec<String>, shape: Shape) -> Played {
        let timeline = Timeline::new(begun, Default::default(), true).uncoloured().marked(self.deeds);
        let (lasted, digest, trace) = self.stage.aws.world(|world| {
            let trace = if shape.is_traced { timeline.tell(world.history()) } else { Vec::new() };
            (world.now().since(begun), digest(world.history()), trace)
        });
        Played { seed, lasted, complaints, deeds: timeline.tell(&[]), trace, digest }
    }
}

/// A node may be whole while there is something to come: a launch that its group waits to try again, a reclaim that EC2 has
/// warned of, a retirement that only the schedule will find.
fn is_over(world: &World) -> bool {
    let is_to_come = |id: &str| {
        let instance = world.ec2.instance(id);
        instance.is_some_and(|it| it.notice.is_some() || it.scheduled_event.as_ref().is_some_and(|it| !it.is_completed))
    };
    world.autoscaling.groups().values().all(|group| {
        let mut members = group.members.iter();
        group.active_refresh().is_none() && members.all(|it| it.leaves_for.is_none() && !is_to_come(&it.instance_id))
    })
}

fn digest(history: &[Entry]) -> u64 {
    let mut digest = Digest(DefaultHasher::new());
    let written = history.iter().try_for_each(|entry| write!(digest, "{entry:?}"));
    debug_assert!(written.is_ok(), "a hasher takes everything");
    digest.0.finish()
}

/// A hasher of text, however it is cut into pieces.
struct Digest(DefaultHasher);

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use durin_harness::world::ec2::SpotAction;

    use super::*;

    /// Otherwise the end is judged in the middle of the hand-off that follows.
    #[tokio::test(start_paused = true)]
    async fn it_is_not_over_while_the_holder_is_known_to_go() {
        let goes: [fn(&mut World, &str); 2] = [
            |world, holder| world.schedule_retirement(holder),
            |world, holder| world.interrupt(holder, SpotAction::Terminate),
        ];
        for go in goes {
            let stage = Stage::set_without_functions(&Seed::one_node(), 1.0).expect("a stage");
            let holder = stage.aws.world(|world| world.serving(&stage.node().volume).map(str::to_owned));
            stage.aws.world(|world| {
                assert!(is_over(world));
                go(world, &holder.expect("a holder"));
                assert!(!is_over(world));
            });
        }
    }
}
