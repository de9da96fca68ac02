//! EC2: each resource that a call names is asked about.

use super::super::query::{Dialect, Params};
use super::arn;
use crate::iam::Check;
use crate::world::{REGION, World};

pub(super) fn checks(world: &World, name: &str, body: &[u8]) -> Vec<Check> {
    let params = Params::parse(Dialect::Ec2, body);
    let ids: Vec<String> = match name {
        "AttachVolume" | "DetachVolume" => {
            // Detached from whoever holds it, if the call does not say from whom.
            let holder = params.owned("InstanceId").or_else(|| {
                let volume = world.volumes.get(params.text("VolumeId")?)?;
                Some(volume.attachment.as_ref()?.instance_id.clone())
            });
            holder.into_iter().chain(params.owned("VolumeId")).collect()
        }
        "DeleteVolume" => params.owned("VolumeId").into_iter().collect(),
        "StartInstances" | "StopInstances" | "TerminateInstances" => params.list("InstanceId"),
        "CreateTags" | "DeleteTags" => params.list("ResourceId"),
        "DeregisterImage"
        | "DescribeImageAttribute"
        | "DisableImage"
        | "DisableImageDeprecation"
        | "EnableImage"
        | "EnableImageDeprecation" => params.owned("ImageId").into_iter().collect(),
        "DescribeImageReferences" => return in_its_name(),
        "DeleteSnapshot" => params.owned("SnapshotId").into_iter().collect(),
        _ => Vec::new(),
    };
    let request_tags: Vec<_> = match name {
        "CreateTags" | "DeleteTags" => {
            let pair = |tag: &Params| (tag.owned("Key").unwrap_or_default(), tag.owned("Value").unwrap_or_default());
            params.structures("Tag").iter().map(pair).collect()
        }
        _ => Vec::new(),
    };
    let check = |id: &String| Check { request_tags: request_tags.clone(), ..of_resource(world, name, id) };
    let with_image = snapshots_that_go_along(world, name, &params);
    let along = with_image.iter().map(|id| of_resource(world, "DeleteSnapshot", id));
    ids.iter().map(check).chain(along).collect()
}

/// The snapshots that DeregisterImage deletes, too. AWS answers `missing-permissions` for one that its caller may not
/// delete, and deregisters the image; here the whole call is refused, so that a role which lacks it does not go unseen.
fn snapshots_that_go_along(world: &World, name: &str, params: &Params) -> Vec<String> {
    let wanted = name == "DeregisterImage" && params.flag("DeleteAssociatedSnapshots").ok().flatten() == Some(true);
    let image = params.text("ImageId").filter(|_| wanted).and_then(|id| world.images.get(id));
    image.into_iter().flat_map(|image| &image.block_devices).map(|device| device.snapshot_id.clone()).collect()
}

/// What EC2 looks at in the name of whoever asks for references. (EC2 User Guide, "Required permissions" of AMI references.)
fn in_its_name() -> Vec<Check> {
    let actions = [
        "ec2:DescribeImageReferences",
        "ec2:DescribeInstances",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeLaunchTemplates",
        "imagebuilder:ListContainerRecipes",
        "imagebuilder:ListImageRecipes",
        "ssm:DescribeParameters",
    ];
    let of_recipes = Check::new("imagebuilder:GetContainerRecipe", arn("imagebuilder", "container-recipe/any/1.0.0"));
    let of_parameters = Check::new("ssm:GetParameters", arn("ssm", "parameter/any"));
    actions.into_iter().map(|action| Check::new(action, "*")).chain([of_recipes, of_parameters]).collect()
}

/// What IAM is asked about one resource, by its id.
fn of_resource(world: &World, name: &str, id: &str) -> Check {
    let mut check = Check::new(format!("ec2:{name}"), resource_arn(id));
    let tags = match id.split('-').next() {
        Some("i") => world.instances.get(id).map(|instance| &instance.tags),
        Some("vol") => world.volumes.get(id).map(|volume| &volume.tags),
        Some("ami") => world.images.get(id).map(|image| &image.tags),
        Some("snap") => world.snapshots.get(id).map(|snapshot| &snapshot.tags),
        _ => None,
    };
    check.resource_tags = tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect();
    check
}

/// Images and snapshots belong to no account, as far as their ARNs are concerned.
fn resource_arn(id: &str) -> String {
    match id.split('-').next().unwrap_or_default() {
        "i" => arn("ec2", &format!("instance/{id}")),
        "vol" => arn("ec2", &format!("volume/{id}")),
        "lt" => arn("ec2", &format!("launch-template/{id}")),
        "ami" => format!("arn:aws:ec2:{REGION}::image/{id}"),
        "snap" => format!("arn:aws:ec2:{REGION}::snapshot/{id}"),
        _ => arn("ec2", &format!("*/{id}")),
    }
}
