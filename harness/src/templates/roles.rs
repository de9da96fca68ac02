//! Roles with their policies, log groups and queues.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Resource, Template, TemplateError, read};
use crate::iam::policy::Owner;
use crate::iam::{Policy, Role};

/// The template of the functions' roles.
#[derive(Clone, Debug)]
pub struct RolesTemplate {
    file: String,
    written: Value,
}

impl RolesTemplate {
    /// Reads the template.
    ///
    /// # Errors
    /// When it is not YAML, or has unknown sections.
    pub fn parse(file: &str, text: &str) -> Result<RolesTemplate, TemplateError> {
        Ok(RolesTemplate { file: file.to_owned(), written: read(file, text)? })
    }

    /// The parts that are deployed with these parameters; others have their defaults.
    ///
    /// # Errors
    /// When something in it, policies included, is unknown or refers to nothing.
    pub fn deployed(&self, parameters: &BTreeMap<String, Value>) -> Result<Roles, TemplateError> {
        Roles::of(&Template::with(&self.file, &self.written, parameters)?)
    }
}

/// The functions' surroundings.
#[derive(Debug, Default)]
pub struct Roles {
    /// Those that Lambda may assume.
    pub roles: Vec<DeployedRole>,
    /// The names of the log groups.
    pub log_groups: BTreeSet<String>,
    pub queues: Vec<Queue>,
}

/// A role in a template.
#[derive(Clone, Debug)]
pub struct DeployedRole {
    /// The resource's logical id.
    pub id: String,
    pub role: Role,
    /// The output that has its ARN.
    pub output: String,
}

/// A queue in a template, and its permitted writers.
#[derive(Clone, Debug)]
pub struct Queue {
    pub arn: String,
    pub policies: Vec<Policy>,
}

/// Resource types that have nothing to do with permissions.
const WITHOUT_EFFECT: [&str; 4] =
    ["AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter", "AWS::SNS::Topic", "AWS::SSM::Parameter"];

const LOG_GROUP: [&str; 4] = ["KmsKeyId", "LogGroupName", "RetentionInDays", "Tags"];
const QUEUE: [&str; 5] = ["MessageRetentionPeriod", "QueueName", "SqsManagedSseEnabled", "Tags", "VisibilityTimeout"];

impl Roles {
    fn of(template: &Template) -> Result<Roles, TemplateError> {
        let outputs = template.outputs()?;
        let managed = managed_policies(template)?;
        let mut all = Roles::default();
        let mut queue_policies = Vec::new();
        for resource in template.resources()? {
            match resource.kind {
                "AWS::IAM::ManagedPolicy" => {}
                "AWS::IAM::Role" => all.roles.push(role(template, &resource, &managed, &outputs)?),
                "AWS::Logs::LogGroup" => {
                    template.properties(&resource, &LOG_GROUP)?;
                    all.log_groups.insert(template.name_of(resource.id)?);
                }
                "AWS::SQS::Queue" => {
                    template.properties(&resource, &QUEUE)?;
                    all.queues.push(Queue { arn: template.arn_of(resource.id)?, policies: Vec::new() });
                }
                "AWS::SQS::QueuePolicy" => queue_policies.push(queue_policy(template, &resource)?),
                _ => template.check_references(&resource, &WITHOUT_EFFECT)?,
            }
        }
        for (urls, policy) in queue_policies {
            let of_queue = |queue: &&mut Queue| {
                let name = queue.arn.rsplit(':').next().unwrap_or_default();
                urls.iter().any(|url| url.rsplit('/').next() == Some(name))
            };
            all.queues.iter_mut().filter(of_queue).for_each(|queue| queue.policies.push(policy.clone()));
        }
        Ok(all)
    }
}

/// The template's managed policies, by their ARNs.
fn managed_policies(template: &Template) -> Result<BTreeMap<String, Policy>, TemplateError> {
    let mut policies = BTreeMap::new();
    for resource in template.resources()?.into_iter().filter(|resource| resource.kind == "AWS::IAM::ManagedPolicy") {
        let known = ["Description", "ManagedPolicyName", "Path", "PolicyDocument"];
        let properties = template.properties(&resource, &known)?;
        let document = properties.get("PolicyDocument").unwrap_or(&Value::Null);
        let policy = compile(template, resource.id, resource.id, document, Owner::Role)?;
        policies.insert(template.name_of(resource.id)?, policy);
    }
    Ok(policies)
}

fn role(
    template: &Template,
    resource: &Resource<'_>,
    managed: &BTreeMap<String, Policy>,
    outputs: &BTreeMap<String, Value>,
) -> Result<DeployedRole, TemplateError> {
    let id = resource.id;
    let known =
        ["AssumeRolePolicyDocument", "Description", "ManagedPolicyArns", "MaxSessionDuration", "Policies", "RoleName"];
    let properties = Value::Object(template.properties(resource, &known)?);
    let trust = &properties["AssumeRolePolicyDocument"]["Statement"];
    let lambda_may = trust.as_array().into_iter().flatten().any(|statement| {
        statement["Effect"] == "Allow"
            && statement["Action"] == "sts:AssumeRole"
            && statement["Principal"]["Service"] == "lambda.amazonaws.com"
    });
    if !lambda_may {
        return Err(template.refuse(id, "lambda.amazonaws.com may not assume it"));
    }
    let mut policies = Vec::new();
    for arn in properties["ManagedPolicyArns"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let policy = managed.get(arn).ok_or_else(|| {
            template.refuse(id, format!("the local AWS knows the managed policies of this template only, not {arn}"))
        })?;
        policies.push(policy.clone());
    }
    for inline in properties["Policies"].as_array().into_iter().flatten() {
        let name = inline["PolicyName"].as_str().ok_or_else(|| template.refuse(id, "a policy without PolicyName"))?;
        policies.push(compile(template, id, name, &inline["PolicyDocument"], Owner::Role)?);
    }
    let arn = template.arn_of(id)?;
    let output = outputs.iter().find(|(_, value)| value.as_str() == Some(arn.as_str())).map(|(output, _)| output);
    let output = output.ok_or_else(|| template.refuse(id, "no output gives its ARN to cargo lambda deploy"))?;
    let name = template.name_of(id)?;
    Ok(DeployedRole { id: id.to_owned(), role: Role { name, policies }, output: output.clone() })
}

