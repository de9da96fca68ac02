//! EventBridge rules, permissions to invoke functions, and the settings for failed invocations.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Resource, Template, TemplateError, name_in_arn, number};
use crate::iam::policy::Owner;
use crate::iam::{Check, Policy, evaluate};
use crate::world::eventbridge::{MessageRule, Pattern, Rule, Trigger};
use crate::world::lambda::{InvokeSettings, RetryPolicy};

/// Resource types that have nothing to do with the times at which functions run.
const WITHOUT_EFFECT: [&str; 5] = [
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
];

/// The rules that run functions.
#[derive(Debug, Default)]
pub struct Rules {
    /// One for each target that is a function.
    pub rules: Vec<Rule>,
    /// One for each target that is a topic.
    pub message_rules: Vec<MessageRule>,
    /// The settings for failed invocations, by function.
    pub invoke_settings: BTreeMap<String, InvokeSettings>,
}

impl Rules {
    /// Reads a template.
    ///
    /// # Errors
    /// When the template is not YAML, something in it is unknown or refers to nothing, a rule is one that
    /// EventBridge would refuse, or may not invoke its function or publish to its topic.
    pub fn parse(file: &str, text: &str) -> Result<Rules, TemplateError> {
        let template = Template::parse(file, text)?;
        template.outputs()?;
        let mut all = Rules::default();
        // The rule's ARN, and the function that it may invoke.
        let mut permissions = Vec::new();
        let mut topic_policies = Vec::new();
        for resource in template.resources()? {
            match resource.kind {
                "AWS::Events::Rule" => rule(&template, &resource, &mut all)?,
                "AWS::SNS::TopicPolicy" => topic_policies.push(topic_policy(&template, &resource)?),
                "AWS::Lambda::Permission" => permissions.push(permission(&template, &resource)?),
                "AWS::Lambda::EventInvokeConfig" => {
                    let (function, settings) = invoke_settings(&template, &resource)?;
                    all.invoke_settings.insert(function, settings);
                }
                _ => template.check_references(&resource, &WITHOUT_EFFECT)?,
            }
        }
        let publishes = |rule: &&MessageRule| topic_policies.iter().any(|policy| lets_publish(policy, &rule.topic));
        if let Some(rule) = all.message_rules.iter().find(|rule| !publishes(rule)) {
            let problem = format!("no AWS::SNS::TopicPolicy lets events.amazonaws.com publish to {}", rule.topic);
            return Err(template.refuse(&rule.name, problem));
        }
        let allowed = |rule: &&Rule| permissions.contains(&(rule.arn(), rule.function.clone()));
        match all.rules.iter().find(|rule| !allowed(rule)) {
            Some(rule) => {
                let problem = format!("no AWS::Lambda::Permission lets it invoke {}", rule.function);
                Err(template.refuse(&rule.name, problem))
            }
            None => Ok(all),
        }
    }
}

