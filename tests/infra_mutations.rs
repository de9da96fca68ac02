//! One letter wrong in `infra/`, and it is told where: the deployment is refused, or a story fails, with a message that
//! names the place.

use std::borrow::Cow;
use std::time::Duration;

use durin_cli::deployment::Infra;
use durin_harness::seed::Seed;
use durin_harness::world::autoscaling::GroupTag;
use durin_harness::world::conventions::{CLAIM_PREFIX, claim_text};
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::guest::AgentMode;
use durin_harness::world::route53::{ChangeAction, RecordChange, RecordSet};
use durin_tests::images::{baked, baked_for_nobody, littered, pruned_in_vain, told};
use durin_tests::{Story, broken};
use rstest::rstest;

/// What is refused, is refused by then; a lifecycle action that nobody may complete has not yet timed out.
const ENOUGH: Duration = Duration::from_secs(13 * 60);

/// All that is done of its own accord is done within that.
const AN_HOUR: Duration = Duration::from_secs(65 * 60);

/// Which of the templates.
#[derive(Clone, Copy, Debug)]
enum Template {
    Roles,
    Release,
    Rules,
    Node,
}

impl Template {
    fn of(self, infra: &mut Infra) -> &mut Cow<'static, str> {
        match self {
            Template::Roles => &mut infra.roles,
            Template::Release => &mut infra.release,
            Template::Rules => &mut infra.rules,
            Template::Node => &mut infra.node,
        }
    }
}

/// `infra/` with something else in the first place of a text.
fn mutated(template: Template, from: &str, to: &str) -> Infra {
    let mut infra = Infra::default();
    let text = template.of(&mut infra);
    assert!(text.contains(from), "there is no {from:?} in {template:?}");
    *text = text.replacen(from, to, 1).into();
    infra
}

/// What happens in a world, and lets whoever is deployed there do something about it.
type Happening = fn(&Story);

const OF_NODES: [Happening; 7] =
    [interrupted, ended_by_its_group, cannot_release, mistaken, recommended_in_vain, retired, unclaimed];
const OF_PUBLISHING: [Happening; 2] = [image_baked, baked_for_nobody];
const OF_PRUNING: [Happening; 2] = [littered, pruned_in_vain];

/// What is wrong with `infra`: why it is refused, or what becomes of it. Nothing, if all stories end well.
fn what_is_wrong(infra: &Infra) -> String {
    what_goes_wrong(infra, &[&OF_NODES[..], &OF_PUBLISHING, &OF_PRUNING].concat(), ENOUGH)
}

fn what_goes_wrong(infra: &Infra, happenings: &[Happening], within: Duration) -> String {
    let told = |play: Happening| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let story = Story::deployed(infra, &Seed::one_node().rebalancing(false))?;
            play(&story);
            let is_told = story.aws().until(within, |world| !broken(world).is_empty()).await;
            if is_told { Err(story.world(|world| broken(world)).join("\n")) } else { Ok(()) }
        })
    };
    happenings.iter().find_map(|play| told(*play).err()).unwrap_or_default()
}

fn nothing(_: &Story) {}

fn image_baked(story: &Story) {
    story.world(|world| {
        let image = baked(world, 0);
        told(world, &image);
    });
}

fn interrupted(story: &Story) {
    let old = story.holder();
    story.world(|world| world.interrupt(&old, SpotAction::Terminate));
}

fn retired(story: &Story) {
    let old = story.holder();
    story.world(|world| world.schedule_retirement(&old));
}

fn ended_by_its_group(story: &Story) {
    let old = story.holder();
    story.world(|world| world.terminate_instance_in_auto_scaling_group(&old, false)).expect("terminating");
}

fn cannot_release(story: &Story) {
    let (old, group) = (story.holder(), story.node().group.clone());
    story.world(|world| {
        world.autoscaling.tamper_with_group(&group, |group| group.capacity_rebalance = true);
        world.set_agent_mode(&old, AgentMode::Failing);
        world.recommend_rebalance(&old);
    });
}

fn mistaken(story: &Story) {
    mistagged(story);
    interrupted(story);
}

/// The instance stays, so that its event fails to the last attempt.
fn recommended_in_vain(story: &Story) {
    mistagged(story);
    let old = story.holder();
    story.world(|world| world.recommend_rebalance(&old));
}

