//! The CloudFormation templates that a user deploys, read from the very files. Anything unknown in them is refused, not
//! ignored, with the file and the place.

mod documents;
mod intrinsics;
mod node;
mod roles;
mod rules;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use documents::documents;
pub use node::{DescribedNode, NodeParameters, NodeStack, NodeTemplate};
pub use roles::{DeployedRole, Queue, Roles, RolesTemplate};
pub use rules::Rules;

/// A mistake in a template, and its place.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {resource}: {problem}")]
pub struct TemplateError {
    pub file: String,
    /// The logical id of the resource, or the section.
    pub resource: String,
    /// The part that the local AWS does not understand.
    pub problem: String,
}

/// A template, with the values of its parameters.
#[derive(Clone, Debug)]
struct Template {
    file: String,
    parameters: BTreeMap<String, Value>,
    conditions: Map<String, Value>,
    resources: Map<String, Value>,
    outputs: Map<String, Value>,
    /// The names of resources that do not go by their logical id.
    physical_ids: BTreeMap<String, String>,
}

const SECTIONS: [&str; 8] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
];

/// The fields that every resource may have.
struct Resource<'a> {
    id: &'a str,
    kind: &'a str,
    /// As they are written.
    written: &'a Value,
}

impl Template {
    /// Reads a template, with the defaults of its parameters.
    fn parse(file: &str, text: &str) -> Result<Template, TemplateError> {
        Template::with(file, &read(file, text)?, &BTreeMap::new())
    }

    /// The template, with `given` for its parameters; others have their defaults.
    fn with(file: &str, template: &Value, given: &BTreeMap<String, Value>) -> Result<Template, TemplateError> {
        let section = |name: &str| template[name].as_object().cloned().unwrap_or_default();
        let mut parameters = BTreeMap::new();
        for (name, declared) in section("Parameters") {
            // Without a value and without a default it can be declared, but not referred to.
            let value = given.get(&name).cloned().or_else(|| declared.get("Default").cloned()).unwrap_or_default();
            parameters.insert(name, if is_list(&declared["Type"]) { list(value) } else { value });
        }
        let (conditions, resources, outputs) = (section("Conditions"), section("Resources"), section("Outputs"));
        if resources.is_empty() {
            return Err(refuse(file, "Resources", "missing"));
        }
        let file = file.to_owned();
        Ok(Template { file, parameters, conditions, resources, outputs, physical_ids: BTreeMap::new() })
    }

    /// The resources whose condition holds.
    fn resources(&self) -> Result<Vec<Resource<'_>>, TemplateError> {
        let mut resources = Vec::new();
        for (id, written) in &self.resources {
            let fields = written.as_object().ok_or_else(|| self.refuse(id, "not an object"))?;
            let known = ["Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"];
            let known: Vec<_> = known.into_iter().chain(["Metadata", "UpdatePolicy", "CreationPolicy"]).collect();
            only(&self.file, id, fields, &known)?;
            let exists = match &written["Condition"] {
                Value::String(condition) => self.condition(id, condition)?,
                _ => true,
            };
            if exists {
                let kind = written["Type"].as_str().ok_or_else(|| self.refuse(id, "no Type"))?;
                resources.push(Resource { id, kind, written: &written["Properties"] });
            }
        }
        Ok(resources)
    }

    /// A resource's properties, all of them known and resolved.
    fn properties(&self, resource: &Resource<'_>, known: &[&str]) -> Result<Map<String, Value>, TemplateError> {
        match self.resolve(resource.id, resource.written)? {
            Value::Object(properties) => {
                only(&self.file, resource.id, &properties, known)?;
                Ok(properties)
            }
            _ => Err(self.refuse(resource.id, "no Properties")),
        }
    }

    /// A resource with nothing for the local AWS: everything that it refers to still has to exist.
    fn check_references(&self, resource: &Resource<'_>, without_effect: &[&str]) -> Result<(), TemplateError> {
        if !without_effect.contains(&resource.kind) {
            return Err(self.refuse(resource.id, format!("the local AWS does not know the type {:?}", resource.kind)));
        }
        self.resolve(resource.id, resource.written).map(drop)
    }

    /// Outputs may refer only to things in the template.
    fn outputs(&self) -> Result<BTreeMap<String, Value>, TemplateError> {
        let mut outputs = BTreeMap::new();
        for (id, output) in &self.outputs {
            let exists = match &output["Condition"] {
                Value::String(condition) => self.condition(id, condition)?,
                _ => true,
            };
            if exists {
                outputs.insert(id.clone(), self.resolve(id, &output["Value"])?);
            }
        }
        Ok(outputs)
    }

    fn refuse(&self, resource: &str, problem: impl Into<String>) -> TemplateError {
        refuse(&self.file, resource, problem)
    }
}

/// The template as it is written.
fn read(file: &str, text: &str) -> Result<Value, TemplateError> {
    // YAML's reader would ignore the tag.
    if let Some(line) = text.lines().find(|line| line.contains(": !") || line.contains("- !")) {
        return Err(refuse(file, line.trim(), "the local AWS wants the long forms of intrinsic functions"));
    }
    let template: Value =
        serde_saphyr::from_str(text).map_err(|error| refuse(file, "template", format!("not YAML: {error}")))?;
    let sections = template.as_object().ok_or_else(|| refuse(file, "template", "not an object"))?;
    only(file, "template", sections, &SECTIONS)?;
    Ok(template)
}

/// Whether a parameter of that type has many values.
fn is_list(kind: &Value) -> bool {
    kind.as_str().is_some_and(|kind| kind == "CommaDelimitedList" || kind.starts_with("List<"))
}

/// The value of a list parameter, which is given as one text. (CloudFormation User Guide, "Parameters".)
fn list(value: Value) -> Value {
    match value {
        Value::String(text) => text.split(',').map(|element| Value::from(element.trim())).collect(),
        value => value,
    }
}

/// Refuses properties other than `known`.
fn only(file: &str, resource: &str, fields: &Map<String, Value>, known: &[&str]) -> Result<(), TemplateError> {
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(refuse(file, resource, format!("the local AWS does not know the property {key}"))),
        None => Ok(()),
    }
}

fn refuse(file: &str, resource: &str, problem: impl Into<String>) -> TemplateError {
    TemplateError { file: file.to_owned(), resource: resource.to_owned(), problem: problem.into() }
}

/// A whole number, which CloudFormation takes as a text too.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64().and_then(|number| u32::try_from(number).ok()),
    }
}

/// The name at the end of an ARN of `service`, behind `kind` and its separator.
fn name_in_arn<'a>(arn: &'a str, service: &str, before: &str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let is_of_service = parts.nth(2) == Some(service);
    let name = parts.nth(2)?.strip_prefix(before)?;
    (is_of_service && !name.is_empty()).then_some(name)
}
