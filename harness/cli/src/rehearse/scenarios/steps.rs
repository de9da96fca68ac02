//! What scenarios wait for.

use std::time::Duration;

use durin_harness::world::World;
use durin_harness::world::ec2::{AttachmentState, Ec2Change, InstanceState};
use durin_harness::world::guest::GuestFact;
use durin_harness::world::history::{Change, Entry, Fact};
use durin_harness::world::invariants::check_quiet;

use crate::rehearse::play::Play;

/// Until a machine has booted and serves, with others at work on the same cores.
const LONG: Duration = Duration::from_secs(15 * 60);
/// So many writes are acknowledged before anything happens.
const WRITES: u64 = 20;

impl Play {
    /// The node is whole, and has acknowledged writes; the answer is its instance.
    pub(super) async fn settled(&self) -> Result<String, String> {
        let holder = self.whole("").await?;
        self.acknowledges().await?;
        Ok(holder)
    }

    /// Waits until the node is whole on another instance than this one; the answer is which.
    pub(super) async fn whole(&self, but_not: &str) -> Result<String, String> {
        let node = &self.node;
        let is_so = |world: &World| {
            let quiet = check_quiet(world, node).is_empty();
            quiet && world.workload_serving(&node.volume).is_some_and(|holder| holder != but_not)
        };
        if self.aws.until(LONG, is_so).await {
            return Ok(self.aws.world(|world| world.serving(&node.volume).unwrap_or_default().to_owned()));
        }
        let complaints = self.aws.world(|world| check_quiet(world, node));
        Err(format!("the node has not become whole: {}", complaints.join("; ")))
    }

    /// The same, and a client has written to it.
    pub(super) async fn moved(&self, from: &str) -> Result<String, String> {
        let holder = self.whole(from).await?;
        self.acknowledges().await?;
        Ok(holder)
    }

    /// Whether the volume was taken from the holder after it had unmounted it, and not because it came to its end.
    pub(super) fn let_go(&self, holder: &str) -> Result<(), String> {
        let of_holder = |entry: &Entry| match &entry.fact {
            Fact::Guest { instance, fact: GuestFact::Unmounted { .. } } if instance == holder => Some("unmounted"),
            Fact::Changed { change: Change::Ec2(Ec2Change::Detaching { instance }), .. } if instance == holder => {
                Some("detached")
            }
            Fact::Changed { subject, change: Change::Ec2(Ec2Change::Instance(InstanceState::ShuttingDown)) }
                if subject == holder =>
            {
                Some("ended")
            }
            Fact::Guest { .. }
            | Fact::Changed { .. }
            | Fact::Emitted(_)
            | Fact::Invoked { .. }
            | Fact::Answered { .. }
            | Fact::Called { .. }
            | Fact::Violated(_) => None,
        };
        let order: Vec<_> = self.aws.world(|world| world.history().iter().filter_map(of_holder).collect());
        match order.as_slice() {
            ["unmounted", "detached", ..] => Ok(()),
            other => Err(format!("the holder did not let go in order: {}", other.join(", "))),
        }
    }

    /// Waits until a client has written some more.
    async fn acknowledges(&self) -> Result<(), String> {
        let Some(writer) = &self.writer else { return Ok(()) };
        let end = self.aws.clock().time() + LONG;
        let (begun, holder) =
            (writer.ledger(), self.aws.world(|world| world.serving(&self.node.volume).map(str::to_owned)));
        loop {
            let now = writer.ledger();
            let is_there = now.found.last().map(|found| &found.instance) == holder.as_ref();
            let more = if begun.found.len() == now.found.len() { begun.acknowledged } else { 0 };
            let base = now.found.last().map_or(0, |found| found.highest).max(more);
            if is_there && now.acknowledged >= base + WRITES {
                return Ok(());
            }
            if self.aws.clock().time() > end {
                return Err("the node does not acknowledge writes".to_owned());
            }
            self.aws.pass(Duration::from_millis(500)).await;
        }
    }

    /// Waits for something that has to come.
    pub(super) async fn sees(&self, what: &str, wanted: impl Fn(&World) -> bool) -> Result<(), String> {
        if self.aws.until(LONG, wanted).await { Ok(()) } else { Err(format!("it never came to this: {what}")) }
    }

    /// Waits for a newcomer whose agent is online; the answer is which.
    pub(super) async fn newcomer(&self, beside: &str) -> Result<String, String> {
        let find = |world: &World| {
            let mut others = world.ec2.instances().values().filter(|instance| instance.id != beside);
            others.find(|instance| instance.guest.agent_online_since.is_some()).map(|instance| instance.id.clone())
        };
        self.sees("a newcomer boots", |world| find(world).is_some()).await?;
        self.aws.world(|world| find(world)).ok_or_else(|| "the newcomer is gone".to_owned())
    }

    /// Waits for the volume's attachment to the instance to be like that.
    pub(super) async fn attachment(&self, instance: &str, state: AttachmentState) -> Result<(), String> {
        let is_so = |world: &World| {
            let held = world.ec2.volume(&self.node.volume).and_then(|volume| volume.attachment.as_ref());
            held.is_some_and(|held| held.instance_id == instance && held.state == state)
        };
        self.sees(&format!("{} to {instance}", state.name()), is_so).await
    }
}

/// Whether k3s serves there.
pub(super) fn serves(world: &World, instance: &str) -> bool {
    world.ec2.instance(instance).is_some_and(|it| it.guest.serving_since.is_some())
}

/// Whether it has the volume mounted.
pub(super) fn has_mounted(world: &World, instance: &str) -> bool {
    world.ec2.instance(instance).is_some_and(|it| it.guest.mounted.is_some())
}
