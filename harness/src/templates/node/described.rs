//! The parameters of one node when its template is deployed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::ec2::network;

/// A node, as its template's parameters describe it.
#[derive(Clone, Debug)]
pub struct DescribedNode {
    pub name: String,
    /// Of its volume, and so of its instances.
    pub zone: String,
    /// A subnet of that zone.
    pub subnet: String,
    pub hosted_zone_id: String,
    pub record_name: String,
    pub volume_gib: u32,
    /// The SSM parameter that names the image of the next launch.
    pub image_parameter: String,
}

impl DescribedNode {
    /// A node to try a template with.
    pub(super) fn some() -> DescribedNode {
        let (subnet, zone) = network::SUBNETS[0];
        DescribedNode {
            name: "k3s".to_owned(),
            zone: zone.to_owned(),
            subnet: subnet.to_owned(),
            hosted_zone_id: "Z0123456789ABCDEFGHIJ".to_owned(),
            record_name: "k3s.durin.internal".to_owned(),
            volume_gib: 20,
            image_parameter: "/durin/image".to_owned(),
        }
    }

    /// By the names that the template gives its parameters.
    pub fn parameters(&self) -> NodeParameters {
        let value = json!({
            "NodeName": self.name,
            "VpcId": network::VPC_ID,
            "SubnetIds": self.subnet,
            "AvailabilityZone": self.zone,
            "SecurityGroupId": "sg-0123456789abcdef0",
            "HostedZoneId": self.hosted_zone_id,
            "RecordName": self.record_name,
            "VolumeSizeGiB": self.volume_gib,
            "ImageParameter": self.image_parameter,
        });
        value.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// The same by the names of the template's parameters, without those that it does not declare.
pub type NodeParameters = BTreeMap<String, Value>;
