//! What a command gives to its document, held against what the document declares.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;

use super::Document;
use crate::world::error::{ApiError, ApiResult};

impl Document {
    /// Refuses parameters that the document does not have, the lack of those that it needs, and values that it does not
    /// allow. Systems Manager User Guide (data elements and parameters): `allowedPattern`, `allowedValues`.
    pub(super) fn check_parameters(&self, given: &BTreeMap<String, Vec<String>>) -> ApiResult<()> {
        for (name, values) in given {
            let Some((_, declaration)) = self.parameters().find(|(declared, _)| declared == name) else {
                return Err(refused(format!("The document {} has no parameter {name}.", self.name)));
            };
            for value in values {
                check_value(name, declaration, value)?;
            }
        }
        let needed = |declaration: &Value| declaration.get("default").is_none();
        match self.parameters().find(|(name, declaration)| needed(declaration) && !given.contains_key(*name)) {
            Some((name, _)) => Err(refused(format!("Parameter {name} requires a value and has no default."))),
            None => Ok(()),
        }
    }

    /// Refuses a document of which a pattern is none.
    pub(super) fn check_patterns(&self) -> ApiResult<()> {
        for (name, declaration) in self.parameters() {
            if let Some(Err(error)) = declaration["allowedPattern"].as_str().map(Regex::new) {
                let text = format!("allowedPattern of parameter {name} is not a regular expression: {error}");
                return Err(ApiError::new("InvalidDocumentContent", text));
            }
        }
        Ok(())
    }
}

fn check_value(name: &str, declaration: &Value, value: &str) -> ApiResult<()> {
    if let Some(pattern) = declaration["allowedPattern"].as_str() {
        // A pattern that is none was refused with its document.
        if !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value)) {
            return Err(refused(format!("Parameter \"{name}\" has value \"{value}\" not matching \"{pattern}\".")));
        }
    }
    match declaration["allowedValues"].as_array() {
        Some(allowed) if !allowed.iter().any(|it| it.as_str() == Some(value)) => {
            let allowed = allowed.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
            let allowed = allowed.collect::<Vec<_>>().join(", ");
            Err(refused(format!("Parameter \"{name}\" has value \"{value}\" not in [{allowed}].")))
        }
        Some(_) | None => Ok(()),
    }
}

fn refused(text: String) -> ApiError {
    ApiError::new("InvalidParameters", text)
}
