//! Command documents: what a command runs, and how long that may take.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Ssm;
use super::SsmChange;
use super::World;
use crate::time::Time;
use crate::world::error::{ApiError, ApiResult};

/// Systems Manager User Guide (aws:runShellScript): a step may take an hour unless its `timeoutSeconds` says otherwise.
const DEFAULT_STEP_TIMEOUT_S: u64 = 3600;

/// A version of a command document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Unique in the region.
    pub name: String,
    /// From 1.
    pub version: u64,
    /// As it was put.
    pub content: String,
    /// What the content is written in.
    pub format: DocumentFormat,
    /// For example `/AWS::EC2::Instance`.
    pub target_type: Option<String>,
    pub created: Time,
    /// The content, understood.
    pub parsed: Value,
}

/// What a document is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentFormat {
    /// The default.
    #[default]
    Json,
    /// Of which JSON is a part.
    Yaml,
}

impl DocumentFormat {
    /// Systems Manager's name.
    pub fn name(self) -> &'static str {
        match self {
            DocumentFormat::Json => "JSON",
            DocumentFormat::Yaml => "YAML",
        }
    }
}

/// What CreateDocument is asked for.
#[derive(Clone, Debug, Default)]
pub struct CreateDocument {
    /// Unique in the region.
    pub name: String,
    /// JSON or YAML.
    pub content: String,
    /// Which of the two.
    pub format: DocumentFormat,
    /// For example `/AWS::EC2::Instance`.
    pub target_type: Option<String>,
}

impl Ssm {
    /// The newest version of each document, which is the default one, too.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values().filter_map(|versions| versions.last())
    }

    pub fn document(&self, name: &str, version: Option<&str>) -> ApiResult<&Document> {
        let versions = self.documents.get(name).ok_or_else(|| unknown(name))?;
        let found = match version {
            None | Some("$DEFAULT" | "$LATEST") => versions.last(),
            Some(number) => versions.iter().find(|version| number.parse() == Ok(version.version)),
        };
        found.ok_or_else(|| {
            let text = format!("Document version {} of {name} does not exist.", version.unwrap_or_default());
            ApiError::new("InvalidDocumentVersion", text)
        })
    }

    pub fn delete_document(&mut self, name: &str) -> ApiResult<()> {
        self.documents.remove(name).map(drop).ok_or_else(|| unknown(name))
    }
}

impl World {
    pub fn create_document(&mut self, request: CreateDocument) -> ApiResult<&Document> {
        check_name(&request.name)?;
        if self.ssm.documents.contains_key(&request.name) {
            let text = format!("Document with same name {} already exists", request.name);
            return Err(ApiError::new("DocumentAlreadyExists", text));
        }
        self.store_document(request)
    }

    /// Gives the world a document, JSON or YAML; another content makes a new version of one of that name.
    pub fn put_document(&mut self, name: &str, content: &str) -> ApiResult<()> {
        let json = serde_json::from_str::<Value>(content).is_ok();
        let format = if json { DocumentFormat::Json } else { DocumentFormat::Yaml };
        let request = CreateDocument { name: name.to_owned(), content: content.to_owned(), format, target_type: None };
        self.store_document(request).map(drop)
    }

    fn store_document(&mut self, request: CreateDocument) -> ApiResult<&Document> {
        let parsed = parse(&request.content, request.format)?;
        let versions = self.ssm.documents.get(&request.name);
        let version = match versions.and_then(|versions| versions.last()) {
            Some(before) if before.content == request.content => before.version,
            Some(before) => before.version + 1,
            None => 1,
        };
        let document = Document {
            name: request.name.clone(),
            version,
            content: request.content,
            format: request.format,
            target_type: request.target_type,
            created: self.now,
            parsed,
        };
        document.check_patterns()?;
        self.note_change(&request.name, SsmChange::DocumentStored);
        let versions = self.ssm.documents.entry(request.name).or_default();
        versions.retain(|other| other.version != version);
        Ok(versions.push_mut(document))
    }
}

