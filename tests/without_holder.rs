//! The alarm for a person: the line that the schedule logs when a node has no holder, the metric made from it, and how
//! every run ended.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durin_harness::seed::Seed;
use durin_harness::world::faults::FaultKind;
use durin_harness::world::guest::AgentMode;
use durin_tests::{Story, WARNING, schedule};
use serde_json::{Value, json};
use tracing::subscriber::DefaultGuard;

const RULES: &str = include_str!("../infra/rules.yaml");

/// Log lines, as they would go to Lambda's standard output.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while writing").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn read(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("no panic while writing").clone()).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
    }

    /// The values that the metric filter takes from these lines.
    fn metric(&self) -> Vec<u64> {
        let lines = self.read().into_iter();
        lines.filter_map(|line| line.get("without_holder").map(|value| value.as_u64().expect("a number"))).collect()
    }
}

/// From now on, what this thread logs.
fn listen() -> (Lines, DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    // Another thread may just have come to a line of the log for the first time, when nobody listened.
    tracing::callsite::rebuild_interest_cache();
    (lines, guard)
}

/// What an invocation logs.
async fn logged(story: &Story, function: &str, event: Value) -> Lines {
    let (lines, _guard) = listen();
    story.invoke(function, event).await.outcome.expect("nobody is needed");
    lines
}

/// What one tick of the schedule says for the metric.
async fn tick(story: &Story) -> Vec<u64> {
    logged(story, "durin-node-resync", schedule()).await.metric()
}

#[tokio::test(start_paused = true)]
async fn every_tick_says_how_many_nodes_are_nowhere() {
    let story = Story::without_functions(&Seed::one_node());
    assert_eq!(tick(&story).await, [0]);

    let old = story.holder();
    story.world(|world| world.reclaim(&old));
    // Said before the node is looked after, and not again when it is.
    assert_eq!(tick(&story).await, [1]);

    story.until_member_is("Pending:Wait").await;
    assert_eq!(tick(&story).await, [1]);
    assert_eq!(tick(&story).await, [0]);
}

#[tokio::test(start_paused = true)]
async fn a_node_at_rest_is_not_missed() {
    let story = Story::without_functions(&Seed::one_node());
    let (old, group) = (story.holder(), story.node().group.clone());
    story.world(|world| {
        world.autoscaling.tamper_with_group(&group, |group| group.desired_capacity = 0);
        world.reclaim(&old);
    });
    assert_eq!(tick(&story).await, [0]);
}

/// Lambda throws the answer to an event away, so the log is all that a person sees.
#[tokio::test(start_paused = true)]
async fn every_outcome_is_in_the_log() {
    let story = Story::without_functions(&Seed::one_node());
    let tick = logged(&story, "durin-node-resync", schedule()).await.read();
    let [done] = tick.iter().filter(|line| line["step"] == "done").collect::<Vec<_>>()[..] else { panic!("{tick:?}") };
    let (holder, volume) = (story.holder(), story.node().volume.clone());
    assert_eq!((&done["node"], &done["instance"], &done["volume"]), (&json!("k3s"), &json!(holder), &json!(volume)));

    let warning = json!({
        "source": "aws.ec2", "detail-type": WARNING, "time": "2026-01-05T06:00:00Z",
        "detail": {"instance-id": "i-0123456789abcdef9", "instance-action": "terminate"},
    });
    let lines = logged(&story, "durin-spot-interruption", warning).await.read();
    let [done] = lines.iter().filter(|line| line["step"] == "done").collect::<Vec<_>>()[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(done["instance"], "i-0123456789abcdef9");
    assert!(done["reason"].as_str().is_some_and(|reason| reason.contains("not an instance of a Durin node")), "{done}");
}

/// The node moves all the same, only slower.
#[tokio::test(start_paused = true)]
async fn what_keeps_an_instance_from_releasing_is_in_the_log_once() {
    let story = Story::without_functions(&Seed::one_node());
    let old = story.holder();
    story.world(|world| {
        world.set_agent_mode(&old, AgentMode::Failing);
        world.terminate_instance_in_auto_scaling_group(&old, false).expect("terminating");
    });
    story.until_member_is("Pending:Wait").await;
    story.aws().pass(Duration::from_secs(60)).await;
    let lines = logged(&story, "durin-node-resync", schedule()).await.read();
    let told: Vec<_> = lines.iter().filter(|line| line["message"] == "not done").collect();
    let [told] = told[..] else { panic!("{lines:?}") };
    assert_eq!((&told["level"], &told["instance"]), (&json!("WARN"), &json!(old)));
    let reason = "there is no /usr/local/bin/durin-node on this instance";
    assert!(told["reason"].as_str().is_some_and(|text| text.starts_with(reason)), "{told}");
    assert_ne!(story.holder(), old);
}

#[test]
fn the_metric_is_made_of_that_very_field() {
    assert!(RULES.contains("FilterPattern: \"{ $.without_holder = * }\""));
    assert!(RULES.contains("MetricValue: $.without_holder"));
}

/// It is not known whether a holder has let go, so nobody says that it serves.
#[tokio::test(start_paused = true)]
async fn a_tick_fails_when_nobody_knows_whether_the_holder_serves() {
    let story = Story::without_functions(&Seed::one_node());
    story.aws().pass(std::time::Duration::from_secs(600)).await;
    story.let_go_in_vain().await;
    story.fault("ssm:*", FaultKind::InternalError, 1_000);
    let error = story.invoke("durin-node-resync", schedule()).await.outcome.expect_err("unknown");
    assert!(error.message.contains("ssm:ListCommandInvocations"), "{error}");
}

/// One line, by the run that has completed the launch action: the seconds of the program, and what the run has seen of EC2's.
#[tokio::test(start_paused = true)]
async fn a_hand_off_ends_in_a_line_with_its_seconds() {
    let (lines, _guard) = listen();
    let story = Story::of_one_node(21);
    let old = story.interrupt();
    story.ends_elsewhere(&old).await;
    let of_hand_off: Vec<Value> = lines.read().into_iter().filter(|line| line["message"] == "handed over").collect();
    let [line] = of_hand_off.as_slice() else { panic!("{of_hand_off:?}") };
    assert_eq!((&line["node"], &line["instance"]), (&json!("k3s"), &json!(story.holder())));
    let latency = story.world(|world| world.latency.clone());
    let looks = Duration::from_secs(3);
    for (key, range) in [
        ("unmount_s", latency.unmount),
        ("detach_s", latency.detach),
        ("attach_s", latency.attach),
        ("mount_s", latency.mount),
        ("k3s_s", latency.k3s_start),
    ] {
        let took = Duration::from_secs_f64(line[key].as_f64().unwrap_or_else(|| panic!("no {key}: {line}")));
        let least = range.min.saturating_sub(looks);
        assert!((least..=range.max + looks).contains(&took), "{key}: {took:?}, of {range:?}");
    }
    let whole = line["release_s"].as_f64().expect("how long the release took");
    assert!(whole >= line["unmount_s"].as_f64().expect("a part of it") && whole < 30.0, "{line}");
}
