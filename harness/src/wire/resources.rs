//! The resources of a call that IAM is asked about: the ARN and the tags. From the Service Authorization Reference
//! ("Actions, resources, and condition keys for Amazon EC2", and so on).
//!
//! A resource that does not exist has no tags, so a policy that requires tags refuses it. AWS does not document
//! whether, and for which operations, it answers "not found" instead. Probe: tags-decide-before-existence.

use crate::iam::Check;
use crate::world::{ACCOUNT, REGION, World};

/// A resource of EC2, by its id.
pub(super) fn of_ec2(world: &World, action: &str, id: &str) -> Check {
    let mut check = Check::new(action, ec2_arn(id));
    let tags = match id.split('-').next() {
        Some("i") => world.ec2.instance(id).map(|instance| &instance.tags),
        Some("vol") => world.ec2.volume(id).map(|volume| &volume.tags),
        Some("ami") => world.ec2.images().get(id).map(|image| &image.tags),
        Some("snap") => world.ec2.snapshot(id).map(|snapshot| &snapshot.tags),
        _ => None,
    };
    check.resource_tags = tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    check
}

/// A parameter, by its name or ARN: without a leading slash, a version or a label.
pub(super) fn of_parameter(world: &World, action: &str, selector: &str) -> Check {
    let name = match world.ssm.select(selector) {
        Some((parameter, _)) => parameter.name.as_str(),
        None => selector.rsplit_once(":parameter/").map_or(selector, |(_, name)| name).split(':').next().unwrap_or(""),
    };
    let mut check = Check::new(action, arn("ssm", &format!("parameter/{}", name.trim_start_matches('/'))));
    let tags = world.ssm.parameter(name).map(|parameter| &parameter.tags);
    check.resource_tags = tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    check
}

/// `arn:aws:SERVICE:REGION:ACCOUNT:rest`
pub(super) fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

/// The ARNs of images and snapshots name no account.
fn ec2_arn(id: &str) -> String {
    match id.split('-').next().unwrap_or_default() {
        "i" => arn("ec2", &format!("instance/{id}")),
        "vol" => arn("ec2", &format!("volume/{id}")),
        "lt" => arn("ec2", &format!("launch-template/{id}")),
        "ami" => format!("arn:aws:ec2:{REGION}::image/{id}"),
        "snap" => format!("arn:aws:ec2:{REGION}::snapshot/{id}"),
        _ => arn("ec2", &format!("*/{id}")),
    }
}
