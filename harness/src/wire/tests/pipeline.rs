//! In which order a call passes what can refuse it, and what each refusal leaves behind.

use serde_json::json;

use super::*;
use crate::iam::policy::Owner;
use crate::iam::{Policy, Role};

const DELETE: &str = "Action=DeleteVolume&VolumeId=vol-0123456789abcdef0";

/// How many calls the bucket still admits.
fn left(world: &mut World, body: &str) -> usize {
    let request = ec2(body);
    (0..1000).take_while(|_| call(world, &request).0 != StatusCode::SERVICE_UNAVAILABLE).count()
}

/// A world, and a function in it that may look at volumes and do nothing else.
fn world_with_a_function() -> World {
    let statement = json!({"Effect": "Allow", "Action": "ec2:DescribeVolumes", "Resource": "*"});
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    let policies = vec![Policy::parse("p", &document, Owner::Role).expect("a policy")];
    let mut world = World::new(1);
    world.iam.assume("f", Role { name: "role".to_owned(), policies });
    world
}

fn by_the_function() -> Request<Vec<u8>> {
    signed_by("f", Service::Ec2, Method::POST, "/", &format!("{DELETE}&Version=2016-11-15"))
}

fn unsigned(body: &str) -> Request<Vec<u8>> {
    let mut request = ec2(body);
    request.headers_mut().clear();
    request
}

#[test]
fn each_operation_has_the_bucket_that_ec2_documents() {
    let mut world = World::new(1);
    for (body, burst) in [
        ("Action=CreateTags", 100),
        ("Action=DeregisterImage", 100),
        ("Action=DisableImage", 50),
        ("Action=DescribeImages", 100),
        ("Action=DescribeInstances", 50),
        ("Action=DescribeInstances&MaxResults=5", 100),
        ("Action=DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=in-use", 100),
    ] {
        assert_eq!(left(&mut world, body), burst, "{body}");
    }
}

#[test]
fn a_call_that_is_not_signed_costs_no_token() {
    let mut world = World::new(1);
    (0..200).for_each(|_| assert_eq!(call(&mut world, &unsigned(DELETE)).0, StatusCode::FORBIDDEN));
    assert_eq!(left(&mut world, DELETE), 100);
}

#[test]
fn a_call_that_its_caller_may_not_make_costs_a_token_and_no_fault() {
    let mut world = world_with_a_function();
    world.faults.plan("ec2:DeleteVolume", FaultKind::InternalError, 1);
    for _ in 0..30 {
        assert!(text(&answered(&mut world, &by_the_function())).contains("UnauthorizedOperation"));
    }
    assert_eq!(call(&mut world, &ec2(DELETE)).0, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(left(&mut world, DELETE), 69);
    let (refused, before) = (answered(&mut world, &by_the_function()), world.iam.denials.len());
    assert!(
        text(&refused).contains("RequestLimitExceeded"),
        "nobody is asked about a call for which there is no token"
    );
    assert_eq!(before, 30);
}

#[test]
fn a_call_whose_answer_is_lost_was_carried_out() {
    let mut world = World::new(1);
    let id = volume(&mut world);
    world.faults.plan("ec2:DeleteVolume", FaultKind::ResponseLost, 1);
    let call = Call::read(&world.iam, &ec2(&format!("Action=DeleteVolume&VolumeId={id}"))).expect("a call");
    assert!(answer(&mut world, &call).is_err());
    assert!(!world.ec2.volumes().contains_key(&id));
    assert!(answer(&mut world, &call).is_ok(), "the fault is used up");
    let errors: Vec<_> = errors(&world).collect();
    assert_eq!(errors, [None, Some("InvalidVolume.NotFound")]);
}

#[test]
fn every_refusal_is_in_the_history() {
    let mut world = world_with_a_function();
    let _ = call(&mut world, &unsigned(DELETE));
    let _ = answered(&mut world, &by_the_function());
    world.faults.plan("*", FaultKind::InternalError, 1);
    let _ = call(&mut world, &ec2(DELETE));
    let _ = call(&mut world, &ec2("Action=CreateSnapshot"));
    let _ = call(&mut world, &ec2("Action=DeleteVolume&Colour=red"));
    let expected =
        ["MissingAuthenticationToken", "UnauthorizedOperation", "InternalError", "InvalidAction", "UnknownParameter"];
    assert_eq!(errors(&world).flatten().collect::<Vec<_>>(), expected);
}

/// How the calls in the history ended.
fn errors(world: &World) -> impl Iterator<Item = Option<&str>> {
    world.history().iter().filter_map(|entry| match &entry.fact {
        Fact::Called { error, .. } => Some(error.as_deref()),
        Fact::Emitted(_)
        | Fact::Invoked { .. }
        | Fact::Answered { .. }
        | Fact::Changed { .. }
        | Fact::Guest { .. }
        | Fact::Violated(_) => None,
    })
}

#[test]
fn route_53_answers_five_calls_a_second_of_any_kind() {
    let mut world = World::new(1);
    let requests = ["hostedzone", "hostedzonesbyname"]
        .map(|path| signed(Service::Route53, Method::GET, &format!("/2013-04-01/{path}"), ""));
    let ask = |world: &mut World| -> Vec<_> {
        let asked = requests.iter().cycle().take(7);
        asked.map(|request| call(world, request)).map(|(status, body)| (status.as_u16(), body)).collect()
    };
    let (answered, refused): (Vec<_>, Vec<_>) = ask(&mut world).into_iter().partition(|(status, _)| *status == 200);
    assert_eq!((answered.len(), refused.len()), (5, 2));
    assert!(refused.iter().all(|(status, body)| *status == 400 && body.contains("<Code>Throttling</Code>")));
    world.advance_to(world.now() + std::time::Duration::from_millis(400));
    assert_eq!(ask(&mut world).iter().filter(|(status, _)| *status == 200).count(), 2);
    world.route53.stop_throttling();
    assert!(ask(&mut world).iter().all(|(status, _)| *status == 200));
}

#[test]
fn an_outage_of_a_service_is_over_at_its_time() {
    let mut world = World::new(1);
    let two_hours = world.now() + std::time::Duration::from_secs(2 * 3600);
    world.faults.plan_until("route53:*", FaultKind::InternalError, two_hours);
    let zones = signed(Service::Route53, Method::GET, "/2013-04-01/hostedzone", "");
    let zone = signed(Service::Route53, Method::GET, "/2013-04-01/hostedzone/Z1", "");
    for minute in 0..120 {
        for request in [&zones, &zone] {
            assert_eq!(call(&mut world, request).0, StatusCode::INTERNAL_SERVER_ERROR, "{minute}");
        }
        assert_eq!(call(&mut world, &ec2("Action=DescribeVolumes")).0, StatusCode::OK);
        world.advance_to(world.now() + std::time::Duration::from_secs(60));
    }
    assert_eq!(call(&mut world, &zones).0, StatusCode::OK);
    assert_eq!(call(&mut world, &zone).0, StatusCode::NOT_FOUND);
}
