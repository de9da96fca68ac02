//! Put, get and delete parameters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Ssm;
use super::SsmChange;
use super::{Parameter, ParameterVersion, World};
use crate::world::error::{ApiError, ApiResult};
use crate::world::{ACCOUNT, REGION};

/// What PutParameter is asked for.
#[derive(Clone, Debug, Default)]
pub struct PutParameter {
    /// Full name.
    pub name: String,
    pub value: String,
    /// `String`, `StringList` or `SecureString`; needed only for a new parameter.
    pub parameter_type: Option<String>,
    /// `text` or `aws:ec2:image`.
    pub data_type: Option<String>,
    /// Whether an existing parameter gets a new version.
    pub overwrite: bool,
    pub description: Option<String>,
    /// For a new parameter.
    pub tags: BTreeMap<String, String>,
}

/// Systems Manager API Reference: the newest 100 versions are kept.
pub(super) const VERSIONS_KEPT: usize = 100;
/// Systems Manager API Reference: at most 4 KB for a standard parameter.
const VALUE_BYTES: usize = 4096;

impl Ssm {
    /// GetParameter: the newest version of `name`, or that of `name:3` or `name:label`; the name may be an ARN.
    /// Probe: a-parameter-goes-by-its-arn.
    pub fn get_parameter(&self, selector: &str) -> ApiResult<(&Parameter, &ParameterVersion)> {
        let (parameter, wanted) = self.select(selector).ok_or_else(not_found)?;
        let name = &parameter.name;
        let version = match wanted {
            None => parameter.versions.last(),
            Some(wanted) => parameter
                .versions
                .iter()
                .find(|it| wanted.parse() == Ok(it.version) || it.labels.iter().any(|label| label == wanted)),
        };
        let version = version.ok_or_else(|| {
            let text = format!(
                "Systems Manager could not find version {} of {name}. Verify the version and try again.",
                wanted.unwrap_or("1")
            );
            ApiError::new("ParameterVersionNotFound", text)
        })?;
        Ok((parameter, version))
    }
}

impl Ssm {
    /// The parameter of that name or ARN, and what follows it: a version or a label.
    pub fn select<'a>(&self, selector: &'a str) -> Option<(&Parameter, Option<&'a str>)> {
        let named = match selector.strip_prefix("arn:") {
            Some(_) => selector.strip_prefix(&format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/"))?,
            None => selector,
        };
        let (name, wanted) = named.split_once(':').map_or((named, None), |(name, wanted)| (name, Some(wanted)));
        // An ARN has one slash, whether the name begins with one or not.
        let parameter = match named.len() == selector.len() {
            true => self.parameters.get(name),
            false => self.parameters.get(&format!("/{name}")).or_else(|| self.parameters.get(name)),
        };
        Some((parameter?, wanted))
    }
}

impl World {
    /// PutParameter: the new version.
    pub fn put_parameter(&mut self, request: PutParameter) -> ApiResult<u64> {
        check_name(&request.name)?;
        if request.overwrite && !request.tags.is_empty() {
            let text = "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, \
                        please remove overwrite flag. To update tags for an existing parameter, please use \
                        AddTagsToResource or RemoveTagsFromResource.";
            return Err(ApiError::new("ValidationException", text));
        }
        if request.value.is_empty() || request.value.len() > VALUE_BYTES {
            let text =
                format!("Standard tier parameters support a maximum parameter value of {VALUE_BYTES} characters.");
            return Err(ApiError::new("ValidationException", text));
        }
        let existing = self.ssm.parameters.get(&request.name);
        if existing.is_some() && !request.overwrite {
            let text = "The parameter already exists. To overwrite this value, set the overwrite option in the \
                        request to true.";
            return Err(ApiError::new("ParameterAlreadyExists", text));
        }
        let parameter_type = match (&request.parameter_type, existing) {
            (Some(given), Some(existing)) if *given != existing.parameter_type => {
                let text = "The parameter type can't be changed by overwriting the parameter.";
                return Err(ApiError::new("HierarchyTypeMismatchException", text));
            }
            (Some(given), _) => given.clone(),
            (None, Some(existing)) => existing.parameter_type.clone(),
            (None, None) => {
                let text = "A parameter type is required when you create a parameter.";
                return Err(ApiError::new("ValidationException", text));
            }
        };
        let kept = existing.map(|existing| existing.data_type.as_str());
        if kept.is_some_and(|kept| request.data_type.as_deref().is_some_and(|given| given != kept)) {
            // That it is refused is in bottlerocket#2599 and terraform-provider-aws#35959; with which words is not.
            // Probe: overwriting-keeps-the-types.
            let text = "The data type of an existing parameter can't be changed.";
            return Err(ApiError::new("ValidationException", text));
        }
        if self.ssm.pending_parameters.contains_key(&request.name) {
            let text = "There are concurrent updates for a resource that supports one update at a time.";
            return Err(ApiError::new("TooManyUpdates", text));
        }
        self.ssm.check_version_limit(&request.name)?;
        let request = PutParameter { parameter_type: Some(parameter_type), ..request };
        if self.ssm.is_for_image(&request) { Ok(self.validate_later(request)) } else { Ok(self.add_version(request)) }
    }

