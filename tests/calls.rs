//! What each event costs: how many API calls, and how many of them wait for one another. Each wait is outage.

use std::time::Duration;

use durin::tags::FAMILY;
use durin_harness::seed::{IMAGE_PARAMETER, NodeSeed, Seed};
use durin_harness::time::Time;
use durin_harness::world::World;
use durin_harness::world::ec2::{ImageSpec, SnapshotSpec};
use durin_harness::world::history::Entry;
use durin_harness::world::latency::Range;
use durin_harness::world::ssm::PutParameter;
use durin_tests::{Invoked, LAUNCH, Story, TERMINATE, schedule};
use rstest::rstest;
use serde_json::{Value, json};

/// So long does every call take here, so that time counts the calls that wait for one another.
const CALL: Duration = Duration::from_millis(100);

/// A world in which every call takes as long as every other, and attaching is quicker than any.
fn measured(seed: &Seed) -> Story {
    let story = Story::without_functions(seed);
    story.world(|world| {
        let call = Range::exactly(CALL);
        let latency = &mut world.latency;
        latency.ec2_read = call;
        latency.ec2_write = call;
        latency.autoscaling_call = call;
        latency.route53_call = call;
        latency.attach = Range::exactly(CALL / 2);
    });
    story
}

fn event_of(world: &World, detail_type: &str) -> Value {
    let of_kind = |event: &&Value| event["detail-type"] == detail_type;
    world.events.emitted().iter().rfind(of_kind).cloned().expect("emitted")
}

async fn cost(story: &Story, function: &str, event: Value) -> (Invoked, usize, u32) {
    let begun: Time = story.world(|world| world.now());
    let invoked = story.invoke(function, event).await;
    let took = story.world(|world| world.now()).since(begun);
    let calls = invoked.calls.len();
    // The clock rounds each wait up by at most a millisecond.
    let waits = (took.as_millis() + 20) / CALL.as_millis();
    (invoked, calls, u32::try_from(waits).expect("few"))
}

/// How long after that the record was changed, to the call.
fn record_moved(story: &Story, begun: Time) -> Duration {
    let moved = story.world(|world| {
        let changed = |entry: &&Entry| entry.fact.operation() == Some("route53:ChangeResourceRecordSets");
        world.history().iter().rfind(changed).map(|entry| entry.at).expect("changed")
    });
    CALL * u32::try_from((moved.since(begun).as_millis() + 20) / CALL.as_millis()).expect("few")
}

