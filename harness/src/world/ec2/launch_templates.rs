//! Launch templates, and the image that one resolves to at launch.

use super::{LaunchTemplate, World};
use crate::world::error::{ApiError, ApiResult};

impl LaunchTemplate {
    /// What EC2 tags an instance with that is launched from the template, in its one version.
    pub(in crate::world) fn tags_for_instances(&self) -> [(String, String); 2] {
        let tag = |key: &str, value: &str| (format!("aws:ec2launchtemplate:{key}"), value.to_owned());
        [tag("id", &self.id), tag("version", "1")]
    }
}

impl World {
    /// CreateLaunchTemplate.
    pub fn create_launch_template(
        &mut self,
        name: &str,
        image_id: &str,
        instance_type: &str,
        spot: bool,
    ) -> ApiResult<LaunchTemplate> {
        if self.launch_templates.values().any(|template| template.name == name) {
            return Err(ApiError::new(
                "InvalidLaunchTemplateName.AlreadyExistsException",
                "Launch template name already in use.",
            ));
        }
        let template = LaunchTemplate {
            id: self.hex_id("lt"),
            name: name.to_owned(),
            created: self.now,
            image_id: image_id.to_owned(),
            instance_type: instance_type.to_owned(),
            spot,
        };
        self.note_change(&template.id, format!("launch template {name}"));
        self.launch_templates.insert(template.id.clone(), template.clone());
        Ok(template)
    }

    /// DeleteLaunchTemplate, by id or name: what was deleted.
    pub fn delete_launch_template(&mut self, id_or_name: &str) -> ApiResult<LaunchTemplate> {
        let template = self.launch_template(id_or_name)?.clone();
        self.launch_templates.remove(&template.id);
        self.note_change(&template.id, "deleted");
        Ok(template)
    }

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

    /// The image that `image` stands for now. EC2 User Guide (launch templates): `resolve:ssm:` is resolved when an
    /// instance is launched, so that publishing a parameter changes the next launch.
    pub fn resolve_image(&self, image: &str) -> ApiResult<String> {
        let image_id = match image.strip_prefix("resolve:ssm:") {
            None => image,
            Some(selector) => match self.get_parameter(selector) {
                Ok((_, version)) => &version.value,
                // AWS's own code for this is not known to us.
                Err(_) => {
                    let text = format!("The value ({image}) for parameter ImageId cannot be resolved.");
                    return Err(ApiError::new("InvalidParameterValue", text));
                }
            },
        };
        if image_id.starts_with("ami-") {
            Ok(image_id.to_owned())
        } else {
            let text = format!("Invalid id: \"{image_id}\" (expecting \"ami-...\")");
            Err(ApiError::new("InvalidAMIID.Malformed", text))
        }
    }
}
