//! The VPC that everything lives in: three zones, a subnet each, and a second one in the first zone.

use std::collections::BTreeSet;

use super::Ec2;
use super::InstanceState;
use crate::world::error::{ApiError, ApiResult};

/// The one VPC.
pub const VPC_ID: &str = "vpc-0d4f1c6a2be093571";

pub const ZONES: [&str; 3] = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];

/// Each subnet and its zone, `10.0.<index>.0/24`. A zone's first subnet is where what names only the zone goes.
pub const SUBNETS: [(&str, &str); 4] = [
    ("subnet-0a3b5e9c17d2f4681", ZONES[0]),
    ("subnet-0b6d81f24c9e7a350", ZONES[1]),
    ("subnet-0c92e4a7d05f1b836", ZONES[2]),
    ("subnet-0d17c3f85ab6e2094", ZONES[0]),
];

/// The zone of a subnet.
pub fn zone_of(subnet: &str) -> ApiResult<&'static str> {
    let known = SUBNETS.iter().find(|(id, _)| *id == subnet);
    known
        .map(|(_, zone)| *zone)
        .ok_or_else(|| ApiError::new("InvalidSubnetID.NotFound", format!("The subnet ID '{subnet}' does not exist")))
}

/// The first subnet of a zone.
pub fn subnet_in(zone: &str) -> ApiResult<&'static str> {
    let known = SUBNETS.iter().find(|(_, its)| *its == zone);
    known
        .map(|(id, _)| *id)
        .ok_or_else(|| ApiError::new("InvalidParameterValue", format!("Invalid availability zone: [{zone}]")))
}

impl Ec2 {
    /// From now on the subnet is one without IPv4: instances that are launched there have no such address.
    pub fn make_ipv6_native(&mut self, subnet: &str) {
        self.ipv6_native.insert(subnet.to_owned());
    }

    pub fn is_ipv6_native(&self, subnet: &str) -> bool {
        self.ipv6_native.contains(subnet)
    }

    /// The next free addresses of the subnet, as many as are asked for. Addresses go round, so that one is not used again
    /// soon: a stale record would otherwise look right by accident.
    ///
    /// # Errors
    /// As EC2 refuses a launch into a full subnet; then none is taken.
    pub(in crate::world) fn next_private_ips(&mut self, subnet: &str, count: u32) -> ApiResult<Vec<String>> {
        if self.is_ipv6_native(subnet) {
            return Ok(vec![String::new(); count as usize]);
        }
        let index = SUBNETS.iter().position(|(id, _)| *id == subnet).expect("the subnet was looked up");
        let address = |host: u8| format!("10.0.{index}.{host}");
        let instances = self.instances.values().filter(|instance| instance.state != InstanceState::Terminated);
        let in_use: BTreeSet<&str> = instances.map(|instance| instance.private_ip.as_str()).collect();
        // Amazon VPC User Guide: the first four addresses and the last one of a subnet are reserved.
        let last = self.last_host[index].max(3);
        let round = (last.saturating_add(1)..=254).chain(4..=last.min(254));
        let free: Vec<u8> =
            round.filter(|host| !in_use.contains(address(*host).as_str())).take(count as usize).collect();
        if free.len() < count as usize {
            let text = format!(
                "There are not enough free addresses in subnet '{subnet}' to satisfy the requested number of instances."
            );
            return Err(ApiError::new("InsufficientFreeAddressesInSubnet", text));
        }
        self.last_host[index] = free.last().copied().unwrap_or(last);
        Ok(free.into_iter().map(address).collect())
    }
}
