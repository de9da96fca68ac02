//! Plays a scenario, on machines in real time or in the model in virtual time: the same story in the same local AWS.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use durin_harness::LocalAws;
use durin_harness::seed::Seed;
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::guest::GuestFact;
use durin_harness::world::history::{Entry, Fact};
use durin_harness::world::invariants::check_always;
use durin_harness::world::steady::NodeNames;

use super::host::Host;
use super::order;
use super::scenarios::{Loss, Story};
use super::writes::{Ledger, Writer};
use crate::print::say;
use crate::stage::Stage;
use crate::timeline::Timeline;

/// The stage, as a scenario sees it.
pub(crate) struct Play {
    pub(crate) aws: LocalAws,
    pub(crate) node: NodeNames,
    /// None where instances are played.
    pub(crate) host: Option<Host>,
    pub(crate) writer: Option<Writer>,
}

/// Plays it on machines, and in the model beside it; prints both. Returns what is not as it should be.
///
/// # Errors
/// When the stage cannot be set.
pub(crate) fn on_machines(
    story: Story,
    loss: Loss,
    image: &Path,
    directory: &Path,
    all_calls: bool,
) -> Result<Vec<String>, Box<dyn Error>> {
    let (played, mut problems) = in_the_model(story)?;
    problems.iter_mut().for_each(|problem| *problem = format!("in the model: {problem}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (happened, ledger, others) = runtime.block_on(async {
        let seed = Seed { start: Some(Time::real_now().iso_seconds()), ..Seed::one_node() };
        let stage = Stage::unsettled(&seed, 1.0, World::back_with_machines)?;
        let host = Host::new(stage.aws.clone(), image, directory);
        tokio::spawn(host.clone().run());
        let (aws, node) = (stage.aws.clone(), stage.node().clone());
        let writer = Writer::begin(aws.clone(), node.clone(), host.clone());
        let play = Play { aws, node, host: Some(host.clone()), writer: Some(writer) };
        let ended = tokio::select! {
            ended = story(&play) => ended,
            () = tell(&play.aws, all_calls) => Ok(()),
            _ = tokio::signal::ctrl_c() => Err("it was interrupted".to_owned()),
        };
        let ledger = play.writer.as_ref().map(Writer::ledger).unwrap_or_default();
        drop(play.writer);
        host.stop();
        let problems = play.aws.world(problems_of);
        let history = play.aws.world(|world| world.history().to_vec());
        Ok::<_, Box<dyn Error>>((history, ledger, ended.err().into_iter().chain(problems).collect::<Vec<_>>()))
    })?;
    problems.extend(others);
    say!();
    order::print(&played, &happened);
    problems.extend(account(&ledger, loss, &lost_power(&happened)));
    Ok(problems)
}

fn in_the_model(story: Story) -> Result<(Vec<Entry>, Vec<String>), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let stage = Stage::unsettled(&Seed::one_node(), 1.0, |_| {})?;
        let play = Play { aws: stage.aws.clone(), node: stage.node().clone(), host: None, writer: None };
        let ended = story(&play).await;
        let problems = play.aws.world(problems_of);
        let history = play.aws.world(|world| world.history().to_vec());
        Ok((history, ended.err().into_iter().chain(problems).collect()))
    })
}

/// Everything that must never happen.
fn problems_of(world: &mut World) -> Vec<String> {
    world.settle();
    let mut problems = check_always(world);
    problems.extend(world.iam.denials.iter().map(ToString::to_string));
    problems.extend(world.history().iter().filter_map(|entry| Some(entry.fact.violation()?.to_string())));
    problems
}

/// Prints what happens, as it happens. Ends only with the world.
async fn tell(aws: &LocalAws, all: bool) {
    let timeline = Timeline::by_the_clock(all);
    let mut seen = 0;
    loop {
        let entries = aws.history_from(seen).await;
        if entries.is_empty() {
            return;
        }
        seen += entries.len();
        timeline.tell(&entries).iter().for_each(|line| say!("{line}"));
    }
}

