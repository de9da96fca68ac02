//! The subject of a call, for a person: ids and names from its parameters.

use serde_json::Value;

use super::service::Service;

/// Parameters that name the subject of a call to EC2.
const EC2: &[&str] = &[
    "VolumeId",
    "InstanceId",
    "Device",
    "ResourceId",
    "LaunchTemplateId",
    "LaunchTemplateName",
    "AvailabilityZone",
    "SubnetId",
    "VpcId",
    "ImageId",
    "SnapshotId",
    "SourceImageId",
    "Name",
];

const AUTO_SCALING: &[&str] = &[
    "AutoScalingGroupName",
    "AutoScalingGroupNames",
    "LifecycleHookName",
    "LaunchConfigurationName",
    "InstanceId",
    "InstanceIds",
    "LifecycleActionResult",
    "DesiredCapacity",
    "HealthStatus",
];

const SSM: &[&str] = &[
    "Name",
    "Names",
    "Path",
    "ResourceId",
    "DocumentName",
    "CommandId",
    "InstanceId",
    "InstanceIds",
    "InstanceInformationFilterList",
    "Filters",
];

/// The subject of a call of `action`, for example `ec2:AttachVolume`, with these parameters.
pub fn about(action: &str, parameters: &Value) -> String {
    let named = |names: &[&str]| names.iter().flat_map(|name| texts(&parameters[*name])).collect::<Vec<_>>();
    let words = match Service::of_action(action) {
        Some(Service::Ec2) => named(EC2),
        Some(Service::AutoScaling) => named(AUTO_SCALING),
        Some(Service::Route53) => {
            let changes = parameters["ChangeBatch"]["Changes"].as_array().into_iter().flatten();
            named(&["Id", "Name"]).into_iter().chain(changes.flat_map(change)).collect()
        }
        Some(Service::Ssm) => named(SSM),
        Some(Service::Kms) => named(&["KeyId"]),
        Some(Service::Events) => {
            let entries = parameters["Entries"].as_array().into_iter().flatten();
            entries.filter_map(|entry| entry["DetailType"].as_str()).collect()
        }
        Some(Service::Sts) | None => {
            parameters.as_object().into_iter().flat_map(|members| members.values()).flat_map(texts).collect()
        }
    };
    words.join(" ")
}

/// Of a text, itself; of a list, its texts; of a filter in it, the values.
fn texts(value: &Value) -> Vec<&str> {
    let found = match value.as_array() {
        Some(elements) => elements.iter().flat_map(values).collect(),
        None => vec![value],
    };
    found.into_iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).collect()
}

fn values(element: &Value) -> Vec<&Value> {
    match element.as_object() {
        Some(filter) => filter.values().filter_map(Value::as_array).flatten().collect(),
        None => vec![element],
    }
}

/// `UPSERT www.example.com. A 10.0.0.7`
fn change(change: &Value) -> Vec<&str> {
    let set = &change["ResourceRecordSet"];
    let records = set["ResourceRecords"].as_array().into_iter().flatten();
    let words = [&change["Action"], &set["Name"], &set["Type"]].into_iter();
    words.chain(records.map(|record| &record["Value"])).flat_map(texts).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_and_names_come_in_the_order_of_the_service() {
        for (action, parameters, expected) in [
            ("ec2:DetachVolume", json!({"Force": "true", "InstanceId": "i-1", "VolumeId": "vol-1"}), "vol-1 i-1"),
            ("ec2:StopInstances", json!({"InstanceId": ["i-1", "i-2"]}), "i-1 i-2"),
            ("ssm:GetParameters", json!({"Names": ["/a", "/b"], "Name": "/c"}), "/c /a /b"),
            ("ssm:ListCommands", json!({"Filters": [{"Key": "InstanceIds", "Values": ["i-1"]}]}), "i-1"),
            ("route53:GetHostedZone", json!({"Id": "Z1"}), "Z1"),
            ("sqs:SendMessage", json!({"resource": "arn:aws:sqs:::q"}), "arn:aws:sqs:::q"),
        ] {
            assert_eq!(about(action, &parameters), expected, "{action}");
        }
    }
}
