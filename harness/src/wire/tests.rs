//! Whole requests and whole answers.

use http::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::*;
use crate::iam::{Caller, Iam};
use crate::world::World;
use crate::world::ec2::CreateVolume;
use crate::world::faults::FaultKind;
use crate::world::history::Fact;

mod groups;
mod images;
mod instances;
mod kms;
mod permissions;
mod pipeline;
mod resources;
mod route53;
mod ssm;

fn signed(service: Service, method: Method, path: &str, body: &str) -> Request<Vec<u8>> {
    signed_by("AKIATEST", service, method, path, body)
}

fn signed_by(access_key: &str, service: Service, method: Method, path: &str, body: &str) -> Request<Vec<u8>> {
    let scope = format!("{access_key}/20260105/eu-central-1/{}/aws4_request", service.signing_name());
    let authorization = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
    let request = Request::builder().method(method).uri(path).header("authorization", authorization);
    request.body(body.as_bytes().to_vec()).expect("a request")
}

fn ec2(body: &str) -> Request<Vec<u8>> {
    signed(Service::Ec2, Method::POST, "/", &format!("{body}&Version=2016-11-15"))
}

fn autoscaling(body: &str) -> Request<Vec<u8>> {
    signed(Service::AutoScaling, Method::POST, "/", &format!("{body}&Version=2011-01-01"))
}

fn call(world: &mut World, request: &Request<Vec<u8>>) -> (StatusCode, String) {
    let response = answered(world, request);
    (response.status(), text(&response))
}

fn answered(world: &mut World, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let call = Call::read(&world.iam, request).expect("a call");
    answer(world, &call).expect("an answer")
}

fn text(response: &Response<Vec<u8>>) -> String {
    String::from_utf8(response.body().clone()).expect("UTF-8")
}

fn volume(world: &mut World) -> String {
    let zone = "eu-central-1a".to_owned();
    let request = CreateVolume { zone, size_gib: 8, volume_type: "gp3".to_owned(), ..CreateVolume::default() };
    world.create_volume(request).expect("a volume")
}

#[test]
fn a_request_says_itself_whom_it_means() {
    let names =
        |request: &Request<Vec<u8>>| Call::read(&Iam::default(), request).map(|call| call.service.action(&call.name));
    assert_eq!(names(&ec2("Action=AttachVolume")).as_deref(), Some("ec2:AttachVolume"));
    assert_eq!(names(&autoscaling("Action=DescribeTags")).as_deref(), Some("autoscaling:DescribeTags"));
    let route53 = signed(Service::Route53, Method::POST, "/2013-04-01/hostedzone/Z1/rrset/", "");
    assert_eq!(names(&route53).as_deref(), Some("route53:ChangeResourceRecordSets"));
    let mut ssm = signed(Service::Ssm, Method::POST, "/", "{}");
    ssm.headers_mut().insert("x-amz-target", "AmazonSSM.GetParameter".parse().expect("a header"));
    assert_eq!(names(&ssm).as_deref(), Some("ssm:GetParameter"));
    assert_eq!(names(&signed(Service::Ec2, Method::GET, "/", "")), None);
}

#[test]
fn reads_and_writes_are_told_apart() {
    let kind = |action: &str| operation(action).map(|operation| operation.kind);
    assert_eq!(kind("ec2:DetachVolume"), Some(Kind::Write));
    assert_eq!(kind("ec2:DescribeVolumes"), Some(Kind::Read));
    assert_eq!(kind("ec2:ListImagesInRecycleBin"), Some(Kind::Read));
    assert_eq!(kind("ssm:GetParameter"), Some(Kind::Read));
    assert_eq!(kind("ec2:CreateSnapshot"), None);
    assert_eq!(kind("logs:PutLogEvents"), None);
}

#[test]
fn unsigned_and_missigned_requests_are_refused() {
    let mut world = World::new(1);
    let mut request = ec2("Action=DescribeVolumes");
    request.headers_mut().clear();
    let (status, body) = call(&mut world, &request);
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("<Code>MissingAuthenticationToken</Code>"), "{body}");

    let body = "Action=DescribeVolumes&Version=2016-11-15";
    let (status, body) = call(&mut world, &signed(Service::Ssm, Method::POST, "/", body));
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("correct service: &apos;ec2&apos;"), "{body}");
}

#[test]
fn an_operation_that_is_not_here_is_refused_clearly() {
    let mut world = World::new(1);
    let (status, body) = call(&mut world, &ec2("Action=CreateSnapshot"));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("The action CreateSnapshot is not valid for this web service."), "{body}");
    assert!(body.contains("The local AWS does not have this operation."), "{body}");
}

#[test]
fn a_parameter_that_is_not_understood_is_refused_rather_than_ignored() {
    let mut world = World::new(1);
    let (_, body) = call(&mut world, &ec2("Action=DescribeVolumes&Colour=red"));
    assert!(body.contains("<Code>UnknownParameter</Code>"), "{body}");
    let (_, body) = call(&mut world, &ec2("Action=DescribeVolumes&Filter.1.Name=colour&Filter.1.Value.1=red"));
    assert!(body.contains("The filter &apos;colour&apos; is invalid"), "{body}");
}