/// The holder died, its successor waits in the launch hook and runs, the volume is free.
async fn successor_waits(story: &Story) {
    let old = story.holder();
    story.world(|world| world.reclaim(&old));
    let new = story.until_member_is("Pending:Wait").await;
    story.until("the successor runs", |world| world.ec2.instances()[&new].state.name() == "running").await;
    story
        .until("the volume is free", |world| world.ec2.volumes().values().all(|volume| volume.attachment.is_none()))
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_launch_moves_the_record_in_six_calls_and_waits_for_the_word_of_its_instance() {
    let story = measured(&Seed::one_node());
    successor_waits(&story).await;
    story.world(|world| {
        let group = world.autoscaling.groups()["k3s"].clone();
        let old =
            group.members.iter().find_map(|it| it.action.as_ref().filter(|action| action.hook == "durin-terminate"));
        if let Some(action) = old {
            let request = durin_harness::world::autoscaling::CompleteLifecycleAction {
                group: "k3s".to_owned(),
                hook: action.hook.clone(),
                token: Some(action.token.clone()),
                instance: None,
                result: durin_harness::world::autoscaling::ActionResult::Continue,
            };
            world.complete_lifecycle_action(request).expect("completed");
        }
    });
    let (begun, event) = story.world(|world| (world.now(), event_of(world, LAUNCH)));
    let (invoked, calls, waits) = cost(&story, "durin-node-lifecycle", event.clone()).await;
    invoked.outcome.expect("handed over");
    assert_eq!(
        (invoked.calls[5].as_str(), record_moved(&story, begun)),
        ("route53:ChangeResourceRecordSets", 4 * CALL)
    );
    // Then it waits for the instance to boot, to start k3s, and to say so, with a look whether it lives; and its owner hears
    // of it.
    let (asked, others): (Vec<_>, Vec<_>) = invoked.calls.iter().partition(|call| call.starts_with("ssm:"));
    assert!(others.len() == 9 && asked.len() <= 9 && calls <= 18 && waits < 600, "{:?}", invoked.calls);

    // Again, after success, while the group still launches: it reads, finds the action completed, and changes nothing.
    let before = (story.holder(), story.record());
    let (invoked, calls, waits) = cost(&story, "durin-node-lifecycle", event).await;
    invoked.outcome.expect("nothing to do");
    // Systems Manager takes as long as it likes here.
    assert!(calls == 8 && waits < 12, "{waits}: {:?}", invoked.calls);
    assert_eq!((story.holder(), story.record()), before);
}

#[tokio::test(start_paused = true)]
async fn a_terminate_event_of_a_dead_instance_costs_five_calls() {
    let story = measured(&Seed::one_node());
    let old = story.holder();
    story.world(|world| {
        world.autoscaling.fail_next_launches("k3s", 100);
        world.reclaim(&old);
    });
    story.until_member_is("Terminating:Wait").await;
    let event = story.world(|world| event_of(world, TERMINATE));
    let (invoked, calls, waits) = cost(&story, "durin-node-lifecycle", event).await;
    invoked.outcome.as_ref().expect("completed");
    assert_eq!((calls, waits), (5, 4), "{:?}", invoked.calls);
    assert_eq!(invoked.writes(), ["autoscaling:CompleteLifecycleAction"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_ours_costs_one_call() {
    let story = measured(&Seed::one_node());
    story.world(|world| {
        for key in ["durin:volume-id", "durin:hosted-zone-id", "durin:record-name"] {
            world.delete_group_tags(vec![("k3s".to_owned(), key.to_owned())]).expect("untagged");
        }
    });
    let event = json!({
        "source": "aws.autoscaling",
        "detail-type": LAUNCH,
        "detail": {"AutoScalingGroupName": "k3s", "LifecycleHookName": "durin-launch", "EC2InstanceId": "i-12345678"},
    });
    let (invoked, calls, _) = cost(&story, "durin-node-lifecycle", event.clone()).await;
    let answer = invoked.outcome.expect("not ours");
    assert!(answer["k3s"].as_str().is_some_and(|text| text.contains("not a Durin node")), "{answer}");
    assert_eq!(calls, 1);

    let mut gone = event;
    gone["detail"]["AutoScalingGroupName"] = json!("deleted-long-ago");
    let (_, calls, _) = cost(&story, "durin-node-lifecycle", gone).await;
    assert_eq!(calls, 1);
    let (_, calls, _) = cost(&story, "durin-node-resync", schedule()).await;
    assert_eq!(calls, 1);
}

#[tokio::test(start_paused = true)]
async fn a_warning_of_an_instance_that_is_not_a_nodes_costs_one_call() {
    let story = measured(&Seed::one_node());
    let warning = json!({
        "source": "aws.ec2",
        "detail-type": "EC2 Spot Instance Interruption Warning",
        "detail": {"instance-id": "i-0123456789abcdef0", "instance-action": "terminate"},
    });
    let (invoked, calls, _) = cost(&story, "durin-spot-interruption", warning).await;
    let answer = invoked.outcome.expect("not ours");
    assert!(
        answer["i-0123456789abcdef0"].as_str().is_some_and(|text| text.contains("not an instance of a Durin node")),
        "{answer}"
    );
    assert_eq!(calls, 1);
}

/// However many it names; and a copy for another region none at all.
#[tokio::test(start_paused = true)]
async fn a_retirement_of_instances_that_are_not_a_nodes_costs_one_call() {
    let story = measured(&Seed::one_node());
    let entities: Vec<_> =
        (0..50).map(|number| json!({"entityValue": format!("i-0123456789abcd{number:03}")})).collect();
    let mut event = json!({
        "source": "aws.health",
        "detail-type": "AWS Health Event",
        "detail": {
            "service": "EC2",
            "eventTypeCode": "AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
            "backupEvent": "false",
            "affectedEntities": entities,
        },
    });
    for (is_copy, expected) in [("false", 1), ("true", 0)] {
        event["detail"]["backupEvent"] = json!(is_copy);
        let (invoked, calls, _) = cost(&story, "durin-spot-interruption", event.clone()).await;
        let answer = invoked.outcome.expect("not ours");
        assert_eq!((answer.as_object().map(|it| it.len()), calls), (Some(50 * expected), expected));
    }
}

/// One page of groups, of instances, of volumes, of releases and of answers, and one of records for each hosted zone; and
/// one command that asks whether they serve.
#[rstest]
#[case::one(1)]
#[case::fifty(50)]
#[tokio::test(start_paused = true)]
async fn the_schedule_costs_seven_calls_however_many_nodes_share_a_zone(#[case] nodes: usize) {
    let node = |number| NodeSeed {
        name: format!("node-{number}"),
        record_name: format!("node-{number}.durin.internal"),
        ..NodeSeed::default()
    };
    let story = measured(&Seed { seed: 1, nodes: (0..nodes).map(node).collect(), ..Seed::default() });
    let (invoked, calls, _) = cost(&story, "durin-node-resync", schedule()).await;
    let answer = invoked.outcome.as_ref().expect("all healthy");
    assert_eq!(answer.as_object().map(|nodes| nodes.len()), Some(nodes));
    // Besides, the nodes' hooks are looked at once an hour.
    let of_hooks = invoked.calls.iter().filter(|call| *call == "autoscaling:DescribeLifecycleHooks").count();
    assert_eq!(of_hooks, 0, "{:?}", invoked.calls);
    assert_eq!(calls - of_hooks, 7, "{:?}", invoked.calls);
    assert_eq!(invoked.writes(), ["ssm:SendCommand"]);
}

/// One sick node does not keep the schedule from the others.
#[tokio::test(start_paused = true)]
async fn a_sick_node_is_named_and_the_others_are_looked_after() {
    let node = |name: &str| NodeSeed {
        name: name.to_owned(),
        record_name: format!("{name}.durin.internal"),
        ..NodeSeed::default()
    };
    let story = measured(&Seed { seed: 1, nodes: vec![node("sick"), node("well")], ..Seed::default() });
    story.world(|world| {
        world.autoscaling.tamper_with_group("sick", |group| group.desired_capacity = 3);
        world.route53.tamper_with_records("well.durin.internal.", |set| set.values = vec!["192.0.2.1".into()]);
    });
    let (invoked, _, _) = cost(&story, "durin-node-resync", schedule()).await;
    assert_eq!(invoked.writes(), ["route53:ChangeResourceRecordSets", "ssm:SendCommand"]);
    let error = invoked.outcome.expect_err("one is sick");
    assert!(error.message.contains("1 of 2 nodes failed") && error.message.contains("sick"), "{error}");
}

/// However long EC2 takes: while the function waits it makes at most so many calls a minute.
#[tokio::test(start_paused = true)]
async fn waiting_costs_at_most_ninety_calls_a_minute() {
    let story = measured(&Seed::one_node());
    let old = story.holder();
    story.world(|world| {
        world.latency.shutting_down = Range::from_secs(200, 200);
        world.reclaim(&old);
    });
    let new = story.until_member_is("Pending:Wait").await;
    let event = story.world(|world| event_of(world, LAUNCH));
    assert_eq!(event["detail"]["EC2InstanceId"], new.as_str());
    let (invoked, calls, waits) = cost(&story, "durin-node-lifecycle", event).await;
    invoked.outcome.expect("handed over");
    let minutes = f64::from(waits) * CALL.as_secs_f64() / 60.0;
    assert!(minutes > 1.0, "{minutes}");
    assert!(calls as f64 / minutes < 90.0, "{calls} calls in {minutes} minutes");
}

/// One read of all images, and two a family: whether its parameter is ours and pinned, and what it names.
#[tokio::test(start_paused = true)]
async fn a_family_that_has_nothing_new_costs_three_calls() {
    let story = measured(&Seed::one_node());
    let (invoked, calls, _) = cost(&story, "durin-ami-publish", schedule()).await;
    invoked.outcome.as_ref().expect("nothing to do");
    assert_eq!((calls, invoked.writes()), (3, vec![]), "{:?}", invoked.calls);
}

/// An image that is none of ours: its tags are waited for while it is young, and not at all when it is old.
#[rstest]
#[case::old(24, 4)]
#[case::young(0, 28)]
#[tokio::test(start_paused = true)]
async fn a_strangers_image_costs_few_calls(#[case] hours_old: i64, #[case] most: usize) {
    let story = measured(&Seed::one_node());
    let image = story.world(|world| {
        let created = Time(world.now().0 - hours_old * 3_600_000);
        world.add_image(ImageSpec::named("a stranger's").created(created))
    });
    let event = json!({
        "source": "aws.ec2",
        "detail-type": "EC2 AMI State Change",
        "detail": {"ImageId": image, "State": "available"},
    });
    let (invoked, calls, _) = cost(&story, "durin-ami-publish", event).await;
    invoked.outcome.as_ref().expect("nothing to do");
    assert!(calls <= most && invoked.writes().is_empty(), "{:?}", invoked.calls);
}

/// All sources at once, so few of the calls wait for one another.
#[tokio::test(start_paused = true)]
async fn a_day_without_litter_costs_twelve_calls_to_prune() {
    let story = measured(&Seed::one_node());
    let (invoked, calls, _) = cost(&story, "durin-ami-prune", schedule()).await;
    invoked.outcome.as_ref().expect("nothing to do");
    assert_eq!((calls, invoked.writes()), (12, vec![]), "{:?}", invoked.calls);
}

/// Any text may name an image, and there may be thousands: they are only looked into if something could go.
#[tokio::test(start_paused = true)]
async fn texts_cost_a_day_without_litter_nothing_and_else_a_call_for_ten() {
    let story = measured(&Seed::one_node());
    story.world(|world| {
        for number in 0..25 {
            let name = format!("/settings/{number}");
            let parameter_type = Some("String".to_owned());
            let text = PutParameter { name, value: "text".to_owned(), parameter_type, ..PutParameter::default() };
            world.put_parameter(text).expect("put");
        }
    });
    let (invoked, calls, _) = cost(&story, "durin-ami-prune", schedule()).await;
    assert_eq!((calls, invoked.writes()), (12, vec![]), "{:?}", invoked.calls);
    let orphan = SnapshotSpec {
        started: Some(story.world(|world| world.now() - Duration::from_secs(30 * 86_400))),
        tags: [(FAMILY.to_owned(), IMAGE_PARAMETER.to_owned())].into(),
        ..SnapshotSpec::default()
    };
    story.world(|world| world.add_snapshot(orphan));
    let (invoked, calls, _) = cost(&story, "durin-ami-prune", schedule()).await;
    assert_eq!((calls, invoked.writes().len()), (12 + 3 + 1, 1), "{:?}", invoked.calls);
}
