//! Intrinsic functions, resolved with the account and region of the local AWS. (CloudFormation Template Reference,
//! "Intrinsic function reference" and "Pseudo parameters reference".)

use serde_json::{Map, Value};

use super::{Template, TemplateError};
use crate::account::{ACCOUNT, PARTITION, REGION};

/// Deeper than any template nests, and than conditions refer to each other.
const DEEPEST: usize = 32;

impl Template {
    /// The value with all intrinsic functions in it carried out.
    pub(super) fn resolve(&self, place: &str, value: &Value) -> Result<Value, TemplateError> {
        self.resolve_at(place, value, 0)
    }

    pub(super) fn condition(&self, place: &str, name: &str) -> Result<bool, TemplateError> {
        self.condition_at(place, name, 0)
    }

    fn resolve_at(&self, place: &str, value: &Value, depth: usize) -> Result<Value, TemplateError> {
        if depth > DEEPEST {
            return Err(self.refuse(place, "nested too deeply"));
        }
        match value {
            Value::Object(fields) => match intrinsic(fields) {
                Some((function, argument)) => self.call(place, function, argument, depth),
                None => self.resolve_fields(place, fields, depth),
            },
            Value::Array(elements) => {
                let mut resolved = Vec::new();
                for element in elements {
                    let value = self.resolve_at(place, element, depth + 1)?;
                    if !is_no_value(element, &value) {
                        resolved.push(value);
                    }
                }
                Ok(Value::Array(resolved))
            }
            scalar => Ok(scalar.clone()),
        }
    }

    fn resolve_fields(&self, place: &str, fields: &Map<String, Value>, depth: usize) -> Result<Value, TemplateError> {
        let mut resolved = Map::new();
        for (key, written) in fields {
            let value = self.resolve_at(place, written, depth + 1)?;
            if !is_no_value(written, &value) {
                resolved.insert(key.clone(), value);
            }
        }
        Ok(Value::Object(resolved))
    }

    fn call(&self, place: &str, function: &str, argument: &Value, depth: usize) -> Result<Value, TemplateError> {
        let malformed = || self.refuse(place, format!("{function} {argument} is malformed"));
        let depth = depth + 1;
        match function {
            "Ref" => self.reference(place, argument.as_str().ok_or_else(malformed)?),
            "Fn::GetAtt" => {
                let (resource, attribute) = match argument {
                    Value::String(text) => text.split_once('.').ok_or_else(malformed)?,
                    argument => argument[0].as_str().zip(argument[1].as_str()).ok_or_else(malformed)?,
                };
                self.attribute(place, resource, attribute)
            }
            "Fn::Sub" => {
                let (text, own) = match argument {
                    Value::String(text) => (text.as_str(), None),
                    argument => (argument[0].as_str().ok_or_else(malformed)?, argument[1].as_object()),
                };
                self.substitute(place, text, own, depth)
            }
            "Fn::If" => {
                let (Some(name), Some(yes), Some(no)) = (argument[0].as_str(), argument.get(1), argument.get(2)) else {
                    return Err(malformed());
                };
                let branch = if self.condition_at(place, name, depth)? { yes } else { no };
                self.resolve_at(place, branch, depth)
            }
            "Fn::Join" => {
                let separator = argument[0].as_str().ok_or_else(malformed)?;
                let parts = self.resolve_at(place, &argument[1], depth)?;
                let texts: Option<Vec<&str>> =
                    parts.as_array().ok_or_else(malformed)?.iter().map(Value::as_str).collect();
                Ok(texts.ok_or_else(malformed)?.join(separator).into())
            }
            "Fn::Select" => {
                let index = super::number(&argument[0]).ok_or_else(malformed)?;
                let list = self.resolve_at(place, &argument[1], depth)?;
                list.get(index as usize).cloned().ok_or_else(malformed)
            }
            other => Err(self.refuse(place, format!("the local AWS does not know {other}"))),
        }
    }

    fn reference(&self, place: &str, name: &str) -> Result<Value, TemplateError> {
        let text = match name {
            "AWS::AccountId" => ACCOUNT,
            "AWS::NoValue" => return Ok(Value::Null),
            "AWS::Partition" => PARTITION,
            "AWS::Region" => REGION,
            "AWS::StackName" => "durin",
            "AWS::URLSuffix" => "amazonaws.com",
            name => {
                if let Some(value) = self.parameters.get(name) {
                    return match value {
                        Value::Null => Err(self.refuse(place, format!("the parameter {name} has no value"))),
                        value => Ok(value.clone()),
                    };
                }
                return self.physical_id(place, name).map(Value::String);
            }
        };
        Ok(text.into())
    }

