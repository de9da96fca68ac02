//! What goes wrong, and what people do: each costs one of the faults that a history may have.

use crate::commands::{Document, Outcome};
use crate::guest::Inside;
use crate::runs::Rules;
use crate::world::{Age, Cycle, Ec2, Id, Left, Mark, Place, Said, World};

/// How long before it EC2 warns of an interruption.
const WARNS_BEFORE: Left = 120;

/// The shorter one of the node's two hooks, and as long as Lambda lets a function be at work. (`infra/node.yaml`.)
pub(crate) const HEARTBEAT: Age = 900;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// EC2 warns of an interruption.
    IsWarned(Id),
    /// Its host retires, and a function has marked it so.
    Retires(Id),
    /// It dies unannounced.
    Dies(Id),
    /// Systems Manager goes on to call its agent online.
    Hangs(Id),
    /// In good order, and it comes up again: the marker is gone.
    Reboots(Id),
    /// The agent goes, and what runs goes on.
    LosesAgent(Id),
    /// What the agent is about fails on the way.
    CommandFails(Id),
    /// Asked whether it is prepared, it says that its image is not fit.
    IsUnfit(Id),
    /// It has an agent, and its image no program that could answer.
    LacksProgram(Id),
    /// EC2 never brings the attachment, or the detachment, to its end.
    Sticks,
    /// A person detaches the volume from its holder.
    PersonDetaches,
    /// A person changes the record to another instance's address.
    PersonPointsRecord(Id),
    PersonRemovesRecord,
    /// A person ends an instance in EC2.
    PersonTerminates(Id),
    /// A person ends an instance through its group, which launches another.
    PersonEnds(Id),
    /// A person asks the group for a replacement that is launched first.
    PersonRefreshes,
    PersonAsksForTwo,
    /// The group gives up a replacement that was to be launched first, and its newcomer.
    RefreshFails(Id),
    /// Nobody has completed its lifecycle action for as long as it waits.
    TimesOut(Id),
    /// So many seconds pass, and something takes longer than it may.
    Dawdles(Age),
}

impl World {
    pub(crate) fn fault_moves(&self) -> Vec<Fault> {
        let each = |id: Id| {
            [
                Fault::IsWarned(id),
                Fault::Retires(id),
                Fault::Dies(id),
                Fault::Hangs(id),
                Fault::Reboots(id),
                Fault::LosesAgent(id),
                Fault::CommandFails(id),
                Fault::IsUnfit(id),
                Fault::LacksProgram(id),
                Fault::PersonPointsRecord(id),
                Fault::PersonTerminates(id),
                Fault::PersonEnds(id),
                Fault::RefreshFails(id),
                Fault::TimesOut(id),
            ]
        };
        let single = [
            Fault::Sticks,
            Fault::PersonDetaches,
            Fault::PersonRemovesRecord,
            Fault::PersonRefreshes,
            Fault::PersonAsksForTwo,
        ];
        self.ids().flat_map(each).chain(single).filter(|fault| self.faults > 0 && self.may_fail(*fault)).collect()
    }

    fn may_fail(&self, fault: Fault) -> bool {
        let of = |id: Id| &self.instances[id];
        let runs = |id: Id| of(id).ec2 == Ec2::Running && of(id).guest.up;
        match fault {
            Fault::IsWarned(id) => runs(id) && of(id).warned.is_none(),
            Fault::Retires(id) => runs(id) && of(id).cycle == Cycle::InService && of(id).mark.is_none(),
            Fault::Dies(id) | Fault::PersonTerminates(id) => of(id).lives(),
            Fault::Hangs(id) | Fault::Reboots(id) => runs(id) && !of(id).guest.hung,
            Fault::LosesAgent(id) => runs(id) && of(id).guest.agent,
            Fault::CommandFails(id) => runs(id) && of(id).commands.clone().begun().is_some(),
            Fault::IsUnfit(id) | Fault::LacksProgram(id) => self.may_inside(id, Inside::SaysWhetherPrepared),
            Fault::Sticks => self.volume.held.is_some_and(|held| {
                of(held.by).lives() && held.state != Place::Attached && !held.stuck && !of(held.by).guest.mounted
            }),
            Fault::PersonDetaches => {
                self.volume.held.is_some_and(|held| of(held.by).lives() && held.state == Place::Attached)
            }
            Fault::PersonEnds(id) => of(id).cycle == Cycle::InService,
            Fault::RefreshFails(id) => self.group.replacing && of(id).cycle.is_launching(),
            Fault::PersonPointsRecord(id) => self.record != Some(id) && of(id).lives(),
            Fault::PersonRemovesRecord => self.record.is_some(),
            Fault::PersonRefreshes => !self.group.replacing && self.count(|it| it.cycle == Cycle::InService) == 1,
            Fault::PersonAsksForTwo => self.group.desired == 1,
            Fault::TimesOut(id) => of(id).cycle.waits(),
            Fault::Dawdles(_) => true,
        }
    }

    pub(crate) fn fail(&mut self, fault: Fault, rules: &Rules) {
        self.faults -= 1;
        match fault {
            Fault::IsWarned(id) => self.instances[id].warned = Some(WARNS_BEFORE),
            Fault::Retires(id) => self.instances[id].mark = Some(Mark::Retirement),
            Fault::Dies(id) => {
                let it = &mut self.instances[id];
                (it.ec2, it.warned) = (Ec2::Dead, None);
                it.power_off();
            }
            Fault::Hangs(id) => {
                let guest = &mut self.instances[id].guest;
                (guest.hung, guest.serving) = (true, false);
            }
            Fault::Reboots(id) => {
                self.instances[id].power_off();
                self.instances[id].guest.down = Some(0);
            }
            Fault::LosesAgent(id) => {
                let it = &mut self.instances[id];
                it.guest.agent = false;
                it.commands.break_off();
            }
            Fault::CommandFails(id) => {
                let it = &mut self.instances[id];
                let command = it.commands.begun().expect("a command under way");
                (command.outcome, command.ended) = (Outcome::Failed, 0);
                it.guest.serving &= command.document != Document::Release;
            }
            Fault::IsUnfit(id) => self.instances[id].prepared = Said::No,
            Fault::LacksProgram(id) => self.instances[id].prepared = Said::Absent,
            Fault::Sticks => self.volume.held.as_mut().expect("on its way").stuck = true,
            Fault::PersonDetaches => {
                let holder = self.holder().expect("a holder");
                self.detach(holder);
            }
            Fault::PersonPointsRecord(id) => self.record = Some(id),
            Fault::PersonRemovesRecord => self.record = None,
            Fault::PersonTerminates(id) => self.shut_down(id),
            Fault::PersonEnds(id) => {
                self.end_member(id);
            }
            Fault::RefreshFails(id) => {
                self.end_member(id);
                self.group.replacing = false;
            }
            Fault::PersonRefreshes => self.group.replacing = true,
            Fault::PersonAsksForTwo => self.group.desired = 2,
            Fault::TimesOut(id) => {
                // No function is at work for so long.
                self.runs = [None, None];
                self.pass(HEARTBEAT, rules);
                self.time_hook_out(id);
            }
            Fault::Dawdles(by) => self.pass(by, rules),
        }
    }
}
