//! What a request says that a group is to launch from, and how a group shows it.

use serde_json::{Value, json};

use crate::wire::query::Params;
use crate::world::World;
use crate::world::autoscaling::{Group, MixedInstancesPolicy, Override};
use crate::world::error::{ApiError, ApiResult};

/// What a request names of a launch template, a mixed instances policy with one, and a launch configuration.
#[derive(Default)]
pub(super) struct LaunchSource {
    pub(super) template: NamedTemplate,
    pub(super) policy: Option<MixedInstancesPolicy>,
    pub(super) configuration: Option<String>,
}

/// The template that a request names, by id or by name; neither if it names none. The world resolves it.
#[derive(Default)]
pub(super) struct NamedTemplate {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
}

pub(super) fn launch_source(world: &World, params: &Params) -> ApiResult<LaunchSource> {
    let policy = params.structure("MixedInstancesPolicy");
    let template = params.structure("LaunchTemplate");
    let configuration = params.owned("LaunchConfigurationName");
    let given = [policy.is_empty(), template.is_empty(), configuration.is_none()];
    if given.into_iter().filter(|is_missing| !is_missing).count() > 1 {
        let text = "Valid requests must contain only one of LaunchTemplate, LaunchConfigurationName and \
                    MixedInstancesPolicy.";
        return Err(ApiError::new("ValidationError", text));
    }
    if policy.is_empty() {
        return Ok(LaunchSource { template: named_template(world, &template)?, policy: None, configuration });
    }
    policy.only(&["InstancesDistribution", "LaunchTemplate"])?;
    // Without its template the policy is taken, too, and the group keeps its own. AWS does not say whether it does that.
    // Probe: a-policy-goes-without-its-template.
    let of_policy = policy.structure("LaunchTemplate");
    of_policy.only(&["LaunchTemplateSpecification", "Overrides"])?;
    let template = named_template(world, &of_policy.structure("LaunchTemplateSpecification"))?;
    let overrides =
        of_policy.structures("Overrides").iter().map(|it| one_override(world, it)).collect::<ApiResult<_>>()?;
    let policy = MixedInstancesPolicy { overrides, spot: is_spot(&policy.structure("InstancesDistribution"))? };
    Ok(LaunchSource { template, policy: Some(policy), configuration: None })
}

/// Whether a group of one has a spot instance. The strategies make no difference to it.
fn is_spot(distribution: &Params) -> ApiResult<bool> {
    distribution.only(&[
        "OnDemandAllocationStrategy",
        "OnDemandBaseCapacity",
        "OnDemandPercentageAboveBaseCapacity",
        "SpotAllocationStrategy",
        "SpotInstancePools",
        "SpotMaxPrice",
    ])?;
    let on_demand = |name: &str| distribution.number::<u32>(name);
    let base = on_demand("OnDemandBaseCapacity")?.unwrap_or(0);
    Ok(base == 0 && on_demand("OnDemandPercentageAboveBaseCapacity")? == Some(0))
}

/// A group's policy, with the group's own template in it.
pub(super) fn policy_item(world: &World, group: &Group, policy: &MixedInstancesPolicy) -> Value {
    let overrides = policy.overrides.iter().map(|it| {
        let template = it.launch_template.as_ref().map(|(id, version)| launch_template(world, id, version));
        json!({"InstanceType": it.instance_type, "LaunchTemplateSpecification": template, "ImageId": it.image_id})
    });
    json!({
        "LaunchTemplate": {
            "LaunchTemplateSpecification":
                launch_template(world, &group.launch_template_id, &group.launch_template_version),
            "Overrides": overrides.collect::<Value>(),
        },
        "InstancesDistribution": {
            "OnDemandAllocationStrategy": "prioritized",
            "OnDemandBaseCapacity": 0,
            "OnDemandPercentageAboveBaseCapacity": if policy.spot { 0 } else { 100 },
            "SpotAllocationStrategy": "lowest-price",
            "SpotInstancePools": 2,
        },
    })
}

/// A template as groups and their instances show it; nothing of a group that has none.
pub(super) fn launch_template(world: &World, id: &str, version: &str) -> Value {
    if id.is_empty() {
        return Value::Null;
    }
    let name = world.ec2.launch_templates().get(id).map(|template| template.name.as_str());
    json!({"LaunchTemplateId": id, "LaunchTemplateName": name, "Version": version})
}

fn one_override(world: &World, params: &Params) -> ApiResult<Override> {
    params.only(&["ImageId", "InstanceType", "LaunchTemplateSpecification", "WeightedCapacity"])?;
    let named = named_template(world, &params.structure("LaunchTemplateSpecification"))?;
    let launch_template = match named.id.or(named.name) {
        None => None,
        Some(id_or_name) => {
            let template = world.ec2.launch_template(&id_or_name).map_err(|error| {
                let text = format!("You must use a valid fully-formed launch template. {}", error.message);
                ApiError::new("ValidationError", text)
            })?;
            Some((template.id.clone(), named.version.unwrap_or_else(|| "$Default".to_owned())))
        }
    };
    Ok(Override { instance_type: params.owned("InstanceType"), launch_template, image_id: params.owned("ImageId") })
}

/// A version that the template does not have is refused; a template that does not exist, by the world.
fn named_template(world: &World, given: &Params) -> ApiResult<NamedTemplate> {
    if given.is_empty() {
        return Ok(NamedTemplate::default());
    }
    given.only(&["LaunchTemplateId", "LaunchTemplateName", "Version"])?;
    let (id, name, version) =
        (given.owned("LaunchTemplateId"), given.owned("LaunchTemplateName"), given.owned("Version"));
    if id.is_some() == name.is_some() {
        let text = "Valid requests must contain either launchTemplateId or LaunchTemplateName";
        return Err(ApiError::new("ValidationError", text));
    }
    let template = id.as_ref().or(name.as_ref()).and_then(|id_or_name| world.ec2.launch_template(id_or_name).ok());
    if let Some((template, wanted)) = template.zip(version.as_deref()) {
        template.version(Some(wanted)).map_err(|_| given.invalid("Version", wanted))?;
    }
    Ok(NamedTemplate { id, name, version })
}