    /// Puts a parameter into the world without the wait for its validation: for worlds to begin with.
    pub fn add_parameter(&mut self, request: PutParameter) {
        self.add_version(request);
    }

    /// The version that a request becomes.
    pub(in crate::world) fn add_version(&mut self, request: PutParameter) -> u64 {
        let parameter_type = request.parameter_type.unwrap_or_default();
        let operation = if self.ssm.parameters.contains_key(&request.name) { "Update" } else { "Create" };
        let parameter = self.ssm.parameters.entry(request.name.clone()).or_insert_with(|| Parameter {
            name: request.name.clone(),
            parameter_type: parameter_type.clone(),
            data_type: "text".to_owned(),
            versions: Vec::new(),
            tags: request.tags,
        });
        if let Some(data_type) = request.data_type {
            parameter.data_type = data_type;
        }
        // An identical value makes a version too, as far as we know. Probe: identical-put-makes-a-version.
        // A description stays until there is another.
        let version = parameter.versions.last().map_or(1, |last| last.version + 1);
        let description = request.description.or_else(|| parameter.versions.last()?.description.clone());
        let modified = self.now;
        let value = request.value.clone();
        parameter.versions.push(ParameterVersion { version, value, modified, description, labels: Vec::new() });
        let surplus = parameter.versions.len().saturating_sub(VERSIONS_KEPT);
        parameter.versions.drain(..surplus);
        self.note_change(&request.name, SsmChange::Version { version, value: request.value });
        self.emit_parameter_change(&request.name, &parameter_type, operation);
        version
    }

    pub fn delete_parameter(&mut self, name: &str) -> ApiResult<()> {
        let Some(parameter) = self.ssm.parameters.remove(name) else { return Err(not_found()) };
        self.note_change(name, SsmChange::Deleted);
        self.emit_parameter_change(name, &parameter.parameter_type, "Delete");
        Ok(())
    }

    /// AddTagsToResource and RemoveTagsFromResource, of a parameter.
    pub fn tag_parameter(&mut self, name: &str, add: Vec<(String, String)>, remove: &[String]) -> ApiResult<()> {
        let parameter = self.ssm.parameters.get_mut(name).ok_or_else(|| ApiError::new("InvalidResourceId", ""))?;
        parameter.tags.extend(add);
        parameter.tags.retain(|key, _| !remove.contains(key));
        self.note_change(name, SsmChange::TagsChanged);
        Ok(())
    }

    fn emit_parameter_change(&mut self, name: &str, parameter_type: &str, operation: &str) {
        let detail = json!({ "operation": operation, "name": name, "type": parameter_type });
        self.emit_parameter_event(name, detail);
    }

    pub(super) fn emit_parameter_event(&mut self, name: &str, detail: Value) {
        let arn = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{}", name.trim_start_matches('/'));
        self.emit("aws.ssm", "Parameter Store Change", vec![arn], detail);
    }
}

/// Systems Manager API Reference (PutParameter): a hierarchy begins with `/`, has at most 15 levels, and no name begins
/// with `aws` or `ssm`.
fn check_name(name: &str) -> ApiResult<()> {
    let bare = name.trim_start_matches('/').to_ascii_lowercase();
    if name.to_ascii_lowercase().starts_with("/aws") && name.matches('/').count() > 1 {
        // Public parameters are below it.
        let text = format!("No access to reserved parameter name: {name}.");
        return Err(ApiError::new("AccessDeniedException", text));
    }
    let text = if bare.starts_with("aws") || bare.starts_with("ssm") {
        "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."
    } else if name.contains('/') && !name.starts_with('/') {
        "Parameter name must be a fully qualified name."
    } else if name.matches('/').count() > 15 {
        "Parameter name: a hierarchy can have at most 15 levels."
    } else if bare.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.-_".contains(&byte)) {
        "Parameter name: only a mix of letters, numbers and the following 4 symbols .-_/ is allowed."
    } else {
        return Ok(());
    };
    Err(ApiError::new("ValidationException", text))
}

fn not_found() -> ApiError {
    // The real service answers the code alone.
    ApiError::new("ParameterNotFound", "")
}
