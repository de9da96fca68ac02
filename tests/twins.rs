//! Two of everything: two nodes with one record or one volume, and many nodes that wait at once.

use std::time::Duration;

use durin_harness::seed::{NodeSeed, Seed};
use durin_harness::world::autoscaling::GroupTag;
use durin_harness::world::history::Fact;
use durin_tests::{Story, schedule};

const HOUR: Duration = Duration::from_secs(3_600);

fn named(name: &str, record: &str) -> NodeSeed {
    NodeSeed { name: name.to_owned(), record_name: record.to_owned(), ..NodeSeed::default() }
}

/// Writes to the record, or of the volume, that the functions make in so long a time.
async fn writes_in(story: &Story, operation: &str, span: Duration) -> usize {
    let before = story.world(|world| world.history().len());
    story.aws().pass(span).await;
    let is_one = |fact: &Fact| matches!(fact, Fact::Called { caller, operation: called, .. } if caller.is_function() && called == operation);
    story.world(|world| world.history()[before..].iter().filter(|entry| is_one(&entry.fact)).count())
}

fn answers(story: &Story, words: &[&str]) -> bool {
    let says = |fact: &Fact| {
        let text = format!("{fact:?}");
        matches!(fact, Fact::Answered { .. }) && words.iter().all(|word| text.contains(word))
    };
    story.world(|world| world.history().iter().any(|entry| says(&entry.fact)))
}

/// Written in another way, it is still the same record.
#[tokio::test(start_paused = true)]
async fn two_nodes_with_one_record_are_told_and_left_alone() {
    let nodes = vec![named("one", "k3s.durin.internal"), named("two", "two.durin.internal")];
    let story = Story::of(&Seed { seed: 1, nodes, ..Seed::default() });
    let tag = GroupTag {
        key: "durin:record-name".to_owned(),
        value: "K3S.durin.internal.".to_owned(),
        propagate_at_launch: true,
    };
    story.world(|world| world.create_or_update_tags(vec![("two".to_owned(), tag)])).expect("tagged");
    assert_eq!(writes_in(&story, "route53:ChangeResourceRecordSets", HOUR).await, 0, "{}", story.told());
    assert!(answers(&story, &["one and two both declare the record", "two and one both declare the record"]));
}

/// Whoever has it keeps it; and a free one goes to neither.
#[tokio::test(start_paused = true)]
async fn two_nodes_with_one_volume_do_not_take_it_from_each_other() {
    let nodes = vec![named("one", "one.durin.internal"), named("two", "two.durin.internal")];
    let story = Story::of(&Seed { seed: 2, nodes, ..Seed::default() });
    let volume = story.node().volume.clone();
    let owner = story.holder();
    let tag = GroupTag { key: "durin:volume-id".to_owned(), value: volume.clone(), propagate_at_launch: true };
    story.world(|world| {
        world.create_or_update_tags(vec![("two".to_owned(), tag)]).expect("tagged");
        // Its owner does not say whose it is.
        world.ec2.tamper_with_volume(&volume, |volume| drop(volume.tags.remove("durin:node")));
    });
    let taken = writes_in(&story, "ec2:DetachVolume", HOUR).await + writes_in(&story, "ec2:AttachVolume", HOUR).await;
    assert_eq!((taken, story.holder()), (0, owner), "{}", story.told());
    assert!(answers(&story, &["one and two both declare the volume"]), "{}", story.told());
}

/// Nine nodes wait for EC2, as long as the function may; the tenth does not wait with them.
#[tokio::test(start_paused = true)]
async fn nodes_that_wait_do_not_keep_the_schedule_from_the_others() {
    let node = |number| named(&format!("node-{number}"), &format!("node-{number}.durin.internal"));
    let story = Story::without_functions(&Seed { seed: 3, nodes: (0..10).map(node).collect(), ..Seed::default() });
    story.world(|world| {
        for number in 0..9 {
            let group = format!("node-{number}");
            let member = world.autoscaling.groups()[&group].members[0].instance_id.clone();
            world.autoscaling.fail_launches_until(&group, world.now() + HOUR);
            world.terminate_instance_in_auto_scaling_group(&member, false).expect("terminating");
        }
        world.route53.tamper_with_records("node-9.durin.internal.", |set| set.values = vec!["192.0.2.1".into()]);
    });
    story.aws().pass(Duration::from_secs(20)).await;
    let begun = story.world(|world| world.now());
    story.invoke("durin-node-resync", schedule()).await;
    let is_write =
        |fact: &Fact| matches!(fact, Fact::Called { operation, .. } if operation == "route53:ChangeResourceRecordSets");
    let written = story.world(|world| {
        world.history().iter().find(|entry| entry.at >= begun && is_write(&entry.fact)).map(|entry| entry.at)
    });
    let waited = written.unwrap_or_else(|| panic!("never\n{}", story.told())).since(begun);
    assert!(waited < Duration::from_secs(20), "{waited:?}\n{}", story.told());
}
