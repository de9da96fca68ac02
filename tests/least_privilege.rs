//! No role allows more than is needed, and none less: what the roles in `infra/` allow, held against what the functions
//! have done in all these histories. That they are not refused anything is asserted by every story of the suite.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ec2::types::Tag;
use aws_smithy_async::time::TimeSource;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use durin::aws::Aws;
use durin::node::LONGEST_PERIOD;
use durin::risk::{Risk, RiskReason};
use durin::tags::AT_RISK;
use durin_harness::iam::Grant;
use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::autoscaling::GroupTag;
use durin_harness::world::conventions::{CLAIM_PREFIX, claim_text};
use durin_harness::world::ec2::{CreateVolume, RunInstances, SpotAction};
use durin_harness::world::guest::AgentMode;
use durin_harness::world::route53::{ChangeAction, RecordChange, RecordSet};
use durin_tests::{LAUNCH, Story, TERMINATE, WARNING, broken};
use serde_json::Value;

#[path = "least_privilege/images.rs"]
mod images;

/// Where the node is.
const ZONE: &str = "eu-central-1a";

/// What nobody has needed in a history that `play` tells.
fn unused(seed: u64, rebalancing: bool, play: impl AsyncFnOnce(&Story)) -> BTreeSet<Grant> {
    let begin = || if rebalancing { Story::with_rebalancing(seed) } else { Story::of_one_node(seed) };
    unused_in(begin, play)
}

fn unused_in(begin: impl FnOnce() -> Story, play: impl AsyncFnOnce(&Story)) -> BTreeSet<Grant> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let story = begin();
        play(&story).await;
        assert_eq!(story.world(|world| world.iam.denials.clone()), []);
        story.world(|world| world.iam.unused())
    })
}

#[test]
fn everything_that_a_role_allows_is_needed() {
    let histories = [
        unused(1, false, async |story| interrupted(story, AgentMode::Online).await),
        unused(2, false, async |story| {
            story.lose(&[WARNING]);
            interrupted(story, AgentMode::Online).await;
        }),
        unused(3, false, async |story| taken_over_from_a_run_that_died(story).await),
        unused(4, false, async |story| looked_after_by_the_schedule_alone(story).await),
        unused(5, false, async |story| ended_by_its_group(story).await),
        unused(6, false, async |story| {
            story.lose(&[LAUNCH, TERMINATE]);
            ten_seconds_before_the_schedule(story).await;
            ended_by_its_group(story).await;
        }),
        unused(7, true, async |story| cannot_release(story).await),
        unused(8, true, async |story| {
            story.lose(&[LAUNCH, TERMINATE]);
            cannot_release(story).await;
        }),
        unused(9, true, async |story| {
            story.lose(&[LAUNCH, TERMINATE]);
            interrupted(story, AgentMode::Failing).await;
        }),
        unused(10, false, async |story| mistaken(story).await),
        unused(13, false, async |story| retired(story).await),
        unused(11, false, async |story| {
            story.lose(&[LAUNCH, TERMINATE]);
            interrupted(story, AgentMode::Online).await;
        }),
        unused(14, false, async |story| {
            story.let_go_in_vain().await;
            story.ends_well().await;
        }),
        unused(15, false, async |story| {
            let old = story.let_go_in_vain().await;
            story.world(|world| world.recommend_rebalance(&old));
            story.ends_well().await;
        }),
        unused(16, false, async |story| {
            interrupted(story, AgentMode::Online).await;
            story.let_go_in_vain().await;
            launch_event_of_long_ago(story);
            story.ends_well().await;
        }),
        unused(17, false, async |story| {
            let old = retired_and_only_marked(story);
            story.ends_elsewhere(&old).await;
        }),
        unused(18, false, async |story| {
            interrupted(story, AgentMode::Online).await;
            let old = retired_and_only_marked(story);
            launch_event_of_long_ago(story);
            story.ends_elsewhere(&old).await;
        }),
        unused(19, false, async |story| set_aside_and_interrupted(story).await),
        unused(20, false, async |story| claimed_by_each(story).await),
        unused(21, false, async |story| {
            // Once an hour the hooks are looked at.
            story.aws().pass(Duration::from_secs(3_600)).await;
            story.ends_well().await;
        }),
        unused(11, false, async |story| images::baked_and_published(story).await),
        unused(12, false, async |story| images::given_up(story).await),
        unused_in(|| Story::without_functions(&Seed::one_node()), async |story| images::pruned(story).await),
    ];
    let never = histories.into_iter().reduce(|never, unused| never.intersection(&unused).cloned().collect());
    let never: Vec<_> = never.into_iter().flatten().map(|grant| grant.to_string()).collect();
    assert!(never.is_empty(), "allowed in infra/roles.yaml, and never needed:\n{}", never.join("\n"));
}