/// The instances whose power went while they had the volume mounted.
fn lost_power(happened: &[Entry]) -> BTreeSet<&str> {
    let mut lost = BTreeSet::new();
    for entry in happened {
        if let Fact::Guest { instance, fact: GuestFact::PowerLost { .. } } = &entry.fact {
            lost.insert(instance.as_str());
        }
    }
    lost
}

/// Says what became of acknowledged writes. Returns what is not as it should be.
fn account(ledger: &Ledger, loss: Loss, lost_power: &BTreeSet<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, found) in ledger.found.iter().enumerate() {
        let (of, highest) = (found.of, found.highest);
        let missing = of.saturating_sub(highest);
        let instance = &found.instance;
        match missing {
            0 if of == 0 => {}
            0 => say!("Data     {instance} found all {of} writes that had been acknowledged."),
            _ => say!(
                "Data     {instance} found the first {highest} of {of} acknowledged writes: SQLite in WAL mode with \
                 synchronous NORMAL has not synced the last {missing}, of {:.1} s, when the power went.",
                found.missing_since.as_secs_f64()
            ),
        }
        if found.count != highest {
            problems.push(format!("{instance} found {} writes up to number {highest}: no prefix", found.count));
        }
        let before = index.checked_sub(1).map(|before| ledger.found[before].instance.as_str());
        // Only what has not been synced by an instance that was cut off. Others of the same scenario let go in order.
        let may_miss = loss == Loss::OfUnsynced && before.is_some_and(|before| lost_power.contains(before));
        if missing > 0 && !may_miss {
            problems.push(format!("{instance} misses {missing} acknowledged writes after an orderly hand-off"));
        }
        if before.is_some() && of == 0 {
            problems
                .push(format!("nothing had been acknowledged when {instance} was asked for it: that proves nothing"));
        }
        if found.missing_since > LONGEST_LOSS {
            problems.push(format!("{instance} misses writes of {:.1} s", found.missing_since.as_secs_f64()));
        }
    }
    if ledger.found.len() < 2 {
        problems.push("no second instance was ever written to".to_owned());
    }
    say!("Data     {} writes acknowledged in all.", ledger.acknowledged);
    problems
}

/// The kernel writes back what nobody syncs after half a minute (`vm.dirty_expire_centisecs`), and looks every five seconds;
/// emulation makes it later.
const LONGEST_LOSS: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::super::scenarios::{Kind, Loss, SCENARIOS};
    use super::super::writes::{Found, Ledger};
    use super::{account, in_the_model};

    fn found(instance: &str, of: u64, highest: u64) -> Found {
        let instance = instance.to_owned();
        Found { instance, of, highest, count: highest, missing_since: Duration::ZERO }
    }

    fn problems(then: Found, loss: Loss, lost_power: &[&str]) -> Vec<String> {
        let mut ledger = Ledger::default();
        ledger.found = vec![found("old", 0, 0), then];
        account(&ledger, loss, &lost_power.iter().copied().collect::<BTreeSet<_>>())
    }

    #[test]
    fn only_an_instance_that_was_cut_off_may_take_writes_with_it() {
        assert!(problems(found("new", 40, 40), Loss::None, &[]).is_empty());
        assert!(problems(found("new", 40, 38), Loss::OfUnsynced, &["old"]).is_empty());
        for (loss, lost_power) in [(Loss::None, ["old"]), (Loss::OfUnsynced, ["another"])] {
            let problems = problems(found("new", 40, 38), loss, &lost_power);
            assert!(problems.iter().any(|it| it.contains("misses 2 acknowledged")), "{problems:?}");
        }
    }

    #[test]
    fn a_client_that_remembers_nothing_proves_nothing() {
        let problems = problems(found("new", 0, 40), Loss::None, &[]);
        assert!(problems.iter().any(|it| it.contains("proves nothing")), "{problems:?}");
    }

    /// That machines play them, too, takes half an hour: `just rehearse --all`.
    #[test]
    fn every_story_ends_well_in_the_model() {
        for scenario in SCENARIOS {
            if let Kind::Story(story) = scenario.play {
                let (_, problems) = in_the_model(story).expect("a stage");
                assert!(problems.is_empty(), "{}: {problems:?}", scenario.name);
            }
        }
    }
}
