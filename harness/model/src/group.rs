//! The Auto Scaling group and EC2: what they do of their own accord, each as late as it likes.

use crate::world::{Cycle, Ec2, Id, Instance, Place, World};
use crate::writes::Answer;

/// One thing that AWS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Aws {
    /// The group launches the next instance.
    Launches(Id),
    Runs(Id),
    /// Its launch action begins to wait.
    Waits(Id),
    EntersService(Id),
    /// The group ends an instance that is dead, or does not answer EC2.
    EndsUnhealthy(Id),
    /// The group ends one that it has replaced, or that is one too many.
    EndsSurplus(Id),
    Terminates(Id),
    Leaves(Id),
    /// EC2 takes back the capacity of an instance that it has warned.
    Reclaims(Id),
    Attaches,
    Detaches,
}

impl World {
    pub(crate) fn aws_moves(&self) -> Vec<Aws> {
        let each = |id: Id| {
            [
                Aws::Launches(id),
                Aws::Runs(id),
                Aws::Waits(id),
                Aws::EntersService(id),
                Aws::EndsUnhealthy(id),
                Aws::EndsSurplus(id),
                Aws::Terminates(id),
                Aws::Leaves(id),
                Aws::Reclaims(id),
            ]
        };
        let all = self.ids().flat_map(each).chain([Aws::Attaches, Aws::Detaches]);
        all.filter(|aws| self.may_do(*aws)).collect()
    }

    fn may_do(&self, aws: Aws) -> bool {
        let of = |id: Id| &self.instances[id];
        match aws {
            Aws::Launches(id) => {
                let first = self.ids().find(|id| of(*id).ec2 == Ec2::Unborn);
                let has_capacity = self.group.no_capacity_for == 0;
                has_capacity && first == Some(id) && self.counted() < usize::from(self.wanted())
            }
            Aws::Runs(id) => of(id).ec2 == Ec2::Pending,
            Aws::Waits(id) => of(id).cycle == Cycle::Pending && of(id).ec2 == Ec2::Running,
            Aws::EntersService(id) => of(id).cycle == Cycle::PendingProceed,
            Aws::EndsUnhealthy(id) => {
                let is_unhealthy = !of(id).lives() || of(id).guest.hung;
                is_unhealthy && matches!(of(id).cycle, Cycle::InService | Cycle::Pending)
            }
            Aws::EndsSurplus(id) => self.surplus() == Some(id),
            Aws::Terminates(id) => of(id).cycle == Cycle::TerminatingProceed && of(id).lives(),
            Aws::Leaves(id) => {
                let it = of(id);
                it.cycle == Cycle::TerminatingProceed && !it.lives() && it.guest == Default::default()
            }
            Aws::Reclaims(id) => of(id).lives() && of(id).warned.is_some_and(|left| left <= 0),
            Aws::Attaches => self
                .volume
                .held
                .is_some_and(|held| held.state == Place::Attaching && !held.stuck && of(held.by).lives()),
            Aws::Detaches => self.volume.held.is_some_and(|held| {
                let it = of(held.by);
                let is_gone = !it.lives() && it.guest == Default::default();
                is_gone || (held.state == Place::Detaching && !held.stuck && !it.guest.mounted)
            }),
        }
    }

    pub(crate) fn do_aws(&mut self, aws: Aws) {
        match aws {
            Aws::Launches(id) => {
                self.instances[id] = Instance { ec2: Ec2::Pending, cycle: Cycle::Pending, ..Instance::default() };
            }
            Aws::Runs(id) => self.instances[id].ec2 = Ec2::Running,
            Aws::Waits(id) => self.instances[id].cycle = Cycle::PendingWait,
            Aws::EntersService(id) => self.instances[id].cycle = Cycle::InService,
            Aws::EndsUnhealthy(id) => {
                self.end_member(id);
            }
            Aws::EndsSurplus(id) => {
                self.end_member(id);
                self.group.replacing = false;
            }
            Aws::Terminates(id) => self.shut_down(id),
            Aws::Leaves(id) => self.instances[id].cycle = Cycle::Outside,
            Aws::Reclaims(id) => {
                let it = &mut self.instances[id];
                it.ec2 = Ec2::Dead;
                it.warned = None;
                it.power_off();
            }
            Aws::Attaches => self.volume.held.as_mut().expect("attaching").state = Place::Attached,
            Aws::Detaches => self.volume.held = None,
        }
    }

    /// The group begins to end a member: its terminate action waits. One that is launched counts for nothing any more.
    pub(crate) fn end_member(&mut self, id: Id) -> Answer {
        let it = &mut self.instances[id];
        match it.cycle {
            Cycle::Pending | Cycle::PendingWait | Cycle::PendingProceed | Cycle::InService => {
                it.cycle = Cycle::TerminatingWait;
                Answer::Done
            }
            Cycle::Outside | Cycle::TerminatingWait | Cycle::TerminatingProceed => Answer::Refused,
        }
    }

    /// Nobody has completed it: a launch is given up, an end goes on.
    pub(crate) fn time_hook_out(&mut self, id: Id) {
        let it = &mut self.instances[id];
        it.cycle = if it.cycle == Cycle::PendingWait { Cycle::TerminatingWait } else { Cycle::TerminatingProceed };
    }

    fn counted(&self) -> usize {
        self.count(|it| it.cycle == Cycle::InService || it.cycle.is_launching())
    }

    fn wanted(&self) -> u8 {
        let leaves = |it: &Instance| it.cycle == Cycle::InService && it.warned.is_some();
        let replaces = self.group.replacing || (self.group.rebalances && self.count(leaves) > 0);
        self.group.desired + u8::from(replaces)
    }

    /// Which instance the group ends for being one too many: one that it replaces as soon as its successor is in service;
    /// else the oldest, if more are there than anybody wants.
    fn surplus(&self) -> Option<Id> {
        let is_in_service = |id: &Id| self.instances[*id].cycle == Cycle::InService;
        let in_service: Vec<Id> = self.ids().filter(is_in_service).collect();
        let is_replaced = in_service.len() > usize::from(self.group.desired);
        let is_too_many = self.counted() > usize::from(self.wanted());
        let warned = in_service.iter().find(|id| self.group.rebalances && self.instances[**id].warned.is_some());
        match (is_replaced, warned) {
            (true, Some(warned)) => Some(*warned),
            (true, None) => in_service.first().copied(),
            (false, _) if is_too_many => {
                let is_launching = |id: &Id| self.instances[*id].cycle.is_launching();
                in_service.first().copied().or_else(|| self.ids().find(is_launching))
            }
            (false, _) => None,
        }
    }
}
