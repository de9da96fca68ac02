//! Documents: created, described, read, deleted.

use serde_json::{Value, json};

use super::answers::paged;
use crate::wire::fields::{self, Fields};
use crate::wire::operation::{Operation, reads, writes};
use crate::world::error::{ApiError, ApiResult};
use crate::world::ssm::{CreateDocument, Document, DocumentFormat};
use crate::world::{ACCOUNT, World};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::ssm("CreateDocument", CREATE_PARAMETERS, writes(create)),
    Operation::ssm("DeleteDocument", &["Name"], writes(delete)),
    Operation::ssm("DescribeDocument", &["DocumentVersion", "Name"], reads(describe)),
    Operation::ssm("GetDocument", &["DocumentFormat", "DocumentVersion", "Name"], reads(get)),
    Operation::ssm("ListDocuments", &["Filters", "MaxResults", "NextToken"], reads(list)),
];

const CREATE_PARAMETERS: &[&str] = &["Content", "DocumentFormat", "DocumentType", "Name", "TargetType"];

fn create(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    if let Some(other) = fields.text("DocumentType")?.filter(|given| *given != "Command") {
        let text = format!("The local AWS has only Command documents, not {other}.");
        return Err(ApiError::new("ValidationException", text));
    }
    let document = world.create_document(CreateDocument {
        name: fields.required("Name")?.to_owned(),
        content: fields.required("Content")?.to_owned(),
        format: format(fields)?.unwrap_or_default(),
        target_type: fields.owned("TargetType")?,
    })?;
    Ok(json!({"DocumentDescription": description(document)}))
}

fn describe(world: &World, fields: &Fields) -> ApiResult<Value> {
    let document = world.ssm.document(fields.required("Name")?, fields.text("DocumentVersion")?)?;
    Ok(json!({"Document": description(document)}))
}

/// GetDocument: as it was put; the local AWS translates neither format into the other.
fn get(world: &World, fields: &Fields) -> ApiResult<Value> {
    let document = world.ssm.document(fields.required("Name")?, fields.text("DocumentVersion")?)?;
    if let Some(other) = format(fields)?.filter(|format| *format != document.format) {
        return Err(fields::invalid("DocumentFormat", other.name()));
    }
    Ok(json!({
        "Name": document.name,
        "CreatedDate": document.created.epoch_seconds(),
        "DocumentVersion": document.version.to_string(),
        "Status": "Active",
        "Content": document.content,
        "DocumentType": "Command",
        "DocumentFormat": document.format.name(),
    }))
}

fn delete(world: &mut World, fields: &Fields) -> ApiResult<Value> {
    world.ssm.delete_document(fields.required("Name")?)?;
    Ok(json!({}))
}

/// ListDocuments: all here are Command documents of this account.
fn list(world: &World, fields: &Fields) -> ApiResult<Value> {
    let mut documents: Vec<&Document> = world.ssm.documents().collect();
    for filter in fields.structures("Filters")? {
        let values = filter.texts("Values")?;
        match filter.required("Key")? {
            "Name" => documents.retain(|document| values.iter().any(|value| document.name.starts_with(value))),
            "Owner" => documents.retain(|_| values.iter().any(|value| ["Self", "All", ACCOUNT].contains(value))),
            "DocumentType" => documents.retain(|_| values.contains(&"Command")),
            _ => return Err(ApiError::new("InvalidFilterKey", "")),
        }
    }
    let items = documents.into_iter().map(|document| (document.name.clone(), identifier(document))).collect();
    paged(fields, "DocumentIdentifiers", 1..=50, items)
}

fn format(fields: &Fields) -> ApiResult<Option<DocumentFormat>> {
    match fields.text("DocumentFormat")? {
        None => Ok(None),
        Some("JSON") => Ok(Some(DocumentFormat::Json)),
        Some("YAML") => Ok(Some(DocumentFormat::Yaml)),
        Some(other) => Err(fields::invalid("DocumentFormat", other)),
    }
}

fn identifier(document: &Document) -> Value {
    let mut item = json!({
        "Name": document.name,
        "CreatedDate": document.created.epoch_seconds(),
        "Owner": ACCOUNT,
        "PlatformTypes": ["Linux"],
        "DocumentVersion": document.version.to_string(),
        "DocumentType": "Command",
        "SchemaVersion": "2.2",
        "DocumentFormat": document.format.name(),
        "Tags": [],
    });
    if let Some(target_type) = &document.target_type {
        item["TargetType"] = target_type.as_str().into();
    }
    item
}

fn description(document: &Document) -> Value {
    let mut item = identifier(document);
    item["Status"] = "Active".into();
    item["LatestVersion"] = document.version.to_string().into();
    item["DefaultVersion"] = document.version.to_string().into();
    item["Hash"] = document.hash().into();
    item["HashType"] = "Sha256".into();
    if let Some(text) = document.description() {
        item["Description"] = text.into();
    }
    item["Parameters"] = document.parameters().map(|(name, declaration)| parameter(name, declaration)).collect();
    item
}

fn parameter(name: &str, declaration: &Value) -> Value {
    let mut item = json!({"Name": name, "Type": declaration["type"]});
    if let Some(text) = declaration["description"].as_str() {
        item["Description"] = text.into();
    }
    match &declaration["default"] {
        Value::Null => {}
        Value::String(text) => item["DefaultValue"] = text.as_str().into(),
        other => item["DefaultValue"] = other.to_string().into(),
    }
    item
}