/// One rule for each target, as the world has them.
fn rule(template: &Template, resource: &Resource<'_>, all: &mut Rules) -> Result<(), TemplateError> {
    let id = resource.id;
    let known = ["Name", "Description", "EventPattern", "ScheduleExpression", "State", "Targets"];
    let properties = Value::Object(template.properties(resource, &known)?);
    if properties["State"].as_str().is_some_and(|state| state != "ENABLED") {
        return Ok(());
    }
    let name = properties["Name"].as_str().unwrap_or(id);
    let refuse = |problem: &str| template.refuse(id, problem);
    let trigger = match (&properties["EventPattern"], &properties["ScheduleExpression"]) {
        (Value::Null, Value::String(expression)) => Trigger::Rate(
            rate(expression).ok_or_else(|| refuse(&format!("{expression:?} is not a rate such as rate(5 minutes)")))?,
        ),
        (pattern, Value::Null) => Trigger::Event(Pattern::new(pattern).map_err(|error| refuse(&error.to_string()))?),
        _ => return Err(refuse("the local AWS wants either an EventPattern or a ScheduleExpression")),
    };
    let targets = properties["Targets"].as_array().ok_or_else(|| refuse("no Targets"))?;
    for target in targets {
        let fields = target.as_object().ok_or_else(|| refuse("a target is not an object"))?;
        let arn = target["Arn"].as_str().unwrap_or_default();
        if let (Some(_), Trigger::Event(pattern)) = (name_in_arn(arn, "sns", ""), &trigger) {
            super::only(&template.file, id, fields, &["Id", "Arn", "InputPath"])?;
            all.message_rules.push(MessageRule {
                name: name.to_owned(),
                pattern: pattern.clone(),
                topic: arn.to_owned(),
                input_path: target["InputPath"].as_str().map(str::to_owned),
            });
            continue;
        }
        super::only(&template.file, id, fields, &["Id", "Arn", "RetryPolicy", "DeadLetterConfig"])?;
        let function = name_in_arn(arn, "lambda", "function:");
        let function = function.ok_or_else(|| refuse("a target that is not a function"))?;
        if let Some(policy) = target["RetryPolicy"].as_object() {
            super::only(&template.file, id, policy, &["MaximumEventAgeInSeconds", "MaximumRetryAttempts"])?;
        }
        // EventBridge's own limits, and its defaults. (EventBridge API Reference, RetryPolicy.)
        let unless_told = RetryPolicy { max_age: Duration::from_secs(86_400), max_retries: 185 };
        let retry = retry_policy(template, id, target.get("RetryPolicy"), unless_told)?;
        all.rules.push(Rule {
            name: name.to_owned(),
            trigger: trigger.clone(),
            function: function.to_owned(),
            retry,
            dead_letters: target["DeadLetterConfig"]["Arn"].as_str().map(str::to_owned),
        });
    }
    Ok(())
}

fn topic_policy(template: &Template, resource: &Resource<'_>) -> Result<Policy, TemplateError> {
    let properties = Value::Object(template.properties(resource, &["PolicyDocument", "Topics"])?);
    Policy::parse(resource.id, &properties["PolicyDocument"], Owner::Resource)
        .map_err(|error| template.refuse(resource.id, error.to_string()))
}

/// Asked without the rule: EventBridge gives SNS no condition keys, so a statement with a condition lets it do nothing.
/// (EventBridge User Guide, "Amazon SNS permissions".)
fn lets_publish(policy: &Policy, topic: &str) -> bool {
    evaluate::lets_in(policy, "events.amazonaws.com", &Check::new("sns:Publish", topic))
}

/// A rule's ARN and the function that it may invoke.
fn permission(template: &Template, resource: &Resource<'_>) -> Result<(String, String), TemplateError> {
    let known = ["Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"];
    let properties = template.properties(resource, &known)?;
    let text = |name: &str| properties.get(name).and_then(Value::as_str).unwrap_or_default();
    if (text("Action"), text("Principal")) != ("lambda:InvokeFunction", "events.amazonaws.com") {
        let problem = "the local AWS wants lambda:InvokeFunction for events.amazonaws.com";
        return Err(template.refuse(resource.id, problem));
    }
    Ok((text("SourceArn").to_owned(), text("FunctionName").to_owned()))
}

fn invoke_settings(template: &Template, resource: &Resource<'_>) -> Result<(String, InvokeSettings), TemplateError> {
    let known = ["DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"];
    let properties = template.properties(resource, &known)?;
    let function = properties.get("FunctionName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let on_failure = match properties.get("DestinationConfig") {
        None => None,
        Some(config) => {
            let arn = config["OnFailure"]["Destination"].as_str();
            Some(arn.ok_or_else(|| template.refuse(resource.id, "a DestinationConfig without OnFailure"))?.to_owned())
        }
    };
    let retry = Value::Object(properties);
    let retry = retry_policy(template, resource.id, Some(&retry), InvokeSettings::default().retry)?;
    Ok((function, InvokeSettings { retry, on_failure }))
}

