//! The members of a JSON request.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::world::error::{ApiError, ApiResult};

/// A request.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn parse(body: &[u8]) -> ApiResult<Fields> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Fields(members)),
            _ if body.is_empty() => Ok(Fields(Map::new())),
            _ => Err(ApiError::new("SerializationException", "The request is not a JSON object.")),
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    pub(super) fn text(&self, name: &str) -> ApiResult<Option<&str>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(invalid(name, &other.to_string())),
        }
    }

    pub(super) fn owned(&self, name: &str) -> ApiResult<Option<String>> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    pub(super) fn required(&self, name: &str) -> ApiResult<&str> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
    }

    pub(super) fn number(&self, name: &str) -> ApiResult<Option<u64>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| invalid(name, &value.to_string())),
        }
    }

    pub(super) fn flag(&self, name: &str) -> ApiResult<bool> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| invalid(name, &value.to_string())),
        }
    }

    /// A list of texts, empty if it is not there.
    pub(super) fn texts(&self, name: &str) -> ApiResult<Vec<&str>> {
        let text = |element: &'_ Value| element.as_str().is_some();
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(elements)) if elements.iter().all(text) => {
                Ok(elements.iter().filter_map(Value::as_str).collect())
            }
            Some(other) => Err(invalid(name, &other.to_string())),
        }
    }

    /// A list of structures, empty if it is not there.
    pub(super) fn structures(&self, name: &str) -> ApiResult<Vec<Fields>> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
        let elements = value.as_array().ok_or_else(|| invalid(name, &value.to_string()))?;
        elements
            .iter()
            .map(|element| match element {
                Value::Object(members) => Ok(Fields(members.clone())),
                other => Err(invalid(name, &other.to_string())),
            })
            .collect()
    }

    /// Lists of texts by name, none if they are not there.
    pub(super) fn lists_by_name(&self, name: &str) -> ApiResult<BTreeMap<String, Vec<String>>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(value @ Value::Object(_)) => {
                serde_json::from_value(value.clone()).map_err(|_| invalid(name, &value.to_string()))
            }
            Some(other) => Err(invalid(name, &other.to_string())),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

pub(super) fn invalid(name: &str, value: &str) -> ApiError {
    let text = format!("1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint");
    ApiError::new("ValidationException", text)
}

/// `name` is a member that the local AWS does not understand.
pub(super) fn unknown(name: &str) -> ApiError {
    let text = format!("The local AWS does not have the member '{name}' of this operation.");
    ApiError::new("ValidationException", text)
}

fn missing(name: &str) -> ApiError {
    let text = format!(
        "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
    );
    ApiError::new("ValidationException", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_by_type() {
        let fields = Fields::parse(br#"{"Name": "/a", "Names": ["/a", "/b"], "Max": 3, "Flag": true, "No": null}"#)
            .expect("an object");
        assert_eq!(fields.required("Name").expect("there"), "/a");
        assert_eq!(fields.texts("Names").expect("texts"), ["/a", "/b"]);
        assert_eq!(fields.number("Max").expect("a number"), Some(3));
        assert!(fields.flag("Flag").expect("a flag"));
        assert_eq!(fields.names().collect::<Vec<_>>(), ["Name", "Names", "Max", "Flag"]);
    }

    #[test]
    fn what_is_of_another_type_is_refused() {
        let fields = Fields::parse(br#"{"Name": 1, "Names": "a", "Tags": [1]}"#).expect("an object");
        assert_eq!(fields.text("Name").expect_err("a number").code, "ValidationException");
        assert!(fields.texts("Names").is_err());
        assert!(fields.structures("Tags").is_err());
        assert_eq!(Fields::parse(b"[]").expect_err("a list").code, "SerializationException");
    }
}
