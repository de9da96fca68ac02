//! `just check-node`: what a group still lacks to be a node, each thing with its reason, and what to do.

use std::time::Duration;

use durin::aws::Aws;
use durin::ids::GroupName;
use durin_harness::iam::policy::Owner;
use durin_harness::iam::{Policy, Role};
use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::autoscaling::{GroupTag, Process, PutLifecycleHook};
use durin_harness::world::guest::AgentMode;
use durin_operator::check::{self, Checked, Found, Kind, LIST};
use durin_tests::{Story, change_volumes, stop_key};
use rstest::rstest;

const GROUP: &str = "k3s";
const ROLE: &str = "check-node";

type Mistake = fn(&mut World);

/// As somebody sees it who may do what the document says, and no more.
async fn checked(story: &Story) -> Checked {
    story.world(|world| {
        let document = serde_json::from_str(include_str!("../docs/check-node-policy.json")).expect("JSON");
        let policy = Policy::parse(ROLE, &document, Owner::Role).expect("a policy");
        world.iam.assume(ROLE, Role { name: ROLE.to_owned(), policies: vec![policy] });
    });
    let aws = Aws::new(&story.aws().sdk_config(ROLE));
    let group = GroupName::new(GROUP).expect("a name");
    let checked = check::check(&aws, "eu-central-1", &group).await.expect("an answer").expect("a group");
    assert_eq!(story.world(|world| world.iam.denials.clone()), [], "it calls what it may not");
    checked
}

fn screen(checked: &Checked) -> String {
    check::lines(checked).join("\n")
}

fn of(checked: &Checked, found: Found) -> Vec<&'static str> {
    checked.lines.iter().filter(|line| line.verdict == found).map(|line| line.id).collect()
}

#[tokio::test(start_paused = true)]
async fn a_node_of_the_template_lacks_nothing_and_needs_every_permission() {
    let story = Story::of_one_node(71);
    let (holder, volume) = (story.holder(), story.node().volume.clone());
    let subnet = story.world(|world| {
        let key = world.create_key();
        world.ec2.tamper_with_volume(&volume, |volume| volume.key = Some(key.clone()));
        world.ec2.instances()[&holder].subnet_id.clone()
    });
    story.update_group(|group| group.subnets = Some(vec![subnet.clone()]));
    story.aws().pass(Duration::from_secs(900)).await;
    let checked = checked(&story).await;
    let screen = screen(&checked);
    println!("{screen}");
    assert!(checked.well, "{screen}");
    assert_eq!(of(&checked, Found::Present).len(), LIST.len(), "{screen}");
    let unused = story.world(|world| world.iam.unused());
    let unused: Vec<_> = unused.into_iter().filter(|grant| grant.role == ROLE).map(|it| it.to_string()).collect();
    assert!(unused.is_empty(), "{unused:#?}");
}

fn tag(world: &mut World, key: &str, value: &str, propagate_at_launch: bool) {
    let tag = GroupTag { key: key.to_owned(), value: value.to_owned(), propagate_at_launch };
    world.create_or_update_tags(vec![(GROUP.to_owned(), tag)]).expect("tagged");
}

fn untag(world: &mut World, key: &str) {
    world.delete_group_tags(vec![(GROUP.to_owned(), key.to_owned())]).expect("untagged");
}

fn shorten(world: &mut World, hook: &str) {
    let request = PutLifecycleHook {
        group: GROUP.to_owned(),
        name: hook.to_owned(),
        heartbeat_timeout_s: Some(300),
        ..PutLifecycleHook::default()
    };
    world.put_lifecycle_hook(request).expect("shortened");
}

fn loses_its_record(world: &mut World) {
    let zone = world.route53.zones().keys().next().cloned().expect("a zone");
    world.route53.tamper_with_records("_durin.k3s.durin.internal.", |set| set.values = vec!["\"node=other\"".into()]);
    assert!(!zone.is_empty());
}