fn retry_policy(
    template: &Template,
    id: &str,
    written: Option<&Value>,
    unless_told: RetryPolicy,
) -> Result<RetryPolicy, TemplateError> {
    let empty = Map::new();
    let fields = written.and_then(Value::as_object).unwrap_or(&empty);
    let value = |name: &str, unless_told: u32, most: u32| match fields.get(name) {
        None => Ok(unless_told),
        Some(value) => number(value)
            .filter(|number| *number <= most)
            .ok_or_else(|| template.refuse(id, format!("{name} {value} is not a number up to {most}"))),
    };
    let default_age = u32::try_from(unless_told.max_age.as_secs()).unwrap_or(u32::MAX);
    let age = value("MaximumEventAgeInSeconds", default_age, default_age)?;
    if age < 60 {
        return Err(template.refuse(id, format!("MaximumEventAgeInSeconds {age} is less than 60")));
    }
    let max_retries = value("MaximumRetryAttempts", unless_told.max_retries, unless_told.max_retries)?;
    Ok(RetryPolicy { max_age: Duration::from_secs(age.into()), max_retries })
}

/// `rate(5 minutes)`. (EventBridge User Guide, "Rate expressions".)
fn rate(expression: &str) -> Option<Duration> {
    let inner = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (number, unit) = inner.split_once(' ')?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let seconds = match (unit, number) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 3_600,
        ("day", 1) | ("days", 2..) => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number * seconds))
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
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      FunctionName: durin-node-lifecycle
      Action: lambda:InvokeFunction
      Principal: events.amazonaws.com
      SourceArn: {"Fn::GetAtt": [Lifecycle, Arn]}
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Properties:
      FunctionName: durin-node-lifecycle
      Qualifier: $LATEST
      MaximumEventAgeInSeconds: 180
      MaximumRetryAttempts: 1
"#;

    #[test]
    fn a_rule_is_read_with_its_pattern_and_function() {
        let all = Rules::parse("rules.yaml", RULE).expect("a good template");
        assert_eq!(all.rules[0].function, "durin-node-lifecycle");
        assert_eq!(all.rules[0].retry, RetryPolicy { max_age: Duration::from_secs(86_400), max_retries: 185 });
        let Trigger::Event(pattern) = &all.rules[0].trigger else { panic!("an event rule") };
        assert!(pattern.matches(&serde_json::json!({"source": "aws.autoscaling"})));
        let retry = all.invoke_settings["durin-node-lifecycle"].retry;
        assert_eq!(retry, RetryPolicy { max_age: Duration::from_secs(180), max_retries: 1 });
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (from, to, place) in [
            ("AWS::Events::Rule", "AWS::Events::Rul", "rules.yaml: Lifecycle: "),
            ("EventPattern: {source: [aws.autoscaling]}", "ScheduleExpression: rate(1 minutes)", "rate(1 minutes)"),
            ("EventPattern: {source: [aws.autoscaling]}", "ScheduleExpression: cron(0 3 * * ? *)", "cron"),
            ("source: [aws.autoscaling]", "source: aws.autoscaling", "source"),
            ("Id: function", "InputPath: $.detail", "InputPath"),
            (":function:", ":layer:", "not a function"),
            (
                ":lambda:${AWS::Region}:${AWS::AccountId}:function:durin-node-lifecycle",
                ":sns:${AWS::Region}:${AWS::AccountId}:t",
                "lets events.amazonaws.com publish",
            ),
            ("[Lifecycle, Arn]", "[Lifecicle, Arn]", "Permission: there is no parameter or resource Lifecicle"),
            ("[Lifecycle, Arn]", "[Lifecycle, Urn]", "no attribute Urn"),
            ("Action: lambda:InvokeFunction", "Action: lambda:GetFunction", "lambda:InvokeFunction"),
            ("FunctionName: durin-node-lifecycle\n      Action", "FunctionName: x\n      Action", "lets it invoke"),
            ("${AWS::Region}", "${AWS::Regio}", "AWS::Regio"),
            ("{\"Fn::Sub\":", "{\"Fn::Subs\":", "Fn::Subs"),
            ("MaximumRetryAttempts: 1", "MaximumRetryAttempts: 3", "MaximumRetryAttempts"),
            ("MaximumRetryAttempts: 1", "MaximumRetries: 1", "MaximumRetries"),
            ("InSeconds: 180", "InSeconds: 18", "less than 60"),
        ] {
            let broken = RULE.replace(from, to);
            assert_ne!(broken, RULE);
            let error = Rules::parse("rules.yaml", &broken).expect_err(to).to_string();
            assert!(error.contains(place), "{error}");
        }
    }
}
