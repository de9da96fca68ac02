//! A small abstract world: three instances, one volume, one record, one group, and two functions at work at once.
//!
//! It is a value, so that two histories that come to the same are one state. Time is an age for each thing whose age matters
//! to a decision; it saturates where nothing asks any more.

use crate::commands::Commands;
use crate::runs::Run;

/// How many instances there are in a history.
pub(crate) const INSTANCES: usize = 3;

/// Seconds since something.
pub(crate) type Age = u16;

/// Older than any bound of a decision.
pub(crate) const AGED: Age = 610;

/// The decisions take it that no instance is quicker: for 20 s a release is believed, and what was decided by it may arrive
/// 10 s later.
pub(crate) const REBOOT_TAKES: Age = 30;

/// Seconds until something; negative once it is over.
pub(crate) type Left = i16;

/// An instance, by its place.
pub(crate) type Id = usize;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) instances: [Instance; INSTANCES],
    pub(crate) volume: Volume,
    /// Whose address the record says; none if there is no record.
    pub(crate) record: Option<Id>,
    pub(crate) group: Group,
    pub(crate) runs: [Option<Run>; 2],
    /// How many faults may still happen.
    pub(crate) faults: u8,
    /// Whether runs go on for a while by the group as they saw it last.
    pub(crate) group_is_kept: bool,
    /// How long an instance takes at the least to shut down, boot and mount again.
    pub(crate) reboot_takes: Age,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Instance {
    pub(crate) ec2: Ec2,
    pub(crate) cycle: Cycle,
    pub(crate) launched: Age,
    /// EC2 has warned of its interruption: until then it is certain to exist.
    pub(crate) warned: Option<Left>,
    pub(crate) mark: Option<Mark>,
    /// It has as many tags as an instance may have.
    pub(crate) takes_no_mark: bool,
    pub(crate) guest: Guest,
    pub(crate) commands: Commands,
    pub(crate) prepared: Said,
    pub(crate) serves: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Ec2 {
    /// Not launched yet.
    #[default]
    Unborn,
    Pending,
    Running,
    /// `shutting-down` or `terminated`.
    Dead,
    /// It is over, and nobody asks for it any more.
    Forgotten,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum Cycle {
    /// Not a member of the group, or not any more.
    #[default]
    Outside,
    Pending,
    PendingWait,
    PendingProceed,
    InService,
    TerminatingWait,
    TerminatingProceed,
}

/// The tag on an instance that says what it is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Mark {
    Retirement,
    Terminating(Left),
    Interruption(Left),
}

/// What is inside an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Guest {
    pub(crate) up: bool,
    pub(crate) agent: bool,
    pub(crate) hung: bool,
    /// How long ago it was rebooted, while it has not come up again.
    pub(crate) down: Option<Age>,
    pub(crate) mounted: bool,
    pub(crate) serving: bool,
    /// It has let go in this boot, and mounts nothing.
    pub(crate) marker: bool,
}

/// What an instance has said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) enum Said {
    #[default]
    Nothing,
    Asked(Age),
    Yes,
    NotYet,
    No,
    /// Its image has no program.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Volume {
    pub(crate) held: Option<Held>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) by: Id,
    pub(crate) state: Place,
    pub(crate) since: Age,
    /// EC2 does not bring it to its end until the instance ends.
    pub(crate) stuck: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Attaching,
    Attached,
    /// Also while the guest still has it mounted: EC2 says `busy`.
    Detaching,
}

/// A group's number, and where its members are in their life cycles.
pub(crate) type SeenGroup = (u8, [Cycle; INSTANCES]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) desired: u8,
    pub(crate) min: u8,
    /// Capacity Rebalancing.
    pub(crate) rebalances: bool,
    /// Somebody has asked for a replacement that is launched first: an instance refresh, a change of zones.
    pub(crate) replacing: bool,
    /// Since when its number and its members are as they are.
    pub(crate) stands: Age,
    /// For how long EC2 has no capacity for another instance.
    pub(crate) no_capacity_for: Age,
}

