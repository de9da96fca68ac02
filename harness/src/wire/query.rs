//! The form bodies of EC2 and Auto Scaling, read by parameter names.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::world::error::{ApiError, ApiResult};

/// The parameters of a request, or of one structure in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Params {
    dialect: Dialect,
    /// Where in the request this structure is, for error texts: `Filter.1.`, or nothing at the top.
    path: String,
    /// `Filter.1.Name` and its value.
    pairs: BTreeMap<String, String>,
}

/// The differences between the two query protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `InstanceId.1`
    Ec2,
    /// `InstanceIds.member.1`; also STS.
    AutoScaling,
}

/// No request of AWS's nests structures this deeply.
const DEEPEST: usize = 8;

impl Params {
    /// The parameters in a form: all but `Action` and `Version`.
    pub(super) fn new(dialect: Dialect, form: Vec<(String, String)>) -> Params {
        let pairs = form.into_iter().filter(|(name, _)| name != "Action" && name != "Version").collect();
        Params { dialect, path: String::new(), pairs }
    }

    /// The names of the top-level parameters.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.keys().map(|name| name.split('.').next().unwrap_or(name))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.get(name).map(String::as_str)
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.pairs.get(name).cloned()
    }

    pub(super) fn required(&self, name: &str) -> ApiResult<&str> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| self.missing(name))
    }

    pub(super) fn number<N: FromStr>(&self, name: &str) -> ApiResult<Option<N>> {
        self.text(name).map(|text| text.parse().map_err(|_| self.invalid(name, text))).transpose()
    }

    pub(super) fn required_number<N: FromStr>(&self, name: &str) -> ApiResult<N> {
        self.number(name)?.ok_or_else(|| self.missing(name))
    }

    pub(super) fn flag(&self, name: &str) -> ApiResult<Option<bool>> {
        match self.text(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => Err(self.invalid(name, other)),
        }
    }

    pub(super) fn required_flag(&self, name: &str) -> ApiResult<bool> {
        self.flag(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of texts; empty if it is not there.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let mut elements: Vec<_> = self
            .below(&self.list_prefix(name))
            .filter_map(|(index, value)| Some((index.parse::<usize>().ok()?, value.to_owned())))
            .collect();
        elements.sort();
        elements.into_iter().map(|(_, value)| value).collect()
    }

    pub(super) fn required_list(&self, name: &str) -> ApiResult<Vec<String>> {
        let list = self.list(name);
        if list.is_empty() { Err(self.missing(name)) } else { Ok(list) }
    }

    /// A list of structures; empty if it is not there.
    pub(super) fn structures(&self, name: &str) -> Vec<Params> {
        let prefix = self.list_prefix(name);
        let mut indices: Vec<usize> =
            self.below(&prefix).filter_map(|(rest, _)| rest.split_once('.')?.0.parse().ok()).collect();
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().map(|index| self.inner(&format!("{prefix}{index}."))).collect()
    }

    /// A structure, without members if it is not there.
    pub(super) fn structure(&self, name: &str) -> Params {
        self.inner(&format!("{name}."))
    }

    /// As a tree: lists in order, structures by name.
    pub(super) fn to_json(&self) -> Value {
        self.tree(DEEPEST)
    }

    fn tree(&self, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        let below = |name: &str| match (self.list(name), self.structures(name)) {
            (texts, _) if !texts.is_empty() => texts.into(),
            (_, structures) if !structures.is_empty() => structures.iter().map(|it| it.tree(depth - 1)).collect(),
            _ => self.structure(name).tree(depth - 1),
        };
        let mut members = Map::new();
        for name in self.names() {
            if !members.contains_key(name) {
                members.insert(name.to_owned(), self.text(name).map_or_else(|| below(name), Value::from));
            }
        }
        Value::Object(members)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Refuses a structure with members other than `known`.
    pub(super) fn only(&self, known: &[&str]) -> ApiResult<()> {
        match self.names().find(|name| !known.contains(name)) {
            Some(name) => Err(self.unknown(name)),
            None => Ok(()),
        }
    }

    /// `name` is a parameter that the local AWS does not understand.
    pub(super) fn unknown(&self, name: &str) -> ApiError {
        let text = format!("The local AWS does not have the parameter '{}{name}'.", self.path);
        match self.dialect {
            Dialect::Ec2 => ApiError::new("UnknownParameter", text),
            Dialect::AutoScaling => ApiError::new("ValidationError", text),
        }
    }

    pub(super) fn invalid(&self, name: &str, value: &str) -> ApiError {
        let path = &self.path;
        match self.dialect {
            Dialect::Ec2 => ApiError::new(
                "InvalidParameterValue",
                format!("Value ({value}) for parameter {path}{name} is invalid."),
            ),
            Dialect::AutoScaling => ApiError::new(
                "ValidationError",
                format!("1 validation error detected: Value '{value}' at '{path}{name}' failed to satisfy constraint"),
            ),
        }
    }

    fn missing(&self, name: &str) -> ApiError {
        let path = &self.path;
        match self.dialect {
            Dialect::Ec2 => {
                ApiError::new("MissingParameter", format!("The request must contain the parameter {path}{name}"))
            }
            Dialect::AutoScaling => ApiError::new(
                "ValidationError",
                format!(
                    "1 validation error detected: Value null at '{path}{name}' failed to satisfy constraint: \
                     Member must not be null"
                ),
            ),
        }
    }

    fn list_prefix(&self, name: &str) -> String {
        match self.dialect {
            Dialect::Ec2 => format!("{name}."),
            Dialect::AutoScaling => format!("{name}.member."),
        }
    }

    fn inner(&self, prefix: &str) -> Params {
        Params {
            dialect: self.dialect,
            path: format!("{}{prefix}", self.path),
            pairs: self.below(prefix).map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(dialect: Dialect, body: &str) -> Params {
        Params::new(dialect, form_urlencoded::parse(body.as_bytes()).into_owned().collect())
    }

    fn ec2(body: &str) -> Params {
        params(Dialect::Ec2, body)
    }

    #[test]
    fn ec2_lists_are_numbered_from_one_and_kept_in_order() {
        let params = ec2("Action=X&Version=1&Id.10=j&Id.2=b&Id.1=a");
        assert_eq!(params.list("Id"), ["a", "b", "j"]);
        assert_eq!(params.names().collect::<Vec<_>>(), ["Id", "Id", "Id"]);
    }

    #[test]
    fn auto_scaling_lists_have_member_in_their_names() {
        let params = params(Dialect::AutoScaling, "Names.member.1=a&Names.member.2=b&Empty=");
        assert_eq!(params.list("Names"), ["a", "b"]);
        assert!(params.list("Empty").is_empty());
    }

    #[test]
    fn structures_nest() {
        let params =
            ec2("Filter.1.Name=tag%3Aa&Filter.1.Value.1=x&Filter.1.Value.2=y&Filter.2.Name=b&Filter.2.Value.1=");
        let filters = params.structures("Filter");
        assert_eq!(filters.len(), 2);
        assert_eq!(filters[0].text("Name"), Some("tag:a"));
        assert_eq!(filters[0].list("Value"), ["x", "y"]);
        assert_eq!(filters[1].list("Value"), [""]);
    }

    #[test]
    fn a_form_is_a_tree() {
        let tree = ec2("Force=true&Id.1=a&Id.2=b&Filter.1.Name=n&Filter.1.Value.1=v&Ebs.Size=8").to_json();
        let filter = json!([{"Name": "n", "Value": ["v"]}]);
        assert_eq!(tree, json!({"Force": "true", "Id": ["a", "b"], "Filter": filter, "Ebs": {"Size": "8"}}));
        let tree = params(Dialect::AutoScaling, "Names.member.1=a&Tags.member.1.Key=k").to_json();
        assert_eq!(tree, json!({"Names": ["a"], "Tags": [{"Key": "k"}]}));
        assert!(ec2(&"a.".repeat(100_000)).to_json().is_object(), "and a form that nobody sends breaks nothing");
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let params = ec2("MaxResults=many&LaunchTemplate.Colour=red");
        assert_eq!(params.required("VolumeId").expect_err("missing").code, "MissingParameter");
        assert_eq!(params.number::<u32>("MaxResults").expect_err("malformed").code, "InvalidParameterValue");
        let error = params.structure("LaunchTemplate").only(&["LaunchTemplateId"]).expect_err("unknown");
        assert!(error.message.contains("'LaunchTemplate.Colour'"), "{error}");
    }
}
