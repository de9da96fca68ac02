//! Images, snapshots and launch templates over the wire: who sees what.

use std::time::Duration;

use super::*;
use crate::time::Time;
use crate::world::ec2::images::{DeregistrationProtection, PUBLIC_IMAGE};
use crate::world::ec2::requests::{Fleet, LaunchTemplateConfig, Requests};
use crate::world::ec2::{ImageSpec, LaunchTemplateData, SnapshotSpec};
use crate::world::latency::Range;

/// The elements of that name in what a call answers, in order.
fn listed(world: &mut World, body: &str, element: &str) -> Vec<String> {
    let (status, answer) = call(world, &ec2(body));
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let found = answer.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    found.map(str::to_owned).collect()
}

fn refused(world: &mut World, body: &str) -> String {
    let (status, answer) = call(world, &ec2(body));
    assert_ne!(status, StatusCode::OK, "{answer}");
    let code = answer.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
    code.expect("a code").to_owned()
}

fn images(world: &mut World, rest: &str) -> Vec<String> {
    listed(world, &format!("Action=DescribeImages{rest}"), "imageId")
}

#[test]
fn without_owners_others_public_images_come_too() {
    let mut world = World::new(1);
    let own = world.add_image(ImageSpec::named("own"));
    let stranger = || Some("210987654321".to_owned());
    let private = world.add_image(ImageSpec { owner: stranger(), ..ImageSpec::named("private") });
    let deprecated_from = Some(world.now());
    let old = ImageSpec { owner: stranger(), public: true, deprecated_from, ..ImageSpec::named("deprecated") };
    let old = world.add_image(old);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(images(&mut world, ""), sorted(vec![own.clone(), PUBLIC_IMAGE.to_owned()]));
    let all = sorted(vec![own.clone(), PUBLIC_IMAGE.to_owned(), old.clone()]);
    assert_eq!(images(&mut world, "&IncludeDeprecated=true"), all);
    assert_eq!(images(&mut world, "&Owner.1=self"), [own]);
    assert_eq!(images(&mut world, "&Owner.1=amazon"), [PUBLIC_IMAGE]);
    assert_eq!(images(&mut world, &format!("&ImageId.1={old}")), [old]);
    assert_eq!(refused(&mut world, &format!("Action=DescribeImages&ImageId.1={private}")), "InvalidAMIID.NotFound");
    assert_eq!(refused(&mut world, "Action=DescribeImages&ExecutableBy.1=self"), "UnknownParameter");
}

#[test]
fn disabled_images_are_listed_on_request_and_deprecated_own_ones_always() {
    let mut world = World::new(1);
    let id = world.add_image(ImageSpec::named("own"));
    world.enable_image_deprecation(&id, world.now()).expect("deprecated");
    assert_eq!(images(&mut world, "&Owner.1=self"), [id.as_str()]);
    world.disable_image(&id).expect("disabled");
    assert!(images(&mut world, "&Owner.1=self").is_empty());
    assert!(images(&mut world, &format!("&ImageId.1={id}")).is_empty());
    assert_eq!(images(&mut world, "&Owner.1=self&IncludeDisabled=true"), [id]);
}

#[test]
fn the_id_of_a_deregistered_image_gives_an_empty_list_and_then_an_error() {
    let mut world = World::new(1);
    world.latency.deregistered_image_listed = Range::from_secs(5, 5);
    let id = world.add_image(ImageSpec::named("own"));
    let by_id = format!("&ImageId.1={id}");
    assert_eq!(listed(&mut world, &format!("Action=DeregisterImage&ImageId={id}"), "return"), ["true"]);
    assert_eq!(listed(&mut world, &format!("Action=DescribeImages{by_id}"), "imageState"), ["deregistered"]);
    world.advance_to(world.now() + Duration::from_secs(5));
    assert!(images(&mut world, &by_id).is_empty());
    world.advance_to(world.now() + Duration::from_secs(60 * 60));
    assert_eq!(refused(&mut world, &format!("Action=DescribeImages{by_id}")), "InvalidAMIID.NotFound");
}

