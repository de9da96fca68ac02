//! What calls a person when a node is nowhere: the line that the schedule logs, and the metric that is made of it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use durin_harness::seed::Seed;
use durin_tests::{Story, schedule};
use serde_json::Value;

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
    /// The values that the metric filter takes from these lines.
    fn metric(&self) -> Vec<u64> {
        let text = String::from_utf8(self.0.lock().expect("no panic while writing").clone()).expect("UTF-8");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON object a line"));
        lines.filter_map(|line| line.get("without_holder").map(|value| value.as_u64().expect("a number"))).collect()
    }
}

/// What one tick of the schedule says for the metric.
async fn tick(story: &Story) -> Vec<u64> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    story.invoke("durin-node-resync", schedule()).await.outcome.expect("nobody is needed");
    lines.metric()
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

#[test]
fn the_metric_is_made_of_that_very_field() {
    assert!(RULES.contains("FilterPattern: \"{ $.without_holder = * }\""));
    assert!(RULES.contains("MetricValue: $.without_holder"));
}
