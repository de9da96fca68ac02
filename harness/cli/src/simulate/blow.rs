//! What happens to some instance of a node's group.

use std::fmt;

use durin_harness::world::World;
use durin_harness::world::autoscaling::{StartInstanceRefresh, UpdateAutoScalingGroup};
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::ec2::network::SUBNETS;
use durin_harness::world::error::ApiResult;

/// What happens, and how many launches fail after it.
pub(super) struct Blow {
    what: What,
    /// Which of the group's instances it hits, counted round and round.
    index: usize,
    failing_launches: u32,
}

#[derive(Clone, Copy)]
enum What {
    Interrupted(SpotAction),
    Recommended,
    Reclaimed,
    EndedByGroup,
    Terminated,
    Retires,
    Unhealthy,
    /// A person gives the group the other subnet of its zone.
    SubnetChanged,
    /// A person starts an instance refresh with this minimum and maximum of healthy instances, in percent.
    Refreshed(Option<u32>, Option<u32>),
}

impl Blow {
    pub(super) fn draw(dice: &mut fastrand::Rng) -> Blow {
        let number = dice.u8(0..11);
        let failing_launches = dice.u32(0..3);
        let index = dice.usize(..);
        let what = match number {
            0 | 1 => What::Interrupted(SpotAction::Terminate),
            2 => What::Interrupted(SpotAction::Stop),
            3 => What::Recommended,
            4 => What::Reclaimed,
            5 => What::EndedByGroup,
            6 => What::Terminated,
            7 => What::Retires,
            8 => What::Unhealthy,
            9 => What::SubnetChanged,
            _ => {
                let bounds = [(None, None), (Some(100), Some(110)), (Some(0), Some(100))];
                let (min_healthy, max_healthy) = bounds[index % bounds.len()];
                What::Refreshed(min_healthy, max_healthy)
            }
        };
        Blow { what, index, failing_launches }
    }

    /// Strikes, and returns what to tell of it; a group without instances is left alone.
    pub(super) fn strike(&self, world: &mut World, group: &str) -> String {
        let members: Vec<_> =
            world.autoscaling.groups()[group].members.iter().map(|it| it.instance_id.clone()).collect();
        let Some(id) = members.get(self.index % members.len().max(1)) else {
            return format!("{group} has no instance that anything could happen to");
        };
        // A person may be refused: the instance has ended, or a refresh is under way.
        let refused = self.carry_out(world, group, id).err();
        let refused = refused.map(|error| format!(", refused: {}", error.code)).unwrap_or_default();
        world.autoscaling.fail_next_launches(group, self.failing_launches);
        let shortage = match self.failing_launches {
            0 => String::new(),
            failing => format!("; {failing} launches fail"),
        };
        format!("{id} {}{refused}{shortage}", self.what)
    }

    fn carry_out(&self, world: &mut World, group: &str, id: &str) -> ApiResult<()> {
        match self.what {
            What::Interrupted(action) => world.interrupt(id, action),
            What::Recommended => world.recommend_rebalance(id),
            What::Reclaimed => world.reclaim(id),
            What::EndedByGroup => drop(world.terminate_instance_in_auto_scaling_group(id, false)?),
            What::Terminated => drop(world.terminate_instances(&[id.to_owned()])?),
            What::Retires => world.schedule_retirement(id),
            What::Unhealthy => world.set_instance_health(id, false, false)?,
            What::SubnetChanged => {
                let is_in_first = world.autoscaling.groups()[group].subnets == [SUBNETS[0].0];
                let subnet = if is_in_first { SUBNETS[3].0 } else { SUBNETS[0].0 };
                let subnets = Some(vec![subnet.to_owned()]);
                let request = UpdateAutoScalingGroup { name: group.to_owned(), subnets, ..Default::default() };
                world.update_auto_scaling_group(request)?;
            }
            What::Refreshed(min_healthy, max_healthy) => {
                let group = group.to_owned();
                let request = StartInstanceRefresh { group, min_healthy, max_healthy, ..Default::default() };
                drop(world.start_instance_refresh(request)?);
            }
        }
        Ok(())
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Interrupted(SpotAction::Terminate) => "is interrupted",
            What::Interrupted(SpotAction::Stop) => "is interrupted, to be stopped",
            What::Interrupted(SpotAction::Hibernate) => "is interrupted, to hibernate",
            What::Recommended => "is recommended for rebalancing",
            What::Reclaimed => "is reclaimed without a warning",
            What::EndedByGroup => "is ended through its group by a person",
            What::Terminated => "is terminated by a person",
            What::Retires => "is on a host that retires",
            What::Unhealthy => "is called unhealthy by a person",
            What::SubnetChanged => "is in a group to which a person gives another subnet",
            What::Refreshed(..) => "is in a group that a person has refreshed",
        })
    }
}
