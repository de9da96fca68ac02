//! Launch templates, and groups that have no instances: what Auto Scaling takes, before anything is launched.

use aws_sdk_autoscaling::types::{
    InstancesDistribution, LaunchTemplate, LaunchTemplateOverrides, LaunchTemplateSpecification,
    LifecycleHookSpecification, MixedInstancesPolicy,
};
use aws_sdk_ec2::types::{InstanceType, RequestLaunchTemplateData, ResourceType};

use super::parameters::{image_ids, put_image, readable};
use crate::answer::{Answer, answer};
use crate::bench::{Bench, TAG};
use crate::probe::{Finding, Here, Level, Probe, Rests, Trouble};

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "one-missing-version-fails-all",
        level: Level::Cheap,
        assumes: "DescribeLaunchTemplateVersions with one version that exists and one that does not is refused whole, as \
                  InvalidLaunchTemplateId.VersionNotFound.",
        rests_on: &[Rests {
            file: "shared/src/ami/references/templates.rs",
            rule: "that code means that a version is gone, and the others are read again without it",
        }],
        calls: &["ec2:CreateLaunchTemplate", "ec2:DescribeImages", "ec2:DescribeLaunchTemplateVersions"],
        expects: "InvalidLaunchTemplateId.VersionNotFound",
        makes: "a launch template",
        cents: 0.0,
        seconds: 3,
        here: Here::Answers,
        ask: |bench| Box::pin(missing_version(bench)),
    },
    Probe {
        name: "a-mixed-policy-takes-a-parameter",
        level: Level::Cheap,
        assumes: "Auto Scaling takes a mixed instances policy with explicit instance types whose launch template names its image by \
                  resolve:ssm.",
        rests_on: &[Rests {
            file: "infra/node.yaml",
            rule: "the node's group has such a policy; if it is refused, the template needs a version for each image",
        }],
        calls: &[
            "autoscaling:CreateAutoScalingGroup",
            "ec2:CreateLaunchTemplate",
            "ec2:DescribeImages",
            "ec2:DescribeSubnets",
            "ssm:GetParameter",
            "ssm:PutParameter",
        ],
        expects: "the group, which stays empty; a-mixed-policy-launches-from-a-parameter launches",
        makes: "a parameter, a launch template and a group without instances",
        cents: 0.0,
        seconds: 60,
        here: Here::Answers,
        ask: |bench| Box::pin(mixed_policy(bench)),
    },
    Probe {
        name: "a-policy-goes-without-its-template",
        level: Level::Cheap,
        assumes: "UpdateAutoScalingGroup takes a mixed instances policy that has only an InstancesDistribution, and keeps the launch \
                  template that the group has.",
        rests_on: &[Rests {
            file: "harness/src/wire/autoscaling/launch_sources.rs",
            rule: "the local AWS takes such a policy; nothing in Durin sends one",
        }],
        calls: &[
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:UpdateAutoScalingGroup",
            "ec2:CreateLaunchTemplate",
            "ec2:DescribeImages",
            "ec2:DescribeSubnets",
            "ssm:GetParameter",
            "ssm:PutParameter",
        ],
        expects: "the change, and the template as it was",
        makes: "a parameter, a launch template and a group without instances",
        cents: 0.0,
        seconds: 60,
        here: Here::Answers,
        ask: |bench| Box::pin(without_template(bench)),
    },
];

async fn missing_version(bench: &Bench) -> Result<Finding, Trouble> {
    let [image, _] = image_ids(bench).await?;
    let name = template(bench, "versions", &image).await?;
    let call = bench.aws.ec2.describe_launch_template_versions().launch_template_name(name);
    let asked = answer(call.versions("1").versions("99").send().await)?;
    let saw = match &asked {
        Answer::Taken(found) => format!("a list of {}", found.launch_template_versions().len()),
        refused @ Answer::Refused(_) => refused.to_string(),
    };
    Ok(Finding::of(asked.is_refusal("InvalidLaunchTemplateId.VersionNotFound"), saw))
}

async fn mixed_policy(bench: &Bench) -> Result<Finding, Trouble> {
    let asked = group(bench, "mixed", GroupSpec::of(0)).await?;
    Ok(Finding::of(asked.refusal().is_none(), asked.to_string()))
}