/// EC2 takes the holder's capacity back.
async fn interrupted(story: &Story, agent: AgentMode) {
    let old = story.holder();
    story.world(|world| {
        world.set_agent_mode(&old, agent);
        world.interrupt(&old, SpotAction::Terminate);
    });
    story.ends_elsewhere(&old).await;
}

/// The same; but the run that was told has died as soon as it had marked the holder.
fn interrupted_and_only_marked(story: &Story) -> String {
    let old = story.holder();
    story.lose(&[WARNING]);
    let reclaim = story.aws().clock().now() + Duration::from_secs(120);
    let risk = Risk { reason: RiskReason::Interruption, until: Some(reclaim) };
    story.world(|world| {
        world.interrupt(&old, SpotAction::Terminate);
        let value = durin_tests::mark(world, &old, risk);
        world.create_tags(std::slice::from_ref(&old), &[(AT_RISK.to_owned(), value)]).expect("marked");
    });
    old
}

/// The event of a launch of long ago comes a second time, and finds a holder that has to go.
async fn taken_over_from_a_run_that_died(story: &Story) {
    interrupted(story, AgentMode::Online).await;
    let old = interrupted_and_only_marked(story);
    launch_event_of_long_ago(story);
    story.ends_elsewhere(&old).await;
}

/// EventBridge delivers it a second time.
fn launch_event_of_long_ago(story: &Story) {
    story.world(|world| {
        let launch = world.events.emitted().iter().rfind(|event| event["detail-type"] == LAUNCH).cloned();
        world.publish(launch.expect("a launch event"));
    });
}

/// Its host retires, and the run that was told has died as soon as it had marked the holder.
fn retired_and_only_marked(story: &Story) -> String {
    let old = story.holder();
    story.retire_unheard(&old);
    let risk = Risk { reason: RiskReason::Retirement, until: None };
    story.world(|world| {
        let value = durin_tests::mark(world, &old, risk);
        world.create_tags(std::slice::from_ref(&old), &[(AT_RISK.to_owned(), value)]).expect("marked");
    });
    old
}

/// A person has set the holder aside, its agent fails, and only the warning reaches a function.
async fn set_aside_and_interrupted(story: &Story) {
    let (old, group) = (story.holder(), story.node().group.clone());
    story.lose(&[LAUNCH, TERMINATE]);
    story.world(|world| {
        world.set_agent_mode(&old, AgentMode::Failing);
        world.enter_standby(&group, std::slice::from_ref(&old), false).expect("standby");
    });
    story.aws().pass(Duration::from_secs(30)).await;
    story.world(|world| world.interrupt(&old, SpotAction::Terminate));
    let volume = story.node().volume.clone();
    story.until("somebody else serves", |world| world.serving(&volume).is_some_and(|holder| holder != old)).await;
}

/// Its host retires, and its successor is launched first.
async fn retired(story: &Story) {
    let old = story.holder();
    story.world(|world| world.schedule_retirement(&old));
    story.ends_elsewhere(&old).await;
}

