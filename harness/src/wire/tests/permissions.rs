//! What a call goes on without when its caller may not do all of it.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::iam::policy::Owner;
use crate::iam::{Policy, Role};
use crate::world::ec2::images::PUBLIC_IMAGE;
use crate::world::ec2::{ImageSpec, ImageState};
use crate::world::ssm::IMAGE_DATA_TYPE;

const CALLER: &str = "durin-ami-prune";

/// A world in which the caller may do this and nothing else.
fn allowing(statement: Value) -> World {
    let mut statement = statement;
    statement["Effect"] = json!("Allow");
    let document = json!({"Version": "2012-10-17", "Statement": statement});
    let policy = Policy::parse("p", &document, Owner::Role).expect("a policy");
    let mut world = World::new(1);
    world.iam.assume(CALLER, Role { name: "role".to_owned(), policies: vec![policy] });
    world
}

fn call(world: &mut World, service: Service, target: &str, body: &str) -> String {
    let mut request = signed_by(CALLER, service, Method::POST, "/", body);
    if !target.is_empty() {
        request.headers_mut().insert("x-amz-target", target.parse().expect("a header"));
    }
    text(&answered(world, &request))
}

#[test]
fn an_image_goes_without_the_snapshots_that_its_caller_may_not_delete() {
    let mut world = allowing(json!({
        "Action": ["ec2:DeregisterImage", "ec2:DeleteSnapshot"], "Resource": "*",
        "Condition": {"Null": {"aws:ResourceTag/ours": "false"}},
    }));
    let ours = world.add_image(ImageSpec::named("ours").tagged("ours", ""));
    let snapshot = world.ec2.images()[&ours].block_devices[0].snapshot_id.clone();
    let theirs = world.add_snapshot(Default::default());
    let two = ImageSpec { snapshots: Some(vec![snapshot.clone(), theirs.clone()]), ..ImageSpec::named("two") };
    let two = world.add_image(two.tagged("ours", ""));
    world.deregister_image(&ours, false).expect("deregistered");

    let body = format!("Action=DeregisterImage&Version=2016-11-15&ImageId={two}&DeleteAssociatedSnapshots=true");
    let answer = call(&mut world, Service::Ec2, "", &body);
    assert!(answer.contains("<returnCode>success</returnCode>"), "{answer}");
    assert!(answer.contains("<returnCode>missing-permissions</returnCode>"), "{answer}");
    assert_eq!(world.ec2.images()[&two].state, ImageState::Deregistered);
    assert!(!world.ec2.snapshots().contains_key(&snapshot) && world.ec2.snapshots().contains_key(&theirs));
    let denials: Vec<_> = world.iam.denials.iter().map(|denial| denial.message.as_str()).collect();
    assert!(matches!(denials[..], [one] if one.contains("ec2:DeleteSnapshot") && one.contains(&theirs)), "{denials:?}");
}

#[test]
fn an_image_parameter_is_validated_in_the_name_of_who_puts_it() {
    let put = |world: &mut World, data_type: &str| {
        let body = json!({"Name": "/image", "Value": PUBLIC_IMAGE, "Type": "String", "DataType": data_type});
        let answer = call(world, Service::Ssm, "AmazonSSM.PutParameter", &body.to_string());
        assert!(answer.contains(r#""Version":1"#), "{answer}");
        world.advance_to(world.now() + Duration::from_secs(180));
        world.ssm.parameters().contains_key("/image")
    };
    let only_put = || allowing(json!({"Action": "ssm:PutParameter", "Resource": "*"}));
    let mut world = only_put();
    assert!(!put(&mut world, IMAGE_DATA_TYPE), "refused, after the answer");
    assert!(world.iam.denials[0].message.contains("ec2:DescribeImages"));
    let event = world.events.emitted().last().expect("an event");
    assert_eq!(event["detail"]["exception"], "Unable to Describe Resource");

    let mut world = allowing(json!({"Action": ["ssm:PutParameter", "ec2:DescribeImages"], "Resource": "*"}));
    assert!(put(&mut world, IMAGE_DATA_TYPE));
    let mut world = only_put();
    assert!(put(&mut world, "text") && world.iam.denials.is_empty(), "what is no image's needs no more");
}
