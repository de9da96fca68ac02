//! What an instance alone can measure: durin-node has said it in its answers, and Systems Manager keeps those for a month.

use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey};
use serde_json::Value;

use super::calls::within;
use crate::bench::Bench;
use crate::probe::{Finding, Here, Level, Probe, Rests, Timing, Trouble, Verdict};

pub(super) const PROBES: &[Probe] = &[Probe {
    name: "a-hand-off-is-as-quick-inside",
    level: Level::Read,
    assumes: "In a hand-off, k3s has stopped within 4 seconds, its containers within 8 more, and the volume is unmounted within 2; \
              the next instance mounts it within 2 seconds, k3s answers 20 later, and the workloads are ready 15 after that.",
    rests_on: &[Rests {
        file: "harness/src/world/latency.rs",
        rule: "the ranges `k3s_stop`, `drain`, `unmount`, `mount`, `k3s_start` and `pod_start`: most of an outage",
    }],
    calls: &["ssm:ListCommandInvocations"],
    expects: "the answers of the last hand-offs in this region; have one first: just drill",
    makes: "",
    cents: 0.0,
    seconds: 2,
    here: Here::Beyond("what runs inside its instances is a model, and reports no seconds"),
    ask: |bench| Box::pin(inside(bench)),
}];

/// The field of the latencies, how long it may take in milliseconds, and where an answer of that document has it in seconds.
const STEPS: [(&str, &str, u64, &str); 5] = [
    ("durin-release", "k3s_stop", 4_000, "/seconds/stop k3s"),
    ("durin-release", "drain", 8_000, "/seconds/end the containers"),
    ("durin-release", "unmount", 2_000, "/seconds/unmount"),
    ("durin-serves", "mount", 2_000, "/volume/mount_seconds"),
    ("durin-serves", "k3s_start", 20_000, "/k3s/api_seconds"),
];

async fn inside(bench: &Bench) -> Result<Finding, Trouble> {
    let released = answers(bench, "durin-release").await?;
    let served = answers(bench, "durin-serves").await?;
    let mut findings = Vec::new();
    for (document, latency, most, place) in STEPS {
        let of_it = if document == "durin-release" { &released } else { &served };
        let spans = of_it.iter().filter_map(|answer| answer.pointer(place)?.as_f64());
        findings.push((latency, most, spans.collect::<Vec<_>>()));
    }
    let after = |answer: &Value| {
        let seconds = |place| answer.pointer(place).and_then(Value::as_f64);
        Some(seconds("/k3s/workloads_seconds")? - seconds("/k3s/api_seconds")?)
    };
    findings.push(("pod_start", 15_000, served.iter().filter_map(after).collect()));
    if let Some((latency, ..)) = findings.iter().find(|(_, _, spans)| spans.is_empty()) {
        let why = format!("no hand-off of the last month says its {latency}: have one with just drill, and ask again");
        return Err(Trouble::Lacking(why));
    }
    let mut whole = Finding::of(true, "");
    for (latency, most, spans) in findings {
        let timed = spans.into_iter().map(|seconds| timing(latency, seconds)).collect();
        let finding = within(most, timed);
        if finding.verdict != Verdict::Proved {
            whole.verdict = Verdict::Refuted;
        }
        let separator = if whole.saw.is_empty() { "" } else { "; " };
        whole.saw = format!("{}{separator}{latency}: {}", whole.saw, finding.saw);
        whole.timings.extend(finding.timings);
    }
    Ok(whole)
}

fn timing(latency: &str, seconds: f64) -> Timing {
    let millis = (seconds.max(0.0) * 1_000.0).round() as u64;
    Timing { latency: latency.to_owned(), at_least_ms: millis, at_most_ms: millis }
}

/// The last line of each output is the answer. The newest fifty, of all nodes.
async fn answers(bench: &Bench, document: &str) -> Result<Vec<Value>, Trouble> {
    let of_it = CommandFilter::builder().key(CommandFilterKey::DocumentName).value(document).build()?;
    let call = bench.aws.ssm.list_command_invocations().details(true).filters(of_it).max_results(50);
    let listed = call.send().await?.command_invocations.unwrap_or_default();
    let outputs = listed.into_iter().flat_map(|it| it.command_plugins.unwrap_or_default()).filter_map(|it| it.output);
    let answer = |output: String| output.lines().filter_map(|line| serde_json::from_str(line).ok()).next_back();
    Ok(outputs.filter_map(answer).collect())
}
