//! What a user deploys, read from the very files that they deploy: rules, patterns and schedules from the CloudFormation
//! templates. A template that says something unknown is refused, not ignored.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::world::bus::{Pattern, Rule, Trigger};

/// What is wrong with a template, and where.
#[derive(Debug, thiserror::Error)]
#[error("{resource}: {problem}")]
pub struct TemplateError {
    /// The logical id of the resource.
    pub resource: String,
    /// What the local AWS does not understand.
    pub problem: String,
}

/// The resource types that say nothing about what runs when. Anything else than these and rules is refused.
const WITHOUT_EFFECT: [&str; 9] = [
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
];

/// The EventBridge rules of a template.
///
/// # Errors
/// When the template is not YAML, a rule is one that EventBridge would refuse, or a resource is of an unknown type.
pub fn rules(template: &str) -> Result<Vec<Rule>, TemplateError> {
    let mut rules = Vec::new();
    for (id, resource) in &resources(template)? {
        match resource["Type"].as_str().unwrap_or_default() {
            "AWS::Events::Rule" => rules.extend(rule(id, &resource["Properties"])?),
            known if WITHOUT_EFFECT.contains(&known) => {}
            other => return Err(refuse(id, format!("the local AWS does not know the type {other:?}"))),
        }
    }
    Ok(rules)
}

/// The Systems Manager documents of a template: name and content, as JSON.
///
/// # Errors
/// When the template is not YAML, or a resource is something else or lacks one of the two.
pub fn documents(template: &str) -> Result<Vec<(String, String)>, TemplateError> {
    let mut documents = Vec::new();
    for (id, resource) in &resources(template)? {
        let properties = &resource["Properties"];
        match (resource["Type"].as_str(), properties["Name"].as_str(), &properties["Content"]) {
            (Some("AWS::SSM::Document"), Some(name), content @ Value::Object(_)) => {
                documents.push((name.to_owned(), content.to_string()));
            }
            _ => return Err(refuse(id, "the local AWS wants an AWS::SSM::Document with a Name and a Content")),
        }
    }
    Ok(documents)
}

fn resources(template: &str) -> Result<Map<String, Value>, TemplateError> {
    let mut template: Value =
        serde_saphyr::from_str(template).map_err(|error| refuse("template", format!("not YAML: {error}")))?;
    match template["Resources"].take() {
        Value::Object(resources) => Ok(resources),
        _ => Err(refuse("Resources", "missing")),
    }
}

/// One rule a target, as the bus has them.
fn rule(id: &str, properties: &Value) -> Result<Vec<Rule>, TemplateError> {
    let known = ["Name", "Description", "EventPattern", "ScheduleExpression", "State", "Targets"];
    let fields = properties.as_object().ok_or_else(|| refuse(id, "no Properties"))?;
    only(id, fields, &known)?;
    if properties["State"].as_str().is_some_and(|state| state != "ENABLED") {
        return Ok(Vec::new());
    }
    let name = properties["Name"].as_str().unwrap_or(id);
    let trigger = match (&properties["EventPattern"], &properties["ScheduleExpression"]) {
        (Value::Null, Value::String(expression)) => Trigger::Rate(rate(id, expression)?),
        (pattern, Value::Null) => {
            Trigger::Event(Pattern::new(pattern.clone()).map_err(|error| refuse(id, error.to_string()))?)
        }
        _ => return Err(refuse(id, "the local AWS wants either an EventPattern or a ScheduleExpression")),
    };
    let targets = properties["Targets"].as_array().ok_or_else(|| refuse(id, "no Targets"))?;
    targets
        .iter()
        .map(|target| {
            let fields = target.as_object().ok_or_else(|| refuse(id, "a target is not an object"))?;
            only(id, fields, &["Id", "Arn", "RetryPolicy", "DeadLetterConfig"])?;
            let function = function_name(&target["Arn"]).ok_or_else(|| refuse(id, "a target that is no function"))?;
            Ok(Rule { name: name.to_owned(), trigger: trigger.clone(), function })
        })
        .collect()
}

fn only(id: &str, fields: &Map<String, Value>, known: &[&str]) -> Result<(), TemplateError> {
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(refuse(id, format!("the local AWS does not know the property {key}"))),
        None => Ok(()),
    }
}

/// `rate(5 minutes)`. (EventBridge User Guide, "Rate expressions".)
fn rate(id: &str, expression: &str) -> Result<Duration, TemplateError> {
    let problem = || refuse(id, format!("{expression:?} is not a rate such as rate(5 minutes)"));
    let inner = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(problem)?;
    let (number, unit) = inner.split_once(' ').ok_or_else(problem)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(problem)?;
    let seconds = match (unit, number) {
        ("minute", 1) => 60,
        ("minutes", 2..) => 60,
        ("hour", 1) => 3_600,
        ("hours", 2..) => 3_600,
        ("day", 1) => 86_400,
        ("days", 2..) => 86_400,
        _ => return Err(problem()),
    };
    Ok(Duration::from_secs(number * seconds))
}

/// The name at the end of a function's ARN, written with `Fn::Sub`.
fn function_name(arn: &Value) -> Option<String> {
    let text = arn.get("Fn::Sub").unwrap_or(arn).as_str()?;
    let (before, name) = text.rsplit_once(":function:")?;
    (before.contains(":lambda:") && !name.contains(['$', ':'])).then(|| name.to_owned())
}

fn refuse(resource: &str, problem: impl Into<String>) -> TemplateError {
    TemplateError { resource: resource.to_owned(), problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = r#"
Resources:
  Lifecycle:
    Type: AWS::Events::Rule
    Properties:
      Name: durin-node-lifecycle
      EventPattern: {source: [aws.autoscaling]}
      Targets:
        - Id: function
          Arn: {"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:durin-node-lifecycle"}
"#;

    #[test]
    fn a_rule_is_read_with_its_pattern_and_function() {
        let rules = rules(RULE).expect("a good template");
        assert_eq!(rules[0].function, "durin-node-lifecycle");
        let Trigger::Event(pattern) = &rules[0].trigger else { panic!("an event rule") };
        assert!(pattern.matches(&serde_json::json!({"source": "aws.autoscaling"})));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (from, to, place) in [
            ("AWS::Events::Rule", "AWS::Events::Rul", "Lifecycle"),
            ("EventPattern: {source: [aws.autoscaling]}", "ScheduleExpression: rate(1 minutes)", "rate(1 minutes)"),
            ("EventPattern: {source: [aws.autoscaling]}", "ScheduleExpression: cron(0 3 * * ? *)", "cron"),
            ("source: [aws.autoscaling]", "source: aws.autoscaling", "source"),
            ("Id: function", "InputPath: $.detail", "InputPath"),
            (":function:", ":layer:", "no function"),
        ] {
            let broken = RULE.replace(from, to);
            assert_ne!(broken, RULE);
            let error = rules(&broken).expect_err(to).to_string();
            assert!(error.contains(place), "{error}");
        }
    }
}
