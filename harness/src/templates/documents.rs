//! Systems Manager documents.

use serde_json::Value;

use super::{Template, TemplateError};

const PROPERTIES: [&str; 8] =
    ["Content", "DocumentFormat", "DocumentType", "Name", "Tags", "TargetType", "UpdateMethod", "VersionName"];

/// The Systems Manager documents of a template: name and content, as JSON.
///
/// # Errors
/// When the template is not YAML, or a resource is something else or lacks one of the two.
pub fn documents(file: &str, text: &str) -> Result<Vec<(String, String)>, TemplateError> {
    let template = Template::parse(file, text)?;
    template.outputs()?;
    let mut documents = Vec::new();
    for resource in template.resources()? {
        if resource.kind != "AWS::SSM::Document" {
            template.check_references(&resource, &[])?;
        }
        let properties = template.properties(&resource, &PROPERTIES)?;
        match (properties.get("Name").and_then(Value::as_str), properties.get("Content")) {
            (Some(name), Some(content @ Value::Object(_))) => documents.push((name.to_owned(), content.to_string())),
            _ => return Err(template.refuse(resource.id, "the local AWS wants a Name and a Content")),
        }
    }
    Ok(documents)
}
