//! The VPC that everything lives in: three zones, a subnet each.

use super::{InstanceState, World};
use crate::world::error::{ApiError, ApiResult};

/// The one VPC.
pub const VPC_ID: &str = "vpc-0d4f1c6a2be093571";

/// Each zone and its subnet, `10.0.<index>.0/24`.
pub const ZONES: [(&str, &str); 3] = [
    ("eu-central-1a", "subnet-0a3b5e9c17d2f4681"),
    ("eu-central-1b", "subnet-0b6d81f24c9e7a350"),
    ("eu-central-1c", "subnet-0c92e4a7d05f1b836"),
];

/// The zone of a subnet.
pub fn zone_of(subnet: &str) -> ApiResult<&'static str> {
    let known = ZONES.iter().find(|(_, id)| *id == subnet);
    known
        .map(|(zone, _)| *zone)
        .ok_or_else(|| ApiError::new("InvalidSubnetID.NotFound", format!("The subnet ID '{subnet}' does not exist")))
}

/// The subnet of a zone.
pub fn subnet_in(zone: &str) -> ApiResult<&'static str> {
    let known = ZONES.iter().find(|(name, _)| *name == zone);
    known
        .map(|(_, subnet)| *subnet)
        .ok_or_else(|| ApiError::new("InvalidParameterValue", format!("Invalid availability zone: [{zone}]")))
}

impl World {
    /// The next free address of the zone's subnet. Addresses go round, so that one is not used again soon: a stale
    /// record would otherwise look right by accident.
    pub(in crate::world) fn next_private_ip(&mut self, zone: &str) -> String {
        let index = ZONES.iter().position(|(name, _)| *name == zone).unwrap_or(0);
        // Amazon VPC User Guide: the first four addresses and the last one of a subnet are reserved.
        for _ in 4..=254 {
            self.last_host[index] = if self.last_host[index] < 254 { self.last_host[index].max(3) + 1 } else { 4 };
            let address = format!("10.0.{index}.{}", self.last_host[index]);
            let in_use = self
                .instances
                .values()
                .any(|instance| instance.private_ip == address && instance.state != InstanceState::Terminated);
            if !in_use {
                return address;
            }
        }
        format!("10.0.{index}.4")
    }
}