/// Each thing that can be missing, alone, with what to do.
#[rstest]
#[case::volume(|world: &mut World| tag(world, "durin:volume-id", "vol-00000000000000bad", true), &["volume"], "correct the tag durin:volume-id")]
#[case::data(|world: &mut World| change_volumes(world, |volume| drop(volume.tags.remove("durin:volume"))), &["volume-data"], "Key=durin:volume,Value=data")]
#[case::node(|world: &mut World| change_volumes(world, |volume| drop(volume.tags.remove("durin:node"))), &["volume-node"], "Key=durin:node,Value=k3s")]
#[case::key(stop_key, &["volume-key"], "aws kms enable-key --key-id")]
#[case::volume_id(|world: &mut World| untag(world, "durin:volume-id"), &["tag-volume-id"], "Key=durin:volume-id,Value=vol-…,PropagateAtLaunch=true")]
#[case::not_propagated(|world: &mut World| propagate_not(world), &["tag-volume-id"], "PropagateAtLaunch=true")]
#[case::zone_id(|world: &mut World| untag(world, "durin:hosted-zone-id"), &["tag-hosted-zone-id"], "Key=durin:hosted-zone-id")]
#[case::record_name(|world: &mut World| tag(world, "durin:record-name", "k3s", true), &["tag-record-name"], "Key=durin:record-name,Value=k3s.example.internal")]
#[case::ttl(|world: &mut World| tag(world, "durin:record-ttl", "1m", true), &["tags-optional"], "Key=durin:record-ttl,Value=10")]
#[case::drain(|world: &mut World| tag(world, "durin:drain", "60", true), &["tags-optional"], "Key=durin:drain,Value=10")]
#[case::metadata(|world: &mut World| tag(world, "kubernetes.io/cluster/k3s", "owned", true), &["tags-metadata"], "rename the tag")]
#[case::record(loses_its_record, &["record"], "create the TXT record _durin.k3s.durin.internal with the value \"node=k3s\"")]
#[case::outside(|world: &mut World| tag(world, "durin:record-name", "k3s.elsewhere.internal", true), &["record"], "correct the tag durin:record-name or durin:hosted-zone-id")]
#[case::size(|world: &mut World| world.autoscaling.tamper_with_group(GROUP, |group| group.max_size = 1), &["size"], "--min-size 1 --desired-capacity 1 --max-size 2")]
#[case::launch_hook(|world: &mut World| world.delete_lifecycle_hook(GROUP, "durin-launch").expect("deleted"), &["hook-launch"], "--default-result ABANDON --heartbeat-timeout 900")]
#[case::terminate_hook(|world: &mut World| shorten(world, "durin-terminate"), &["hook-terminate"], "--default-result CONTINUE --heartbeat-timeout 900")]
#[case::processes(|world: &mut World| world.suspend_processes(GROUP, &[Process::Launch]).expect("suspended"), &["processes"], "--scaling-processes Launch")]
#[case::subnets(|world: &mut World| change_volumes(world, |volume| volume.zone = "eu-central-1b".to_owned()), &["subnets"], "give it subnets in eu-central-1b")]
#[tokio::test(start_paused = true)]
async fn what_is_missing_is_told_alone(#[case] mistake: Mistake, #[case] ids: &[&str], #[case] remedy: &str) {
    let story = Story::of_one_node(72);
    story.aws().pass(Duration::from_secs(60)).await;
    story.world(mistake);
    let checked = checked(&story).await;
    let screen = screen(&checked);
    assert!(!checked.well, "{screen}");
    assert_eq!(of(&checked, Found::Missing), ids, "{screen}");
    let missing = checked.lines.iter().filter_map(|line| line.missing.as_ref());
    assert!(missing.clone().any(|wrong| wrong.remedy.contains(remedy)), "{screen}");
    assert!(checked.lines.iter().all(|line| line.missing.is_none() || line.kind == Kind::Needed), "{screen}");
}

fn propagate_not(world: &mut World) {
    let volume = world.ec2.volumes().keys().next().cloned().expect("a volume");
    tag(world, "durin:volume-id", &volume, false);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_gone_is_missing_and_one_that_is_yet_to_come_is_not_known() {
    let story = Story::of_one_node(73);
    let old = story.holder();
    story.world(|world| world.set_agent_mode(&old, AgentMode::Gone));
    story.aws().pass(Duration::from_secs(900)).await;
    assert_eq!(of(&checked(&story).await, Found::Missing), ["agent"]);
    story.update_group(|group| (group.min_size, group.desired_capacity) = (Some(0), Some(0)));
    story.aws().pass(Duration::from_secs(900)).await;
    let checked = checked(&story).await;
    assert_eq!(of(&checked, Found::Unknown), ["agent"], "{}", screen(&checked));
    assert!(checked.well, "{}", screen(&checked));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_does_not_exist_is_none() {
    let story = Story::without_functions(&Seed::one_node());
    let aws = Aws::new(&story.aws().sdk_config("operator"));
    let nobody = GroupName::new("nobody").expect("a name");
    assert!(check::check(&aws, "eu-central-1", &nobody).await.expect("an answer").is_none());
}

/// docs/own-group.md is for people, and this list for the program: each says all that the other says.
#[test]
fn the_document_and_the_list_agree() {
    let document = include_str!("../docs/own-group.md");
    let rows: Vec<[&str; 3]> = document
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [id, needs, reason, ..] = cells[..] else { return None };
            Some([id.strip_prefix('`')?.strip_suffix('`')?, needs, reason])
        })
        .collect();
    let list: Vec<[String; 3]> = LIST
        .iter()
        .map(|it| {
            let needs = match it.kind {
                Kind::Needed => it.needs.to_owned(),
                Kind::Advised => format!("{} (advised)", it.needs),
            };
            [it.id.to_owned(), needs, it.reason.to_owned()]
        })
        .collect();
    assert_eq!(rows, list);
}