impl Document {
    /// SHA-256 of the content, in hexadecimal digits.
    pub fn hash(&self) -> String {
        Sha256::digest(&self.content).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Refuses the document if whoever names it has another content in mind. In the words of
    /// aws-security-reference-architecture-examples#301.
    pub(super) fn check_hash(&self, expected: Option<&str>) -> ApiResult<()> {
        match expected {
            Some(expected) if !expected.eq_ignore_ascii_case(&self.hash()) => {
                Err(ApiError::new("InvalidDocument", format!("document hash {expected} does not match Sha256.")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The parameters that the document declares, by name.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Value)> {
        let declared = self.parsed["parameters"].as_object().into_iter().flatten();
        declared.map(|(name, declaration)| (name.as_str(), declaration))
    }

    pub fn description(&self) -> Option<&str> {
        self.parsed["description"].as_str()
    }

    /// What Systems Manager calls the plugin: the name of the first step.
    pub fn plugin_name(&self) -> &str {
        self.parsed["mainSteps"][0]["name"].as_str().unwrap_or_default()
    }

    /// What its shell steps run, with these values in place of their names.
    pub(in crate::world) fn script(&self, given: &BTreeMap<String, Vec<String>>) -> String {
        let steps = self.parsed["mainSteps"].as_array().into_iter().flatten();
        let shell = steps.filter(|step| step["action"] == "aws:runShellScript");
        let lines = shell.flat_map(|step| step["inputs"]["runCommand"].as_array().into_iter().flatten());
        let script: String = lines.filter_map(Value::as_str).map(|line| format!("{line}\n")).collect();
        self.parameters().fold(script, |script, (name, declared)| {
            let value = given.get(name).and_then(|values| values.first()).map(String::as_str);
            let value = value.or(declared["default"].as_str()).unwrap_or_default();
            let spaced = script.replace(&format!("{{{{ {name} }}}}"), value);
            spaced.replace(&format!("{{{{{name}}}}}"), value)
        })
    }

    /// How long all steps together may take.
    pub(super) fn execution_timeout(&self, given: &BTreeMap<String, Vec<String>>) -> Duration {
        let steps = self.parsed["mainSteps"].as_array().into_iter().flatten();
        Duration::from_secs(steps.map(|step| self.step_timeout_s(&step["inputs"]["timeoutSeconds"], given)).sum())
    }

    fn step_timeout_s(&self, timeout: &Value, given: &BTreeMap<String, Vec<String>>) -> u64 {
        let Some(text) = timeout.as_str() else { return timeout.as_u64().unwrap_or(DEFAULT_STEP_TIMEOUT_S) };
        let reference = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
        let seconds = match reference {
            None => text.parse().ok(),
            Some(name) => match given.get(name) {
                Some(values) => values.first().and_then(|value| value.parse().ok()),
                None => {
                    let default = &self.parsed["parameters"][name]["default"];
                    default.as_u64().or_else(|| default.as_str()?.parse().ok())
                }
            },
        };
        seconds.unwrap_or(DEFAULT_STEP_TIMEOUT_S)
    }
}

fn parse(content: &str, format: DocumentFormat) -> ApiResult<Value> {
    let refuse = |text: String| ApiError::new("InvalidDocumentContent", text);
    let parsed: Value = match format {
        DocumentFormat::Json => {
            serde_json::from_str(content).map_err(|error| refuse(format!("JSON not well-formed. {error}")))?
        }
        DocumentFormat::Yaml => {
            serde_saphyr::from_str(content).map_err(|error| refuse(format!("YAML not well-formed. {error}")))?
        }
    };
    if parsed["schemaVersion"].as_str() != Some("2.2") {
        return Err(refuse("The local AWS has only documents of schemaVersion 2.2.".to_owned()));
    }
    let steps = parsed["mainSteps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let complete = |step: &Value| step["action"].is_string() && step["name"].is_string();
    if steps.is_empty() || !steps.iter().all(complete) {
        return Err(refuse("The document needs mainSteps, each with an action and a name.".to_owned()));
    }
    Ok(parsed)
}

/// Systems Manager API Reference (CreateDocument).
fn check_name(name: &str) -> ApiResult<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let reserved = ["aws", "amazon", "amzn"].iter().any(|prefix| name.to_ascii_lowercase().starts_with(prefix));
    if (3..=128).contains(&name.len()) && name.bytes().all(allowed) && !reserved {
        return Ok(());
    }
    let text = format!("1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint");
    Err(ApiError::new("ValidationException", text))
}

fn unknown(name: &str) -> ApiError {
    ApiError::new("InvalidDocument", format!("Document with name {name} does not exist."))
}
