//! EC2: each resource that a call names is asked about.

use super::super::query::Params;
use super::arn;
use crate::iam::Check;
use crate::world::ssm::IMAGE_DATA_TYPE;
use crate::world::{REGION, World};

pub(super) fn checks(world: &World, name: &str, params: &Params) -> Vec<Check> {
    let ids: Vec<String> = match name {
        "AttachVolume" | "DetachVolume" => {
            // Detached from whoever holds it, if the call does not say from whom.
            let holder = params.owned("InstanceId").or_else(|| {
                let volume = world.ec2.volumes.get(params.text("VolumeId")?)?;
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
        "DescribeImageReferences" => return in_its_name(world),
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
    ids.iter().map(check).collect()
}

/// What EC2 looks at in the name of whoever asks for references. (EC2 User Guide, "Identify your resources referencing
/// specified AMIs"; the managed policy `AmazonEC2ImageReferencesAccessPolicy`.) There are no recipes here, so one is made
/// up: whoever has some needs the permission.
fn in_its_name(world: &World) -> Vec<Check> {
    let looks = [
        "ec2:DescribeImageReferences",
        "ec2:DescribeInstances",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeLaunchTemplates",
        "imagebuilder:ListContainerRecipes",
        "imagebuilder:ListImageRecipes",
        "ssm:DescribeParameters",
    ];
    let of_recipes = Check::new("imagebuilder:GetContainerRecipe", arn("imagebuilder", "container-recipe/any/1.0.0"));
    let of_images = world.ssm.parameters.values().filter(|parameter| parameter.data_type == IMAGE_DATA_TYPE);
    let of_parameters = of_images.map(|parameter| super::ssm::of_parameter(world, "GetParameters", &parameter.name));
    looks.into_iter().map(|action| Check::new(action, "*")).chain([of_recipes]).chain(of_parameters).collect()
}

/// What IAM is asked about one resource, by its id.
pub(super) fn of_resource(world: &World, name: &str, id: &str) -> Check {
    let mut check = Check::new(format!("ec2:{name}"), resource_arn(id));
    let tags = match id.split('-').next() {
        Some("i") => world.ec2.instances.get(id).map(|instance| &instance.tags),
        Some("vol") => world.ec2.volumes.get(id).map(|volume| &volume.tags),
        Some("ami") => world.ec2.images.get(id).map(|image| &image.tags),
        Some("snap") => world.ec2.snapshots.get(id).map(|snapshot| &snapshot.tags),
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
