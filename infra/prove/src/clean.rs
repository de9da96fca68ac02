//! Finds what runs have made, and removes it: found again by tag or name, because a run that was killed remembers nothing.

mod compute;
mod images;
mod records;

use std::future::Future;
use std::time::{Duration, UNIX_EPOCH};

use crate::bench::{Bench, TAG};
use crate::probe::Trouble;

/// A run that began longer ago is not at work any more, whoever has begun it.
const LONGEST_RUN: Duration = Duration::from_secs(3 * 3600);

/// What a clean-up has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// In the order of their removal.
    pub removed: Vec<String>,
    /// What is still there, and why.
    pub left: Vec<String>,
    /// Things of a run that may be at work elsewhere: they were not touched.
    pub of_others: Vec<String>,
}

/// Whose things are to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This run's, those of the runs that it goes on with, and those of runs that cannot be at work any more.
    Ours,
    /// Those of every run.
    Everybodys,
}

/// Removes what is there, the dependent first: what cannot be removed is said, and keeps nothing else from its removal.
pub async fn clean(bench: &Bench, whose: Whose) -> Cleaned {
    let mut sweep = Sweep { bench, whose, cleaned: Cleaned::default() };
    // A group launches another instance for each that ends, and a volume is in use until its instance has ended.
    sweep.section("groups", compute::groups(bench)).await;
    sweep.section("instances", compute::instances(bench)).await;
    sweep.section("volumes", compute::volumes(bench)).await;
    sweep.section("launch templates", compute::templates(bench)).await;
    // A snapshot is in use until its image is deregistered.
    sweep.section("images", images::images(bench)).await;
    sweep.section("snapshots", images::snapshots(bench)).await;
    sweep.section("hosted zones", records::zones(bench)).await;
    sweep.section("parameters", records::parameters(bench)).await;
    sweep.cleaned
}

/// Something that a probe has made.
struct Found {
    what: Thing,
    /// A group's name, a volume's id, and so on.
    id: String,
    /// Whose it is, by its tag or name.
    run: String,
}

enum Thing {
    Group,
    Instance,
    Volume,
    Template,
    Image,
    Snapshot,
    Zone,
    Parameter,
}

struct Sweep<'a> {
    bench: &'a Bench,
    whose: Whose,
    cleaned: Cleaned,
}

impl Sweep<'_> {
    async fn section(&mut self, what: &str, find: impl Future<Output = Result<Vec<Found>, Trouble>>) {
        let found = match find.await {
            Ok(found) => found,
            Err(trouble) => return self.cleaned.left.push(format!("{what}: nobody knows, because {trouble}")),
        };
        // Anybody may use such a tag for something else; a run's value is a number.
        for thing in found.into_iter().filter(|thing| thing.run.bytes().all(|byte| byte.is_ascii_digit())) {
            let told = format!("{} {}", thing.what.name(), thing.id);
            if !self.is_to_go(&thing.run) {
                self.cleaned.of_others.push(told);
                continue;
            }
            match remove(self.bench, &thing).await {
                Ok(()) => self.cleaned.removed.push(told),
                Err(trouble) => self.cleaned.left.push(format!("{told}: {trouble}")),
            }
        }
    }

    fn is_to_go(&self, run: &str) -> bool {
        let is_over = || {
            let begun = run.parse().ok().and_then(|secs| UNIX_EPOCH.checked_add(Duration::from_secs(secs)));
            begun.is_some_and(|begun| self.bench.since(begun) > LONGEST_RUN)
        };
        self.whose == Whose::Everybodys || self.bench.is_ours(run) || is_over()
    }
}

async fn remove(bench: &Bench, thing: &Found) -> Result<(), Trouble> {
    let id = thing.id.as_str();
    match thing.what {
        Thing::Group => compute::remove_group(bench, id).await,
        Thing::Instance => compute::end_instance(bench, id).await,
        Thing::Volume => compute::delete_volume(bench, id).await,
        Thing::Template => compute::delete_template(bench, id).await,
        Thing::Image => images::deregister(bench, id).await,
        Thing::Snapshot => images::delete_snapshot(bench, id).await,
        Thing::Zone => records::delete_zone(bench, id).await,
        Thing::Parameter => records::delete_parameter(bench, id).await,
    }
}

impl Thing {
    fn name(&self) -> &'static str {
        match self {
            Thing::Group => "group",
            Thing::Instance => "instance",
            Thing::Volume => "volume",
            Thing::Template => "launch template",
            Thing::Image => "image",
            Thing::Snapshot => "snapshot",
            Thing::Zone => "hosted zone",
            Thing::Parameter => "parameter",
        }
    }
}

/// The value of the tag among EC2's tags.
fn run_of(tags: Option<Vec<aws_sdk_ec2::types::Tag>>) -> Option<String> {
    tags?.into_iter().find(|tag| tag.key() == Some(TAG))?.value
}

/// Asks again until it is so, every few seconds.
async fn until<L>(bench: &Bench, limit: Duration, what: &str, mut is_so: impl FnMut() -> L) -> Result<(), Trouble>
where
    L: Future<Output = Result<bool, Trouble>>,
{
    let look = || {
        let asked = is_so();
        async { Ok(asked.await?.then_some(())) }
    };
    match bench.until(("", bench.now()), (Duration::from_secs(3), limit), look).await? {
        Some(_) => Ok(()),
        None => Err(Trouble::Lacking(format!("{what} after {} s; run it again", limit.as_secs()))),
    }
}