/// Somebody has tidied the zone up.
fn unclaimed(story: &Story) {
    let node = story.node().clone();
    let claim = RecordSet::simple(&format!("{CLAIM_PREFIX}{}", node.record_name), "TXT", 300, &claim_text(&node.group));
    let change = RecordChange { action: ChangeAction::Delete, record_set: claim };
    story.world(|world| world.change_resource_record_sets(&node.zone_id, vec![change], None)).expect("deleted");
}

fn mistagged(story: &Story) {
    let group = story.node().group.clone();
    let tag = GroupTag { key: "durin:record-ttl".into(), value: "ten".into(), propagate_at_launch: true };
    story.world(|world| world.create_or_update_tags(vec![(group, tag)])).expect("tagged");
}

#[test]
fn as_it_is_nothing_is_wrong() {
    assert_eq!(what_is_wrong(&Infra::default()), "");
}

#[rstest]
#[case::source(
    "aws.autoscaling]",
    "aws.autoscalin]",
    "durin-node-lifecycle: no rule for it matches events/launch.json"
)]
#[case::source_of_warnings("aws.ec2]", "aws.ec3]", "no rule for it matches events/spot-interruption-warning.json")]
#[case::launch("Instance-launch Life", "Instance-Launch Life", "matches events/launch.json")]
#[case::terminate("Instance-terminate Life", "Instance-terminat Life", "matches events/terminate.json")]
#[case::warning("Interruption Warning,", "Interruption Warnings,", "matches events/spot-interruption-warning.json")]
#[case::recommendation("Rebalance Recommend", "Rebalance Recomend", "matches events/rebalance-recommendation.json")]
#[case::launch_hook("[durin-launch,", "[durin-lunch,", "matches events/launch.json")]
#[case::terminate_hook("durin-terminate]", "durin-terminates]", "matches events/terminate.json")]
#[case::retirement("_EC2_INSTANCE_RETIRE", "_EC2_INSTANCE_RETIR", "matches AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED")]
#[case::stop("_INSTANCE_STOP_SCHED", "_INSTANCE_STOPP_SCHED", "matches AWS_EC2_INSTANCE_STOP_SCHEDULED")]
#[case::image_state("State: [available]", "State: [avialable]", "matches events/ami-available.json")]
#[case::image_built("EC2 Image Builder Image", "EC2 ImageBuilder Image", "matches events/image-builder-available.json")]
#[case::bake("Durin Bake Finished]", "Durin Bake Finishd]", "matches events/bake-finished.json")]
#[case::no_list("source: [aws.ec2]", "source: aws.ec2", "SpotInterruptionRule: event pattern at `source`")]
#[case::target(
    ":function:durin-node-resync",
    ":function:durin-node-resink",
    "durin-launch-watch: no AWS::Lambda::Permission lets it invoke durin-node-resink"
)]
#[case::no_function(
    ":function:durin-node-resync",
    ":functions:durin-node-resync",
    "LaunchWatchRule: a target that is not a function"
)]
#[case::period("rate(5 minutes)", "rate(50 minutes)", "durin-node-resync: needs a schedule of at most 300 s")]
#[case::no_schedule(
    "ScheduleExpression: rate(1 hour)",
    "EventPattern: {source: [nobody]}",
    "durin-ami-publish: needs a schedule"
)]
#[case::unit("rate(5 minutes)", "rate(5 minute)", "NodeResyncRule: \"rate(5 minute)\" is not a rate")]
#[case::queue(":durin-dead-letters", ":durin-dead-letter", "no dead-letter queue \"arn:aws:sqs:")]
#[case::permission(
    "FunctionName: durin-node-resync",
    "FunctionName: durin-node-resinc",
    "lets it invoke durin-node-resync"
)]
#[case::get_att(
    "[NodeResyncRule, Arn]",
    "[NodeResynkRule, Arn]",
    "NodeResyncPermission: there is no parameter or resource NodeResynkRule"
)]
#[case::alarm("Ref: AlarmTopic", "Ref: AlarmTopics", "there is no parameter or resource AlarmTopics")]
#[case::kind(
    "AWS::Events::Rule",
    "AWS::Event::Rule",
    "NodeLifecycleRule: the local AWS does not know the type \"AWS::Event::Rule\""
)]
#[case::property(
    "MaximumRetryAttempts: 185",
    "MaximumRetries: 185",
    "NodeLifecycleRule: the local AWS does not know the property MaximumRetries"
)]
fn a_letter_in_rules_yaml_is_told(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    tells(Template::Rules, from, to, &["infra/rules.yaml: ", says]);
}

