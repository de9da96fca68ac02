//! What refers to an image or a snapshot.

use super::World;
use crate::world::ec2::{InstanceState, LaunchTemplate, LaunchTemplateVersion};
use crate::world::{ACCOUNT, REGION};

/// How many of a template's versions count, newest first. EC2 API Reference (ResourceTypeOption): 10 by default.
pub(crate) const VERSION_DEPTH: usize = 10;

/// One answer of DescribeImageReferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    pub image_id: String,
    /// For example `ec2:Instance`.
    pub resource_type: &'static str,
    pub arn: String,
}

/// Which resources DescribeImageReferences looks at.
#[derive(Clone, Debug, Default)]
pub struct ReferenceScope {
    /// Instances in one of these states.
    pub instances: Vec<InstanceState>,
    /// How many versions of each launch template, newest first.
    pub version_depth: usize,
    /// SSM parameters of data type `aws:ec2:image`.
    pub parameters: bool,
}

impl World {
    /// DescribeImageReferences: what refers to these images, as far as `scope` looks. Launch templates count by the
    /// image that they name, not by one that a parameter stands for.
    pub fn describe_image_references(&self, ids: &[String], scope: &ReferenceScope) -> Vec<ImageReference> {
        let mut found = Vec::new();
        for id in ids {
            let instances =
                self.ec2.instances.values().filter(|it| it.image_id == *id && scope.instances.contains(&it.state));
            let instances = instances.map(|it| ("ec2:Instance", crate::world::ec2::instance_arn(&it.id)));
            let names_it = |version: &LaunchTemplateVersion| version.data.image_id.as_ref() == Some(id);
            let newest =
                |template: &LaunchTemplate| template.versions.iter().rev().take(scope.version_depth).any(names_it);
            let templates = self.ec2.launch_templates.values().filter(|template| newest(template));
            let templates = templates.map(|it| ("ec2:LaunchTemplate", launch_template_arn(&it.id)));
            let parameters = self.ssm.parameters.values().filter(|parameter| {
                let is_it = parameter.versions.last().is_some_and(|version| version.value == *id);
                scope.parameters && parameter.data_type == crate::world::ssm::IMAGE_DATA_TYPE && is_it
            });
            let parameters = parameters.map(|it| ("ssm:Parameter", it.arn()));
            let all = instances.chain(templates).chain(parameters);
            found.extend(all.map(|(resource_type, arn)| ImageReference { image_id: id.clone(), resource_type, arn }));
        }
        found
    }

    /// Everything that refers to the image, in words.
    pub fn references_to_image(&self, id: &str) -> Vec<String> {
        let mut found = Vec::new();
        let instances =
            self.ec2.instances.values().filter(|it| it.image_id == id && it.state != InstanceState::Terminated);
        found.extend(instances.map(|instance| instance.id.clone()));
        for parameter in self.ssm.parameters.values() {
            let newest = parameter.versions.last().map(|version| version.version);
            let counted = parameter.versions.iter().filter(|it| Some(it.version) == newest || !it.labels.is_empty());
            let names_it = counted.filter(|version| version.value == id);
            found.extend(names_it.map(|version| format!("{}:{}", parameter.name, version.version)));
        }
        let versions = self.live_versions().filter(|(_, version)| version.data.image_id.as_deref() == Some(id));
        found.extend(versions.map(|(template, version)| format!("{}:{}", template.name, version.number)));
        let configurations = self.autoscaling.launch_configurations.values().filter(|it| it.image_id == id);
        found.extend(configurations.map(|configuration| configuration.name.clone()));
        let groups = self.autoscaling.groups.values().filter(|group| group.override_images().any(|image| image == id));
        found.extend(groups.map(|group| group.name.clone()));
        found.extend(self.ec2.requests.naming_image(id).map(str::to_owned));
        found
    }

    /// Everything but images that refers to the snapshot, in words.
    pub fn references_to_snapshot(&self, id: &str) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(self.live_versions().filter_map(|(template, version)| {
            let names_it = version.data.block_devices.iter().any(|(_, snapshot)| snapshot == id);
            names_it.then(|| format!("{}:{}", template.name, version.number))
        }));
        let configurations = self.autoscaling.launch_configurations.values();
        let configurations = configurations.filter(|it| it.block_devices.iter().any(|(_, snapshot)| snapshot == id));
        found.extend(configurations.map(|configuration| configuration.name.clone()));
        found.extend(self.ec2.requests.naming_snapshot(id).map(str::to_owned));
        found
    }

    /// The versions of launch templates that something may still be launched from: the newest ones, the default, and
    /// those that a group or a request names.
    fn live_versions(&self) -> impl Iterator<Item = (&LaunchTemplate, &LaunchTemplateVersion)> {
        let of_groups = self.autoscaling.groups.values().flat_map(|group| group.launch_template_specifications());
        let named: Vec<_> = of_groups.chain(self.ec2.requests.launch_template_specifications()).collect();
        self.ec2.launch_templates.values().flat_map(move |template| {
            let oldest = template.versions.len().saturating_sub(VERSION_DEPTH);
            let wanted = |version: &LaunchTemplateVersion| {
                let is_named = |(id_or_name, number): &(&str, &str)| {
                    (*id_or_name == template.id || *id_or_name == template.name) && number.parse() == Ok(version.number)
                };
                version.number == template.default_version || named.iter().any(is_named)
            };
            let chosen = template.versions.iter().enumerate();
            let chosen = chosen.filter(|(index, version)| *index >= oldest || wanted(version));
            chosen.map(|(_, version)| (template, version)).collect::<Vec<_>>()
        })
    }
}

fn launch_template_arn(id: &str) -> String {
    format!("arn:aws:ec2:{REGION}:{ACCOUNT}:launch-template/{id}")
}