impl World {
    /// The first instance serves and all is well.
    pub(crate) fn serving(rebalances: bool) -> World {
        let mut world = World {
            instances: Default::default(),
            volume: Volume { held: Some(Held { by: 0, state: Place::Attached, since: AGED, stuck: false }) },
            record: Some(0),
            group: Group { desired: 1, min: 1, rebalances, replacing: false, stands: AGED, no_capacity_for: 0 },
            runs: [None, None],
            faults: 0,
            group_is_kept: false,
            reboot_takes: REBOOT_TAKES,
        };
        let old = &mut world.instances[0];
        (old.ec2, old.cycle, old.launched) = (Ec2::Running, Cycle::InService, AGED);
        old.guest = Guest { up: true, agent: true, mounted: true, serving: true, ..Guest::default() };
        world
    }

    /// The number and the members of the group, as a run sees them.
    pub(crate) fn seen_group(&self) -> SeenGroup {
        (self.group.desired, self.instances.each_ref().map(|it| it.cycle))
    }

    /// Nobody is there yet, and the volume is free.
    pub(crate) fn empty(desired: u8) -> World {
        let mut world = World::serving(false);
        world.instances = Default::default();
        (world.volume.held, world.record, world.group.desired) = (None, None, desired);
        world
    }

    pub(crate) fn with_faults(mut self, faults: u8) -> World {
        self.faults = faults;
        self
    }

    pub(crate) fn holder(&self) -> Option<Id> {
        self.volume.held.map(|held| held.by)
    }

    /// The holder, if the volume has arrived at it and is not leaving.
    pub(crate) fn settled(&self) -> Option<Id> {
        self.volume.held.filter(|held| held.state == Place::Attached).map(|held| held.by)
    }

    /// Whether it matters for how long a run has seen the volume and its holder as they are: one of them may have to be given
    /// up.
    pub(crate) fn volume_is_watched(&self) -> bool {
        self.volume.held.is_some_and(|held| {
            let holder = &self.instances[held.by];
            let cannot_be_asked = !holder.commands.is_empty() && !holder.hears();
            let ends = holder.ec2 == Ec2::Dead || holder.cycle == Cycle::TerminatingProceed;
            held.state != Place::Attached || ends || cannot_be_asked
        })
    }

    pub(crate) fn ids(&self) -> std::ops::Range<Id> {
        0..INSTANCES
    }

    pub(crate) fn count(&self, wanted: impl Fn(&Instance) -> bool) -> usize {
        self.instances.iter().filter(|instance| wanted(instance)).count()
    }

    /// Whether the promise is kept: one instance in service that has the volume, serves from it, and is what the record says.
    pub(crate) fn is_well(&self) -> bool {
        self.settled().is_some_and(|id| {
            let it = &self.instances[id];
            let alone = self.count(|other| other.cycle.is_member()) == 1;
            it.guest.serving && it.guest.mounted && it.cycle == Cycle::InService && self.record == Some(id) && alone
        }) && self.group.desired == 1
    }
}

impl Instance {
    pub(crate) fn lives(&self) -> bool {
        matches!(self.ec2, Ec2::Pending | Ec2::Running)
    }

    /// Whether it can be asked for something.
    pub(crate) fn hears(&self) -> bool {
        self.ec2 == Ec2::Running && self.guest.agent
    }

    /// Whether it has answered whenever it was asked: the schedule asks each holder.
    pub(crate) fn can_answer(&self) -> bool {
        self.guest.up && self.prepared != Said::Absent
    }

    /// The power goes: nothing is left of what was inside.
    pub(crate) fn power_off(&mut self) {
        self.guest = Guest::default();
        self.commands.break_off();
    }
}

impl Cycle {
    pub(crate) fn is_member(self) -> bool {
        self != Cycle::Outside
    }

    pub(crate) fn is_launching(self) -> bool {
        matches!(self, Cycle::Pending | Cycle::PendingWait | Cycle::PendingProceed)
    }

    pub(crate) fn is_ending(self) -> bool {
        matches!(self, Cycle::TerminatingWait | Cycle::TerminatingProceed)
    }

    pub(crate) fn waits(self) -> bool {
        matches!(self, Cycle::PendingWait | Cycle::TerminatingWait)
    }

    /// For how long its lifecycle action waits, if it has one. (`infra/node.yaml`.)
    pub(crate) fn heartbeat(self) -> Age {
        if self.is_ending() { 900 } else { 1800 }
    }
}
