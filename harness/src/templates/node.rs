//! A node: its group, its launch template and its data volume.

mod described;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::{Resource, Template, TemplateError, number, only};
use crate::world::autoscaling::{
    ActionResult, CreateAutoScalingGroup, GroupTag, MaintenancePolicy, PutLifecycleHook, Transition,
};
use crate::world::ec2::{CreateVolume, LaunchTemplateData, ShownAsSaid};
pub use described::{DescribedNode, NodeParameters};

/// Resource types around a node that the local AWS does not need, or already has.
const WITHOUT_EFFECT: [&str; 22] = [
    "AWS::CloudWatch::Alarm",
    "AWS::DLM::LifecyclePolicy",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::FIS::ExperimentTemplate",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Route53::HostedZone",
    "AWS::Route53::RecordSet",
    "AWS::SSM::Parameter",
];

/// Read below.
const GROUP: [&str; 12] = [
    "AutoScalingGroupName",
    "CapacityRebalance",
    "DesiredCapacity",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "InstanceMaintenancePolicy",
    "LifecycleHookSpecificationList",
    "MaxSize",
    "MinSize",
    "MixedInstancesPolicy",
    "NewInstancesProtectedFromScaleIn",
    "Tags",
];

/// The place, which the world sets; and properties that groups of one do not need.
const GROUP_WITHOUT_EFFECT: [&str; 3] = ["DefaultInstanceWarmup", "MetricsCollection", "VPCZoneIdentifier"];

const LAUNCH_TEMPLATE_DATA: [&str; 10] = [
    "BlockDeviceMappings",
    "CreditSpecification",
    "EbsOptimized",
    "IamInstanceProfile",
    "ImageId",
    "InstanceType",
    "MetadataOptions",
    "SecurityGroupIds",
    "TagSpecifications",
    "UserData",
];

const VOLUME: [&str; 7] = ["AvailabilityZone", "Encrypted", "Iops", "KmsKeyId", "Size", "Tags", "VolumeType"];

/// The template that a user deploys for each node.
#[derive(Clone, Debug)]
pub struct NodeTemplate {
    file: String,
    written: Value,
}

/// The template, deployed for one node.
#[derive(Clone, Debug)]
pub struct NodeStack(Template);

impl NodeTemplate {
    /// Reads the template, and tries it with some node.
    ///
    /// # Errors
    /// When the template is not YAML, or something in it is unknown, refers to nothing, or cannot be read.
    pub fn parse(file: &str, text: &str) -> Result<NodeTemplate, TemplateError> {
        let template = NodeTemplate { file: file.to_owned(), written: super::read(file, text)? };
        template.sample()?;
        Ok(template)
    }

    /// The group of some node, and the volume that is made for it.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn sample(&self) -> Result<(CreateAutoScalingGroup, Option<CreateVolume>), TemplateError> {
        let mut stack = self.stack(&DescribedNode::some().parameters())?;
        stack.created("AWS::EC2::Volume", "vol-0123456789abcdef0");
        let volume = stack.volume()?;
        stack.launch_template()?;
        Ok((stack.group()?, volume))
    }

    /// The template with a node's parameters.
    ///
    /// # Errors
    /// When something in it is unknown or refers to nothing.
    pub fn stack(&self, parameters: &NodeParameters) -> Result<NodeStack, TemplateError> {
        let template = Template::with(&self.file, &self.written, parameters)?;
        template.outputs()?;
        for resource in template.resources()? {
            match resource.kind {
                "AWS::AutoScaling::AutoScalingGroup" | "AWS::EC2::LaunchTemplate" | "AWS::EC2::Volume" => {
                    template.resolve(resource.id, resource.written)?;
                }
                _ => template.check_references(&resource, &WITHOUT_EFFECT)?,
            }
        }
        Ok(NodeStack(template))
    }
}

impl NodeStack {
    /// Names the resources of that type, now that they exist.
    pub fn created(&mut self, kind: &str, physical_id: &str) {
        let of_kind = |(_, resource): &(&String, &Value)| resource["Type"] == kind;
        let ids: Vec<_> = self.0.resources.iter().filter(of_kind).map(|(id, _)| id.clone()).collect();
        self.0.physical_ids.extend(ids.into_iter().map(|id| (id, physical_id.to_owned())));
    }

