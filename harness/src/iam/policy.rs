//! Policy documents, compiled: anything unknown is refused, because a condition that is ignored allows too much.
//! (IAM User Guide, "IAM JSON policy elements reference".)

use serde_json::{Map, Value};

use super::actions;
use super::condition::{Condition, texts};
use super::glob::Glob;

#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name, for messages.
    pub name: String,
    pub(super) statements: Vec<Statement>,
}

/// One statement of a policy.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Its `Sid`, or its number.
    pub(super) sid: String,
    pub(super) allows: bool,
    /// The service that a resource's policy is about; none in a role's policy.
    pub(super) service: Option<String>,
    pub(super) actions: Vec<Glob>,
    pub(super) resources: Vec<Glob>,
    pub(super) conditions: Vec<Condition>,
}

/// A mistake in a policy.
#[derive(Debug, thiserror::Error)]
#[error("the policy {policy}, statement {statement}: {problem}")]
pub struct PolicyError {
    pub policy: String,
    /// Its `Sid`, or its number.
    pub statement: String,
    /// The part that the local AWS does not understand.
    pub problem: String,
}

/// The owner of a policy document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A role's: without principals.
    Role,
    /// A resource's: each statement names the service that it lets in.
    Resource,
}

impl Policy {
    /// Compiles a document whose intrinsic functions are resolved.
    ///
    /// # Errors
    /// When there is an element, action, operator or key in it that the local AWS does not know.
    pub fn parse(name: &str, document: &Value, owner: Owner) -> Result<Policy, PolicyError> {
        let refuse = |statement: &str, problem: String| PolicyError {
            policy: name.to_owned(),
            statement: statement.to_owned(),
            problem,
        };
        if document["Version"].as_str() != Some("2012-10-17") {
            return Err(refuse("-", "the local AWS wants the Version 2012-10-17".to_owned()));
        }
        let statements: Vec<&Value> = match &document["Statement"] {
            Value::Array(statements) if !statements.is_empty() => statements.iter().collect(),
            statement @ Value::Object(_) => vec![statement],
            _ => return Err(refuse("-", "no Statement".to_owned())),
        };
        let mut compiled: Vec<Statement> = Vec::new();
        for (number, statement) in statements.into_iter().enumerate() {
            let sid = statement["Sid"].as_str().map_or_else(|| format!("{}", number + 1), str::to_owned);
            let statement = Statement::parse(&sid, statement, owner).map_err(|problem| refuse(&sid, problem))?;
            if compiled.iter().any(|other| other.sid == sid) {
                return Err(refuse(&sid, "there are two of that Sid".to_owned()));
            }
            compiled.push(statement);
        }
        Ok(Policy { name: name.to_owned(), statements: compiled })
    }
}

impl Statement {
    fn parse(sid: &str, statement: &Value, owner: Owner) -> Result<Statement, String> {
        let fields = statement.as_object().ok_or("not an object")?;
        let known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
        if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("the local AWS does not know the element {unknown}"));
        }
        let allows = match statement["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err("the Effect is neither Allow nor Deny".to_owned()),
        };
        let service = statement["Principal"]["Service"].as_str().map(str::to_owned);
        match owner {
            Owner::Role if fields.contains_key("Principal") => {
                return Err("a role's policy has no Principal".to_owned());
            }
            Owner::Resource if service.is_none() => return Err("no Service as the Principal".to_owned()),
            Owner::Role | Owner::Resource => {}
        }
        let actions = texts(&statement["Action"]).ok_or("no Action")?;
        let conditions = conditions(statement["Condition"].as_object())?;
        for action in &actions {
            check_action(&Glob::new(action), &conditions)?;
        }
        let resources = texts(&statement["Resource"]).ok_or("no Resource")?;
        for resource in &resources {
            if resource.contains("${") {
                return Err(format!("the policy variable in {resource:?} is not known"));
            }
            if resource != "*" && resource.splitn(6, ':').count() != 6 {
                return Err(format!("the Resource {resource:?} is not an ARN"));
            }
        }
        let globs = |texts: Vec<String>| texts.iter().map(|text| Glob::new(text)).collect();
        Ok(Statement {
            sid: sid.to_owned(),
            allows,
            service,
            actions: globs(actions),
            resources: globs(resources),
            conditions,
        })
    }
}

fn conditions(block: Option<&Map<String, Value>>) -> Result<Vec<Condition>, String> {
    let mut conditions = Vec::new();
    for (operator, keys) in block.into_iter().flatten() {
        let keys = keys.as_object().ok_or_else(|| format!("{operator} names no keys"))?;
        for (key, values) in keys {
            conditions.push(Condition::parse(operator, key, values)?);
        }
    }
    Ok(conditions)
}

/// An action that the local AWS does not know is misspelt. So is a key that the action is never asked with: such a
/// condition either never holds or holds always.
fn check_action(action: &Glob, conditions: &[Condition]) -> Result<(), String> {
    let mut matched = actions::all().filter(|known| action.matches_action(&known.name())).peekable();
    if matched.peek().is_none() {
        return Err(format!("the action {} is not known", action.as_str()));
    }
    for known in matched {
        if let Some(condition) = conditions.iter().find(|condition| !known.has_key(&condition.key)) {
            return Err(format!("{} is never asked with the key of the condition {}", known.name(), condition.text()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(statement: Value) -> String {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        Policy::parse("p", &document, Owner::Role).expect_err("refused").to_string()
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        let good = json!({"Sid": "Look", "Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"});
        let document = json!({"Version": "2012-10-17", "Statement": good});
        assert!(Policy::parse("p", &document, Owner::Role).is_ok());
        for (field, value, says) in [
            ("Action", json!("ec2:DescribeVolume"), "statement Look: the action ec2:DescribeVolume is not known"),
            ("Action", json!("ec2:Descrybe*"), "is not known"),
            ("Effect", json!("allow"), "neither Allow nor Deny"),
            ("Resource", json!("volume/*"), "is not an ARN"),
            ("Resource", json!({"Ref": "X"}), "no Resource"),
            ("NotAction", json!("ec2:*"), "element NotAction"),
            ("Principal", json!({"Service": "ec2.amazonaws.com"}), "no Principal"),
            ("Condition", json!({"StringEquals": {"aws:ResourceTag/a": "b"}}), "is never asked with the key"),
            ("Condition", json!({"StringIs": {"aws:RequestedRegion": "b"}}), "operator StringIs"),
        ] {
            let mut statement = good.clone();
            statement[field] = value;
            let error = error(statement);
            assert!(error.contains(says), "{error}");
        }
        let old = json!({"Version": "2008-10-17", "Statement": [good]});
        assert!(Policy::parse("p", &old, Owner::Role).is_err());
        let twice = json!({"Version": "2012-10-17", "Statement": [good, good]});
        assert!(Policy::parse("p", &twice, Owner::Role).is_err());
    }
}