async fn without_template(bench: &Bench) -> Result<Finding, Trouble> {
    if let Answer::Refused(refusal) = group(bench, "policy", GroupSpec::of(0)).await? {
        return Err(Trouble::Refused(refusal));
    }
    let before = template_of(bench, "policy").await?;
    let distribution = InstancesDistribution::builder().on_demand_percentage_above_base_capacity(100).build();
    let policy = MixedInstancesPolicy::builder().instances_distribution(distribution).build();
    let call = bench.aws.autoscaling.update_auto_scaling_group().auto_scaling_group_name(bench.name("policy"));
    let asked = answer(call.mixed_instances_policy(policy).send().await)?;
    let after = template_of(bench, "policy").await?;
    let kept = before.is_some() && before == after;
    let saw = format!("{asked}; the launch template {}", if kept { "stayed" } else { "did not stay" });
    Ok(Finding::of(asked.refusal().is_none() && kept, saw))
}

/// The id of the launch template in a group's policy.
async fn template_of(bench: &Bench, what: &str) -> Result<Option<String>, Trouble> {
    let call = bench.aws.autoscaling.describe_auto_scaling_groups().auto_scaling_group_names(bench.name(what));
    let groups = call.send().await?.auto_scaling_groups.unwrap_or_default();
    let policy = groups.into_iter().next().and_then(|group| group.mixed_instances_policy);
    Ok(policy.and_then(|it| it.launch_template?.launch_template_specification?.launch_template_id))
}

/// What a group has besides its launch template.
pub(super) struct GroupSpec {
    desired: i32,
    hook: Option<LifecycleHookSpecification>,
}

impl GroupSpec {
    /// A group that is asked for so many at first, and has room for two.
    pub(super) fn of(desired: i32) -> GroupSpec {
        GroupSpec { desired, hook: None }
    }

    pub(super) fn with(self, hook: LifecycleHookSpecification) -> GroupSpec {
        GroupSpec { hook: Some(hook), ..self }
    }
}

/// A group as `infra/node.yaml` has one: spot, explicit types, and an image by its parameter.
pub(super) async fn group(bench: &Bench, what: &str, spec: GroupSpec) -> Result<Answer<()>, Trouble> {
    let [image, _] = image_ids(bench).await?;
    let subnet = bench.subnet().await?;
    let parameter = bench.parameter(what);
    put_image(bench, &parameter, &image).await?;
    if readable(bench, &parameter, bench.now()).await?.is_none() {
        return Err(Trouble::Lacking("Parameter Store has not validated the image in five minutes".to_owned()));
    }
    let template = template(bench, what, &format!("resolve:ssm:{parameter}")).await?;
    let tag = aws_sdk_autoscaling::types::Tag::builder().key(TAG).value(&bench.run).propagate_at_launch(true).build();
    let call = bench.aws.autoscaling.create_auto_scaling_group().auto_scaling_group_name(bench.name(what)).tags(tag);
    let call = call.min_size(spec.desired).max_size(2).desired_capacity(spec.desired);
    let call = call.set_vpc_zone_identifier(subnet.subnet_id).mixed_instances_policy(policy(&template));
    let hooks = spec.hook.map(|hook| vec![hook]);
    answer(call.set_lifecycle_hook_specification_list(hooks).send().await).map(|made| made.map(drop))
}

/// As in `infra/node.yaml`: spot instances of explicit types.
fn policy(template: &str) -> MixedInstancesPolicy {
    let of_type = |name: &str| LaunchTemplateOverrides::builder().instance_type(name).build();
    let specification =
        LaunchTemplateSpecification::builder().launch_template_name(template).version("$Latest").build();
    let launched = LaunchTemplate::builder().launch_template_specification(specification);
    let distribution = InstancesDistribution::builder()
        .on_demand_base_capacity(0)
        .on_demand_percentage_above_base_capacity(0)
        .spot_allocation_strategy("price-capacity-optimized");
    MixedInstancesPolicy::builder()
        .launch_template(launched.overrides(of_type("t3a.nano")).overrides(of_type("t3.nano")).build())
        .instances_distribution(distribution.build())
        .build()
}

/// A launch template with one version; its name.
async fn template(bench: &Bench, what: &str, image: &str) -> Result<String, Trouble> {
    let data = RequestLaunchTemplateData::builder().image_id(image).instance_type(InstanceType::T3aNano).build();
    let name = bench.name(what);
    let call = bench.aws.ec2.create_launch_template().launch_template_name(&name).launch_template_data(data);
    call.tag_specifications(bench.tags(ResourceType::LaunchTemplate)).send().await?;
    Ok(name)
}