#[test]
fn images_come_in_pages_and_not_by_age() {
    let mut world = World::new(1);
    let made: Vec<_> = (0..25).map(|number| world.add_image(ImageSpec::named(&format!("n{number}")))).collect();
    let mut seen = Vec::new();
    let mut rest = "&Owner.1=self&MaxResults=10".to_owned();
    for _ in 0..3 {
        seen.extend(images(&mut world, &rest));
        let token = listed(&mut world, &format!("Action=DescribeImages{rest}"), "nextToken");
        rest = format!("&Owner.1=self&MaxResults=10&NextToken={}", token.first().map_or("", String::as_str));
    }
    assert_ne!(seen, made);
    seen.sort();
    let mut made = made;
    made.sort();
    assert_eq!(seen, made);
}

#[test]
fn filters_of_images_and_snapshots_choose() {
    let mut world = World::new(1);
    let one = world.add_image(ImageSpec::named("one").tagged("family", "a"));
    world.add_image(ImageSpec::named("two").tagged("other", "a"));
    let snapshot = world.ec2.images()[&one].block_devices[0].snapshot_id.clone();
    for (name, value) in [
        ("tag:family", "a"),
        ("tag-key", "family"),
        ("name", "o*e"),
        ("image-id", one.as_str()),
        ("block-device-mapping.snapshot-id", snapshot.as_str()),
    ] {
        let filter = format!("&Owner.1=self&Filter.1.Name={name}&Filter.1.Value.1={value}");
        assert_eq!(images(&mut world, &filter), [one.as_str()], "{name}");
    }
    let orphan = world.add_snapshot(SnapshotSpec { description: "by hand".to_owned(), ..SnapshotSpec::default() });
    let by = "Action=DescribeSnapshots&Owner.1=self&Filter.1.Name=description&Filter.1.Value.1";
    assert_eq!(listed(&mut world, &format!("{by}=*for+{one}"), "snapshotId"), [snapshot]);
    assert_eq!(listed(&mut world, &format!("{by}=by+hand"), "snapshotId"), [orphan]);
    assert_eq!(listed(&mut world, "Action=DescribeSnapshots", "snapshotId").len(), 4, "the public image's too");
    let unknown = "Action=DescribeSnapshots&SnapshotId.1=snap-00000000000000000";
    assert_eq!(refused(&mut world, unknown), "InvalidSnapshot.NotFound");
}

#[test]
fn an_answer_says_what_became_of_each_snapshot() {
    let mut world = World::new(1);
    let one = world.add_image(ImageSpec::named("one"));
    let snapshots = vec![world.ec2.images()[&one].block_devices[0].snapshot_id.clone()];
    let two = world.add_image(ImageSpec { snapshots: Some(snapshots), ..ImageSpec::named("two") });
    let deregister = |id: &str| format!("Action=DeregisterImage&DeleteAssociatedSnapshots=true&ImageId={id}");
    assert_eq!(listed(&mut world, &deregister(&one), "returnCode"), ["skipped"]);
    assert_eq!(listed(&mut world, &deregister(&two), "returnCode"), ["success"]);
    assert_eq!(refused(&mut world, &deregister(&two)), "InvalidAMIID.Unavailable");
}

#[test]
fn protection_is_shown_until_its_cooldown_is_over() {
    let mut world = World::new(1);
    let protection = DeregistrationProtection::Enabled { with_cooldown: true };
    let id = world.add_image(ImageSpec { protection, ..ImageSpec::named("kept") });
    let look = format!("Action=DescribeImages&ImageId.1={id}");
    let is = |world: &mut World| listed(world, &look, "deregistrationProtection").remove(0);
    assert_eq!(is(&mut world), "enabled-with-cooldown");
    let (status, _) = call(&mut world, &ec2(&format!("Action=DisableImageDeregistrationProtection&ImageId={id}")));
    assert_eq!(status, StatusCode::OK);
    assert_eq!(is(&mut world), "enabled-with-cooldown");
    world.advance_to(world.now() + Duration::from_secs(24 * 60 * 60));
    assert_eq!(is(&mut world), "disabled");
}

