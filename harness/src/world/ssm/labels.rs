//! Labels of parameter versions.

use super::Ssm;
use super::SsmChange;
use super::parameters::VERSIONS_KEPT;
use super::{Parameter, World};
use crate::world::error::{ApiError, ApiResult};

/// Systems Manager User Guide (parameter labels).
const LABELS_PER_VERSION: usize = 10;

impl Ssm {
    /// Systems Manager API Reference (PutParameter): a version with a label is not deleted to make room.
    pub(super) fn check_version_limit(&self, name: &str) -> ApiResult<()> {
        let Some(parameter) = self.parameters.get(name) else { return Ok(()) };
        match parameter.versions.first() {
            Some(oldest) if parameter.versions.len() >= VERSIONS_KEPT && !oldest.labels.is_empty() => {
                let text = format!(
                    "You attempted to create a new version of {name} by calling the PutParameter API with the \
                     overwrite flag. Version {}, the oldest version, can't be deleted because it has a label associated \
                     with it. Move the label to another version of the parameter, and try again.",
                    oldest.version
                );
                Err(ApiError::new("ParameterMaxVersionLimitExceeded", text))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn known_parameter_mut(&mut self, name: &str) -> ApiResult<&mut Parameter> {
        self.parameters.get_mut(name).ok_or_else(|| ApiError::new("ParameterNotFound", ""))
    }
}

impl World {
    /// LabelParameterVersion, the newest version by default: the version, and the labels that are not valid. A label
    /// moves from the version that had it.
    pub fn label_parameter_version(
        &mut self,
        name: &str,
        version: Option<u64>,
        labels: &[String],
    ) -> ApiResult<(u64, Vec<String>)> {
        let parameter = self.ssm.known_parameter_mut(name)?;
        let number = match version {
            Some(number) => known_version(parameter, number)?,
            None => parameter.versions.last().map_or(1, |version| version.version),
        };
        let (valid, invalid): (Vec<_>, Vec<_>) = labels.iter().cloned().partition(|label| is_valid_label(label));
        let kept = parameter
            .versions
            .iter()
            .find(|it| it.version == number)
            .map_or(0, |it| it.labels.iter().filter(|label| !valid.contains(label)).count());
        if kept + valid.len() > LABELS_PER_VERSION {
            let text = "A parameter version can have a maximum of ten labels.";
            return Err(ApiError::new("ParameterVersionLabelLimitExceeded", text));
        }
        for version in &mut parameter.versions {
            version.labels.retain(|label| !valid.contains(label));
            if version.version == number {
                version.labels.extend(valid.iter().cloned());
            }
        }
        self.note_change(name, SsmChange::Labelled { version: number, labels: valid });
        Ok((number, invalid))
    }

    /// UnlabelParameterVersion: the labels that were removed, and those that were not there.
    pub fn unlabel_parameter_version(
        &mut self,
        name: &str,
        version: u64,
        labels: &[String],
    ) -> ApiResult<(Vec<String>, Vec<String>)> {
        let parameter = self.ssm.known_parameter_mut(name)?;
        known_version(parameter, version)?;
        let mut removed = Vec::new();
        for version in parameter.versions.iter_mut().filter(|it| it.version == version) {
            removed.extend(version.labels.iter().filter(|label| labels.contains(label)).cloned());
            version.labels.retain(|label| !labels.contains(label));
        }
        let strangers = labels.iter().filter(|label| !removed.contains(label)).cloned().collect();
        self.note_change(name, SsmChange::Unlabelled { version, labels: removed.clone() });
        Ok((removed, strangers))
    }
}

fn known_version(parameter: &Parameter, number: u64) -> ApiResult<u64> {
    let found = parameter.versions.iter().any(|version| version.version == number);
    found.then_some(number).ok_or_else(|| {
        let name = &parameter.name;
        let text =
            format!("Systems Manager could not find version {number} of {name}. Verify the version and try again.");
        ApiError::new("ParameterVersionNotFound", text)
    })
}

/// Letters, digits, `.`, `-` and `_`; not beginning with a digit, `aws` or `ssm`.
fn is_valid_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    (1..=100).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        && !lower.starts_with(|first: char| first.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}
