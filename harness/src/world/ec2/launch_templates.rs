//! Launch templates with their versions, and the image that one resolves to at launch.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::Ec2;
use super::Ec2Change;
use super::World;
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};
use crate::world::ids::is_hex_id;

#[derive(Clone, Debug)]
pub struct LaunchTemplate {
    /// `lt-` and 17 hexadecimal digits.
    pub id: String,
    /// Unique in the region.
    pub name: String,
    pub created: Time,
    /// Oldest first; there is always one.
    pub versions: Vec<LaunchTemplateVersion>,
    /// The number of the version that `$Default` means.
    pub default_version: u64,
    /// Its own, not those of what is launched from it.
    pub tags: BTreeMap<String, String>,
}

/// One version of a launch template.
#[derive(Clone, Debug)]
pub struct LaunchTemplateVersion {
    /// From 1.
    pub number: u64,
    pub created: Time,
    pub description: Option<String>,
    pub data: LaunchTemplateData,
}

/// What a launch template says about instances.
#[derive(Clone, Debug, Default)]
pub struct LaunchTemplateData {
    /// An image id, or `resolve:ssm:` and the name of a parameter.
    pub image_id: Option<String>,
    /// For example `t3a.medium`.
    pub instance_type: Option<String>,
    /// Whether it asks for spot instances.
    pub spot: bool,
    /// Whether metadata shows the instances' tags: `InstanceMetadataTags`.
    pub tags_in_metadata: Option<bool>,
    /// Device names and snapshots, of the mappings that name a snapshot.
    pub block_devices: Vec<(String, String)>,
    pub shown: ShownAsSaid,
}

/// What has no life in this world, and is shown as it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownAsSaid {
    /// `HttpTokens`: `required` or `optional`.
    pub http_tokens: Option<String>,
    /// `HttpPutResponseHopLimit`.
    pub hop_limit: Option<u32>,
    /// `IamInstanceProfile`, by either.
    pub profile_name: Option<String>,
    pub profile_arn: Option<String>,
}

impl ShownAsSaid {
    /// What is not said is as the source version has it.
    pub(crate) fn or(self, source: ShownAsSaid) -> ShownAsSaid {
        let named = self.profile_name.is_some() || self.profile_arn.is_some();
        let profile = if named { &self } else { &source };
        ShownAsSaid {
            profile_name: profile.profile_name.clone(),
            profile_arn: profile.profile_arn.clone(),
            http_tokens: self.http_tokens.clone().or(source.http_tokens.clone()),
            hop_limit: self.hop_limit.or(source.hop_limit),
        }
    }
}

impl LaunchTemplate {
    /// The version that `$Latest`, `$Default` or a number means; without any, the default one.
    pub fn version(&self, wanted: Option<&str>) -> ApiResult<&LaunchTemplateVersion> {
        let number = match wanted {
            None | Some("" | "$Default") => Some(self.default_version),
            Some("$Latest") => Some(self.latest_version()),
            Some(number) => number.parse().ok(),
        };
        number.and_then(|number| self.versions.iter().find(|version| version.number == number)).ok_or_else(|| {
            let wanted = wanted.unwrap_or_default();
            let text =
                format!("Could not find the specified version {wanted} for the launch template with ID {}.", self.id);
            ApiError::new("InvalidLaunchTemplateId.VersionNotFound", text)
        })
    }

    pub fn latest_version(&self) -> u64 {
        self.versions.last().map_or(0, |version| version.number)
    }

    /// What EC2 tags an instance with that is launched from that version.
    pub(in crate::world) fn tags_for_instances(&self, version: u64) -> [(String, String); 2] {
        let tag = |key: &str, value: &str| (format!("aws:ec2launchtemplate:{key}"), value.to_owned());
        [tag("id", &self.id), tag("version", &version.to_string())]
    }
}

impl Ec2 {
    /// The template with that id or name.
    pub fn launch_template(&self, id_or_name: &str) -> ApiResult<&LaunchTemplate> {
        let found = self.launch_templates.values().find(|it| it.id == id_or_name || it.name == id_or_name);
        found.ok_or_else(|| {
            if id_or_name.starts_with("lt-") {
                let text = format!("The specified launch template, with template ID {id_or_name}, does not exist.");
                ApiError::new("InvalidLaunchTemplateId.NotFound", text)
            } else {
                let text = format!("The specified launch template, with template name {id_or_name}, does not exist.");
                ApiError::new("InvalidLaunchTemplateName.NotFoundException", text)
            }
        })
    }

