//! What nothing keeps from happening happens before its bound is over. That it does not is a fault.

use crate::commands::{Document, Outcome};
use crate::guest::Inside;
use crate::world::{Age, Cycle, Ec2, Id, Place, Said, World};

impl World {
    /// Whether something would come too late if nothing but so many seconds went by.
    pub(crate) fn makes_late(&self, by: Age) -> bool {
        self.makes_volume_late(by)
            || self.ids().any(|id| self.makes_launch_late(id, by) || self.makes_agent_late(id, by))
    }

    fn makes_volume_late(&self, by: Age) -> bool {
        let Some(held) = self.volume.held else { return false };
        let holder = &self.instances[held.by];
        let watched = self.runs.iter().flatten().map(|run| run.stands).max().unwrap_or_default();
        let could_leave = !held.stuck && !holder.guest.mounted && watched + by >= 121;
        match held.state {
            _ if !holder.lives() => holder.guest == Default::default() && watched + by >= 121,
            Place::Attaching => !held.stuck && held.since + by >= 121,
            Place::Detaching => could_leave,
            Place::Attached => {
                let could_serve = [Inside::Mounts, Inside::Serves].iter().any(|it| self.may_inside(held.by, *it));
                holder.cycle.is_launching() && could_serve && held.since + by >= 121
            }
        }
    }

    fn makes_launch_late(&self, id: Id, by: Age) -> bool {
        let it = &self.instances[id];
        let is_on_its_way =
            it.ec2 == Ec2::Pending || (it.ec2 == Ec2::Running && !it.guest.up) || it.cycle == Cycle::Pending;
        it.lives() && it.cycle.is_launching() && is_on_its_way && it.launched + by >= 121
    }

    fn makes_agent_late(&self, id: Id, by: Age) -> bool {
        let it = &self.instances[id];
        let may = |inside| self.may_inside(id, inside);
        let is_asked = |said, answer| matches!(said, Said::Asked(age) if age + by >= 120) && may(answer);
        let late = it.commands.iter().any(|command| match (command.outcome, command.document) {
            (Outcome::Sent, _) => may(Inside::Begins) && command.requested + by >= 30,
            (Outcome::Begun, Document::Release) => may(Inside::Ends) && command.requested + by >= 60,
            (Outcome::Begun, Document::Resume) => {
                (may(Inside::Ends) || may(Inside::Mounts)) && command.requested + by >= 240
            }
            (Outcome::Success | Outcome::Failed | Outcome::Undelivered, _) => false,
        });
        late || is_asked(it.prepared, Inside::SaysWhetherPrepared) || is_asked(it.serves, Inside::SaysWhetherItServes)
    }
}