fn queue_policy(template: &Template, resource: &Resource<'_>) -> Result<(Vec<String>, Policy), TemplateError> {
    let properties = Value::Object(template.properties(resource, &["PolicyDocument", "Queues"])?);
    let urls = properties["Queues"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let policy = compile(template, resource.id, resource.id, &properties["PolicyDocument"], Owner::Resource)?;
    Ok((urls.collect(), policy))
}

fn compile(template: &Template, id: &str, name: &str, document: &Value, owner: Owner) -> Result<Policy, TemplateError> {
    Policy::parse(name, document, owner).map_err(|error| template.refuse(id, error.to_string()))
}

impl Template {
    /// The result of Ref for a resource.
    fn name_of(&self, id: &str) -> Result<String, TemplateError> {
        let name = self.resolve(id, &serde_json::json!({"Ref": id}))?;
        Ok(name.as_str().unwrap_or_default().to_owned())
    }

    fn arn_of(&self, id: &str) -> Result<String, TemplateError> {
        let arn = self.resolve(id, &serde_json::json!({"Fn::GetAtt": [id, "Arn"]}))?;
        Ok(arn.as_str().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::Check;
    use crate::iam::evaluate::{Verdict, evaluate};

    const ROLES: &str = r#"
Parameters:
  Volumes: {Type: CommaDelimitedList, Default: "arn:aws:ec2:*:*:volume/vol-1, arn:aws:ec2:*:*:volume/vol-2"}
Resources:
  Shared:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: {"Fn::Sub": "shared-${AWS::Region}"}
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Sid: Look, Effect: Allow, Action: "ec2:DescribeVolumes", Resource: "*"}
          - {Sid: Attach, Effect: Allow, Action: "ec2:AttachVolume", Resource: {Ref: Volumes}}
  LoopRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: {"Fn::Sub": "durin-loop-${AWS::Region}"}
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
      ManagedPolicyArns: [{Ref: Shared}]
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Sid: Log, Effect: Allow, Action: "logs:PutLogEvents", Resource: {"Fn::GetAtt": [Logs, Arn]}}
  Logs: {Type: "AWS::Logs::LogGroup", Properties: {LogGroupName: /aws/lambda/durin-loop}}
Outputs:
  LoopRoleArn: {Value: {"Fn::GetAtt": [LoopRole, Arn]}}
"#;

    fn parse(text: &str) -> Result<Roles, TemplateError> {
        RolesTemplate::parse("roles.yaml", text)?.deployed(&BTreeMap::new())
    }

    #[test]
    fn a_role_is_read_with_all_its_policies() {
        let all = parse(ROLES).expect("a good template");
        let DeployedRole { role, output, .. } = &all.roles[0];
        assert_eq!((role.name.as_str(), output.as_str()), ("durin-loop-eu-central-1", "LoopRoleArn"));
        assert_eq!(role.policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), ["Shared", "own"]);
        assert!(all.log_groups.contains("/aws/lambda/durin-loop"));
    }

    #[test]
    fn a_parameter_that_is_a_list_names_the_resources() {
        let template = RolesTemplate::parse("roles.yaml", ROLES).expect("a good template");
        let attaches = |given: &[(String, Value)], volume: &str| {
            let all = template.deployed(&given.iter().cloned().collect()).expect("deployed");
            let check =
                Check::new("ec2:AttachVolume", format!("arn:aws:ec2:eu-central-1:123456789012:volume/{volume}"));
            matches!(evaluate(&all.roles[0].role.policies, &check), Verdict::Allowed(_))
        };
        assert_eq!(["vol-1", "vol-2", "vol-3"].map(|volume| attaches(&[], volume)), [true, true, false]);
        let given = [("Volumes".to_owned(), Value::from("arn:aws:ec2:*:*:volume/vol-3"))];
        assert_eq!(["vol-1", "vol-3"].map(|volume| attaches(&given, volume)), [false, true]);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (from, to, place) in [
            ("ec2:DescribeVolumes", "ec2:DescribeVolume", "roles.yaml: Shared: the policy Shared, statement Look: "),
            ("lambda.amazonaws.com", "lambda.amazon.com", "LoopRole: lambda.amazonaws.com may not"),
            ("{Ref: Shared}", "{Ref: Shred}", "LoopRole: there is no parameter or resource Shred"),
            ("[Logs, Arn]", "[Log, Arn]", "no parameter or resource Log"),
            ("RoleName:", "Name:", "property Name"),
            ("[LoopRole, Arn]", "[Logs, Arn]", "no output"),
            ("AWS::Logs::LogGroup", "AWS::Logs::LogGrup", "LogGrup"),
        ] {
            let broken = ROLES.replace(from, to);
            assert_ne!(broken, ROLES);
            let error = parse(&broken).expect_err(to).to_string();
            assert!(error.contains(place), "{error}");
        }
    }
}
