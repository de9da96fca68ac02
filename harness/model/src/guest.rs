//! What happens inside an instance: it boots, mounts, serves, and does what its agent is asked for.

use crate::commands::{Document, Outcome};
use crate::world::{Ec2, Guest, Id, Place, Said, World};

/// One thing that happens inside an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Inside {
    Boots,
    Mounts,
    Serves,
    /// The agent takes the next command.
    Begins,
    /// The command comes to its end.
    Ends,
    SaysWhetherPrepared,
    SaysWhetherItServes,
    /// The shutdown of an instance that EC2 ends comes to its end.
    PowersOff,
    /// Its agent was gone, and comes again.
    AgentReturns,
}

impl Inside {
    pub(crate) const ALL: [Inside; 9] = [
        Inside::Boots,
        Inside::Mounts,
        Inside::Serves,
        Inside::Begins,
        Inside::Ends,
        Inside::SaysWhetherPrepared,
        Inside::SaysWhetherItServes,
        Inside::PowersOff,
        Inside::AgentReturns,
    ];
}

impl World {
    pub(crate) fn may_inside(&self, id: Id, inside: Inside) -> bool {
        let it = &self.instances[id];
        let guest = it.guest;
        let runs = it.ec2 == Ec2::Running && guest.up && !guest.hung;
        let mut commands = it.commands;
        match inside {
            Inside::Boots => {
                let is_through = guest.down.is_none_or(|down| down >= self.reboot_takes);
                it.ec2 == Ec2::Running && !guest.up && is_through
            }
            Inside::Mounts => {
                runs && self.settled() == Some(id) && !guest.mounted && !guest.marker && !self.releases(id)
            }
            Inside::Serves => runs && guest.mounted && !guest.serving && !guest.marker && !self.releases(id),
            Inside::Begins => runs && guest.agent && commands.next().is_some(),
            Inside::Ends => {
                let mounted = guest.mounted;
                runs && commands.begun().is_some_and(|it| it.document == Document::Release || mounted)
            }
            Inside::SaysWhetherPrepared => runs && guest.agent && matches!(it.prepared, Said::Asked(_)),
            Inside::SaysWhetherItServes => {
                runs && guest.agent && matches!(it.serves, Said::Asked(_)) && (guest.serving || guest.marker)
            }
            Inside::PowersOff => it.ec2 == Ec2::Dead && guest != Default::default(),
            Inside::AgentReturns => runs && !guest.agent,
        }
    }

    pub(crate) fn happen_inside(&mut self, id: Id, inside: Inside) {
        let sees_volume = self.volume.held.is_some_and(|held| held.by == id && held.state != Place::Attaching);
        let it = &mut self.instances[id];
        match inside {
            Inside::Boots => it.guest = Guest { up: true, agent: true, ..Guest::default() },
            Inside::Mounts => it.guest.mounted = true,
            Inside::Serves => it.guest.serving = true,
            Inside::Begins => {
                let command = it.commands.next().expect("a command");
                let has_nothing_to_do = it.guest.mounted && !it.guest.marker;
                (command.outcome, command.ended) = match command.document {
                    Document::Release | Document::Resume if !sees_volume => (Outcome::Failed, 0),
                    Document::Resume if has_nothing_to_do => (Outcome::Success, 0),
                    Document::Release | Document::Resume => (Outcome::Begun, 0),
                };
                if command.outcome == Outcome::Begun {
                    it.guest.marker = command.document == Document::Release;
                    it.guest.serving &= !it.guest.marker;
                }
            }
            Inside::Ends => {
                let command = it.commands.begun().expect("a command under way");
                (command.outcome, command.ended) = (Outcome::Success, 0);
                it.guest.mounted &= command.document != Document::Release;
            }
            Inside::SaysWhetherPrepared => it.prepared = Said::Yes,
            Inside::SaysWhetherItServes if it.prepared == Said::Absent => it.serves = Said::Absent,
            Inside::SaysWhetherItServes => it.serves = if it.guest.serving { Said::Yes } else { Said::No },
            Inside::PowersOff => it.power_off(),
            Inside::AgentReturns => it.guest.agent = true,
        }
    }

    /// EC2 ends it in good order: it shuts down, and nobody reaches it any more.
    pub(crate) fn shut_down(&mut self, id: Id) {
        let it = &mut self.instances[id];
        if it.lives() {
            it.ec2 = Ec2::Dead;
            (it.guest.serving, it.guest.agent) = (false, false);
        }
    }

    fn releases(&self, id: Id) -> bool {
        let mut commands = self.instances[id].commands;
        commands.begun().is_some_and(|it| it.document == Document::Release)
    }
}