    fn launch_template_mut(&mut self, id_or_name: &str) -> ApiResult<&mut LaunchTemplate> {
        let id = self.launch_template(id_or_name)?.id.clone();
        self.launch_templates.get_mut(&id).ok_or_else(|| {
            ApiError::new("InvalidLaunchTemplateId.NotFound", "The specified launch template does not exist.")
        })
    }
}

impl World {
    /// CreateLaunchTemplate, as most need it.
    pub fn create_launch_template(
        &mut self,
        name: &str,
        image_id: &str,
        instance_type: &str,
        spot: bool,
    ) -> ApiResult<LaunchTemplate> {
        let (image_id, instance_type) = (Some(image_id.to_owned()), Some(instance_type.to_owned()));
        let data = LaunchTemplateData { image_id, instance_type, spot, ..LaunchTemplateData::default() };
        self.create_launch_template_with(name, data, None, BTreeMap::new())
    }

    /// CreateLaunchTemplate: the template with its first version.
    pub fn create_launch_template_with(
        &mut self,
        name: &str,
        data: LaunchTemplateData,
        description: Option<String>,
        tags: BTreeMap<String, String>,
    ) -> ApiResult<LaunchTemplate> {
        if self.ec2.launch_templates.values().any(|template| template.name == name) {
            return Err(ApiError::new(
                "InvalidLaunchTemplateName.AlreadyExistsException",
                "Launch template name already in use.",
            ));
        }
        let created = self.now;
        let template = LaunchTemplate {
            id: self.hex_id("lt"),
            name: name.to_owned(),
            created,
            versions: vec![LaunchTemplateVersion { number: 1, created, description, data }],
            default_version: 1,
            tags,
        };
        self.note_change(&template.id, Ec2Change::LaunchTemplateCreated { name: name.to_owned() });
        self.ec2.launch_templates.insert(template.id.clone(), template.clone());
        Ok(template)
    }

    /// CreateLaunchTemplateVersion: the new version's number. It does not become the default.
    pub fn create_launch_template_version(
        &mut self,
        id_or_name: &str,
        data: LaunchTemplateData,
        description: Option<String>,
    ) -> ApiResult<u64> {
        let created = self.now;
        let template = self.ec2.launch_template_mut(id_or_name)?;
        let number = template.latest_version() + 1;
        template.versions.push(LaunchTemplateVersion { number, created, description, data });
        let id = template.id.clone();
        self.note_change(&id, Ec2Change::LaunchTemplateVersion(number));
        Ok(number)
    }

    /// ModifyLaunchTemplate: another default version.
    pub fn set_default_version(&mut self, id_or_name: &str, version: &str) -> ApiResult<LaunchTemplate> {
        let template = self.ec2.launch_template_mut(id_or_name)?;
        template.default_version = template.version(Some(version))?.number;
        let template = template.clone();
        self.note_change(&template.id, Ec2Change::DefaultVersion(template.default_version));
        Ok(template)
    }

    /// DeleteLaunchTemplate, by id or name: what was deleted.
    pub fn delete_launch_template(&mut self, id_or_name: &str) -> ApiResult<LaunchTemplate> {
        let template = self.ec2.launch_template(id_or_name)?.clone();
        self.ec2.launch_templates.remove(&template.id);
        self.note_change(&template.id, Ec2Change::Deleted);
        Ok(template)
    }

    /// The image that `image` stands for now. EC2 User Guide (launch templates): `resolve:ssm:` is resolved when an
    /// instance is launched, so that publishing a parameter changes the next launch.
    pub fn resolve_image(&self, image: &str) -> ApiResult<String> {
        let image_id = match image.strip_prefix("resolve:ssm:") {
            None => image,
            Some(selector) => match self.ssm.get_parameter(selector) {
                Ok((_, version)) => &version.value,
                // AWS's own code for this is not known to us.
                Err(_) => {
                    let text = format!("The value ({image}) for parameter ImageId cannot be resolved.");
                    return Err(ApiError::new("InvalidParameterValue", text));
                }
            },
        };
        if is_hex_id(image_id, "ami") {
            Ok(image_id.to_owned())
        } else {
            let text = format!("Invalid id: \"{image_id}\" (expecting \"ami-...\")");
            Err(ApiError::new("InvalidAMIID.Malformed", text))
        }
    }
}