async fn ten_seconds_before_the_schedule(story: &Story) {
    story.aws().pass(LONGEST_PERIOD - Duration::from_secs(10)).await;
}

/// All events are lost.
async fn looked_after_by_the_schedule_alone(story: &Story) {
    story.lose(&[LAUNCH, TERMINATE]);
    ten_seconds_before_the_schedule(story).await;
    let old = interrupted_and_only_marked(story);
    story.ends_elsewhere(&old).await;
}

/// The claim of the node's name has got lost, and each function in turn is the one that writes it again.
async fn claimed_by_each(story: &Story) {
    let (holder, node) = (story.holder(), story.node().clone());
    let claim = RecordSet::simple(&format!("{CLAIM_PREFIX}{}", node.record_name), "TXT", 300, &claim_text(&node.group));
    let claimed_again = async |what: &str| {
        let change = RecordChange { action: ChangeAction::Delete, record_set: claim.clone() };
        story.world(|world| {
            world.change_resource_record_sets(&node.zone_id, vec![change], None).expect("deleted");
            match what {
                "warned" => world.recommend_rebalance(&holder),
                "launched" => {
                    let mut launch: Value = serde_json::from_str(include_str!("../events/launch.json")).expect("JSON");
                    launch["detail"]["EC2InstanceId"] = holder.clone().into();
                    world.publish(launch);
                }
                _ => {}
            }
        });
        let is_there = |world: &World| world.route53.zones()[&node.zone_id].record_set(&claim.name, "TXT").is_some();
        story.until(what, is_there).await;
    };
    claimed_again("looked after by the schedule").await;
    claimed_again("warned").await;
    claimed_again("launched").await;
}

/// A person has the group end the holder.
async fn ended_by_its_group(story: &Story) {
    let old = story.holder();
    story.world(|world| world.terminate_instance_in_auto_scaling_group(&old, false)).expect("terminating");
    story.ends_elsewhere(&old).await;
}

/// The group launches a replacement first, and the holder's agent fails: it has to be terminated.
async fn cannot_release(story: &Story) {
    let old = story.holder();
    story.world(|world| {
        world.set_agent_mode(&old, AgentMode::Failing);
        world.recommend_rebalance(&old);
    });
    story.ends_elsewhere(&old).await;
}

/// Or the check of every story that Durin never forces a detach would be worth nothing.
#[tokio::test(start_paused = true)]
async fn a_function_that_detaches_by_force_is_reported() {
    let story = Story::without_functions(&Seed::one_node());
    let (holder, volume) = (story.holder(), story.node().volume.clone());
    let reported = async |caller: &str, force: Option<bool>| {
        let ec2 = Aws::new(&story.aws().sdk_config(caller)).ec2;
        drop(ec2.detach_volume().volume_id(&volume).instance_id(&holder).set_force(force).send().await);
        let complaints = story.world(|world| broken(world));
        complaints.into_iter().filter(|text| text.contains("detaches by force")).collect::<Vec<_>>()
    };
    assert!(reported("durin-node-lifecycle", None).await.is_empty());
    assert!(reported("durin-node-lifecycle", Some(false)).await.is_empty());
    assert!(reported("operator", Some(true)).await.is_empty(), "a person may know better");
    let told = format!("durin-node-lifecycle detaches by force: {volume} {holder}");
    assert_eq!(reported("durin-node-lifecycle", Some(true)).await, [told]);
}

