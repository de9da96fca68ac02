//! Conditions: operators, keys, and how they hold. (IAM User Guide, "IAM JSON policy elements: Condition operators" and
//! "Set operators for multi-valued context keys".)

use serde_json::Value;

use super::actions::Key;
use super::check::Check;
use super::glob::Glob;

/// One operator, one key, and the values that are allowed.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// As it was written, for messages.
    text: String,
    set: Option<SetOperator>,
    test: Test,
    negated: bool,
    if_exists: bool,
    pub(super) key: Key,
    values: Vec<Glob>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetOperator {
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    EqualInAnyCase,
    Like,
    Arn,
    Bool,
    Null,
}

impl Condition {
    /// Reads `"StringEquals": {"aws:RequestedRegion": "eu-central-1"}`, of which `operator`, `key` and `values` are the
    /// parts.
    ///
    /// # Errors
    /// When the local AWS does not know an operator or a key, or values are not texts.
    pub(super) fn parse(operator: &str, key: &str, values: &Value) -> Result<Condition, String> {
        let (set, name) = match operator.split_once(':') {
            Some(("ForAllValues", name)) => (Some(SetOperator::ForAllValues), name),
            Some(("ForAnyValue", name)) => (Some(SetOperator::ForAnyValue), name),
            Some(_) => return Err(format!("the condition operator {operator} is not known")),
            None => (None, operator),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let (test, negated) = match name {
            "StringEquals" => (Test::Equal, false),
            "StringNotEquals" => (Test::Equal, true),
            "StringEqualsIgnoreCase" => (Test::EqualInAnyCase, false),
            "StringNotEqualsIgnoreCase" => (Test::EqualInAnyCase, true),
            "StringLike" => (Test::Like, false),
            "StringNotLike" => (Test::Like, true),
            // The two behave identically. (IAM User Guide, "ARN condition operators".)
            "ArnEquals" | "ArnLike" => (Test::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::Arn, true),
            "Bool" => (Test::Bool, false),
            "Null" if !if_exists && set.is_none() => (Test::Null, false),
            _ => return Err(format!("the condition operator {operator} is not known")),
        };
        let known = Key::parse(key).ok_or_else(|| format!("the condition key {key} is not known"))?;
        if set.is_none() && known.is_multi_valued() && test != Test::Null {
            return Err(format!(
                "the condition key {key} has many values: {operator} needs ForAllValues or ForAnyValue"
            ));
        }
        let values = texts(values).ok_or_else(|| format!("the values of {operator} {key} are not texts"))?;
        if matches!(test, Test::Bool | Test::Null) && !values.iter().all(|value| value == "true" || value == "false") {
            return Err(format!("{operator} {key} is either true or false"));
        }
        if let Some(value) = values.iter().find(|value| value.contains("${")) {
            return Err(format!("the policy variable in {value:?} is not known"));
        }
        let text = format!("{operator} {key} {}", values.join(" or "));
        let values = values.iter().map(|value| Glob::new(value)).collect();
        Ok(Condition { text, set, test, negated, if_exists, key: known, values })
    }

    pub(super) fn holds(&self, check: &Check) -> bool {
        let actual = check.values(&self.key);
        // An empty set is no value at all.
        let is_missing = actual.is_empty();
        if self.test == Test::Null {
            return self.values.iter().any(|value| (value.as_str() == "true") == is_missing);
        }
        if is_missing {
            return match self.set {
                Some(SetOperator::ForAllValues) => true,
                Some(SetOperator::ForAnyValue) => self.if_exists,
                None => self.if_exists || self.negated,
            };
        }
        let fits = |value: &&str| self.values.iter().any(|wanted| self.compare(wanted, value)) != self.negated;
        match self.set {
            Some(SetOperator::ForAnyValue) => actual.iter().any(fits),
            Some(SetOperator::ForAllValues) | None => actual.iter().all(fits),
        }
    }

    fn compare(&self, wanted: &Glob, actual: &str) -> bool {
        match self.test {
            Test::Equal => wanted.as_str() == actual,
            Test::EqualInAnyCase | Test::Bool => wanted.as_str().eq_ignore_ascii_case(actual),
            Test::Like => wanted.matches(actual),
            Test::Arn => wanted.matches_arn(actual),
            Test::Null => false,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// A text, a boolean (YAML has those), or a list of them.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Bool(flag) => Some(vec![flag.to_string()]),
        Value::Array(elements) if !elements.is_empty() => {
            elements.iter().map(|element| texts(element)?.into_iter().next()).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(operator: &str, key: &str, values: Value, check: &Check) -> bool {
        Condition::parse(operator, key, &values).expect("a condition").holds(check)
    }

    fn volume() -> Check {
        let mut check = Check::new("ec2:AttachVolume", "arn:aws:ec2:eu-central-1:123456789012:volume/vol-1");
        check.resource_tags = vec![("durin:volume".to_owned(), "data".to_owned())];
        check
    }

    #[test]
    fn single_values() {
        let check = volume();
        let tag = "aws:ResourceTag/durin:volume";
        for (operator, key, values, expected) in [
            ("StringEquals", tag, json!("data"), true),
            ("StringEquals", tag, json!(["root", "data"]), true),
            ("StringEquals", tag, json!("Data"), false),
            ("StringEquals", "AWS:resourcetag/Durin:Volume", json!("data"), true),
            ("StringEqualsIgnoreCase", tag, json!("DATA"), true),
            ("StringNotEquals", tag, json!("data"), false),
            ("StringNotEquals", "aws:ResourceTag/other", json!("data"), true),
            ("StringEquals", "aws:ResourceTag/other", json!("data"), false),
            ("StringEqualsIfExists", "aws:ResourceTag/other", json!("data"), true),
            ("StringLike", tag, json!("d?t*"), true),
            ("StringNotLike", tag, json!("d*"), false),
            ("Null", tag, json!("false"), true),
            ("Null", tag, json!(true), false),
            ("Null", "ec2:ResourceTag/other", json!("true"), true),
            ("StringEquals", "aws:RequestedRegion", json!("eu-central-1"), true),
            ("Bool", "aws:SecureTransport", json!("true"), true),
        ] {
            assert_eq!(holds(operator, key, values.clone(), &check), expected, "{operator} {key} {values}");
        }
    }

    #[test]
    fn many_values() {
        let mut check = volume();
        let keys = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), String::new())).collect::<Vec<_>>();
        let (all, any, key) = ("ForAllValues:StringEquals", "ForAnyValue:StringEquals", "aws:TagKeys");
        assert!(holds(all, key, json!("a"), &check), "of no values all are");
        assert!(!holds(any, key, json!("a"), &check), "of no values none is");
        assert!(!holds("Null", key, json!("false"), &check));
        check.request_tags = keys(&["a", "b"]);
        assert!(holds(all, key, json!(["b", "a", "c"]), &check));
        assert!(!holds(all, key, json!("a"), &check));
        assert!(holds(any, key, json!("a"), &check));
        assert!(holds("ForAllValues:StringNotEquals", key, json!("c"), &check));
        assert!(!holds("ForAllValues:StringNotEquals", key, json!("a"), &check));
        assert!(holds("Null", key, json!("false"), &check));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (operator, key, values, says) in [
            ("StringEqual", "aws:TagKeys", json!("a"), "operator StringEqual is not known"),
            ("ForEachValue:StringEquals", "aws:TagKeys", json!("a"), "is not known"),
            ("StringEquals", "aws:ResourceTags/a", json!("a"), "key aws:ResourceTags/a is not known"),
            ("StringEquals", "aws:TagKeys", json!("a"), "needs ForAllValues or ForAnyValue"),
            ("StringEquals", "aws:RequestedRegion", json!({"Ref": "AWS::Region"}), "are not texts"),
            ("Null", "aws:TagKeys", json!("no"), "either true or false"),
            ("StringEquals", "aws:RequestTag/owner", json!("${aws:username}"), "variable"),
        ] {
            let error = Condition::parse(operator, key, &values).expect_err(operator);
            assert!(error.contains(says), "{error}");
        }
    }
}