#[test]
fn versions_are_those_of_one_template_or_of_all() {
    let mut world = World::new(1);
    world.create_launch_template("a", PUBLIC_IMAGE, "t3a.medium", false).expect("a template");
    world.create_launch_template("b", PUBLIC_IMAGE, "t3a.medium", true).expect("a template");
    world.create_launch_template_version("a", LaunchTemplateData::default(), None).expect("a version");
    let mut versions = |rest: &str| {
        let body = format!("Action=DescribeLaunchTemplateVersions{rest}");
        let mut found = listed(&mut world, &body, "versionNumber");
        found.sort();
        found
    };
    assert_eq!(versions("&LaunchTemplateName=a"), ["1", "2"]);
    assert_eq!(versions("&LaunchTemplateName=a&LaunchTemplateVersion.1=$Latest"), ["2"]);
    assert_eq!(versions("&LaunchTemplateVersion.1=$Latest&LaunchTemplateVersion.2=$Default"), ["1", "1", "2"]);
    assert_eq!(versions("&LaunchTemplateVersion.1=$Default&MaxResults=1").len(), 1);
    let numbered = "Action=DescribeLaunchTemplateVersions&LaunchTemplateVersion.1=1";
    assert_eq!(refused(&mut world, numbered), "InvalidParameterCombination");
    let unknown = "Action=DescribeLaunchTemplateVersions&LaunchTemplateName=a&LaunchTemplateVersion.1=7";
    assert_eq!(refused(&mut world, unknown), "InvalidLaunchTemplateId.VersionNotFound");
}

#[test]
fn a_version_shows_the_parameter_or_the_image_that_it_stands_for() {
    let mut world =
        World::from_seed(&crate::seed::Seed::one_node(), &crate::testing::node_template()).expect("a world");
    let parameter = crate::seed::IMAGE_PARAMETER;
    let shown = |world: &mut World, rest: &str| {
        let body = format!("Action=DescribeLaunchTemplateVersions&LaunchTemplateName=k3s{rest}");
        listed(world, &body, "imageId").remove(0)
    };
    assert_eq!(shown(&mut world, ""), format!("resolve:ssm:{parameter}"));
    let image = world.ssm.parameters()[parameter].versions[0].value.clone();
    assert_eq!(shown(&mut world, "&ResolveAlias=true"), image);
}

#[test]
fn references_need_a_scope_and_at_most_ten_images() {
    let mut world =
        World::from_seed(&crate::seed::Seed::one_node(), &crate::testing::node_template()).expect("a world");
    let image = world.ssm.parameters()[crate::seed::IMAGE_PARAMETER].versions[0].value.clone();
    let of = |rest: &str| format!("Action=DescribeImageReferences&ImageId.1={image}{rest}");
    assert_eq!(listed(&mut world, &of("&IncludeAllResourceTypes=true"), "resourceType"), ["ssm:Parameter"]);
    let instances = "&ResourceType.1.ResourceType=ec2:Instance";
    assert!(listed(&mut world, &of(instances), "resourceType").is_empty());
    assert_eq!(refused(&mut world, &of("")), "MissingParameter");
    let option = "&ResourceType.1.ResourceTypeOption.1.OptionName=state-name";
    let option = format!("{instances}{option}&ResourceType.1.ResourceTypeOption.1.OptionValue.1=asleep");
    assert_eq!(refused(&mut world, &of(&option)), "InvalidParameterValue");
    let eleven: String = (1..=11).map(|number| format!("&ImageId.{number}={image}")).collect();
    let eleven = format!("Action=DescribeImageReferences&IncludeAllResourceTypes=true{eleven}");
    assert_eq!(refused(&mut world, &eleven), "InvalidParameterValue");
}

#[test]
fn fleets_show_the_images_of_their_overrides() {
    let mut world = World::new(1);
    let config = LaunchTemplateConfig {
        template_name: Some("k3s".to_owned()),
        version: "$Latest".to_owned(),
        override_images: vec![PUBLIC_IMAGE.to_owned()],
        ..LaunchTemplateConfig::default()
    };
    let fleet = Fleet { id: "fleet-1".into(), state: "active".into(), configs: vec![config] };
    world.ec2.add_requests(Requests { fleets: vec![fleet], ..Requests::default() });
    assert_eq!(listed(&mut world, "Action=DescribeFleets", "imageId"), [PUBLIC_IMAGE]);
    assert_eq!(refused(&mut world, "Action=DescribeFleets&FleetId.1=fleet-2"), "InvalidFleetId.NotFound");
}