#[rstest]
#[case::launch_hook(
    "LifecycleHookName: durin-launch",
    "LifecycleHookName: durin-lauch",
    "durin-lauch: the functions do not know this hook"
)]
#[case::transition(
    "EC2_INSTANCE_LAUNCHING",
    "EC2_INSTANCE_LANCHING",
    "Group: a lifecycle hook that Auto Scaling would refuse"
)]
#[case::launch_heartbeat(
    "HeartbeatTimeout: 1800",
    "HeartbeatTimeout: 180",
    "durin-launch: its HeartbeatTimeout has to be at least 900 s"
)]
#[case::terminate_heartbeat(
    "HeartbeatTimeout: 900",
    "HeartbeatTimeout: 800",
    "durin-terminate: its HeartbeatTimeout has to be at least 900 s"
)]
#[case::default_result(
    "DefaultResult: ABANDON",
    "DefaultResult: CONTINUE",
    "durin-launch: its default result has to be ABANDON"
)]
#[case::volume_tag("Key: durin:volume-id", "Key: durin:volume-ld", "the functions do not know the tag durin:volume-ld")]
#[case::new_volume_tag(
    "Key: durin:new-volume",
    "Key: durin:new-volumes",
    "the functions do not know the tag durin:new-volumes"
)]
#[case::zone_tag(
    "Key: durin:hosted-zone-id",
    "Key: durin-hosted-zone-id",
    "the tag durin:volume-id but not durin:hosted-zone-id"
)]
#[case::propagation(
    "PropagateAtLaunch: true\n        - Key: durin:record",
    "PropagateAtLaunch: false\n        - Key: durin:record",
    "durin:hosted-zone-id has to be propagated"
)]
#[case::a_key_that_metadata_forbids("Key: Name", "Key: kubernetes.io/name", "EC2 refuses instances with the tag")]
#[case::zone("Ref: HostedZoneId", "Ref: HostedZoneID", "there is no parameter or resource HostedZoneID")]
#[case::volume("Ref: DataVolume", "Ref: DateVolume", "there is no parameter or resource DateVolume")]
#[case::condition(
    "Condition: CreateVolume\n    DeletionPolicy",
    "Condition: CreateVolumes\n    DeletionPolicy",
    "DataVolume: there is no condition CreateVolumes"
)]
#[case::kind(
    "AWS::EC2::Volume\n",
    "AWS::EC2::Volumes\n",
    "DataVolume: the local AWS does not know the type \"AWS::EC2::Volumes\""
)]
#[case::property(
    "MixedInstancesPolicy:",
    "MixedInstancePolicy:",
    "Group: the local AWS does not know the property MixedInstancePolicy"
)]
#[case::whose_volume("Key: durin:node\n", "Key: durin:nodes\n", "DataVolume: needs the tag durin:node")]
#[case::which_volume("Key: durin:volume\n", "Key: durin:volumes\n", "DataVolume: needs the tag durin:volume=data")]
#[case::which_volume_is_it("Value: data\n", "Value: date\n", "DataVolume: needs the tag durin:volume=data")]
#[case::size("MaxSize: \"2\"", "MaxSize: one", "Group: no MaxSize")]
fn a_letter_in_node_yaml_is_told(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    tells(Template::Node, from, to, &["infra/node.yaml: ", says]);
}

/// What only a story shows.
#[rstest]
#[case::image("resolve:ssm:", "resolve:ssn:", &["resolve:ssn:"])]
fn a_letter_in_node_yaml_that_only_a_story_shows(#[case] from: &str, #[case] to: &str, #[case] says: &[&str]) {
    tells(Template::Node, from, to, says);
}

#[rstest]
#[case::name("Name: durin-release", "Name: durin-releas", "Resources: no document durin-release")]
#[case::kind("AWS::SSM::Document", "AWS::SSM::Dokument", "Resume: the local AWS does not know the type")]
#[case::schema("schemaVersion: \"2.2\"", "schemaVersion: \"2.3\"", "InvalidDocumentContent")]
fn a_letter_in_release_yaml_is_told(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    tells(Template::Release, from, to, &["infra/release.yaml: ", says]);
}

