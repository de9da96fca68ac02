//! DescribeInstanceInformation: the agents that Systems Manager knows.

use serde_json::{Value, json};

use super::answers::paged;
use crate::wire::fields::Fields;
use crate::wire::operation::{Operation, reads};
use crate::world::World;
use crate::world::ec2::Instance;
use crate::world::error::{ApiError, ApiResult};
use crate::world::ssm::PingStatus;

pub(super) const OPERATIONS: &[Operation] = &[Operation::ssm(
    "DescribeInstanceInformation",
    &["Filters", "InstanceInformationFilterList", "MaxResults", "NextToken"],
    reads(describe),
)];

/// What a real agent of these days calls itself.
const AGENT_VERSION: &str = "3.3.2299.0";

/// DescribeInstanceInformation. An instance whose agent never registered is missing, which is no error.
fn describe(world: &World, fields: &Fields) -> ApiResult<Value> {
    let mut managed: Vec<(&Instance, PingStatus)> = world.managed_instances().collect();
    for (list, key, values) in [("InstanceInformationFilterList", "key", "valueSet"), ("Filters", "Key", "Values")] {
        for filter in fields.structures(list)? {
            let values = filter.texts(values)?;
            match filter.required(key)? {
                "InstanceIds" => managed.retain(|(instance, _)| values.contains(&instance.id.as_str())),
                "PingStatus" => managed.retain(|(_, status)| values.contains(&status.name())),
                _ => return Err(ApiError::new("InvalidFilterKey", "")),
            }
        }
    }
    let items =
        managed.into_iter().map(|(instance, status)| (instance.id.clone(), item(world, instance, status))).collect();
    paged(fields, "InstanceInformationList", 5..=50, items)
}

fn item(world: &World, instance: &Instance, status: PingStatus) -> Value {
    let mut item = json!({
        "InstanceId": instance.id,
        "PingStatus": status.name(),
        "AgentVersion": AGENT_VERSION,
        "IsLatestVersion": true,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": instance.private_ip,
        "ComputerName": format!("ip-{}.{}.compute.internal", instance.private_ip.replace('.', "-"), crate::world::REGION),
        "SourceId": instance.id,
        "SourceType": "AWS::EC2::Instance",
    });
    if let Some(last_ping) = instance.guest.last_ping(world.now()) {
        item["LastPingDateTime"] = last_ping.epoch_seconds().into();
    }
    item
}