#[test]
fn an_empty_bucket_refuses_until_it_fills_again() {
    let mut world = World::new(1);
    let snapshots: Vec<_> = (0..101).map(|_| world.add_snapshot(SnapshotSpec::default())).collect();
    let delete = |id: &str| ec2(&format!("Action=DeleteSnapshot&SnapshotId={id}"));
    for id in &snapshots[..100] {
        assert_eq!(call(&mut world, &delete(id)).0, StatusCode::OK);
    }
    let (status, body) = call(&mut world, &delete(&snapshots[100]));
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("<Code>RequestLimitExceeded</Code>"), "{body}");
    assert!(world.ec2.snapshots().contains_key(&snapshots[100]));
    assert_eq!(world.ec2.throttles().refused["DeleteSnapshot"], 1);
    world.advance_to(world.now() + Duration::from_millis(200));
    assert_eq!(call(&mut world, &delete(&snapshots[100])).0, StatusCode::OK);
}

#[test]
fn a_world_without_throttles_refuses_nothing() {
    let mut world = World::new(1);
    world.ec2.stop_throttling();
    assert!((0..500).all(|_| call(&mut world, &ec2("Action=DescribeInstances")).0 == StatusCode::OK));
}

/// Faults are laid around the wire, by operation: they know nothing of it, nor it of them.
#[test]
fn faults_have_the_new_operations_names() {
    let mut world = World::new(1);
    world.faults.plan("ec2:DeregisterImage", FaultKind::InternalError, 1);
    let name = operation("ec2:DeregisterImage").expect("an operation").action();
    assert_eq!(world.faults.strike(&name, world.now()), Some(FaultKind::InternalError));
}

/// As many as an account has that nobody looked after: slow answers would make its simulation useless.
#[test]
fn an_account_with_thousands_of_images_is_emptied_call_by_call() {
    const IMAGES: usize = 2_000;
    let mut world = World::new(1);
    for number in 0..IMAGES {
        let snapshots = [0, 1].map(|_| world.add_snapshot(SnapshotSpec::default()));
        world.add_image(ImageSpec { snapshots: Some(snapshots.into()), ..ImageSpec::named(&format!("bake-{number}")) });
    }
    let mut rest = "&Owner.1=self&MaxResults=1000".to_owned();
    let mut ids = Vec::new();
    for _ in 0..IMAGES / 1000 {
        ids.extend(images(&mut world, &rest));
        rest = format!("&Owner.1=self&MaxResults=1000&NextToken=after-{}", ids[ids.len() - 1]);
    }
    assert_eq!(ids.len(), IMAGES);
    for id in ids {
        world.advance_to(world.now() + Duration::from_millis(200));
        let deregister = format!("Action=DeregisterImage&DeleteAssociatedSnapshots=true&ImageId={id}");
        assert_eq!(listed(&mut world, &deregister, "returnCode"), ["success", "success"]);
    }
    assert!(images(&mut world, "&Owner.1=self&Filter.1.Name=state&Filter.1.Value.1=available").is_empty());
    assert!(listed(&mut world, "Action=DescribeSnapshots&Owner.1=self", "snapshotId").is_empty());
    assert!(world.ec2.throttles().refused.is_empty());
}

#[test]
fn images_and_launch_templates_were_made_in_whole_seconds() {
    let mut world = World::new(1);
    let second = Time(world.now().0 / 1000 * 1000 + 1000);
    world.advance_to(second + Duration::from_millis(747));
    let own = world.add_image(ImageSpec::named("own"));
    world.create_launch_template("node", &own, "t3a.medium", true).expect("created");
    let made = [second.iso_millis()];
    assert_eq!(listed(&mut world, "Action=DescribeLaunchTemplates", "createTime"), made);
    let versions = "Action=DescribeLaunchTemplateVersions&LaunchTemplateName=node";
    assert_eq!(listed(&mut world, versions, "createTime"), made);
    assert_eq!(listed(&mut world, "Action=DescribeImages&Owner.1=self", "creationDate"), made);
}