#[rstest]
#[case::role_name(
    "durin-node-resync-${AWS",
    "durin-node-resink-${AWS",
    "there is no function durin-node-resink-eu-central-1"
)]
#[case::log_group("/aws/lambda/durin-node-resync", "/aws/lambda/durin-node-resink", "durin-node-resync: no log group")]
#[case::queue_policy(
    "rule/durin-node-resync",
    "rule/durin-node-resink",
    "durin-dead-letters: does not let in the events of the rule durin-node-resync"
)]
#[case::action(
    "ec2:DescribeVolumes",
    "ec2:DescribeVolume",
    "NodeLoop: the policy NodeLoop, statement Look: the action ec2:DescribeVolume is not known"
)]
#[case::key(
    "aws:TagKeys:\n",
    "aws:TagKey:\n",
    "statement MarkInstancesOfNodesAtRisk: the condition key aws:TagKey is not known"
)]
#[case::operator(
    "ForAllValues:StringEquals",
    "ForAllValue:StringEquals",
    "the condition operator ForAllValue:StringEquals is not known"
)]
#[case::key_of_another_action("aws:RequestedRegion:", "aws:ResourceTag/a:", "is never asked with the key")]
#[case::managed_policy(
    "- Ref: NodeLoop",
    "- Ref: NodeLop",
    "NodeLifecycleRole: there is no parameter or resource NodeLop"
)]
#[case::zones(
    "Ref: HostedZoneArns",
    "Ref: HostedZonesArns",
    "NodeLoop: there is no parameter or resource HostedZonesArns"
)]
#[case::trust(
    "Service: lambda.amazonaws.com",
    "Service: lambda.amazonaw.com",
    "NodeLifecycleRole: lambda.amazonaws.com may not assume it"
)]
fn a_letter_in_roles_yaml_is_told(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    tells(Template::Roles, from, to, &["infra/roles.yaml: ", says]);
}

/// What only a story shows: somebody is refused, and the statement that comes nearest is named.
#[rstest]
#[case::region("Ref: AWS::Region", "Ref: AWS::Partition", &["StringEquals aws:RequestedRegion aws"])]
#[case::instances(":instance/*", ":instances/*", &["MoveVolumes is for other resources"])]
#[case::tag("aws:ResourceTag/durin:volume-id: \"true\"", "aws:ResourceTag/durin:volume-ld: \"true\"", &["BetweenInstancesOfNodesOnly denies it"])]
#[case::data("durin:volume: data", "durin:volume: date", &["DataVolumesOnly denies it"])]
#[case::mark("- durin:at-risk", "- durin:at-rsk", &["ec2:CreateTags", "MarkInstancesOfNodesAtRisk requires ForAllValues:StringEquals aws:TagKeys durin:at-rsk"])]
#[case::document("document/durin-release", "document/durin-realese", &["ssm:SendCommand", "SendDocumentsOfDurinOnly is for other resources"])]
#[case::zones("Ref: HostedZoneArns", "Fn::Sub: \"arn:${AWS::Partition}:route53:::hostedzones/*\"", &["ReadRecords is for other resources"])]
#[case::record_type("- A\n", "- AAAA\n", &["PointRecords", "RecordTypes AAAA"])]
#[case::claims("_durin.*", "_durins.*", &["ClaimNames", "NormalizedRecordNames _durins.*"])]
#[case::record_action("- CREATE\n", "- CREAT\n", &["PointRecords", "Actions CREAT or DELETE"])]
#[case::family("aws:ResourceTag/durin:image-parameter: \"false\"", "aws:ResourceTag/durin:image-parametre: \"false\"", &["ssm:GetParameter", "ReadParametersOfImages requires Null aws:ResourceTag/durin:image-parametre"])]
#[case::overwrite("ssm:Overwrite: \"true\"", "ssm:Overwrite: \"false\"", &["ssm:PutParameter", "PublishToParametersOfImages requires StringEquals ssm:Overwrite false"])]
#[case::images("${AWS::Region}::image/*", "${AWS::Region}::images/*", &["RetireImagesOfFamilies is for other resources"])]
#[case::snapshots("${AWS::Region}::snapshot/*", "${AWS::Region}::snapshots/*", &["ec2:DeleteSnapshot", "DeleteSnapshotsOfFamilies is for other resources"])]
#[case::stale("- durin:stale-since", "- durin:stale-sinc", &["ec2:CreateTags", "aws:TagKeys durin:image-parameter or durin:stale-sinc"])]
#[case::way_back("- durin:image-id", "- durin:image-di", &["ec2:CreateTags", "aws:TagKeys durin:image-parameter or durin:stale-since or durin:image-di"])]
#[case::recipes(":container-recipe/*/*", ":container-recipes/*/*", &["imagebuilder:GetContainerRecipe", "LookIntoContainerRecipes is for other resources"])]
#[case::backups("aws:ResourceTag/durin:volume: \"false\"", "aws:ResourceTag/durin:image-parameter: \"false\"", &["NeverBackupsOfData denies it"])]
#[case::logs("[NodeLifecycleLogs, Arn]", "[NodeResyncLogs, Arn]", &["durin-node-lifecycle", "logs:CreateLogStream", "Log is for other resources"])]
fn a_letter_in_roles_yaml_that_only_a_story_shows(#[case] from: &str, #[case] to: &str, #[case] says: &[&str]) {
    tells(Template::Roles, from, to, says);
}

