//! Systems Manager: a command is asked about with its document and with each instance; a parameter by its name.

use super::super::fields::Fields;
use super::arn;
use crate::iam::Check;
use crate::world::{REGION, World};

pub(super) fn checks(world: &World, name: &str, fields: &Fields) -> Vec<Check> {
    let text = |member: &str| fields.text(member).ok().flatten().unwrap_or_default();
    let texts = |member: &str| fields.texts(member).unwrap_or_default();
    let parameter = |parameter: &str| of_parameter(world, name, parameter);
    match name {
        "SendCommand" => {
            let document = Check::new("ssm:SendCommand", document_arn(text("DocumentName")));
            let instances = texts("InstanceIds").into_iter().map(|id| to_instance(world, id));
            std::iter::once(document).chain(instances).collect()
        }
        "GetParameters" => texts("Names").into_iter().map(parameter).collect(),
        "DeleteParameter" | "GetParameter" | "GetParameterHistory" => vec![parameter(text("Name"))],
        "ListTagsForResource" if text("ResourceType") == "Parameter" => vec![parameter(text("ResourceId"))],
        "PutParameter" => {
            let mut check = parameter(text("Name"));
            let overwrite = fields.flag("Overwrite").unwrap_or_default();
            check.keys = vec![("ssm:Overwrite", vec![overwrite.to_string()])];
            for tag in fields.structures("Tags").unwrap_or_default() {
                let member = |name: &str| tag.owned(name).ok().flatten().unwrap_or_default();
                check.request_tags.push((member("Key"), member("Value")));
            }
            vec![check]
        }
        _ => Vec::new(),
    }
}

/// AWS's own documents belong to no account.
fn document_arn(name: &str) -> String {
    match name.starts_with("AWS-") {
        true => format!("arn:aws:ssm:{REGION}::document/{name}"),
        false => arn("ssm", &format!("document/{name}")),
    }
}

fn to_instance(world: &World, id: &str) -> Check {
    let mut check = Check::new("ssm:SendCommand", arn("ec2", &format!("instance/{id}")));
    let tags = world.ec2.instances.get(id).map(|instance| &instance.tags);
    check.resource_tags = tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    check
}

/// By its name, without a leading slash, a version or a label.
pub(super) fn of_parameter(world: &World, operation: &str, selector: &str) -> Check {
    let name = selector.split(':').next().unwrap_or_default();
    let resource = arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')));
    let mut check = Check::new(format!("ssm:{operation}"), resource);
    let tags = world.ssm.parameters.get(name).map(|parameter| &parameter.tags);
    check.resource_tags = tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    check
}
