//! Parameters over the wire.

use std::time::Duration;

use super::*;
use crate::seed::Seed;
use crate::testing::{RELEASE_DOCUMENT_CONTENT, node_template};
use crate::world::latency::Range;

fn ssm(world: &mut World, operation: &str, body: &str) -> (StatusCode, serde_json::Value) {
    let mut request = signed(Service::Ssm, Method::POST, "/", body);
    let target = format!("AmazonSSM.{operation}").parse().expect("a header");
    request.headers_mut().insert("x-amz-target", target);
    let (status, body) = call(world, &request);
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[test]
fn a_parameter_is_put_got_and_listed() {
    let mut world = World::new(1);
    let body = r#"{"Name": "/durin/image", "Value": "ami-1", "Type": "String"}"#;
    let (_, put) = ssm(&mut world, "PutParameter", body);
    assert_eq!(put, serde_json::json!({"Version": 1, "Tier": "Standard"}));

    let (_, got) = ssm(&mut world, "GetParameter", r#"{"Name": "/durin/image:1"}"#);
    assert_eq!(got["Parameter"]["Value"], "ami-1");
    assert_eq!(got["Parameter"]["Selector"], ":1");
    assert!(got["Parameter"]["LastModifiedDate"].is_number());

    let (_, listed) = ssm(&mut world, "GetParametersByPath", r#"{"Path": "/durin"}"#);
    assert_eq!(listed["Parameters"][0]["Name"], "/durin/image");
    let (_, history) = ssm(&mut world, "GetParameterHistory", r#"{"Name": "/durin/image"}"#);
    assert_eq!(history["Parameters"][0]["Version"], 1);
}

#[test]
fn what_is_not_there_is_an_error_with_or_without_a_message() {
    let mut world = World::new(1);
    let (status, error) = ssm(&mut world, "GetParameter", r#"{"Name": "/nothing"}"#);
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(error, serde_json::json!({"__type": "ParameterNotFound"}));
    let (_, error) = ssm(&mut world, "StartSession", "{}");
    assert_eq!(error["__type"], "UnknownOperationException");
    let (_, error) = ssm(&mut world, "GetParameter", r#"{"Name": "/a", "Colour": "red"}"#);
    assert_eq!(error["__type"], "ValidationException");
}

#[test]
fn a_command_is_sent_followed_and_listed() {
    let (mut world, instance) = settled_node();
    let body = format!(
        r#"{{"DocumentName": "durin-release", "InstanceIds": ["{instance}"], "TimeoutSeconds": 30, "Comment": "hand-off"}}"#
    );
    let (status, sent) = ssm(&mut world, "SendCommand", &body);
    assert_eq!(status, StatusCode::OK, "{sent}");
    assert_eq!(about(&world), format!("durin-release {instance}"));
    assert_eq!(sent["Command"]["Status"], "Pending");
    let id = sent["Command"]["CommandId"].as_str().expect("an id").to_owned();
    let both = format!(r#"{{"CommandId": "{id}", "InstanceId": "{instance}"}}"#);
    let (_, early) = ssm(&mut world, "GetCommandInvocation", &both);
    assert_eq!(early, serde_json::json!({"__type": "InvocationDoesNotExist"}));
    let (_, early) = ssm(&mut world, "ListCommandInvocations", &both);
    assert_eq!(early["CommandInvocations"], serde_json::json!([]));

    world.advance_to(world.now() + Duration::from_secs(30));
    let (_, got) = ssm(&mut world, "GetCommandInvocation", &both);
    assert_eq!((&got["Status"], &got["ResponseCode"]), (&"Success".into(), &0.into()));
    assert_eq!(got["PluginName"], "release");
    assert_eq!(about(&world), format!("{id} {instance}"));

    let body = format!(
        r#"{{"InstanceId": "{instance}", "Details": true, "Filters": [
            {{"key": "DocumentName", "value": "durin-release"}}, {{"key": "Status", "value": "Success"}},
            {{"key": "InvokedAfter", "value": "2026-01-05T06:00:00Z"}}]}}"#
    );
    let (_, listed) = ssm(&mut world, "ListCommandInvocations", &body);
    assert_eq!(listed["CommandInvocations"][0]["CommandPlugins"][0]["ResponseCode"], 0);
    let (_, none) =
        ssm(&mut world, "ListCommands", r#"{"Filters": [{"key": "ExecutionStage", "value": "Executing"}]}"#);
    assert_eq!(none["Commands"], serde_json::json!([]));
    let (_, all) = ssm(&mut world, "ListCommands", "{}");
    assert_eq!(all["Commands"][0]["CompletedCount"], 1);
    let (_, error) =
        ssm(&mut world, "ListCommandInvocations", r#"{"Filters": [{"key": "ExecutionStage", "value": "Complete"}]}"#);
    assert_eq!(error["__type"], "InvalidFilterKey");
}

#[test]
fn a_parameter_is_found_by_its_arn() {
    let mut world = World::new(1);
    let _ = ssm(&mut world, "PutParameter", r#"{"Name": "/durin/image", "Value": "ami-1", "Type": "String"}"#);
    let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/durin/image";
    let (_, got) = ssm(&mut world, "GetParameter", &format!(r#"{{"Name": "{arn}:1"}}"#));
    let parameter = &got["Parameter"];
    assert_eq!((&parameter["Name"], &parameter["ARN"]), (&"/durin/image".into(), &arn.into()));
    assert_eq!(parameter["Selector"], ":1");
    let (_, got) = ssm(&mut world, "GetParameters", &format!(r#"{{"Names": ["{arn}", "{arn}s"]}}"#));
    assert_eq!(got["Parameters"][0]["Value"], "ami-1");
    assert_eq!(got["InvalidParameters"], serde_json::json!([format!("{arn}s")]));
}

#[test]
fn a_label_of_the_wrong_form_is_named_and_one_of_the_wrong_length_refused() {
    let mut world = World::new(1);
    let _ = ssm(&mut world, "PutParameter", r#"{"Name": "/a", "Value": "1", "Type": "String"}"#);
    let label = |world: &mut World, labels: &[&str]| {
        let body = serde_json::json!({"Name": "/a", "Labels": labels});
        ssm(world, "LabelParameterVersion", &body.to_string())
    };
    let (status, answer) = label(&mut world, &["live", "1st", "aws-live", "a b"]);
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["InvalidLabels"], serde_json::json!(["1st", "aws-live", "a b"]));
    for labels in [&[][..], &[""], &[&"x".repeat(101)], &["x"; 11]] {
        let (_, error) = label(&mut world, labels);
        assert_eq!(error["__type"], "ValidationException", "{labels:?}");
    }
}

#[test]
fn parameters_are_described_three_times_a_second() {
    let mut world = World::new(1);
    for _ in 0..3 {
        assert_eq!(ssm(&mut world, "DescribeParameters", "{}").0, StatusCode::OK);
    }
    let (_, error) = ssm(&mut world, "DescribeParameters", "{}");
    assert_eq!(error["__type"], "ThrottlingException");
    world.advance_to(world.now() + Duration::from_secs(1));
    assert_eq!(ssm(&mut world, "DescribeParameters", "{}").0, StatusCode::OK);
}

#[test]
fn a_pending_command_is_listed_without_its_instance_only() {
    let (mut world, instance) = settled_node();
    world.latency.ssm_command_start = Range::from_secs(2, 2);
    let body = format!(r#"{{"DocumentName": "durin-release", "InstanceIds": ["{instance}"]}}"#);
    let _ = ssm(&mut world, "SendCommand", &body);
    let by_instance = format!(r#"{{"InstanceId": "{instance}"}}"#);
    for (seconds, found) in [(1.9, 0), (0.2, 1)] {
        world.advance_to(world.now() + Duration::from_secs_f64(seconds));
        for (operation, list) in [("ListCommands", "Commands"), ("ListCommandInvocations", "CommandInvocations")] {
            let (_, all) = ssm(&mut world, operation, "{}");
            assert_eq!(all[list].as_array().map(Vec::len), Some(1), "{operation}");
            let (_, listed) = ssm(&mut world, operation, &by_instance);
            assert_eq!(listed[list].as_array().map(Vec::len), Some(found), "{operation}");
        }
    }
}

#[test]
fn a_release_that_fails_says_why() {
    let (mut world, instance) = settled_node();
    let body = format!(
        r#"{{"DocumentName": "durin-release", "InstanceIds": ["{instance}"],
            "Parameters": {{"VolumeId": ["vol-0123456789abcdef0"]}}}}"#
    );
    let (_, sent) = ssm(&mut world, "SendCommand", &body);
    let id = sent["Command"]["CommandId"].as_str().expect("an id");
    world.advance_to(world.now() + Duration::from_secs(30));
    let both = format!(r#"{{"CommandId": "{id}", "InstanceId": "{instance}"}}"#);
    let (_, got) = ssm(&mut world, "GetCommandInvocation", &both);
    assert_eq!((&got["Status"], &got["ResponseCode"]), (&"Failed".into(), &1.into()));
    let said = got["StandardErrorContent"].as_str().expect("a text");
    assert!(said.starts_with("not released: vol-0123456789abcdef0 is not attached: "), "{said}");
    assert!(said.ends_with("failed to run commands: exit status 1"), "{said}");
}

#[test]
fn what_a_command_cannot_be_is_refused() {
    let (mut world, instance) = settled_node();
    let body = r#"{"DocumentName": "durin-release", "Targets": [{"Key": "tag:a", "Values": ["b"]}]}"#;
    let (_, error) = ssm(&mut world, "SendCommand", body);
    assert!(error["message"].as_str().expect("a message").contains("'Targets'"), "{error}");
    let body = format!(r#"{{"DocumentName": "AWS-RunShellScript", "InstanceIds": ["{instance}"]}}"#);
    let (_, error) = ssm(&mut world, "SendCommand", &body);
    assert_eq!(error["__type"], "InvalidDocument");
    let (_, error) = ssm(&mut world, "CancelCommand", r#"{"CommandId": "short"}"#);
    assert_eq!(error["__type"], "ValidationException");
    let body = r#"{"CommandId": "00000000-0000-4000-8000-000000000000"}"#;
    let (_, error) = ssm(&mut world, "CancelCommand", body);
    assert_eq!(error, serde_json::json!({"__type": "InvalidCommandId"}));
}

#[test]
fn agents_are_described_by_instance_and_by_ping_status() {
    let (mut world, instance) = settled_node();
    let by_id =
        format!(r#"{{"InstanceInformationFilterList": [{{"key": "InstanceIds", "valueSet": ["{instance}"]}}]}}"#);
    let (_, told) = ssm(&mut world, "DescribeInstanceInformation", &by_id);
    assert_eq!(told["InstanceInformationList"][0]["PingStatus"], "Online");
    assert!(told["InstanceInformationList"][0]["LastPingDateTime"].is_number());
    assert_eq!(about(&world), instance);
    let lost = r#"{"Filters": [{"Key": "PingStatus", "Values": ["ConnectionLost"]}], "MaxResults": 5}"#;
    let (_, told) = ssm(&mut world, "DescribeInstanceInformation", lost);
    assert_eq!(told, serde_json::json!({"InstanceInformationList": []}));
    let (_, error) = ssm(&mut world, "DescribeInstanceInformation", r#"{"MaxResults": 4}"#);
    assert_eq!(error["__type"], "ValidationException");
    let (_, error) = ssm(&mut world, "DescribeInstanceInformation", r#"{"Filters": [{"Key": "X", "Values": ["y"]}]}"#);
    assert_eq!(error["__type"], "InvalidFilterKey");
}

#[test]
fn a_document_is_created_described_and_deleted() {
    let (mut world, _) = settled_node();
    let (_, got) = ssm(&mut world, "GetDocument", r#"{"Name": "durin-release"}"#);
    let content = serde_json::json!({"Name": "other", "Content": got["Content"], "DocumentType": "Command"});
    let (_, created) = ssm(&mut world, "CreateDocument", &content.to_string());
    let parameters = created["DocumentDescription"]["Parameters"].as_array().expect("parameters");
    let timeout = parameters.iter().find(|parameter| parameter["Name"] == "executionTimeout").expect("the timeout");
    assert_eq!((&timeout["Type"], &timeout["DefaultValue"]), (&"String".into(), &"3600".into()));
    let description = &created["DocumentDescription"];
    assert_eq!((&description["DefaultVersion"], &description["HashType"]), (&"1".into(), &"Sha256".into()));
    assert_eq!(description["Hash"].as_str().map(str::len), Some(64));
    let (_, again) = ssm(&mut world, "CreateDocument", &content.to_string());
    assert_eq!(again["__type"], "DocumentAlreadyExists");
    let (_, listed) = ssm(&mut world, "ListDocuments", r#"{"Filters": [{"Key": "Name", "Values": ["oth"]}]}"#);
    assert_eq!(listed["DocumentIdentifiers"].as_array().map(Vec::len), Some(1));
    let _ = ssm(&mut world, "DeleteDocument", r#"{"Name": "other"}"#);
    let (_, error) = ssm(&mut world, "DescribeDocument", r#"{"Name": "other"}"#);
    assert_eq!(error["__type"], "InvalidDocument");
}

fn settled_node() -> (World, String) {
    let mut world = World::from_seed(&Seed::one_node(), &node_template()).expect("a world");
    world.put_document("durin-release", RELEASE_DOCUMENT_CONTENT).expect("a document");
    let node = world.settle_nodes().expect("a steady state").remove(0);
    let instance = world.serving(&node.volume).expect("a holder").to_owned();
    (world, instance)
}

/// What the last call was about.
fn about(world: &World) -> String {
    let last = world.history().last().expect("an entry");
    let Fact::Called { operation, parameters, .. } = &last.fact else { panic!("{last:?}") };
    super::about(operation, parameters)
}