/// What is not a node's is out of reach, however a function came to ask for it. Each service refuses in its own words.
#[tokio::test(start_paused = true)]
async fn what_is_not_a_nodes_is_out_of_reach() {
    let story = Story::without_functions(&Seed::one_node());
    let (holder, volume, zone) = (story.holder(), story.node().volume.clone(), story.node().zone_id.clone());
    let (stranger, theirs) = story.world(|world| {
        let image_id = Some("ami-0123456789abcdef0".to_owned());
        let request = RunInstances { image_id, zone: Some(ZONE.to_owned()), count: 1, ..RunInstances::default() };
        let instance = world.run_instances(request).expect("launched").remove(0);
        let request = CreateVolume { zone: ZONE.to_owned(), size_gib: 8, ..CreateVolume::default() };
        (instance, world.create_volume(request).expect("created"))
    });
    let aws = Aws::new(&story.aws().sdk_config("durin-node-lifecycle"));
    let tag = |key: &str| Tag::builder().key(key).value("x").build();
    let (ec2, ssm, groups) = (&aws.ec2, &aws.ssm, &aws.autoscaling);

    let of_ec2 = [
        code(ec2.attach_volume().volume_id(&theirs).instance_id(&holder).device("/dev/sdg").send().await),
        code(ec2.attach_volume().volume_id(&volume).instance_id(&stranger).device("/dev/sdf").send().await),
        code(ec2.detach_volume().volume_id(&volume).instance_id(&stranger).send().await),
        code(ec2.terminate_instances().instance_ids(&stranger).send().await),
        code(ec2.terminate_instances().instance_ids(&holder).instance_ids(&stranger).send().await),
        code(ec2.create_tags().resources(&stranger).set_tags(Some(vec![tag("durin:at-risk")])).send().await),
        code(ec2.create_tags().resources(&holder).set_tags(Some(vec![tag("durin:volume-id")])).send().await),
        code(ec2.create_tags().resources(&theirs).set_tags(Some(vec![tag("durin:volume")])).send().await),
        code(ec2.stop_instances().instance_ids(&holder).send().await),
        code(ec2.delete_volume().volume_id(&volume).send().await),
    ];
    assert_eq!(of_ec2, ["UnauthorizedOperation"; 10]);
    let of_ssm = [
        code(ssm.send_command().document_name("AWS-RunShellScript").instance_ids(&holder).send().await),
        code(ssm.send_command().document_name("durin-release").instance_ids(&stranger).send().await),
        code(ssm.get_parameter().name("/durin/image").send().await),
    ];
    assert_eq!(of_ssm, ["AccessDeniedException"; 3]);
    let of_others = [
        code(
            groups
                .terminate_instance_in_auto_scaling_group()
                .instance_id(&stranger)
                .should_decrement_desired_capacity(false)
                .send()
                .await,
        ),
        code(groups.delete_auto_scaling_group().auto_scaling_group_name("k3s").send().await),
        code(aws.route53.delete_hosted_zone().id(&zone).send().await),
    ];
    assert_eq!(of_others, ["AccessDenied"; 3]);
    assert_eq!(story.world(|world| world.iam.denials.len()), 16);
    assert_eq!(story.holder(), holder);
    story.until("the stranger runs", |world| world.ec2.instances()[&stranger].state.name() == "running").await;
}

/// The code of the refusal.
fn code<T: std::fmt::Debug, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    result.expect_err("refused").code().unwrap_or_default().to_owned()
}

/// A mistake in the set-up makes each function fail to the last attempt, so that Lambda gives its event up.
async fn mistaken(story: &Story) {
    let (old, group) = (story.holder(), story.node().group.clone());
    story.world(|world| {
        let tag = GroupTag { key: "durin:record-ttl".into(), value: "ten".into(), propagate_at_launch: true };
        world.create_or_update_tags(vec![(group, tag)]).expect("tagged");
        // One that stays: of one that is gone nothing is asked any more.
        world.recommend_rebalance(&old);
    });
    story.aws().pass(Duration::from_secs(10 * 60)).await;
    story.world(|world| world.interrupt(&old, SpotAction::Terminate));
    story.aws().pass(Duration::from_secs(20 * 60)).await;
    let given_up = |world: &mut World| world.lambda.dead_letters().iter().map(|it| it.function.clone()).collect();
    let given_up: BTreeSet<String> = story.world(given_up);
    assert_eq!(given_up.len(), 3, "{given_up:?}");
}