    /// The data volume, unless it exists already.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn volume(&self) -> Result<Option<CreateVolume>, TemplateError> {
        let Some(resource) = self.only_one("AWS::EC2::Volume")? else { return Ok(None) };
        let properties = Value::Object(self.0.properties(&resource, &VOLUME)?);
        let text = |name: &str| properties[name].as_str().unwrap_or_default().to_owned();
        let tags = properties["Tags"].as_array().into_iter().flatten();
        let tag = |tag: &Value| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].as_str()?.to_owned()));
        Ok(Some(CreateVolume {
            zone: text("AvailabilityZone"),
            size_gib: number(&properties["Size"]).ok_or_else(|| self.0.refuse(resource.id, "no Size"))?,
            volume_type: text("VolumeType"),
            encrypted: self.flag(resource.id, &properties, "Encrypted")?,
            key: properties["KmsKeyId"].as_str().filter(|key| *key != "alias/aws/ebs").map(str::to_owned),
            tags: tags.filter_map(tag).collect(),
        }))
    }

    /// What the group's instances are launched from. The group has a say in it: types, and whether they are on spot.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn launch_template(&self) -> Result<LaunchTemplateData, TemplateError> {
        let template = self.needed("AWS::EC2::LaunchTemplate")?;
        let known = ["LaunchTemplateData", "LaunchTemplateName", "TagSpecifications", "VersionDescription"];
        let data = self.0.properties(&template, &known)?.remove("LaunchTemplateData").unwrap_or_default();
        let fields = data.as_object().ok_or_else(|| self.0.refuse(template.id, "no LaunchTemplateData"))?;
        only(&self.0.file, template.id, fields, &LAUNCH_TEMPLATE_DATA)?;
        let image = data["ImageId"].as_str().ok_or_else(|| self.0.refuse(template.id, "no ImageId"))?;

        let group = self.needed("AWS::AutoScaling::AutoScalingGroup")?;
        let policy = &self.group_properties(&group)?["MixedInstancesPolicy"];
        let instances = &policy["LaunchTemplate"];
        let first = instances["Overrides"][0]["InstanceType"].as_str();
        let instance_type = first.or(data["InstanceType"].as_str());
        let instance_type = instance_type.ok_or_else(|| self.0.refuse(group.id, "no InstanceType"))?;
        // On-demand is the default. (EC2 Auto Scaling API Reference, InstancesDistribution.)
        let on_demand = |name: &str, unless_said: u32| {
            let share = &policy["InstancesDistribution"][name];
            if share.is_null() { Some(unless_said) } else { number(share) }
        };
        let spot = on_demand("OnDemandBaseCapacity", 0) == Some(0)
            && on_demand("OnDemandPercentageAboveBaseCapacity", 100) == Some(0);
        let tags_in_metadata = match &data["MetadataOptions"]["InstanceMetadataTags"] {
            Value::Null => None,
            Value::String(text) if text == "enabled" || text == "disabled" => Some(text == "enabled"),
            other => {
                let problem = format!("InstanceMetadataTags is enabled or disabled, not {other}");
                return Err(self.0.refuse(template.id, problem));
            }
        };
        let (image_id, instance_type) = (Some(image.to_owned()), Some(instance_type.to_owned()));
        let shown = shown_as_said(&data);
        Ok(LaunchTemplateData {
            image_id,
            instance_type,
            spot,
            tags_in_metadata,
            shown,
            ..LaunchTemplateData::default()
        })
    }

    /// The group, except for its place.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn group(&self) -> Result<CreateAutoScalingGroup, TemplateError> {
        let resource = self.needed("AWS::AutoScaling::AutoScalingGroup")?;
        let properties = self.group_properties(&resource)?;
        let refuse = |problem: String| self.0.refuse(resource.id, problem);
        let size = |name: &str| number(&properties[name]).ok_or_else(|| refuse(format!("no {name}")));
        let specification = &properties["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if let Some(other) = properties["HealthCheckType"].as_str().filter(|kind| *kind != "EC2") {
            return Err(refuse(format!("the local AWS does not know the HealthCheckType {other}")));
        }
        let list = |name: &str| properties[name].as_array().into_iter().flatten();
        let hooks: Option<Vec<_>> = list("LifecycleHookSpecificationList").map(hook).collect();
        let tags: Option<Vec<_>> = list("Tags").map(tag).collect();
        Ok(CreateAutoScalingGroup {
            name: text(&properties["AutoScalingGroupName"]).unwrap_or_else(|| resource.id.to_owned()),
            min_size: size("MinSize")?,
            max_size: size("MaxSize")?,
            desired_capacity: number(&properties["DesiredCapacity"]),
            launch_template_id: text(&specification["LaunchTemplateId"]),
            launch_template_name: text(&specification["LaunchTemplateName"]),
            launch_template_version: text(&specification["Version"]),
            health_check_grace_period_s: number(&properties["HealthCheckGracePeriod"]).unwrap_or_default(),
            capacity_rebalance: self.flag(resource.id, &properties, "CapacityRebalance")?,
            maintenance_policy: self.maintenance_policy(resource.id, &properties["InstanceMaintenancePolicy"])?,
            new_instances_protected_from_scale_in: self.flag(
                resource.id,
                &properties,
                "NewInstancesProtectedFromScaleIn",
            )?,
            tags: tags.ok_or_else(|| refuse("a tag without Key, Value or PropagateAtLaunch".to_owned()))?,
            hooks: hooks.ok_or_else(|| refuse("a lifecycle hook that Auto Scaling would refuse".to_owned()))?,
            ..CreateAutoScalingGroup::default()
        })
    }

    fn maintenance_policy(&self, id: &str, written: &Value) -> Result<Option<MaintenancePolicy>, TemplateError> {
        let Some(fields) = written.as_object() else { return Ok(None) };
        let known = ["MaxHealthyPercentage", "MinHealthyPercentage"];
        only(&self.0.file, id, fields, &known)?;
        match known.map(|name| number(&written[name])) {
            [Some(max), Some(min)] => {
                let policy = MaintenancePolicy::new(min, max).map_err(|error| self.0.refuse(id, error.to_string()))?;
                Ok(Some(policy))
            }
            [None, _] | [_, None] => {
                Err(self.0.refuse(id, format!("InstanceMaintenancePolicy needs {}", known.join(" and "))))
            }
        }
    }

    /// Whether a property is true, which a parameter can give only as a text; absent means false.
    fn flag(&self, id: &str, properties: &Value, name: &str) -> Result<bool, TemplateError> {
        match &properties[name] {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if text == "true" || text == "false" => Ok(text == "true"),
            other => Err(self.0.refuse(id, format!("{name} is true or false, not {other}"))),
        }
    }

    fn group_properties(&self, group: &Resource<'_>) -> Result<Value, TemplateError> {
        let known: Vec<_> = GROUP.into_iter().chain(GROUP_WITHOUT_EFFECT).collect();
        self.0.properties(group, &known).map(Value::Object)
    }

    fn needed(&self, kind: &str) -> Result<Resource<'_>, TemplateError> {
        self.only_one(kind)?.ok_or_else(|| self.0.refuse("Resources", format!("a node needs an {kind}")))
    }

    fn only_one(&self, kind: &str) -> Result<Option<Resource<'_>>, TemplateError> {
        let mut found = self.0.resources()?.into_iter().filter(|resource| resource.kind == kind);
        match (found.next(), found.next()) {
            (_, Some(second)) => Err(self.0.refuse(second.id, format!("a node has one {kind}"))),
            (first, None) => Ok(first),
        }
    }
}