/// Every action of every statement that allows, taken away or made another one: whoever needs it is refused, by name.
#[test]
fn every_action_of_every_role_is_missed() {
    let roles = Infra::default().roles;
    let mut allows = false;
    let mut happenings = &OF_NODES[..];
    let mut tried = 0;
    for (number, line) in roles.lines().enumerate() {
        happenings = match line {
            "  NodeLoop:" => &OF_NODES,
            "  AmiPublishRole:" => &OF_PUBLISHING,
            "  AmiPruneRole:" => &OF_PRUNING,
            _ => happenings,
        };
        allows = if line.contains("Effect: ") { line.contains("Effect: Allow") } else { allows };
        let action = line.trim().trim_start_matches("Action: ").trim_start_matches("- ");
        let of_services = ["autoscaling", "ec2", "imagebuilder", "logs", "route53", "sqs", "ssm"];
        let is_one = action.split_once(':').is_some_and(|(service, operation)| {
            let is_name = !operation.is_empty() && operation.chars().all(char::is_alphabetic);
            allows && is_name && of_services.contains(&service)
        });
        let of_queue = number
            .checked_sub(1)
            .and_then(|before| roles.lines().nth(before))
            .is_some_and(|line| line.contains("events.amazonaws.com"));
        if !is_one || of_queue {
            continue;
        }
        let mut lines: Vec<String> = roles.lines().map(str::to_owned).collect();
        // Nobody does that.
        lines[number] = line.replace(action, if action.starts_with("ec2:") { "ec2:Start*" } else { "ec2:Stop*" });
        let infra = Infra { roles: lines.join("\n").into(), ..Infra::default() };
        let wrong = match action {
            "autoscaling:DescribeLifecycleHooks" => what_goes_wrong(&infra, &[nothing], AN_HOUR),
            _ => what_goes_wrong(&infra, happenings, ENOUGH),
        };
        let is_told = wrong.contains(action) || wrong.contains("is never asked with the key");
        assert!(is_told, "line {}: {action} is not missed: {wrong:?}", number + 1);
        tried += 1;
    }
    assert!(tried >= 50, "{tried} actions");
}

#[test]
fn a_manifest_is_checked_too() {
    for (from, to, says) in [
        ("timeout = 300", "timeout = 3000", "a timeout of 3000 s is not between 1 and 900"),
        ("timeout = 300", "timeouts = 300", "timeout"),
        ("memory = 128", "memory = 12", "a memory of 12 MB"),
        ("durin-node-lifecycle", "durin-node-lifecicle", "the package is called durin-node-lifecicle"),
    ] {
        let mut infra = Infra::default();
        let of_it = infra.manifests.iter_mut().find(|(function, _)| *function == "durin-node-lifecycle");
        let (_, manifest) = of_it.expect("a manifest");
        let broken = manifest.replacen(from, to, 1);
        assert_ne!(broken, *manifest);
        *manifest = broken.into();
        let wrong = what_is_wrong(&infra);
        assert!(wrong.starts_with("Cargo.toml: durin-node-lifecycle: ") && wrong.contains(says), "{wrong}");
    }
}

fn tells(template: Template, from: &str, to: &str, says: &[&str]) {
    let wrong = what_is_wrong(&mutated(template, from, to));
    assert!(says.iter().all(|text| wrong.contains(text)), "{wrong:?} should say {says:?}");
}