#[test]
fn a_dry_run_changes_nothing_and_is_an_error() {
    let mut world = World::new(1);
    let id = volume(&mut world);
    let (status, body) = call(&mut world, &ec2(&format!("Action=DeleteVolume&VolumeId={id}&DryRun=true")));
    assert_eq!(status, StatusCode::PRECONDITION_FAILED);
    assert!(body.contains("<Code>DryRunOperation</Code>"), "{body}");
    assert!(world.ec2.volumes().contains_key(&id));
}

#[test]
fn an_unknown_volume_is_an_ec2_error() {
    let mut world = World::new(1);
    let (status, body) = call(&mut world, &ec2("Action=DescribeVolumes&VolumeId.1=vol-0123456789abcdef0"));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        body,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>InvalidVolume.NotFound</Code>\
         <Message>The volume &apos;vol-0123456789abcdef0&apos; does not exist.</Message></Error></Errors>\
         <RequestID>00000000-0000-4000-8000-000000000001</RequestID></Response>"
    );
}

#[test]
fn volumes_are_described_with_ids_or_in_pages_but_not_both() {
    let mut world = World::new(1);
    let ids: Vec<String> = (0..7).map(|_| volume(&mut world)).collect();
    let (_, body) = call(&mut world, &ec2(&format!("Action=DescribeVolumes&VolumeId.1={}&MaxResults=5", ids[0])));
    assert!(body.contains("<Code>InvalidParameterCombination</Code>"), "{body}");

    let (_, first) = call(&mut world, &ec2("Action=DescribeVolumes&MaxResults=5"));
    assert_eq!(first.matches("<item>").count(), 5);
    let (_, rest) = first.split_once("<nextToken>").expect("a token");
    let (token, _) = rest.split_once('<').expect("an end");
    let (_, second) = call(&mut world, &ec2(&format!("Action=DescribeVolumes&MaxResults=5&NextToken={token}")));
    assert_eq!(second.matches("<item>").count(), 2);
    assert!(ids.iter().all(|id| first.contains(id) != second.contains(id)));
    assert!(!second.contains("nextToken"), "{second}");
}

#[test]
fn the_history_tells_who_called_what_about_what() {
    let mut world = World::new(1);
    let id = volume(&mut world);
    let body = format!("Action=AttachVolume&InstanceId=i-0123456789abcdef0&VolumeId={id}&Device=/dev/sdf");
    let _ = call(&mut world, &ec2(&body));
    let last = world.history().last().expect("an entry");
    let Fact::Called { caller, operation, parameters, error } = &last.fact else { panic!("{last:?}") };
    assert_eq!((caller, operation.as_str()), (&Caller::Operator, "ec2:AttachVolume"));
    assert_eq!(about(operation, parameters), format!("{id} i-0123456789abcdef0 /dev/sdf"));
    let expected = json!({"Device": "/dev/sdf", "InstanceId": "i-0123456789abcdef0", "VolumeId": id});
    assert_eq!(*parameters, expected);
    assert_eq!(error.as_deref(), Some("InvalidInstanceID.NotFound"));
}

#[test]
fn a_group_that_is_unknown_is_missing_and_its_hooks_are_an_error() {
    let mut world = World::new(1);
    let (status, body) =
        call(&mut world, &autoscaling("Action=DescribeAutoScalingGroups&AutoScalingGroupNames.member.1=nobody"));
    assert_eq!(status, StatusCode::OK);
    assert!(
        body.contains(
            "<DescribeAutoScalingGroupsResult><AutoScalingGroups></AutoScalingGroups></DescribeAutoScalingGroupsResult>"
        ),
        "{body}"
    );
    let (status, body) = call(&mut world, &autoscaling("Action=DescribeLifecycleHooks&AutoScalingGroupName=nobody"));
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("<Error><Type>Sender</Type><Code>ValidationError</Code>"), "{body}");
}

#[test]
fn each_service_throttles_in_its_own_words() {
    let mut world = World::new(1);
    let mut get_parameter = signed(Service::Ssm, Method::POST, "/", "{}");
    get_parameter.headers_mut().insert("x-amz-target", "AmazonSSM.GetParameter".parse().expect("a header"));
    for (request, status, code) in [
        (ec2("Action=DescribeVolumes"), 503, "<Code>RequestLimitExceeded</Code>"),
        (autoscaling("Action=DescribeTags"), 400, "<Code>Throttling</Code>"),
        (signed(Service::Route53, Method::GET, "/2013-04-01/hostedzone", ""), 400, "<Code>Throttling</Code>"),
        (get_parameter, 400, "\"__type\":\"ThrottlingException\""),
    ] {
        world.faults.plan("*", FaultKind::Throttled, 1);
        world.faults.plan("*", FaultKind::InternalError, 1);
        let (throttled, body) = call(&mut world, &request);
        assert_eq!(throttled.as_u16(), status);
        assert!(body.contains(code), "{body}");
        assert_eq!(call(&mut world, &request).0.as_u16(), 500);
    }
}
