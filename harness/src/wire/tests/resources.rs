//! What IAM is asked about whole requests.

use super::*;
use crate::iam::Check;
use crate::seed::NodeSeed;
use crate::testing::settled;

fn asked(world: &World, request: Request<Vec<u8>>) -> Vec<Check> {
    let call = Call::read(&world.iam, &request).expect("a call");
    call.asked().expect("an operation").checks(world)
}

fn form(world: &World, version: &str, name: &str, body: &str) -> Vec<Check> {
    asked(
        world,
        Request::post("/").body(format!("Action={name}&Version={version}&{body}").into_bytes()).expect("a request"),
    )
}

fn resources(checks: &[Check]) -> Vec<&str> {
    checks.iter().map(|check| check.resource.as_str()).collect()
}

#[test]
fn ec2_is_asked_about_every_resource() {
    let (world, node) = settled(1, NodeSeed::default());
    let holder = world.serving(&node.volume).expect("a holder");
    let instance = format!("arn:aws:ec2:eu-central-1:123456789012:instance/{holder}");
    let volume = format!("arn:aws:ec2:eu-central-1:123456789012:volume/{}", node.volume);
    let ec2 = |name: &str, body: &str| form(&world, "2016-11-15", name, body);

    let detach = ec2("DetachVolume", &format!("VolumeId={}", node.volume));
    assert_eq!(resources(&detach), [&instance, &volume], "from whoever holds it");
    assert!(detach[0].resource_tags.contains(&("aws:autoscaling:groupName".to_owned(), "k3s".to_owned())));
    assert!(detach[1].resource_tags.contains(&("durin:volume".to_owned(), "data".to_owned())));
    assert_eq!(detach[0].action, "ec2:DetachVolume");

    let tag = ec2("CreateTags", &format!("ResourceId.1={holder}&ResourceId.2=ami-1&Tag.1.Key=a&Tag.1.Value=b"));
    assert_eq!(resources(&tag), [instance.as_str(), "arn:aws:ec2:eu-central-1::image/ami-1"]);
    assert!(tag.iter().all(|check| check.request_tags == [("a".to_owned(), "b".to_owned())]));

    for (name, body, resource) in [
        ("DescribeInstances", "", "*"),
        ("DeregisterImage", "ImageId=ami-1", "arn:aws:ec2:eu-central-1::image/ami-1"),
        ("EnableImageDeprecation", "ImageId=ami-1", "arn:aws:ec2:eu-central-1::image/ami-1"),
        ("DeleteSnapshot", "SnapshotId=snap-1", "arn:aws:ec2:eu-central-1::snapshot/snap-1"),
    ] {
        assert_eq!(resources(&ec2(name, body)), [resource], "{name}");
    }
}

#[test]
fn auto_scaling_is_asked_about_the_group() {
    let (world, node) = settled(1, NodeSeed::default());
    let holder = world.serving(&node.volume).expect("a holder");
    let ask = |name: &str, body: &str| form(&world, "2011-01-01", name, body);
    let group = world.autoscaling.groups()["k3s"].arn();
    let terminate = ask("TerminateInstanceInAutoScalingGroup", &format!("InstanceId={holder}"));
    assert_eq!(resources(&terminate), [&group]);
    assert!(terminate[0].resource_tags.iter().any(|(key, _)| key == "durin:volume-id"));
    assert_eq!(resources(&ask("CompleteLifecycleAction", "AutoScalingGroupName=k3s")), [&group]);
    assert_eq!(resources(&ask("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=k3s")), ["*"]);
    let nobodys = ask("TerminateInstanceInAutoScalingGroup", "InstanceId=i-1");
    assert!(
        nobodys[0].resource.ends_with("autoScalingGroup:*:autoScalingGroupName/*")
            && nobodys[0].resource_tags.is_empty()
    );
}

#[test]
fn route_53_is_asked_about_the_zone_and_the_changes() {
    let world = World::new(1);
    let change = |action: &str, kind: &str| {
        format!(
            "<Change><Action>{action}</Action><ResourceRecordSet><Name>K3s.Durin.internal.</Name><Type>{kind}</Type>\
             </ResourceRecordSet></Change>"
        )
    };
    let changes = change("DELETE", "A") + &change("CREATE", "A");
    let body = format!("<R><ChangeBatch><Changes>{changes}</Changes></ChangeBatch></R>");
    let request = Request::post("/2013-04-01/hostedzone/Z1/rrset/").body(body.into_bytes()).expect("a request");
    let checks = asked(&world, request);
    assert_eq!(resources(&checks), ["arn:aws:route53:::hostedzone/Z1"]);
    assert_eq!(checks[0].region, "us-east-1");
    let values = |name: &str| checks[0].keys.iter().find(|(key, _)| key.ends_with(name)).expect("a key").1.clone();
    assert_eq!(values("Actions"), ["DELETE", "CREATE"]);
    assert_eq!(values("RecordTypes"), ["A", "A"]);
    assert_eq!(values("NormalizedRecordNames"), ["k3s.durin.internal", "k3s.durin.internal"]);
}

#[test]
fn systems_manager_is_asked_about_documents_instances_and_parameters() {
    let (world, node) = settled(1, NodeSeed::default());
    let holder = world.serving(&node.volume).expect("a holder");
    let ask = |name: &str, body: &str| {
        let request = Request::post("/").header("x-amz-target", format!("AmazonSSM.{name}"));
        asked(&world, request.body(body.as_bytes().to_vec()).expect("a request"))
    };
    let send = ask("SendCommand", &format!(r#"{{"DocumentName": "durin-release", "InstanceIds": ["{holder}"]}}"#));
    let instance = format!("arn:aws:ec2:eu-central-1:123456789012:instance/{holder}");
    assert_eq!(resources(&send), ["arn:aws:ssm:eu-central-1:123456789012:document/durin-release", &instance]);
    let parameter = "arn:aws:ssm:eu-central-1:123456789012:parameter/durin/image";
    assert_eq!(resources(&ask("GetParameter", r#"{"Name": "/durin/image:3"}"#)), [parameter]);
    let by_arn = ask("GetParameter", &format!(r#"{{"Name": "{parameter}:3"}}"#));
    assert_eq!(resources(&by_arn), [parameter]);
    assert_eq!(resources(&ask("GetParameter", &format!(r#"{{"Name": "{parameter}s"}}"#))), [format!("{parameter}s")]);
    let put =
        ask("PutParameter", r#"{"Name": "/durin/image", "Overwrite": true, "Tags": [{"Key": "a", "Value": "b"}]}"#);
    assert_eq!(resources(&put), [parameter]);
    assert_eq!(put[0].keys, [("ssm:Overwrite", vec!["true".to_owned()])]);
    assert_eq!(put[0].request_tags, [("a".to_owned(), "b".to_owned())]);
    assert_eq!(resources(&ask("DescribeParameters", "{}")), ["*"]);
}

/// A misspelt action in IAM's catalogue would let a policy through that allows nothing.
#[test]
fn every_action_that_a_policy_may_name_is_an_operation_here() {
    let actions: Vec<_> = crate::iam::actions::all().map(|action| action.name()).collect();
    let of_ours = |action: &&String| Service::of_action(action).is_some();
    let unknown: Vec<_> = actions.iter().filter(of_ours).filter(|action| operation(action).is_none()).collect();
    // The sample policy names them, for everybody in an account.
    assert_eq!(unknown, ["ec2:CopySnapshot", "ec2:CreateSnapshot", "ec2:CreateSnapshots"]);
    assert!(actions.len() > 50);
}
