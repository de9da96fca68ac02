//! The file that a user keeps, and what is said of it.

use std::time::{Duration, SystemTime};

use durin_cli::prove::Measured;
use durin_harness::world::latency::{Latencies, Range};
use durin_prove::probe::Timing;
use durin_prove::proof::{AWS, ELSEWHERE, Proof, read, read_all};
use durin_prove::{Finding, probes, report};

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_614_400)
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("durin-proofs-{name}-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&folder));
    folder
}

#[test]
fn a_proof_is_read_as_it_was_kept_and_gone_on_with_until_it_is_finished() {
    let folder = folder("kept");
    let probe = probes::all().next().expect("a probe");
    let mut proof = Proof::begin(AWS, "eu-central-1", noon());
    proof.runs.push("1767614400".to_owned());
    proof.note(probe, noon(), &Finding::of(true, "an empty list"));
    proof.save(&folder).expect("saved");
    assert_eq!(read(&folder.join("2026-01-05-eu-central-1.json")).expect("a proof"), proof);
    let later = noon() + Duration::from_secs(2 * 86_400);
    let resumed = Proof::resume_or_begin(&folder, AWS, "eu-central-1", later).expect("a proof");
    assert_eq!(resumed, proof, "it was not finished");
    assert!(resumed.has(probe));
    proof.finished = true;
    proof.save(&folder).expect("saved");
    let begun = Proof::resume_or_begin(&folder, AWS, "eu-central-1", later).expect("a proof");
    assert!(begun.findings.is_empty() && begun.date == "2026-01-07", "{begun:?}");
    let elsewhere = Proof::resume_or_begin(&folder, AWS, "us-east-1", noon()).expect("a proof");
    assert!(elsewhere.findings.is_empty(), "another region's is another proof");
}

#[test]
fn a_report_tells_proved_refuted_and_unproved_apart_and_what_has_to_change() {
    let mut all = probes::all();
    let [first, second, third] = [all.next(), all.next(), all.next()].map(|probe| probe.expect("a probe"));
    let mut proof = Proof::begin(AWS, "eu-central-1", noon());
    proof.note(first, noon(), &Finding::of(true, "yes"));
    proof.note(second, noon(), &Finding::of(false, "no"));
    proof.note(third, noon(), &Finding::inconclusive("no time"));
    let told = report::lines([first, second, third].into_iter(), &[proof]).join("\n");
    assert!(told.contains("proved 2026-01-05 eu-central-1") && told.contains("refuted 2026-01-05"), "{told}");
    assert!(told.contains(&format!("change:  {}", second.rests_on[0].file)), "{told}");
    assert!(told.contains("not proved"), "{told}");
    assert!(told.ends_with("1 are proved, 1 refuted, 1 open (2026-01-05 in eu-central-1)."), "{told}");
}

#[test]
fn what_did_not_come_from_aws_proves_nothing() {
    let probe = probes::all().next().expect("a probe");
    let mut proof = Proof::begin(ELSEWHERE, "eu-central-1", noon());
    proof.note(probe, noon(), &Finding::of(true, "yes"));
    let told = report::lines([probe].into_iter(), &[proof]).join("\n");
    assert!(told.contains("not proved") && told.contains("none has been asked on AWS yet"), "{told}");
}

/// Whatever a user adds to the repository has to be readable.
#[test]
fn the_proofs_of_this_repository_can_be_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository").join("proof");
    for proof in read_all(&folder).expect("proofs") {
        assert!(proof.is_of_aws() && proof.finished, "{proof:?}");
        assert!(proof.findings.keys().all(|name| probes::named(name).is_some()), "{proof:?}");
    }
}

/// Spans between looks count as a whole; what was measured only together stays an estimate.
#[test]
fn the_local_aws_takes_its_latencies_from_a_proof() {
    let timed =
        |latency: &str, at_least_ms, at_most_ms| Timing { latency: latency.to_owned(), at_least_ms, at_most_ms };
    let mut proof = Proof::begin(AWS, "eu-central-1", noon());
    let timings = [timed("attach", 1_200, 1_900), timed("attach", 2_500, 3_300), timed("boot+agent_online", 1, 2)];
    let probe = probes::named("a-volume-moves-in-seconds").expect("a probe");
    proof.note(probe, noon(), &Finding::of(true, "yes").timed(timings));
    let measured = Measured::of(&proof);
    assert_eq!(measured.latencies.attach, Range::from_millis(1_200, 3_300));
    assert_eq!(measured.latencies.boot, Latencies::default().boot);
    assert_eq!(measured.origin("attach"), "proved 2026-01-05 eu-central-1");
    assert_eq!(measured.origin("detach"), "estimate");
    let folder = folder("latencies");
    proof.asked = ELSEWHERE.to_owned();
    proof.save(&folder).expect("saved");
    let refused = Measured::read(&proof.path(&folder)).expect_err("it is not of AWS");
    assert!(refused.contains("did not come from AWS"), "{refused}");
}

/// One sentence, the same everywhere: what is proved, when and where.
#[test]
fn the_documents_say_what_is_proved() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
    let proofs = read_all(&root.join("proof")).expect("proofs");
    let summary = report::summary(&probes::all().collect::<Vec<_>>(), &proofs);
    for document in ["README.md", "DEPLOY.md", "proof/README.md"] {
        let text = std::fs::read_to_string(root.join(document)).expect("a document");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&summary), "{document} has to say: {summary}");
    }
}
