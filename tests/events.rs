//! The recorded events of `events/`: each is understood or knowingly refused; none harms a node, however often and
//! whenever it comes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use durin::events::{Event, Received};
use durin::lifecycle::{Passage, Transition};
use durin::risk::RiskReason;
use durin_cli::deployment::{self, Deployment};
use durin_cli::recorded;
use durin_harness::world::ec2::SpotAction;
use durin_tests::Story;
use rstest::rstest;
use serde_json::{Value, json};

/// What an event means to us.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Launch(Passage),
    Terminate(Passage),
    Warning,
    ImageReady,
    Schedule,
    NotOurs,
}

/// Every event of `events/`, and what it means.
const EVENTS: [(&str, Meaning); 24] = [
    ("launch", Meaning::Launch(Passage::Service)),
    ("launch-of-another-group", Meaning::Launch(Passage::Service)),
    ("launch-of-another-hook", Meaning::Launch(Passage::Service)),
    ("warm-pool-launch", Meaning::Launch(Passage::WarmPool)),
    ("root-volume-launch", Meaning::Launch(Passage::InPlace)),
    ("terminate", Meaning::Terminate(Passage::Service)),
    ("warm-pool-return", Meaning::Terminate(Passage::WarmPool)),
    ("warm-pool-terminate", Meaning::Terminate(Passage::WarmPool)),
    ("root-volume-terminate", Meaning::Terminate(Passage::InPlace)),
    ("schedule", Meaning::Schedule),
    ("launch-successful", Meaning::NotOurs),
    ("launch-unsuccessful", Meaning::NotOurs),
    ("terminate-successful", Meaning::NotOurs),
    ("instance-state-change", Meaning::NotOurs),
    ("spot-interruption-warning", Meaning::Warning),
    ("rebalance-recommendation", Meaning::Warning),
    ("instance-retirement", Meaning::Warning),
    ("instance-retirement-backup", Meaning::Warning),
    ("volume-attach-failed", Meaning::NotOurs),
    ("ami-available", Meaning::ImageReady),
    ("image-builder-available", Meaning::ImageReady),
    ("bake-finished", Meaning::ImageReady),
    ("parameter-change", Meaning::NotOurs),
    ("run-command-status", Meaning::NotOurs),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

fn read(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every JSON file of a folder, with a real time in the place of the documentation's placeholder.
fn all_of(folder: &Path) -> BTreeMap<String, Value> {
    let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths =
        files.map(|file| file.expect("a file").path()).filter(|path| path.extension().is_some_and(|it| it == "json"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a text").replace("yyyy-mm-ddThh:mm:ssZ", "2026-01-05T06:12:31Z");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    paths.map(read).collect()
}

#[test]
fn every_event_means_what_it_should() {
    let meaning = |event| match Received::parse(event).expect("an event").event {
        Event::LifecycleAction(action) => match action.transition {
            Transition::Launching => Meaning::Launch(action.passage),
            Transition::Terminating => Meaning::Terminate(action.passage),
        },
        Event::Warnings(_) => Meaning::Warning,
        Event::ImageReady(_) => Meaning::ImageReady,
        Event::Schedule => Meaning::Schedule,
        Event::NotOurs => Meaning::NotOurs,
    };
    let found: BTreeMap<String, Meaning> =
        all_of(&folder()).into_iter().map(|(name, event)| (name, meaning(event))).collect();
    let expected: BTreeMap<String, Meaning> =
        EVENTS.into_iter().map(|(name, means)| (name.to_owned(), means)).collect();
    assert_eq!(found, expected);
}

/// The rules give each function the events that it acts on, and nothing else.
#[test]
fn every_rule_matches_what_its_function_acts_on() {
    let deployment = Deployment::shipped().expect("a deployment");
    for (name, event) in all_of(&folder()) {
        let acts = match Received::parse(event.clone()).expect("an event").event {
            Event::LifecycleAction(action) if action.is_ours() => match action.transition {
                Transition::Launching => vec!["durin-node-lifecycle", "durin-node-resync"],
                Transition::Terminating => vec!["durin-node-lifecycle"],
            },
            // Of a retirement there is time to try again.
            Event::Warnings(warnings) if warnings.iter().all(|it| it.risk.reason == RiskReason::Retirement) => {
                vec!["durin-spot-interruption"]
            }
            Event::Warnings(_) => vec!["durin-spot-interruption", "durin-node-resync"],
            Event::ImageReady(_) => vec!["durin-ami-publish"],
            // The schedule invokes its function directly, without the bus.
            Event::LifecycleAction(_) | Event::Schedule | Event::NotOurs => vec![],
        };
        let matching = deployment.rules.iter().filter(|rule| rule.matches(&event));
        let invoked: Vec<_> = matching.map(|rule| rule.function.as_str()).collect();
        assert_eq!(invoked, acts, "events/{name}.json");
    }
}

/// The recordings are of this world: its ids, its tokens.
#[test]
fn the_recordings_are_up_to_date() {
    let recordings = recorded::recordings().expect("a deployment");
    assert!(recordings.len() >= 8);
    for (name, event) in recordings {
        assert_eq!(event, read(name), "events/{name}.json: run `just record`");
    }
    let (world, node) = recorded::opening().expect("a deployment");
    let holder = world.serving(&node.volume).expect("a holder");
    assert_eq!(read("warm-pool-return")["detail"]["EC2InstanceId"], holder);
}

/// Events published elsewhere, in a folder that the environment names: parsed or knowingly refused, without a panic.
#[test]
fn events_of_other_collections_are_understood_or_refused() {
    let Ok(folder) = std::env::var("DURIN_MORE_EVENTS") else { return };
    let events = all_of(Path::new(&folder));
    assert!(!events.is_empty(), "{folder} has no events");
    for (name, event) in events {
        let understood = Received::parse(event).unwrap_or_else(|error| panic!("{name}: {error:?}")).event;
        let is_lifecycle = matches!(understood, Event::LifecycleAction(_));
        assert_eq!(is_lifecycle, name.contains("lifecycle-action") || name.contains("warmpool"), "{name}");
    }
}

/// A node at rest gets the event, twice, and a third time much later: nothing moves. The exception is an interruption
/// warning: it is believed, and moves the node, once. A retirement of which EC2 lists nothing has been called off.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_node_at_rest_is_not_disturbed(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)] event: usize,
) {
    let recorded = read(EVENTS[event].0);
    let story = Story::of_one_node(1);
    let before = (story.holder(), story.record());
    for pause_s in [0, 1, 900] {
        story.aws().pass(Duration::from_secs(pause_s)).await;
        story.world(|world| world.publish(recorded.clone()));
    }
    story.ends_well().await;
    let has_moved = (story.holder(), story.record()) != before;
    assert_eq!(has_moved, EVENTS[event].0 == "spot-interruption-warning", "{}", story.told());
}

/// The event comes, twice, into the middle of a hand-off: before its neighbours, between them, and after them.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_hand_off_ends_the_same(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)] event: usize,
    #[values(0, 170, 195, 300)] after_s: u64,
) {
    let event = read(EVENTS[event].0);
    let story = Story::of_one_node(1);
    let old = story.holder();
    story.world(|world| world.interrupt(&old, SpotAction::Terminate));
    story.aws().pass(Duration::from_secs(after_s)).await;
    story.world(|world| {
        world.publish(event.clone());
        world.publish(event);
    });
    story.aws().pass(Duration::from_secs(120)).await;
    story.ends_well().await;
    assert_ne!(story.holder(), old);
}

/// What the functions are not for, they say so without a call.
#[rstest]
#[tokio::test(start_paused = true)]
async fn another_functions_event_is_refused_without_a_call(
    #[values(
        "durin-node-lifecycle",
        "durin-node-resync",
        "durin-spot-interruption",
        "durin-ami-publish",
        "durin-ami-prune"
    )]
    function: &str,
) {
    let story = Story::of_one_node(1);
    for (name, means) in EVENTS {
        let is_meant = match means {
            Meaning::Launch(_) => ["durin-node-lifecycle", "durin-node-resync"].contains(&function),
            Meaning::Terminate(_) => function == "durin-node-lifecycle",
            Meaning::Warning => ["durin-spot-interruption", "durin-node-resync"].contains(&function),
            Meaning::ImageReady => function == "durin-ami-publish",
            Meaning::Schedule => ["durin-node-resync", "durin-ami-publish", "durin-ami-prune"].contains(&function),
            Meaning::NotOurs => false,
        };
        if !is_meant {
            let invoked = story.invoke(function, read(name)).await;
            let error = invoked.outcome.expect_err(name);
            assert_eq!((error.error_type.as_str(), invoked.calls.len()), ("Durin.NotForThisFunction", 0), "{name}");
            assert!(error.message.contains("check the rule"), "{error}");
        }
    }
}

