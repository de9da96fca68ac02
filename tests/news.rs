//! What an owner hears: each hand-off and each failure, in words, once.

use std::time::Duration;

use durin_harness::seed::Seed;
use durin_harness::world::World;
use durin_harness::world::ec2::SpotAction;
use durin_harness::world::eventbridge::DisorderKind;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::AgentMode;
use durin_tests::{LAUNCH, Story};
use rstest::rstest;
use serde_json::Value;

fn messages(story: &Story) -> Vec<String> {
    story.world(|world| world.events.messages().iter().map(|message| message.text.clone()).collect())
}

/// The details of the events of ours.
fn details(story: &Story, kind: &str) -> Vec<Value> {
    let ours = |event: &&Value| event["source"] == "durin" && event["detail-type"] == kind;
    story.world(|world| world.events.emitted().iter().filter(ours).map(|event| event["detail"].clone()).collect())
}

#[rstest]
#[case::interrupted("EC2 took the old instance's capacity back", |world: &mut World, old: &str| world.interrupt(old, SpotAction::Terminate))]
#[case::recommended("EC2 recommended to replace the old instance", |world: &mut World, old: &str| world.recommend_rebalance(old))]
#[case::retired("AWS retires the old instance's host", |world: &mut World, old: &str| world.schedule_retirement(old))]
#[tokio::test(start_paused = true)]
async fn a_hand_off_is_one_message_that_says_why(#[case] why: &str, #[case] how: fn(&mut World, &str)) {
    let story = Story::new(21, why.contains("recommended"));
    let old = story.holder();
    story.world(|world| how(world, &old));
    story.ends_elsewhere(&old).await;
    let (new, told) = (story.holder(), messages(&story));
    let [message] = told.as_slice() else { panic!("{told:#?}\n{}", story.told()) };
    assert!(
        message.starts_with(&format!("k3s has moved from {old} to {new}, because {why}. k3s did not answer for about")),
        "{message}"
    );
    assert!(message.ends_with("There is nothing for you to do."), "{message}");
}

/// The program's and the functions' seconds against the world's: a command takes up to three seconds to arrive, and k3s is
/// asked every second.
#[tokio::test(start_paused = true)]
async fn a_message_has_the_seconds_of_the_outage() {
    for seed in 1..=5 {
        let story = Story::of_one_node(seed);
        let old = story.interrupt();
        let volume = story.node().volume.clone();
        let serves = |world: &World| world.serving(&volume).is_some();
        story.until("it stops serving", |world| !serves(world)).await;
        let from = story.world(|world| world.now());
        story.until("it serves again", serves).await;
        let away = story.world(|world| world.now()).since(from).as_secs_f64();
        story.ends_elsewhere(&old).await;
        let detail = details(&story, "Durin Hand-Off").pop().expect("a hand-off");
        let said = detail["api_away_s"].as_f64().expect("seconds");
        assert!((said - away).abs() < 4.0, "{said} {away} {detail}");
    }
}

/// The launch comes twice, and both runs finish it: whoever reads the events knows that it was one hand-off.
#[tokio::test(start_paused = true)]
async fn a_hand_off_that_is_told_twice_has_one_id() {
    let story = Story::of_one_node(22);
    story.disorder(LAUNCH, DisorderKind::Doubled(Duration::from_millis(200)), 1);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    let mut ids: Vec<Value> = details(&story, "Durin Hand-Off").into_iter().map(|it| it["id"].clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert!(ids[0].as_str().is_some_and(|id| id.starts_with(&format!("k3s/{}/2026-", story.holder()))), "{ids:?}");
}

/// One that does not serve has a message of its own, and that of the hand-off does not say that all is well.
#[tokio::test(start_paused = true)]
async fn a_newcomer_that_does_not_serve_is_told_of() {
    let story = Story::of_one_node(3);
    story.world(|world| world.ec2.launch_with_agents(AgentMode::Offline));
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    let told = messages(&story);
    assert!(
        told.iter().any(|it| it.contains("has moved") && it.ends_with("look at journalctl -u k3s on it.")),
        "{told:#?}"
    );
    assert!(told.iter().any(|it| it.starts_with("Durin.DoesNotServe: ")), "{told:#?}");
}

/// The schedule meets it every five minutes, and Lambda tries each tick three times.
#[tokio::test(start_paused = true)]
async fn a_mistake_that_stands_is_told_of_once_an_hour() {
    let story = Story::of_one_node(23);
    story.world(|world| {
        world.delete_group_tags(vec![("k3s".to_owned(), "durin:record-name".to_owned())]).expect("untagged")
    });
    story.aws().pass(Duration::from_secs(4 * 3600)).await;
    let told = messages(&story);
    assert!((3..=5).contains(&told.len()), "{told:#?}");
    assert!(told.iter().all(|it| it.starts_with("Durin.") && it.contains("durin:record-name")), "{told:#?}");
}

/// They are looked at by the tick whose failures are told.
#[tokio::test(start_paused = true)]
async fn a_hook_that_does_not_do_is_told_of_once_an_hour() {
    let story = Story::of_one_node(23);
    story.world(|world| world.delete_lifecycle_hook("k3s", "durin-terminate").expect("deleted"));
    story.aws().pass(Duration::from_secs(4 * 3600)).await;
    let told = messages(&story);
    assert!((3..=5).contains(&told.len()), "{told:#?}");
    let is_of_hook = |it: &String| it.starts_with("Durin.Blocked: ") && it.contains("durin-terminate");
    assert!(told.iter().all(is_of_hook), "{told:#?}");
}

/// Nobody waits for EventBridge but the launch action, and that for two seconds. The invocation fails, so an alarm tells.
#[rstest]
#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_holds_nobody_up(
    #[values(FaultKind::Silent, FaultKind::InternalError, FaultKind::Throttled)] fault: FaultKind,
) {
    let story = Story::of(&Seed::one_node());
    story.fault("events:*", fault, 1000);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    // A call without an answer may have arrived.
    assert!(messages(&story).is_empty() || fault == FaultKind::Silent);
    let failures: Vec<String> = story
        .world(|world| world.history().iter().filter_map(|entry| entry.fact.failure().map(str::to_owned)).collect());
    assert!(failures.iter().any(|it| it.contains("events:PutEvents")), "{failures:?}\n{}", story.told());
}