fn shown_as_said(data: &Value) -> ShownAsSaid {
    let (options, profile) = (&data["MetadataOptions"], &data["IamInstanceProfile"]);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    ShownAsSaid {
        http_tokens: text(&options["HttpTokens"]),
        hop_limit: number(&options["HttpPutResponseHopLimit"]),
        profile_name: text(&profile["Name"]),
        profile_arn: text(&profile["Arn"]),
    }
}

fn tag(tag: &Value) -> Option<GroupTag> {
    Some(GroupTag {
        key: tag["Key"].as_str()?.to_owned(),
        value: tag["Value"].as_str()?.to_owned(),
        propagate_at_launch: match &tag["PropagateAtLaunch"] {
            Value::String(text) => text.parse().ok()?,
            flag => flag.as_bool()?,
        },
    })
}

fn hook(hook: &Value) -> Option<PutLifecycleHook> {
    let known =
        ["DefaultResult", "HeartbeatTimeout", "LifecycleHookName", "LifecycleTransition", "NotificationMetadata"];
    let fields: &Map<String, Value> = hook.as_object()?;
    if fields.keys().any(|key| !known.contains(&key.as_str())) {
        return None;
    }
    let named = |transition: &Transition| hook["LifecycleTransition"] == transition.name();
    let result = |result: &ActionResult| hook["DefaultResult"] == result.name();
    Some(PutLifecycleHook {
        name: hook["LifecycleHookName"].as_str()?.to_owned(),
        transition: Some([Transition::Launching, Transition::Terminating].into_iter().find(named)?),
        heartbeat_timeout_s: Some(number(&hook["HeartbeatTimeout"])?),
        default_result: Some([ActionResult::Continue, ActionResult::Abandon].into_iter().find(result)?),
        notification_metadata: hook["NotificationMetadata"].as_str().map(str::to_owned),
        ..PutLifecycleHook::default()
    })
}