#[rstest]
#[case::null(json!(null), "not an EventBridge event")]
#[case::a_text(json!("launch"), "not an EventBridge event")]
#[case::an_empty_object(json!({}), "missing field")]
#[case::an_api_gateway_request(json!({"httpMethod": "GET", "path": "/"}), "missing field")]
#[case::an_sns_notice(json!({"Records": [{"EventSource": "aws:sns"}]}), "missing field")]
#[case::without_detail(json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance-launch Lifecycle Action"}), "detail")]
#[case::with_an_empty_detail(launch(json!({})), "AutoScalingGroupName")]
#[case::without_an_instance(launch(json!({"AutoScalingGroupName": "k3s", "LifecycleHookName": "durin-launch"})), "EC2InstanceId")]
#[case::with_an_absurd_instance(
    launch(json!({"AutoScalingGroupName": "k3s", "LifecycleHookName": "durin-launch", "EC2InstanceId": "i-".repeat(500_000)})),
    "is not an instance id")]
#[case::with_an_absurd_group(
    launch(json!({"AutoScalingGroupName": "k".repeat(256), "LifecycleHookName": "durin-launch", "EC2InstanceId": "i-12345678"})),
    "is not an Auto Scaling group name")]
#[case::with_a_time_that_is_none(
    json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": "soon", "detail": {}}), "not an EventBridge event")]
#[tokio::test(start_paused = true)]
async fn bad_input_gets_a_clear_error_and_no_call(#[case] payload: Value, #[case] says: &str) {
    let story = Story::of_one_node(1);
    for function in deployment::function_names() {
        let invoked = story.invoke(function, payload.clone()).await;
        let error = invoked.outcome.expect_err("bad input");
        assert_eq!((error.error_type.as_str(), invoked.calls.len()), ("Durin.InvalidEvent", 0));
        assert!(error.message.contains(says), "{error}");
        assert!(error.message.len() < 400, "{error}");
    }
}

fn launch(detail: Value) -> Value {
    json!({"source": "aws.autoscaling", "detail-type": "EC2 Instance-launch Lifecycle Action", "detail": detail})
}
