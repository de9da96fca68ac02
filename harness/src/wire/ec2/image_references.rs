//! DescribeImageReferences: what refers to an image.

use serde_json::{Value, json};

use super::answers::paged;
use crate::iam::Check;
use crate::wire::operation::{Operation, reads};
use crate::wire::query::Params;
use crate::wire::resources::{arn, of_parameter};
use crate::world::World;
use crate::world::ec2::InstanceState;
use crate::world::ec2::images::{ReferenceScope, VERSION_DEPTH};
use crate::world::error::{ApiError, ApiResult};
use crate::world::ids::is_hex_id;
use crate::world::ssm::IMAGE_DATA_TYPE;

pub(super) const OPERATIONS: &[Operation] =
    &[Operation::ec2("DescribeImageReferences", PARAMETERS, reads(describe).on(looks_in_its_name))];

const PARAMETERS: &[&str] = &["ImageId", "IncludeAllResourceTypes", "MaxResults", "NextToken", "ResourceType"];

/// EC2 API Reference: from 1 to 10 images, and either all resource types or those that are named.
fn describe(world: &World, params: &Params) -> ApiResult<Value> {
    let ids = params.required_list("ImageId")?;
    if ids.len() > 10 {
        return Err(ApiError::new("InvalidParameterValue", "At most 10 image ids can be given."));
    }
    if let Some(id) = ids.iter().find(|id| !is_hex_id(id, "ami")) {
        let text = format!("Invalid id: \"{id}\" (expecting \"ami-...\")");
        return Err(ApiError::new("InvalidAMIID.Malformed", text));
    }
    let scope = scope(params)?;
    let references = world.describe_image_references(&ids, &scope).into_iter();
    let items = references.map(|it| {
        let key = format!("{} {}", it.image_id, it.arn);
        (key, json!({"imageId": it.image_id, "resourceType": it.resource_type, "arn": it.arn}))
    });
    paged(params, "imageReferenceSet", items.collect())
}

/// What EC2 looks at in the name of the caller that asks for references. (EC2 User Guide, "Identify your resources
/// referencing specified AMIs"; the managed policy `AmazonEC2ImageReferencesAccessPolicy`.) There are no recipes here, so
/// one is made up: an account that has some needs the permission.
fn looks_in_its_name(world: &World, _: &Params, _: &str) -> Vec<Check> {
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
    let of_images = world.ssm.parameters().values().filter(|parameter| parameter.data_type == IMAGE_DATA_TYPE);
    let of_parameters = of_images.map(|parameter| of_parameter(world, "ssm:GetParameters", &parameter.name));
    looks.into_iter().map(|action| Check::new(action, "*")).chain([of_recipes]).chain(of_parameters).collect()
}

fn scope(params: &Params) -> ApiResult<ReferenceScope> {
    let mut scope = ReferenceScope::default();
    let all = params.flag("IncludeAllResourceTypes")?.unwrap_or(false);
    let types = params.structures("ResourceType");
    if !all && types.is_empty() {
        let text = "Either IncludeAllResourceTypes or ResourceTypes must be specified.";
        return Err(ApiError::new("MissingParameter", text));
    }
    if all {
        let version_depth = VERSION_DEPTH;
        scope = ReferenceScope { instances: InstanceState::ALL.to_vec(), version_depth, parameters: true };
    }
    for named in types {
        match named.required("ResourceType")? {
            "ec2:Instance" => {
                let states = option(&named, "state-name")?;
                let states = states.map(|names| names.iter().map(|name| state(&named, name)).collect::<ApiResult<_>>());
                scope.instances = states.transpose()?.unwrap_or_else(|| InstanceState::ALL.to_vec());
            }
            "ec2:LaunchTemplate" => {
                let depth = option(&named, "version-depth")?.and_then(|values| values.into_iter().next());
                scope.version_depth = match depth {
                    None => VERSION_DEPTH,
                    Some(text) => match text.parse() {
                        Ok(depth @ 1..=10_000) => depth,
                        _ => return Err(named.invalid("ResourceTypeOption", &text)),
                    },
                };
            }
            "ssm:Parameter" => scope.parameters = true,
            // There are none here.
            "imagebuilder:ImageRecipe" | "imagebuilder:ContainerRecipe" => {}
            other => return Err(named.invalid("ResourceType", other)),
        }
    }
    Ok(scope)
}

/// The values of the one option that a resource type has.
fn option(resource_type: &Params, name: &str) -> ApiResult<Option<Vec<String>>> {
    let options = resource_type.structures("ResourceTypeOption");
    if let Some(other) = options.iter().find(|option| option.text("OptionName") != Some(name)) {
        return Err(other.invalid("OptionName", other.required("OptionName")?));
    }
    Ok(options.first().map(|option| option.list("OptionValue")))
}

fn state(params: &Params, name: &str) -> ApiResult<InstanceState> {
    let found = InstanceState::ALL.into_iter().find(|state| state.name() == name);
    found.ok_or_else(|| params.invalid("ResourceTypeOption", name))
}