    /// The result of Ref for a resource: its name if it has one. ("Return values" of each type.)
    fn physical_id(&self, place: &str, id: &str) -> Result<String, TemplateError> {
        let resource = self
            .resources
            .get(id)
            .ok_or_else(|| self.refuse(place, format!("there is no parameter or resource {id}")))?;
        if let Some(known) = self.physical_ids.get(id) {
            return Ok(known.clone());
        }
        let name = |property: &str| match &resource["Properties"][property] {
            Value::Null => Ok(id.to_owned()),
            value => Ok(self.resolve(place, value)?.as_str().unwrap_or(id).to_owned()),
        };
        match resource["Type"].as_str().unwrap_or_default() {
            "AWS::SQS::Queue" => Ok(format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{}", name("QueueName")?)),
            "AWS::SNS::Topic" => Ok(format!("arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:{}", name("TopicName")?)),
            "AWS::IAM::ManagedPolicy" => {
                Ok(format!("arn:{PARTITION}:iam::{ACCOUNT}:policy/{}", name("ManagedPolicyName")?))
            }
            "AWS::IAM::Role" => name("RoleName"),
            "AWS::Logs::LogGroup" => name("LogGroupName"),
            "AWS::Events::Rule" | "AWS::SSM::Parameter" | "AWS::SSM::Document" => name("Name"),
            "AWS::AutoScaling::AutoScalingGroup" => name("AutoScalingGroupName"),
            _ => Ok(id.to_owned()),
        }
    }

    fn attribute(&self, place: &str, id: &str, attribute: &str) -> Result<Value, TemplateError> {
        let name = self.physical_id(place, id)?;
        let kind = self.resources[id]["Type"].as_str().unwrap_or_default();
        let arn = |service: &str, rest: String| format!("arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{rest}");
        let text = match (kind, attribute) {
            ("AWS::SQS::Queue", "Arn") => arn("sqs", name.rsplit('/').next().unwrap_or_default().to_owned()),
            ("AWS::SQS::Queue", "QueueName") => name.rsplit('/').next().unwrap_or_default().to_owned(),
            ("AWS::SNS::Topic", "TopicArn") => name,
            ("AWS::Events::Rule", "Arn") => arn("events", format!("rule/{name}")),
            ("AWS::Logs::LogGroup", "Arn") => arn("logs", format!("log-group:{name}:*")),
            ("AWS::IAM::Role", "Arn") => format!("arn:{PARTITION}:iam::{ACCOUNT}:role/{name}"),
            ("AWS::IAM::InstanceProfile", "Arn") => format!("arn:{PARTITION}:iam::{ACCOUNT}:instance-profile/{name}"),
            ("AWS::CloudWatch::Alarm", "Arn") => arn("cloudwatch", format!("alarm:{name}")),
            ("AWS::EC2::LaunchTemplate", "LatestVersionNumber") => "$Latest".to_owned(),
            ("AWS::EC2::LaunchTemplate", "DefaultVersionNumber") => "$Default".to_owned(),
            ("AWS::EC2::SecurityGroup", "GroupId")
            | ("AWS::EC2::VPC", "VpcId")
            | ("AWS::EC2::Subnet", "SubnetId")
            | ("AWS::EC2::Volume", "VolumeId")
            | ("AWS::EC2::LaunchTemplate", "LaunchTemplateId")
            | ("AWS::Route53::HostedZone", "Id")
            | ("AWS::FIS::ExperimentTemplate", "Id") => name,
            _ => return Err(self.refuse(place, format!("{id}, of the type {kind:?}, has no attribute {attribute}"))),
        };
        Ok(text.into())
    }

    /// `${Name}`, `${Resource.Attribute}`, and `${!Literal}` for a literal `${Literal}`.
    fn substitute(
        &self,
        place: &str,
        text: &str,
        own: Option<&Map<String, Value>>,
        depth: usize,
    ) -> Result<Value, TemplateError> {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').ok_or_else(|| self.refuse(place, format!("{text:?} has no }}")))?;
            let value = match (name.strip_prefix('!'), own.and_then(|own| own.get(name)), name.split_once('.')) {
                (Some(literal), _, _) => Value::String(format!("${{{literal}}}")),
                (None, Some(value), _) => self.resolve_at(place, value, depth)?,
                (None, None, Some((resource, attribute))) => self.attribute(place, resource, attribute)?,
                (None, None, None) => self.reference(place, name)?,
            };
            match value {
                Value::String(value) => whole.push_str(&value),
                value => whole.push_str(&value.to_string()),
            }
            whole.push_str(rest);
        }
        Ok(whole.into())
    }

    fn condition_at(&self, place: &str, name: &str, depth: usize) -> Result<bool, TemplateError> {
        let condition = self.conditions.get(name);
        self.holds(place, condition.ok_or_else(|| self.refuse(place, format!("there is no condition {name}")))?, depth)
    }

    fn holds(&self, place: &str, condition: &Value, depth: usize) -> Result<bool, TemplateError> {
        if depth > DEEPEST {
            return Err(self.refuse(place, "conditions are nested too deeply"));
        }
        let malformed = || self.refuse(place, format!("the condition {condition} is malformed"));
        let (function, argument) = condition.as_object().and_then(intrinsic).ok_or_else(malformed)?;
        let all = || -> Result<Vec<bool>, TemplateError> {
            let list = argument.as_array().ok_or_else(malformed)?;
            list.iter().map(|inner| self.holds(place, inner, depth + 1)).collect()
        };
        match function {
            "Condition" => self.condition_at(place, argument.as_str().ok_or_else(malformed)?, depth + 1),
            "Fn::Equals" => {
                let side = |index: usize| self.resolve_at(place, argument.get(index).ok_or_else(malformed)?, depth + 1);
                Ok(side(0)? == side(1)?)
            }
            "Fn::Not" => Ok(!*all()?.first().ok_or_else(malformed)?),
            "Fn::And" => Ok(all()?.into_iter().all(|holds| holds)),
            "Fn::Or" => Ok(all()?.into_iter().any(|holds| holds)),
            other => Err(self.refuse(place, format!("the local AWS does not know {other}"))),
        }
    }
}

/// `AWS::NoValue` takes the property or element away.
fn is_no_value(written: &Value, resolved: &Value) -> bool {
    resolved.is_null() && !written.is_null()
}

/// The function and its argument, if an object is a call of one.
fn intrinsic(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = fields.iter();
    let (Some((function, argument)), None) = (entries.next(), entries.next()) else { return None };
    let is_one = function == "Ref" || function.starts_with("Fn::") || (function == "Condition" && argument.is_string());
    is_one.then_some((function.as_str(), argument))
}
