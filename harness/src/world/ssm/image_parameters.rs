//! Parameters of data type `aws:ec2:image`. Systems Manager User Guide (native parameter support for AMI IDs): the put
//! answers at once, the value is validated afterwards, and only then is it there.

use serde_json::json;

use super::Refusal;
use super::Ssm;
use super::SsmChange;
use super::{PutParameter, SsmEffect, World};

/// The data type of parameters that name an image.
pub const IMAGE_DATA_TYPE: &str = "aws:ec2:image";

/// A parameter that was put and is not validated yet.
#[derive(Clone, Debug)]
pub struct PendingParameter {
    request: PutParameter,
    /// Whether the caller who put it may call DescribeImages.
    describes_images: bool,
}

impl Ssm {
    /// Whether the value would have to be an image's id: a parameter keeps its data type unless it is given another.
    pub(super) fn is_for_image(&self, request: &PutParameter) -> bool {
        let existing = self.parameters.get(&request.name).map(|parameter| parameter.data_type.as_str());
        request.data_type.as_deref().or(existing) == Some(IMAGE_DATA_TYPE)
    }

    /// The value is validated in the name of the caller who has just put it, and that caller may not describe images.
    pub(crate) fn forbid_describing(&mut self, parameter: &str) {
        let pending = self.pending_parameters.get_mut(parameter).expect("the value has just been put");
        pending.describes_images = false;
    }
}

impl World {
    /// Puts the request aside until it is validated: the version that it will be, if it is valid.
    pub(super) fn validate_later(&mut self, request: PutParameter) -> u64 {
        let newest = self.ssm.parameters.get(&request.name).and_then(|parameter| parameter.versions.last());
        let version = newest.map_or(1, |version| version.version + 1);
        let delay = self.draw(self.latency.parameter_validation);
        self.schedule(delay, SsmEffect::ImageValidated(request.name.clone()));
        self.ssm.pending_parameters.insert(request.name.clone(), PendingParameter { request, describes_images: true });
        version
    }

    /// The value put aside is valid, and there; or it is not, and the parameter stays as it was.
    pub(super) fn finish_put(&mut self, name: &str) {
        let pending = self.ssm.pending_parameters.remove(name).expect("what is validated was put aside once");
        let PendingParameter { request, describes_images } = pending;
        let why = match self.check_launchable(&request.value) {
            Ok(()) if describes_images => {
                self.check_publication(&request.name, &request.value);
                self.add_version(request);
                return;
            }
            Ok(()) => Refusal::NotDescribable,
            Err(_) => Refusal::NotLaunchable,
        };
        self.note_change(name, SsmChange::Refused { value: request.value, why });
        let operation = if self.ssm.parameters.contains_key(name) { "Update" } else { "Create" };
        self.emit_parameter_event(
            name,
            json!({
                "exception": "Unable to Describe Resource",
                "dataType": IMAGE_DATA_TYPE,
                "name": name,
                "type": request.parameter_type,
                "operation": operation,
            }),
        );
    }
}
