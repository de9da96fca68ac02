//! Parameters over the wire.

use super::*;

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
    let (_, error) = ssm(&mut world, "SendCommand", "{}");
    assert_eq!(error["__type"], "UnknownOperationException");
    let (_, error) = ssm(&mut world, "GetParameter", r#"{"Name": "/a", "Colour": "red"}"#);
    assert_eq!(error["__type"], "ValidationException");
}
